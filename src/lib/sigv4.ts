/**
 * AWS Signature Version 4: reading, checking and making signatures in the Authorization header, and reading and
 * checking those in the query ("Authentication methods", IAM User Guide; "Common Parameters" in each service's API
 * Reference). Message texts are those of the AWS services. sigv4-canonical.ts has what is signed.
 */
import { equalText, sha256, toHex } from "./bytes.ts";
import {
  ALGORITHM,
  basicDate,
  canonicalRequest,
  collect,
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

/** The result of checkSignature. */
export type SignatureCheck =
  | { ok: true }
  | {
      ok: false;
      reason: "signature" | "expired" | "not-yet" | "scope" | "unsigned-header";
      message: string;
    };

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
    fields.set(name, decodeURIComponent(value));
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
 * Verifies a signature that readSignedRequest read from the same request.
 *
 * @param options.now epoch milliseconds
 * @param options.services the service names that the credential may be scoped to
 * @param options.region the region that the credential must be scoped to; any region by default
 * @param options.maxSkewSeconds how far the request's date may differ from now in either direction, 300 by default. A
 * signature in the query may be older if its X-Amz-Expires says so
 */
export function checkSignature(
  signed: Signed,
  request: WireRequest,
  secretAccessKey: string,
  options: { now: number; services: readonly string[]; region?: string; maxSkewSeconds?: number },
): SignatureCheck {
  const headers = collect(request.headers);
  const refused =
    checkScope(signed, options) ??
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

function checkScope(
  signed: Signed,
  { services, region }: { services: readonly string[]; region?: string },
): SignatureCheck | undefined {
  const day = signed.amzDate.slice(0, 8);
  if (signed.date !== day) {
    const message =
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
      `'${signed.date}' != '${day}', from '${signed.amzDate}'.`;
    return { ok: false, reason: "scope", message };
  }
  // The trailing spaces are AWS's.
  if (region !== undefined && signed.region !== region) {
    const message = `Credential should be scoped to a valid region, not '${signed.region}'. `;
    return { ok: false, reason: "scope", message };
  }
  if (services.includes(signed.service)) return undefined;
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
  // The whole query is signed, including a date in it.
  const needed = [
    ...(signed.place === "header" ? [dateHeader] : []),
    ...(headers.has("x-amz-target") ? ["x-amz-target"] : []),
  ];
  const unsigned = needed.find((name) => !names.includes(name));
  if (unsigned === undefined) return undefined;
  const message = `There were headers present in the request which were not signed: ${unsigned}`;
  return { ok: false, reason: "unsigned-header", message };
}

function checkDate(signed: Signed, now: number, maxSkewSeconds: number): SignatureCheck | undefined {
  const at = parseBasicDate(signed.amzDate) ?? Number.NaN;
  const given = signed.amzDate;
  const life = signed.expires ?? maxSkewSeconds;
  const earliest = now - life * 1000;
  if (!(at >= earliest)) {
    const message = `Signature expired: ${given} is now earlier than ${basicDate(earliest)} (${basicDate(now)} - ${life / 60} min.)`;
    return { ok: false, reason: "expired", message };
  }
  const latest = now + maxSkewSeconds * 1000;
  if (at > latest) {
    const message = `Signature not yet current: ${given} is still later than ${basicDate(latest)} (${basicDate(now)} + ${maxSkewSeconds / 60} min.)`;
    return { ok: false, reason: "not-yet", message };
  }
  return undefined;
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
  const signature = signatureOf(options.secretAccessKey, scope, canonical);
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
