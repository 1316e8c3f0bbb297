/**
 * What Signature Version 4 signs: the canonical form of a request ("Create a signed AWS API request", IAM User Guide).
 * Paths and queries must be the raw text of the request line and the body its raw bytes: once a framework has decoded
 * them, they can no longer be verified.
 */
import type { KeyObject } from "node:crypto";
import { hmacSha256, sha256, toHex, utf8 } from "./bytes.ts";

export const ALGORITHM = "AWS4-HMAC-SHA256";
export const TERMINATOR = "aws4_request";

/**
 * A request as received from the network. In its texts a character stands for a byte, as with node:http and in the
 * headers of the Fetch standard: what was sent as UTF-8 is not decoded.
 */
export type WireRequest = {
  method: string;
  /** The raw path, before "?". */
  path: string;
  /** The raw query, after "?"; "" if there is none. */
  query: string;
  /** The name and value of every header line; names in any case, possibly repeated (see headerPairs). */
  headers: Iterable<readonly [string, string]>;
  body: Uint8Array;
};

/**
 * Pairs from node:http's `rawHeaders` (name, value, name, value …), the only form that keeps repeated headers apart.
 */
export function headerPairs(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) pairs.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return pairs;
}

/** What a key is derived for: the credential scope without its last part. */
export interface KeyScope {
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export interface Scope extends KeyScope {
  readonly amzDate: string;
}

/** The key that signs for a day, a region and a service (kSigning): 32 bytes, from which the secret cannot be found. */
export function deriveSigningKey(secretAccessKey: string, { date, region, service }: KeyScope): Buffer {
  const day = hmacSha256(`AWS4${secretAccessKey}`, date);
  return hmacSha256(hmacSha256(hmacSha256(day, region), service), TERMINATOR);
}

/** The signature of a canonical request by a derived key, 64 hex digits. */
export function signatureOf(signingKey: Uint8Array | KeyObject, scope: Scope, canonical: string): string {
  const credentialScope = `${scope.date}/${scope.region}/${scope.service}/${TERMINATOR}`;
  const hash = toHex(sha256(Buffer.from(octetsOf(canonical), "latin1")));
  const text = `${ALGORITHM}\n${scope.amzDate}\n${credentialScope}\n${hash}`;
  return toHex(hmacSha256(signingKey, text));
}

/**
 * How the path is signed: `normalized`, with every segment encoded once more, or as S3 does it, `as sent`: each segment in
 * its one encoding, empty and dot segments kept.
 */
export type PathRule = "normalized" | "as sent";

/** Method, path, query, signed headers and the hash of the body, each in its canonical form. */
export function canonicalRequest(
  request: WireRequest,
  headers: Map<string, string[]>,
  signedHeaders: readonly string[],
  bodyHash: string,
  pathRule: PathRule = "normalized",
): string {
  const lines = signedHeaders.map((name) => {
    const values = headers.get(name) ?? [];
    return `${name}:${values.map((value) => value.trim().replace(/\s+/g, " ")).join(",")}\n`;
  });
  const path = pathRule === "normalized" ? canonicalPath(request.path) : pathAsSent(request.path);
  const query = canonicalQuery(request.query);
  return [request.method.toUpperCase(), path, query, lines.join(""), signedHeaders.join(";"), bodyHash].join(
    "\n",
  );
}

/**
 * The path without empty and dot segments, with every segment encoded once more (as services other than S3 sign it).
 */
function canonicalPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(encode(segment));
  }
  return `/${kept.join("/")}${kept.length > 0 && path.endsWith("/") ? "/" : ""}`;
}

/** The path with every segment in its one encoding (as S3 signs it). */
function pathAsSent(path: string): string {
  const segments = path.split("/").map((segment) => encode(unescaped(segment)));
  return segments.join("/") || "/";
}

/** Names and values encoded afresh, sorted by name and then by value, without the signature itself. */
function canonicalQuery(query: string): string {
  return queryPairs(query)
    .filter(([name]) => name !== "X-Amz-Signature")
    .sort(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** Encoded names and values; "+" is a space, as in forms, and a stray "%" is taken literally. */
export function queryPairs(query: string): [string, string][] {
  const parts = query.split("&").filter((part) => part !== "");
  return parts.map((part) => {
    const at = part.indexOf("=");
    const [name, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    return [reencode(name), reencode(value)];
  });
}

const reencode = (text: string) => encode(unescaped(text.replaceAll("+", " ")));

/** The text with the bytes that its escapes stand for. */
function unescaped(text: string): string {
  const octet = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return octetsOf(text).replace(/%([0-9a-f]{2})/gi, octet);
}

/** Percent-encodes every byte but RFC 3986's unreserved characters. */
function encode(text: string): string {
  const percent = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return octetsOf(text).replace(/[^\w.~-]/g, percent);
}

/** The text with one character for each byte; the bytes of one that was decoded, and has other characters, are its UTF-8. */
function octetsOf(text: string): string {
  return /[^\0-\xff]/.test(text) ? utf8(text).toString("latin1") : text;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The values of each header by lower-case name, in the order received. */
export function collect(headers: Iterable<readonly [string, string]>): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const values = map.get(key);
    if (values) values.push(value);
    else map.set(key, [value]);
  }
  return map;
}

/** Epoch milliseconds as `YYYYMMDDTHHMMSSZ` (seconds rounded down). */
export function basicDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** Epoch milliseconds; undefined if the text is not such a date. */
export function parseBasicDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1);
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
