/** Certificates for tests of https. */
import "reflect-metadata";
import { KeyObject } from "node:crypto";
import { X509CertificateGenerator } from "@peculiar/x509";

const algorithms = {
  ec: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: "SHA-256",
  },
} as const;

const day = 86_400_000;

/** A self-signed certificate for localhost and its key, as PEM. Its validity is given in days from now. */
export async function selfSigned(
  type: keyof typeof algorithms,
  { from = -1, to = 90 }: { readonly from?: number; readonly to?: number } = {},
): Promise<{ readonly key: string; readonly cert: string }> {
  const algorithm = algorithms[type];
  const now = Date.now();
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=localhost",
    notBefore: new Date(now + from * day),
    notAfter: new Date(now + to * day),
    signingAlgorithm: algorithm,
    keys,
  });
  const key = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" });
  return { key: String(key), cert: `${certificate.toString("pem")}\n` };
}
