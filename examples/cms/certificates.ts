/** A certificate for all hosts of a domain, of an authority that vouches for nothing else: its key is not kept. */
import "reflect-metadata";
import { createHash, KeyObject } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

export interface HostCertificate {
  /** PEM of the authority's certificate, for browsers to trust. */
  readonly authority: string;
  /** PEM of the key and the certificates, for servers. */
  readonly server: string;
  /** What `--ignore-certificate-errors-spki-list` of Chromium takes. */
  readonly hash: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const day = 86_400_000;

export async function certificateFor(domain: string): Promise<HostCertificate> {
  const [above, keys] = await Promise.all(
    [1, 2].map(() => crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])),
  );
  const life = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 90 * day) };
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...{ name: `CN=Authority of ${domain}`, signingAlgorithm: algorithm, keys: above!, ...life },
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const leaf = await X509CertificateGenerator.create({
    ...{ subject: `CN=*.${domain}`, issuer: authority.subject, signingAlgorithm: algorithm, ...life },
    ...{ publicKey: keys!.publicKey, signingKey: above!.privateKey },
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: "dns", value: `*.${domain}` }]),
    ],
  });
  const key = String(KeyObject.from(keys!.privateKey).export({ type: "pkcs8", format: "pem" }));
  const spki = Buffer.from(await crypto.subtle.exportKey("spki", keys!.publicKey));
  return {
    authority: `${authority.toString("pem")}\n`,
    server: `${key}${leaf.toString("pem")}\n${authority.toString("pem")}\n`,
    hash: createHash("sha256").update(spki).digest("base64"),
  };
}
