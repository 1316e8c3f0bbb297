/**
 * AWS Signature Version 4: reading, checking and making signatures in the Authorization header ("Create a signed AWS API
 * request", IAM User Guide). Message texts are those the AWS services answer with.
 *
 * Paths and queries are the raw text of the request line and the body its raw bytes: what a framework has decoded can
 * no longer be checked. Presigned requests are recognised, not checked.
 */
import { equalText, hmacSha256, sha256, toHex } from "./bytes.ts";

/** A request as it came over the wire. */
export type WireRequest = {
  method: string;
  /** The raw path, before "?". */
  path: string;
  /** The raw query, after "?"; "" when there is none. */
  query: string;
  /** Name and value of every header line; names of any case; a name may come twice (see headerPairs). */
  headers: Iterable<readonly [string, string]>;
  body: Uint8Array;
};

/** What a signed request says of its signature. */
export type Signed = {
  kind: "signed";
  accessKeyId: string;
  /** Of the credential scope, `YYYYMMDD`. */
  date: string;
  region: string;
  service: string;
  /** Lower-case names in the order given. */
  signedHeaders: readonly string[];
  /** 64 hex digits. */
  signature: string;
  /** `YYYYMMDDTHHMMSSZ`, from X-Amz-Date or else Date. */
  amzDate: string;
  securityToken?: string;
};

/** What readSignedRequest finds. `reason` is a text for IncompleteSignatureException. */
export type SignatureReading =
  | { kind: "none" }
  | { kind: "malformed"; reason: string }
  | { kind: "presigned"; accessKeyId: string | undefined }
  | Signed;

/** What checkSignature finds. */
export type SignatureCheck =
  | { ok: true }
  | {
      ok: false;
      reason: "signature" | "expired" | "not-yet" | "scope" | "unsigned-header";
      message: string;
    };

const ALGORITHM = "AWS4-HMAC-SHA256";
const TERMINATOR = "aws4_request";
/** Headers whose second line would let a proxy and this server see different requests. */
const ONCE = [
  "authorization",
  "host",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-target",
  "x-amz-content-sha256",
];

/** Pairs from node:http's `rawHeaders` (name, value, name, value …), which alone keeps repeated headers apart. */
export function headerPairs(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) pairs.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return pairs;
}

/**
 * Reads the Authorization header and the headers that belong to it. Decides nothing about the signature itself.
 * Schemes other than AWS4-HMAC-SHA256 (Bearer, Basic, AWS4-ECDSA-P256-SHA256) are malformed here; an endpoint that
 * accepts them looks at them first.
 */
export function readSignedRequest(request: WireRequest): SignatureReading {
  const headers = collect(request.headers);
  for (const name of ONCE) {
    if ((headers.get(name)?.length ?? 0) > 1) return malformed(`The header '${name}' must be sent once.`);
  }
  const authorization = headers.get("authorization")?.[0];
  const presigned = queryPairs(request.query).filter(([name]) =>
    /^X-Amz-(?:Signature|Algorithm|Credential)$/i.test(name),
  );
  if (authorization === undefined) {
    if (presigned.length === 0) return { kind: "none" };
    const credential = presigned.find(([name]) => /^X-Amz-Credential$/i.test(name))?.[1];
    return { kind: "presigned", accessKeyId: credential && decodeURIComponent(credential).split("/")[0] };
  }
  if (presigned.length > 0)
    return malformed("A request is signed in the Authorization header or in the query, not in both.");
  if (!headers.get("host")?.[0]) return malformed("The header 'host' is missing.");
  return readAuthorization(authorization, headers);
}

