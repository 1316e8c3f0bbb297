/** Tokens that an issuer signed: its keys, and the signature, issuer and time of a token (RFC 7515, RFC 7519). */
import { base64url, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { repeatedMember } from "../lib/json-members.ts";
import { type Fetch, findEndpoint, isKeySet, isWeb, readKeys } from "./issuer.ts";
import { assertKnown, type Names } from "./known-options.ts";
import { PublishedKeys } from "./published-keys.ts";
import { TokenError } from "./token-error.ts";

export interface IssuerOptions {
  /** The `iss` of its tokens, such as `https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE`. */
  readonly issuer: string;
  /** The clients whose tokens are accepted: `client_id` of an access token (or `azp`, `appid`, `cid`), `aud` of an ID token; null for any. */
  readonly clientId: string | readonly string[] | null;
  /** The kind of token that is accepted: `access` by default. */
  readonly use?: "access" | "id" | "either";
  /** The `aud` of access tokens: this API, as the issuer knows it. Not asked for by default. */
  readonly audience?: string | readonly string[];
  /** Where the keys are, if not where the issuer's metadata say, which are then not read. */
  readonly jwksUri?: string;
  /** The keys themselves, where they are pinned: the issuer is then asked for none, and its new ones do not count. */
  readonly jwks?: JSONWebKeySet;
  /** Accepted signatures. By default RS256, which is what Cognito signs by; never those with a shared key. */
  readonly algorithms?: readonly string[];
  /** The claim that lists the user's groups: `cognito:groups` by default. */
  readonly groupsClaim?: string;
}

const names: Names<IssuerOptions> = {
  ...{ issuer: true, clientId: true, use: true, audience: true, jwksUri: true, jwks: true },
  ...{ algorithms: true, groupsClaim: true },
};

/** An hour for which keys count while the issuer does not answer. Milliseconds. */
const staleMs = 3_600_000;

const asymmetric = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/;

export interface KnownIssuer {
  readonly options: IssuerOptions;
  readonly algorithms: string[];
  readonly clientIds: readonly string[] | null;
  readonly audiences: readonly string[];
  readonly keys: PublishedKeys;
}

/** @throws TypeError if the options cannot be meant */
export function knownIssuer(options: IssuerOptions, fetch: Fetch, now: () => number): KnownIssuer {
  const { issuer, clientId, audience = [], algorithms = ["RS256"], use = "access" } = options;
  assertKnown(options, names);
  checkKeys(options);
  if (!isWeb(issuer)) throw new TypeError(`The issuer ${JSON.stringify(issuer)} is no URL.`);
  if (!["access", "id", "either"].includes(use)) throw new TypeError("use must be access, id or either.");
  const clientIds = clientId === null ? null : [clientId].flat();
  if (clientIds !== null && !areNames(clientIds))
    throw new TypeError("clientId must name at least one client; null stands for any.");
  const audiences = [audience].flat();
  if (audiences.length > 0 && !areNames(audiences)) throw new TypeError("audience must name APIs.");
  const wrong = algorithms.find((one) => !asymmetric.test(one));
  if (wrong !== undefined || algorithms.length === 0)
    throw new TypeError(`algorithms must be signatures by a private key, not ${wrong ?? "an empty list"}.`);
  const keys = new PublishedKeys(keyReader(options, fetch), { now, staleMs });
  return { options, algorithms: [...algorithms], clientIds, audiences, keys };
}

/** @throws TypeError if the options of the keys cannot be meant */
function checkKeys({ jwksUri, jwks }: IssuerOptions): void {
  if (jwksUri !== undefined && jwks !== undefined)
    throw new TypeError("Only one of jwksUri and jwks counts.");
  if (jwksUri !== undefined && !isWeb(jwksUri)) throw new TypeError("jwksUri is no URL.");
  if (jwks !== undefined && !(isKeySet(jwks) && jwks.keys.length > 0))
    throw new TypeError("jwks must be a JWK set with at least one key.");
}

const areNames = (names: readonly unknown[]): boolean =>
  names.length > 0 && names.every((one) => typeof one === "string" && one !== "");

/** Reads an issuer's keys. Where they are is asked once, and again if they are there no longer. */
function keyReader({ issuer, jwksUri, jwks }: IssuerOptions, fetch: Fetch): () => Promise<JSONWebKeySet> {
  if (jwks !== undefined) return () => Promise.resolve(jwks);
  let found: string | undefined;
  return async () => {
    const url = jwksUri ?? found ?? (await findEndpoint(fetch, issuer, "jwks_uri"));
    found = undefined;
    const set = await readKeys(fetch, url);
    found = url;
    return set;
  };
}

/** The longest token that is looked at: several times what a server accepts in a header. Characters. */
const longest = 64_000;

/** The issuer that a token claims; it only selects the keys that the signature is verified by. */
export function issuerOf(token: string): string {
  try {
    if (token.length > longest) throw new Error("too long");
    return decodeJwt(token).iss ?? "";
  } catch (cause) {
    throw new TokenError("malformed", "This is not a token.", { cause });
  }
}

export interface SignatureChecks {
  /** Epoch milliseconds. */
  readonly now: number;
  /** How much the issuer's clock may differ, in seconds: 30 by default. */
  readonly clockTolerance?: number | undefined;
  readonly requiredClaims?: readonly string[];
}

/** Three parts in base64url, of which the signature may be empty; jose also takes white space in it (RFC 7515 section 3.1). */
const compact = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * Verifies signature, issuer and time. Members that occur twice are refused (RFC 7519 section 4): others may read the first
 * where we read the last.
 * @throws TokenError
 */
export async function verifySignature(
  { options: { issuer }, algorithms, keys }: KnownIssuer,
  token: string,
  { clockTolerance = 30, now, requiredClaims = ["exp", "sub"] }: SignatureChecks,
): Promise<{ readonly payload: JWTPayload; readonly typ: string | undefined }> {
  try {
    if (!compact.test(token)) throw new errors.JWTInvalid("not in the compact form");
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      algorithms,
      issuer,
      clockTolerance,
      currentDate: new Date(now),
      requiredClaims: [...requiredClaims],
    });
    if (token.split(".", 2).some(repeats)) throw new errors.JWTInvalid("a member occurs twice");
    const typ: unknown = protectedHeader.typ;
    if (typ !== undefined && typeof typ !== "string") throw new errors.JWTInvalid("typ is no text");
    assertClaimTypes(payload);
    return { payload, typ };
  } catch (error) {
    throw tokenError(error);
  }
}

