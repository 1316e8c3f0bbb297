/** The key by which the SAML stand-in signs, with a certificate of its own making. */
import "reflect-metadata";
import { KeyObject } from "node:crypto";
import { X509CertificateGenerator } from "@peculiar/x509";

export interface SamlKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** DER in base64, as it is in metadata. */
  readonly certificate: string;
}

const algorithm = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};

export async function newSamlKey(): Promise<SamlKey> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: "CN=SAML stand-in",
    notAfter: new Date(Date.now() + 365 * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
  });
  return {
    privateKey: String(KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" })),
    certificate: Buffer.from(made.rawData).toString("base64"),
  };
}
