/** Makes X.509 certificates (RFC 5280). */
import type { webcrypto } from "node:crypto";

/** Loads the X.509 library on demand, as few servers need it. It requires that its polyfill is loaded first. */
export async function loadX509() {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

export interface SelfSigned {
  /** The common name of subject and issuer. */
  readonly commonName: string;
  readonly keys: { readonly publicKey: webcrypto.CryptoKey; readonly privateKey: webcrypto.CryptoKey };
  /** Epoch milliseconds; certificates have whole seconds. */
  readonly from: number;
  readonly until: number;
  /** Eight random bytes. */
  readonly serial: Uint8Array;
}

/** A certificate of an RSA key, signed by that key with SHA-256: DER in base64. */
export async function selfSignedCertificate({
  commonName,
  keys,
  from,
  until,
  serial,
}: SelfSigned): Promise<string> {
  const x509 = await loadX509();
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: positive(serial),
    name: [{ CN: [commonName] }],
    notBefore: new Date(from),
    notAfter: new Date(until),
    signingAlgorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    keys: { publicKey: keys.publicKey, privateKey: keys.privateKey },
    // Without any extension the library would encode an empty list of them, which RFC 5280 section 4.1.2.9 excludes.
    extensions: [await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return Buffer.from(made.rawData).toString("base64");
}

/** A serial number must be positive (RFC 5280 section 4.1.2.2), in hexadecimal. */
function positive(serial: Uint8Array): string {
  const bytes = Buffer.from(serial);
  bytes[0] = (bytes[0]! & 0x7f) | 0x01;
  return bytes.toString("hex");
}
