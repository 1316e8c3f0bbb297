/**
 * The server's TLS certificate: from a file that is reread while the server runs, or, for development, issued by this
 * installation's own authority, since Amplify and other clients insist on https.
 */
import { createPrivateKey, type webcrypto, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { fileProblem } from "../lib/file-problem.ts";
import { OperatorError } from "../lib/operator-error.ts";
import { type PemBlock, pemBlocks, pemText } from "../lib/pem.ts";
import { loadX509 } from "./certificates.ts";

interface Certificate {
  /** PEM of the private key, and of the certificate with its intermediates. */
  readonly key: string;
  readonly cert: string;
}

/** A certificate of this installation's own authority. */
export interface Issued {
  readonly first: Certificate;
  /** Path of the certificate of the authority to trust. */
  readonly authority: string;
}

export interface CertificateSource {
  readonly first: Certificate;
  /** As above; undefined if the certificate comes from a file. */
  readonly authority: string | undefined;
  /**
   * What the file holds if it has changed: a certificate, or why it cannot be used, so that the current one stays in
   * use. Undefined if there is nothing new; the same file is refused once. Never throws.
   */
  renewed(): Renewal | undefined;
}

type Renewal =
  | { readonly certificate: Certificate; readonly refused?: undefined }
  | { readonly certificate?: undefined; readonly refused: string };

export interface TlsOptions {
  /** `dev`, or the path of a PEM file with a key and its certificates. */
  readonly tls: string;
  /** Folder for the certificate of the `dev` authority. */
  readonly folder: string;
  /** Folder for the authority's key, which no backup should contain: whoever has it can vouch for these names. */
  readonly keyFolder: string;
  /** Host names and addresses for the `dev` certificate. */
  readonly names: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Opens the certificate. Throws an OperatorError if the file does not hold a usable key and its certificate. */
export async function certificateSource(options: TlsOptions): Promise<CertificateSource> {
  return options.tls === "dev" ? ownAuthority(options) : certificateFromFile(options.tls);
}

/** Opens the certificate of a file, and looks when it is changed. Throws an OperatorError if https cannot be served with it. */
export function certificateFromFile(path: string): CertificateSource {
  let changedAt = changeTime(path);
  let refused: string | undefined;
  return {
    first: readPem(path),
    authority: undefined,
    renewed() {
      const foundAt = changeTime(path);
      if (foundAt === changedAt) return undefined;
      try {
        const certificate = readPem(path);
        [changedAt, refused] = [foundAt, undefined];
        return { certificate };
      } catch (error) {
        // It is read again each time, since it may be half written within the resolution of its time of change.
        const { message } = error as Error;
        const known = refused;
        refused = `${foundAt} ${message}`;
        return refused === known ? undefined : { refused: message };
      }
    },
  };
}

/** When the file was changed; undefined if it cannot be told. */
function changeTime(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/**
 * Until when the certificate of a TLS file is valid, and from when. Epoch milliseconds. Throws an OperatorError if the
 * file cannot be used.
 */
export function tlsFileValidity(path: string): { readonly from: number; readonly until: number } {
  const { validFromDate, validToDate } = new X509Certificate(readPem(path).cert);
  return { from: validFromDate.getTime(), until: validToDate.getTime() };
}

/** Reads the file. Throws an OperatorError that names it if https cannot be served with it. */
function readPem(path: string): Certificate {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new OperatorError(`The TLS file ${path} (setting tls) cannot be read: ${fileProblem(error)}.`);
  }
  const blocks = pemBlocks(text);
  if (blocks === undefined)
    throw new OperatorError(
      `The TLS file ${path} is incomplete: a BEGIN line has no END line, or the reverse.`,
    );
  const keys = blocks.filter(({ kind }) => /^(?:[A-Z]+ )?PRIVATE KEY$/.test(kind));
  const certificates = blocks.filter(({ kind }) => kind === "CERTIFICATE");
  const [leaf] = certificates;
  if (keys.length === 0 || leaf === undefined)
    throw new OperatorError(`The TLS file ${path} must hold a private key and its certificates (PEM).`);
  try {
    // createSecureContext checks this only if the key and the certificate are of the same type.
    const key = keyOf(new X509Certificate(leaf.pem), keys);
    const certificate = { key, cert: `${certificates.map(({ pem }) => pem).join("\n")}\n` };
    process.getBuiltinModule("node:tls").createSecureContext(certificate);
    return certificate;
  } catch (error) {
    throw new OperatorError(`The TLS file ${path} cannot be used: ${(error as Error).message}`);
  }
}

/** The key that belongs to the certificate. Throws an Error if none does. */
function keyOf(leaf: X509Certificate, keys: readonly PemBlock[]): string {
  const reasons: string[] = [];
  for (const { pem } of keys) {
    try {
      if (leaf.checkPrivateKey(createPrivateKey(pem))) return pem;
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  const [reason = "no private key in it belongs to its first certificate"] = reasons;
  throw new Error(reason);
}

/** What this process can show others of its server, so that all have one certificate; undefined if it comes from a file. */
export function issuedOf({ first, authority }: CertificateSource): Issued | undefined {
  return authority === undefined ? undefined : { first, authority };
}

/** A certificate that another process of this server has issued. */
export function certificateOf(issued: Issued): CertificateSource {
  return { ...issued, renewed: () => undefined };
}

const day = 86_400_000;
/** The longest validity that browsers accept. */
const leafDays = 397;
const authorityDays = 730;
/** How long an authority must still be valid to be used at a start. */
const authorityLeft = 90;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Issues a new certificate at each start, from an authority that is created once. */
async function ownAuthority(options: TlsOptions): Promise<CertificateSource> {
  const { folder, names, now } = options;
  const x509 = await loadX509();
  const authority = await readAuthority(options);
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const issuer = new x509.X509Certificate(authority.cert);
  const leaf = await x509.X509CertificateGenerator.create({
    subject: `CN=${names[0] ?? "localhost"}`,
    issuer: issuer.subject,
    notBefore: new Date(now - day),
    notAfter: new Date(Math.min(now + leafDays * day, issuer.notAfter.getTime())),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? ("dns" as const) : ("ip" as const), value: name })),
      ),
    ],
  });
  const key = pemText("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const first = { key, cert: `${leaf.toString("pem")}\n${authority.cert}` };
  return certificateOf({ first, authority: join(folder, "ca.pem") });
}