/** Claims whose type RFC 7519 section 4.1 prescribes, as far as jose does not see to it. A number may be infinite: 1e999. */
function assertClaimTypes(claims: Readonly<Record<string, unknown>>): void {
  const isText = (value: unknown) => typeof value === "string";
  const types = {
    aud: (value: unknown) => isText(value) || (Array.isArray(value) && value.every(isText)),
    ...{ exp: Number.isFinite, nbf: Number.isFinite, iat: Number.isFinite, jti: isText },
  };
  for (const [name, fits] of Object.entries(types))
    if (claims[name] !== undefined && !fits(claims[name])) throw wrongClaim(name);
}

const wrongClaim = (name: string, options?: ErrorOptions) =>
  new TokenError("malformed", `The claim ${name} of the token is missing or wrong.`, options);

const repeats = (part: string): boolean =>
  repeatedMember(new TextDecoder().decode(base64url.decode(part))) !== undefined;

function tokenError(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  const options = { cause: error };
  if (error instanceof errors.JWTExpired) return new TokenError("expired", "The token has expired.", options);
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === "nbf"
      ? new TokenError("not yet valid", "The token is not valid yet.", options)
      : wrongClaim(error.claim, options);
  const forged = [
    errors.JWSSignatureVerificationFailed,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JOSEAlgNotAllowed,
  ];
  // What is no error of jose's is about a key that cannot be used.
  return !(error instanceof errors.JOSEError) || forged.some((kind) => error instanceof kind)
    ? new TokenError("signature", "The token is not signed by a key of its issuer.", options)
    : new TokenError("malformed", "This is not a signed token.", options);
}
