/** Shared by tests of the gateway: certificates. */
import { certificateSource } from "../../src/integrations/tls.ts";
import { temporaryFolder } from "../kit/databases.ts";

/** A certificate for names, with its key, and its authority's. */
export async function newCertificate(...names: string[]) {
  const folder = temporaryFolder();
  const options = { tls: "dev", folder, keyFolder: folder, names, now: Date.now() };
  const { key, cert } = (await certificateSource(options)).first;
  return { pem: `${key}${cert}`, ca: cert.slice(cert.lastIndexOf("-----BEGIN")) };
}