function readAuthorization(authorization: string, headers: Map<string, string[]>): SignatureReading {
  const fields = parseAuthorization(authorization);
  if (!fields)
    return malformed(`Authorization header must be of the algorithm '${ALGORITHM}' and of key=value pairs.`);
  const missing = ["Credential", "Signature", "SignedHeaders"].filter((name) => !fields.get(name));
  const amzDate = requestDate(headers);
  const complaints = missing.map((name) => `Authorization header requires '${name}' parameter.`);
  if (amzDate === null) {
    complaints.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  if (complaints.length > 0) return malformed(complaints.join(" "));
  if (!amzDate)
    return malformed("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601");
  const scope = fields.get("Credential")!.split("/");
  const [accessKeyId, date, region, service, terminator] = scope;
  if (scope.length !== 5 || !accessKeyId || !date || !region || !service) {
    return malformed(
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
    );
  }
  if (terminator !== TERMINATOR)
    return malformed(`Credential should be scoped with a valid terminator: '${TERMINATOR}'.`);
  const signature = fields.get("Signature")!;
  if (!/^[0-9a-f]{64}$/.test(signature)) return malformed("Signature must be 64 lower-case hex digits.");
  const signedHeaders = fields.get("SignedHeaders")!.toLowerCase().split(";");
  const securityToken = headers.get("x-amz-security-token")?.[0];
  const signed = {
    kind: "signed",
    accessKeyId,
    date,
    region,
    service,
    signedHeaders,
    signature,
    amzDate,
  } as const;
  return securityToken === undefined ? signed : { ...signed, securityToken };
}

/**
 * Splits `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…` (commas with or without spaces).
 * @returns the parameters by name, or undefined when the scheme differs, a name comes twice or a part has no "="
 */
export function parseAuthorization(header: string): Map<string, string> | undefined {
  const [scheme, ...rest] = header.trim().split(/[ \t]+/);
  if (scheme !== ALGORITHM) return undefined;
  const fields = new Map<string, string>();
  for (const part of rest.join("").split(",")) {
    const at = part.indexOf("=");
    if (at < 1 || fields.has(part.slice(0, at))) return undefined;
    fields.set(part.slice(0, at), part.slice(at + 1));
  }
  return fields;
}

/**
 * Checks a signature that readSignedRequest read from the same request.
 *
 * @param options.now epoch milliseconds
 * @param options.services the service names the credential may be scoped to; every region is accepted
 * @param options.maxSkewSeconds how far the request's date may lie from now on either side; 300 unless given
 */
export function checkSignature(
  signed: Signed,
  request: WireRequest,
  secretAccessKey: string,
  options: { now: number; services: readonly string[]; maxSkewSeconds?: number },
): SignatureCheck {
  const headers = collect(request.headers);
  const refused =
    checkScope(signed, options.services) ??
    checkSignedHeaders(signed, headers) ??
    checkDate(signed, options.now, options.maxSkewSeconds ?? 300);
  if (refused) return refused;
  const bodyHash = toHex(sha256(request.body));
  const declared =
    signed.signedHeaders.includes("x-amz-content-sha256") && headers.get("x-amz-content-sha256")?.[0];
  if (declared && declared.trim() !== bodyHash) {
    const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    return { ok: false, reason: "signature", message };
  }
  const canonical = canonicalRequest(request, headers, signed.signedHeaders, bodyHash);
  const expected = signatureOf(secretAccessKey, signed, canonical);
  if (equalText(expected, signed.signature)) return { ok: true };
  return {
    ok: false,
    reason: "signature",
    message:
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access " +
      "Key and signing method. Consult the service documentation for details.",
  };
}

function checkScope(signed: Signed, services: readonly string[]): SignatureCheck | undefined {
  const day = signed.amzDate.slice(0, 8);
  if (signed.date !== day) {
    const message =
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
      `'${signed.date}' != '${day}', from '${signed.amzDate}'.`;
    return { ok: false, reason: "scope", message };
  }
  if (services.includes(signed.service)) return undefined;
  // The blank at the end is the services' own.
  return {
    ok: false,
    reason: "scope",
    message: `Credential should be scoped to correct service: '${services[0]}'. `,
  };
}

function checkSignedHeaders(signed: Signed, headers: Map<string, string[]>): SignatureCheck | undefined {
  const names = signed.signedHeaders;
  if (!names.includes("host")) {
    const message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    return { ok: false, reason: "unsigned-header", message };
  }
  const dateHeader = headers.has("x-amz-date") ? "x-amz-date" : "date";
  const needed = [dateHeader, ...(headers.has("x-amz-target") ? ["x-amz-target"] : [])];
  const unsigned = needed.find((name) => !names.includes(name));
  if (unsigned === undefined) return undefined;
  const message = `There were headers present in the request which were not signed: ${unsigned}`;
  return { ok: false, reason: "unsigned-header", message };
}

function checkDate(signed: Signed, now: number, maxSkewSeconds: number): SignatureCheck | undefined {
  const at = parseBasicDate(signed.amzDate) ?? Number.NaN;
  const skew = maxSkewSeconds * 1000;
  const given = signed.amzDate;
  const minutes = `${maxSkewSeconds / 60} min.`;
  if (!(at >= now - skew)) {
    const message = `Signature expired: ${given} is now earlier than ${basicDate(now - skew)} (${basicDate(now)} - ${minutes})`;
    return { ok: false, reason: "expired", message };
  }
  if (at > now + skew) {
    const message = `Signature not yet current: ${given} is still later than ${basicDate(now + skew)} (${basicDate(now)} + ${minutes})`;
    return { ok: false, reason: "not-yet", message };
  }
  return undefined;
}

/**
 * Signs a request: gives the headers to add to those it has (host must be among them). All of its headers are signed.
 * For tests and for our own tools.
 * @param options.now epoch milliseconds
 */
export function signRequest(
  request: WireRequest,
  options: {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
    region: string;
    service: string;
    now: number;
  },
): Record<string, string> {
  const amzDate = basicDate(options.now);
  const added: Record<string, string> = { "x-amz-date": amzDate };
  if (options.sessionToken !== undefined) added["x-amz-security-token"] = options.sessionToken;
  const headers = collect([...request.headers, ...Object.entries(added)]);
  const names = [...headers.keys()].sort();
  const canonical = canonicalRequest(request, headers, names, toHex(sha256(request.body)));
  const scope = { date: amzDate.slice(0, 8), region: options.region, service: options.service, amzDate };
  const credential = `${options.accessKeyId}/${scope.date}/${scope.region}/${scope.service}/${TERMINATOR}`;
  const signature = signatureOf(options.secretAccessKey, scope, canonical);
  added["authorization"] =
    `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return added;
}

type Scope = { date: string; region: string; service: string; amzDate: string };

function signatureOf(secretAccessKey: string, scope: Scope, canonical: string): string {
  const day = hmacSha256(`AWS4${secretAccessKey}`, scope.date);
  const key = hmacSha256(hmacSha256(hmacSha256(day, scope.region), scope.service), TERMINATOR);
  const credentialScope = `${scope.date}/${scope.region}/${scope.service}/${TERMINATOR}`;
  const text = `${ALGORITHM}\n${scope.amzDate}\n${credentialScope}\n${toHex(sha256(canonical))}`;
  return toHex(hmacSha256(key, text));
}

function canonicalRequest(
  request: WireRequest,
  headers: Map<string, string[]>,
  signedHeaders: readonly string[],
  bodyHash: string,
): string {
  const lines = signedHeaders.map((name) => {
    const values = headers.get(name) ?? [];
    return `${name}:${values.map((value) => value.trim().replace(/\s+/g, " ")).join(",")}\n`;
  });
  const path = canonicalPath(request.path);
  const query = canonicalQuery(request.query);
  return [request.method.toUpperCase(), path, query, lines.join(""), signedHeaders.join(";"), bodyHash].join(
    "\n",
  );
}

/** The path without empty and dot segments, every segment encoded once more (what services other than S3 sign). */
function canonicalPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(encode(segment));
  }
  return `/${kept.join("/")}${kept.length > 0 && path.endsWith("/") ? "/" : ""}`;
}

/** Names and values encoded afresh, sorted by name and then value. */
function canonicalQuery(query: string): string {
  return queryPairs(query)
    .sort(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** Encoded names and values; "+" is a space, as in forms, and a stray "%" stands for itself. */
function queryPairs(query: string): [string, string][] {
  const parts = query.split("&").filter((part) => part !== "");
  return parts.map((part) => {
    const at = part.indexOf("=");
    const [name, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    return [reencode(name), reencode(value)];
  });
}

function reencode(text: string): string {
  const spaced = text.replaceAll("+", "%20");
  try {
    return encode(decodeURIComponent(spaced));
  } catch {
    return encode(spaced);
  }
}

/** Percent-encodes everything but RFC 3986's unreserved characters. */
function encode(text: string): string {
  const percent = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, percent);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function collect(headers: Iterable<readonly [string, string]>): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const values = map.get(key);
    if (values) values.push(value);
    else map.set(key, [value]);
  }
  return map;
}

/** X-Amz-Date, or else Date (in either form), as `YYYYMMDDTHHMMSSZ`; null when absent, undefined when unreadable. */
function requestDate(headers: Map<string, string[]>): string | null | undefined {
  const text = headers.get("x-amz-date")?.[0] ?? headers.get("date")?.[0];
  if (text === undefined) return null;
  if (parseBasicDate(text.trim()) !== undefined) return text.trim();
  const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
  if (headers.has("x-amz-date") || !httpDate.test(text) || Number.isNaN(Date.parse(text))) return undefined;
  return basicDate(Date.parse(text));
}

/** Epoch milliseconds as `YYYYMMDDTHHMMSSZ` (seconds rounded down). */
function basicDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

function parseBasicDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1);
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

function malformed(reason: string): { kind: "malformed"; reason: string } {
  return { kind: "malformed", reason };
}
