/**
 * AWS Signature Version 4: reading and making signatures in the Authorization header, and reading those in the query
 * ("Authentication methods", IAM User Guide; "Common Parameters" in each service's API Reference). Message texts are those of the AWS services. sigv4-canonical.ts has what is signed, sigv4-check.ts checks it.
 */
import { sha256, toHex } from "./bytes.ts";
import {
  ALGORITHM,
  basicDate,
  canonicalRequest,
  collect,
  deriveSigningKey,
  parseBasicDate,
  queryPairs,
  signatureOf,
  TERMINATOR,
  type WireRequest,
} from "./sigv4-canonical.ts";

export { headerPairs, type WireRequest } from "./sigv4-canonical.ts";

/** The parsed signature of a request. */
export type Signed = {
  kind: "signed";
  /** Where the signature is: in the Authorization header or in the query ("presigned"). */
  place: "header" | "query";
  accessKeyId: string;
  /** The date of the credential scope, `YYYYMMDD`. */
  date: string;
  region: string;
  service: string;
  /** Lower-case names in the given order. */
  signedHeaders: readonly string[];
  /** 64 hex digits. */
  signature: string;
  /** `YYYYMMDDTHHMMSSZ`, from X-Amz-Date or else from Date. */
  amzDate: string;
  securityToken?: string;
  /** Seconds of validity, if the signature is in the query and sets X-Amz-Expires. */
  expires?: number;
};

/** The result of readSignedRequest. `reason` is a text for IncompleteSignatureException. */
export type SignatureReading = { kind: "none" } | { kind: "malformed"; reason: string } | Signed;

/** Headers that must occur once: given two, a proxy and this server might see different requests. */
const ONCE = [
  "authorization",
  "host",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-target",
  "x-amz-content-sha256",
];

/**
 * Reads the Authorization header and the headers that belong to it; does not verify the signature. Schemes other than
 * AWS4-HMAC-SHA256 (Bearer, Basic, AWS4-ECDSA-P256-SHA256) are malformed here; an endpoint that accepts them must
 * handle them first.
 */
export function readSignedRequest(request: WireRequest): SignatureReading {
  const headers = collect(request.headers);
  for (const name of ONCE) {
    if ((headers.get(name)?.length ?? 0) > 1) return malformed(`The header '${name}' must be sent once.`);
  }
  const authorization = headers.get("authorization")?.[0];
  const query = queryPairs(request.query);
  const isPresigned = query.some(([name]) => /^X-Amz-(?:Signature|Algorithm|Credential)$/i.test(name));
  if (authorization === undefined && !isPresigned) return { kind: "none" };
  if (!headers.get("host")?.[0]) return malformed("The header 'host' is missing.");
  if (authorization === undefined) return readQuery(query);
  if (isPresigned)
    return malformed("A request is signed in the Authorization header or in the query, not in both.");
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
  return readFields({
    place: "header",
    credential: fields.get("Credential")!,
    signature: fields.get("Signature")!,
    signedHeaders: fields.get("SignedHeaders")!,
    amzDate: amzDate ?? undefined,
    securityToken: headers.get("x-amz-security-token")?.[0],
  });
}

const QUERY_FIELDS = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-SignedHeaders",
  "X-Amz-Signature",
] as const;
/** The longest X-Amz-Expires: a week, in seconds. */
const LONGEST_PRESIGNED = 604_800;

