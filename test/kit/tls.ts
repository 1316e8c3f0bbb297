/** Servers with https by a development authority, which this process and a browser trust. */
import { createHash, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { certificateSource } from "../../src/integrations/tls.ts";
import { temporaryFolder } from "./databases.ts";

/** Settings of a server with https, and the flags of a browser that trusts its authority. This process does too. */
export async function trustedTls(): Promise<{
  environment: Readonly<Record<string, string>>;
  flags: readonly string[];
}> {
  const data = temporaryFolder();
  const folder = join(data, "secrets", "tls");
  const keyFolder = join(data, "development-authority");
  // Those of a server on loopback, which would otherwise make an authority for them itself.
  const names = ["localhost", "127.0.0.1", "::1"];
  const { first } = await certificateSource({ tls: "dev", folder, keyFolder, names, now: Date.now() });
  const authority = first.cert.slice(first.cert.lastIndexOf("-----BEGIN CERTIFICATE-----"));
  setDefaultCACertificates([...getCACertificates("default"), authority]);
  const key = new X509Certificate(authority).publicKey.export({ type: "spki", format: "der" });
  const hash = createHash("sha256").update(key).digest("base64");
  return {
    environment: { POOLHOUSE_DATA: data, POOLHOUSE_TLS: "dev", POOLHOUSE_HTTPS_PORT: "0" },
    flags: [`--ignore-certificate-errors-spki-list=${hash}`],
  };
}
