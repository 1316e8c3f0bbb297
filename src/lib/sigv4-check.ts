/** Checks signatures that sigv4.ts has read: their terms, and with a secret access key or a key derived from it the signature. */
import type { KeyObject } from "node:crypto";
import { equalText, sha256, toHex } from "./bytes.ts";
import type { Signed } from "./sigv4.ts";
import {
  basicDate,
  canonicalRequest,
  collect,
  deriveSigningKey,
  type KeyScope,
  type PathRule,
  parseBasicDate,
  queryPairs,
  signatureOf,
  type WireRequest,
} from "./sigv4-canonical.ts";

interface Refused {
  ok: false;
  reason: "signature" | "expired" | "not-yet" | "scope" | "unsigned-header";
  message: string;
}

/** The result of checkSignature. */
export type SignatureCheck = { ok: true } | Refused;

/** What a signature must be for, and when. */
export interface SignatureTerms {
  /** Epoch milliseconds. */
  now: number;
  /** The service names that the credential may be scoped to. */
  services: readonly string[];
  /** The region that the credential must be scoped to; any region by default. */
  region?: string;
  /**
   * How far the request's date may differ from now in either direction, 300 by default. A signature in the query may be
   * older if its X-Amz-Expires says so.
   */
  maxSkewSeconds?: number;
  /** How long a signature in the query counts, whatever its X-Amz-Expires says. */
  presignedSeconds?: number;
  /** How the path is signed: `normalized` by default. */
  pathRule?: PathRule;
  /** Whether a signature may say that it does not cover the body (UNSIGNED-PAYLOAD); no by default. */
  unsignedPayload?: boolean;
}

/** A derived key, and what it was derived for. It verifies nothing else. */
export interface SigningKey extends KeyScope {
  readonly key: Uint8Array | KeyObject;
}

/**
 * Verifies a signature that readSignedRequest read from the same request.
 * @param key a secret access key, or a key that was derived from one for the scope of this signature
 */
export function checkSignature(
  signed: Signed,
  request: WireRequest,
  key: string | SigningKey,
  terms: SignatureTerms,
): SignatureCheck {
  return checkTerms(signed, request, terms) ?? matchSignature(signed, request, key, terms);
}

/** Checks what needs no key: scope, date, which headers are signed, and whether the body is. Undefined if nothing is wrong. */
export function checkTerms(signed: Signed, request: WireRequest, terms: SignatureTerms): Refused | undefined {
  const headers = collect(request.headers);
  return (
    checkScope(signed, terms) ??
    checkSignedHeaders(signed, headers) ??
    checkDate(signed, terms) ??
    checkPayload(declaredHash(signed, request, headers), terms)
  );
}

/** Checks the signature itself, of a request whose terms were checked. */
export function matchSignature(
  signed: Signed,
  request: WireRequest,
  key: string | SigningKey,
  { pathRule, unsignedPayload = false }: Pick<SignatureTerms, "pathRule" | "unsignedPayload">,
): SignatureCheck {
  const headers = collect(request.headers);
  const declared = declaredHash(signed, request, headers);
  const isUnsigned = unsignedPayload && declared === unsigned;
  const bodyHash = isUnsigned ? unsigned : toHex(sha256(request.body));
  if (declared !== undefined && declared !== bodyHash) {
    const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    return { ok: false, reason: "signature", message };
  }
  const signingKey = typeof key === "string" ? deriveSigningKey(key, signed) : keyFor(key, signed);
  // Most clients of S3 presign URLs without the body, and do not say so.
  const isTacit = unsignedPayload && declared === undefined && signed.place === "query";
  const hashes = isTacit && pathRule === "as sent" ? [unsigned, bodyHash] : [bodyHash];
  for (const query of signedQueries(signed, request.query))
    for (const hash of hashes) {
      const asSigned = { ...request, query };
      const canonical = canonicalRequest(asSigned, headers, signed.signedHeaders, hash, pathRule);
      if (signingKey !== undefined && equalText(signatureOf(signingKey, signed, canonical), signed.signature))
        return { ok: true };
    }
  return {
    ok: false,
    reason: "signature",
    message:
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access " +
      "Key and signing method. Consult the service documentation for details.",
  };
}

/**
 * The queries that a signature may cover. Some clients presign and then add the session token, as some services of AWS want it
 * ("Authentication methods", IAM User Guide). It need not be covered: it counts with its own access key only.
 */
function signedQueries({ place, securityToken }: Signed, query: string): string[] {
  if (place === "header" || securityToken === undefined) return [query];
  const others = query.split("&").filter((part) => !part.startsWith("X-Amz-Security-Token="));
  return [query, others.join("&")];
}

function keyFor({ key, date, region, service }: SigningKey, signed: Signed): SigningKey["key"] | undefined {
  return date === signed.date && region === signed.region && service === signed.service ? key : undefined;
}

const unsigned = "UNSIGNED-PAYLOAD";

/** What the signature says of the body, if anything: its hash, or that it does not cover it. */
function declaredHash(
  signed: Signed,
  request: WireRequest,
  headers: Map<string, string[]>,
): string | undefined {
  const header = signed.signedHeaders.includes("x-amz-content-sha256")
    ? headers.get("x-amz-content-sha256")?.[0]?.trim()
    : undefined;
  if (header || signed.place === "header") return header || undefined;
  return queryPairs(request.query).find(([name]) => /^x-amz-content-sha256$/i.test(name))?.[1];
}

function checkPayload(
  declared: string | undefined,
  { unsignedPayload = false }: SignatureTerms,
): Refused | undefined {
  if (declared?.startsWith("STREAMING-")) {
    const message = `The body must be signed as a whole: signatures in chunks ('${declared}') are not supported.`;
    return { ok: false, reason: "signature", message };
  }
  if (declared !== unsigned || unsignedPayload) return undefined;
  return {
    ok: false,
    reason: "signature",
    message: `The body must be signed: '${unsigned}' is not accepted.`,
  };
}

function checkScope(
  signed: Signed,
  { services, region }: { services: readonly string[]; region?: string },
): Refused | undefined {
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

function checkSignedHeaders(signed: Signed, headers: Map<string, string[]>): Refused | undefined {
  const names = signed.signedHeaders;
  if (!names.includes("host")) {
    const message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    return { ok: false, reason: "unsigned-header", message };
  }
  const dateHeader = headers.has("x-amz-date") ? "x-amz-date" : "date";
  // The query is signed, including a date in it.
  const needed = [
    ...(signed.place === "header" ? [dateHeader] : []),
    ...(headers.has("x-amz-target") ? ["x-amz-target"] : []),
  ];
  const unsigned = needed.find((name) => !names.includes(name));
  if (unsigned === undefined) return undefined;
  const message = `There were headers present in the request which were not signed: ${unsigned}`;
  return { ok: false, reason: "unsigned-header", message };
}

function checkDate(
  signed: Signed,
  { now, maxSkewSeconds = 300, presignedSeconds = signed.expires }: SignatureTerms,
): Refused | undefined {
  const at = parseBasicDate(signed.amzDate) ?? Number.NaN;
  const given = signed.amzDate;
  const life = (signed.place === "query" ? presignedSeconds : undefined) ?? maxSkewSeconds;
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