/** Reads a signature in the query. Names must be spelled as AWS spells them, and occur once. */
function readQuery(query: readonly (readonly [string, string])[]): SignatureReading {
  const fields = new Map<string, string>();
  for (const [name, value] of query) {
    if (!name.startsWith("X-Amz-")) continue;
    if (fields.has(name)) return malformed(`The query parameter '${name}' must be sent once.`);
    const text = decoded(value);
    if (text === undefined) return malformed(`The query parameter '${name}' must be UTF-8.`);
    fields.set(name, text);
  }
  const missing = QUERY_FIELDS.filter((name) => !fields.get(name));
  if (missing.length > 0) {
    const complaints = missing.map((name) => `AWS query-string parameters must include '${name}'.`);
    return malformed(`${complaints.join(" ")} Re-examine the query-string parameters.`);
  }
  if (fields.get("X-Amz-Algorithm") !== ALGORITHM)
    return malformed(`X-Amz-Algorithm must be '${ALGORITHM}'.`);
  const expires = fields.get("X-Amz-Expires");
  if (expires !== undefined && !isExpires(expires))
    return malformed(`X-Amz-Expires must be a number of seconds from 1 to ${LONGEST_PRESIGNED}.`);
  const amzDate = fields.get("X-Amz-Date")!;
  const reading = readFields({
    place: "query",
    credential: fields.get("X-Amz-Credential")!,
    signature: fields.get("X-Amz-Signature")!,
    signedHeaders: fields.get("X-Amz-SignedHeaders")!,
    amzDate: parseBasicDate(amzDate) === undefined ? undefined : amzDate,
    securityToken: fields.get("X-Amz-Security-Token"),
  });
  return reading.kind === "signed" && expires !== undefined
    ? { ...reading, expires: Number(expires) }
    : reading;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isExpires(text: string): boolean {
  return /^[1-9]\d{0,5}$/.test(text) && Number(text) <= LONGEST_PRESIGNED;
}

/** Reads the fields that both places of a signature have. `amzDate` is undefined if it is unreadable. */
function readFields(fields: {
  place: Signed["place"];
  credential: string;
  signature: string;
  signedHeaders: string;
  amzDate: string | undefined;
  securityToken: string | undefined;
}): SignatureReading {
  const { amzDate, signature, securityToken } = fields;
  if (amzDate === undefined)
    return malformed("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601");
  const scope = fields.credential.split("/");
  const [accessKeyId, date, region, service, terminator] = scope;
  if (scope.length !== 5 || !accessKeyId || !date || !region || !service) {
    return malformed(
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
    );
  }
  if (terminator !== TERMINATOR)
    return malformed(`Credential should be scoped with a valid terminator: '${TERMINATOR}'.`);
  if (!/^[0-9a-f]{64}$/.test(signature)) return malformed("Signature must be 64 lower-case hex digits.");
  const signedHeaders = fields.signedHeaders.toLowerCase().split(";");
  // All of a header's value is read for each of its names: a thousand of them would take seconds.
  if (new Set(signedHeaders).size < signedHeaders.length)
    return malformed("SignedHeaders must name each header once.");
  const signed = {
    kind: "signed",
    place: fields.place,
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
 * @returns the parameters by name, or undefined if the scheme differs, a name is repeated or a part has no "="
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

/** The access key id that an Authorization header names, if any. */
export function credentialKeyId(header: string): string | undefined {
  return parseAuthorization(header)?.get("Credential")?.split("/")[0] || undefined;
}

/**
 * Signs a request: returns the headers to add to those it has, which must include host. All of its headers are signed.
 * For tests and our own tools.
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
  const signature = signatureOf(deriveSigningKey(options.secretAccessKey, scope), scope, canonical);
  added["authorization"] =
    `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return added;
}

/** X-Amz-Date, or else Date (in either form), as `YYYYMMDDTHHMMSSZ`; null if absent, undefined if unreadable. */
function requestDate(headers: Map<string, string[]>): string | null | undefined {
  const text = headers.get("x-amz-date")?.[0] ?? headers.get("date")?.[0];
  if (text === undefined) return null;
  if (parseBasicDate(text.trim()) !== undefined) return text.trim();
  const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
  if (headers.has("x-amz-date") || !httpDate.test(text) || Number.isNaN(Date.parse(text))) return undefined;
  return basicDate(Date.parse(text));
}

function malformed(reason: string): { kind: "malformed"; reason: string } {
  return { kind: "malformed", reason };
}