interface Authority {
  readonly cert: string;
  readonly key: webcrypto.CryptoKey;
}

/**
 * This installation's authority, created on first use, and again before it expires or if it may not vouch for one of the
 * names. Only its owner can read its key.
 */
async function readAuthority({ folder, keyFolder, names, now }: TlsOptions): Promise<Authority> {
  const x509 = await loadX509();
  const [certPath, keyPath] = [join(folder, "ca.pem"), join(keyFolder, "ca-key.pem")];
  const subtree = (name: string) =>
    subtreeOf(name, (type, value) => new x509.GeneralName(type, value).rawData);
  const hosts = [...new Set(names.map((name) => name.replace(/^\*\./, "")))];
  if (existsSync(certPath) && existsSync(keyPath)) {
    const cert = readFileSync(certPath, "utf8");
    const known = new x509.X509Certificate(cert);
    const constraints = Buffer.from(known.getExtension(nameConstraints)?.value ?? new ArrayBuffer(0));
    const isCovered = hosts.every((host) => above(host).some((one) => constraints.includes(subtree(one))));
    if (isCovered && known.notAfter.getTime() > now + authorityLeft * day) {
      const der = x509.PemConverter.decodeFirst(readFileSync(keyPath, "utf8"));
      const key = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
      return { cert, key };
    }
  }
  const isTop = (host: string) =>
    !above(host)
      .slice(1)
      .some((one) => hosts.includes(one));
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Poolhouse development authority, O=${folder.replace(/[^\w./-]/g, "_")}`,
    notBefore: new Date(now - day),
    notAfter: new Date(now + authorityDays * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.Extension(nameConstraints, true, der(0x30, der(0xa0, ...hosts.filter(isTop).map(subtree)))),
    ],
  });
  for (const one of [folder, keyFolder]) mkdirSync(one, { recursive: true, mode: 0o700 });
  // Where earlier versions kept the key of an authority for all names.
  rmSync(join(folder, "ca-key.pem"), { force: true });
  const cert = `${authority.toString("pem")}\n`;
  replaceFile(
    keyPath,
    pemText("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
    0o600,
  );
  replaceFile(certPath, cert, 0o644);
  return { cert, key: keys.privateKey };
}

/** The extension that limits an authority to names (RFC 5280 section 4.2.1.10). */
const nameConstraints = "2.5.29.30";

/** A host name and those that it is below; an address alone. */
function above(host: string): string[] {
  if (isIP(host) !== 0) return [host];
  const labels = host.split(".");
  return labels.map((_, index) => labels.slice(index).join("."));
}

/**
 * The subtree, encoded, of a host name with those below it, or of an address.
 * @param encode encodes a GeneralName
 */
function subtreeOf(name: string, encode: (type: "dns" | "ip", value: string) => ArrayBuffer): Buffer {
  if (isIP(name) === 0) return der(0x30, Buffer.from(encode("dns", name)));
  const encoded = Buffer.from(encode("ip", name));
  const address = encoded.subarray(2);
  // Behind an address comes its mask; here each is meant alone.
  return der(0x30, der(encoded[0]!, address, Buffer.alloc(address.length, 0xff)));
}

/** Encodes a value with its tag and length (DER). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

/** Replaces a file atomically. */
function replaceFile(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.next`, text, { mode });
  renameSync(`${path}.next`, path);
}
