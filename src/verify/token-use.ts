import type { JWTPayload } from "jose";

/** The type in a token's header, in lower case, without the part that all types share (RFC 7515 section 4.1.9). */
export const typeOf = (typ: string | undefined): string =>
  (typ ?? "jwt").toLowerCase().replace("application/", "");

/** Claims that tell ID tokens from all others (OpenID Connect Core 1.0 sections 2 and 3.3.2.11). */
const onlyInIdTokens = ["nonce", "at_hash", "c_hash", "s_hash"];

/**
 * Claims that access tokens have and ID tokens lack: scopes (RFC 9068 section 2.2.3, Entra, Okta), the client (Okta, Entra),
 * how it proved itself (Entra), the grant (Auth0).
 */
const onlyInAccessTokens = ["scope", "scp", "cid", "appid", "appidacr", "azpacr", "client_id", "gty"];

/** The claims that say whom an access token was issued to: RFC 9068 section 2.2; Keycloak, Entra 2.0; Entra 1.0; Okta. */
const clientClaims = ["client_id", "azp", "appid", "cid"];

/** The client that an access token was issued to. */
export const clientOf = (claims: JWTPayload): string | undefined =>
  clientClaims.map((name) => claims[name]).find((client) => typeof client === "string");

/** Keycloak's `typ` among the claims. */
const keycloak: Readonly<Record<string, "access" | "id">> = { Bearer: "access", DPoP: "access", ID: "id" };

/** What is known of an issuer's clients and APIs. */
export interface Parties {
  /** The clients whose tokens are accepted; null for any. */
  readonly clientIds: readonly string[] | null;
  /** The APIs that tokens are for. */
  readonly audiences: readonly string[];
}

/**
 * What a token is for. Cognito's say so in `token_use`; access tokens of others by their type, `at+jwt` (RFC 9068
 * section 2.1), Keycloak's by a claim. An ID token must never pass as an access token or the other way round, nor a logout
 * token as either; what says two different things is neither, and so is what could be both.
 */
export function useOf(
  claims: JWTPayload,
  typ: string | undefined,
  parties: Parties,
): "access" | "id" | undefined {
  // Logout tokens and others that tell of events (RFC 8417 section 2.2).
  if ("events" in claims) return undefined;
  const type = typeOf(typ);
  const named = claims["token_use"];
  switch (type) {
    case "at+jwt":
      return named === undefined || named === "access" ? "access" : undefined;
    case "jwt":
    case "id_token+jwt":
      break;
    default:
      return undefined;
  }
  if (named !== undefined) return named === "access" || named === "id" ? named : undefined;
  const kind = claims["typ"];
  if (typeof kind === "string") return Object.hasOwn(keycloak, kind) ? keycloak[kind] : undefined;
  return type === "jwt" ? silentUseOf(claims, parties) : "id";
}

/**
 * What a token that does not say it is for. The `aud` of an ID token has the client it was issued to (OpenID Connect Core
 * 1.0 section 2), whether or not that client is one of those that are known here.
 */
function silentUseOf(claims: JWTPayload, { clientIds, audiences }: Parties): "access" | "id" | undefined {
  const has = (name: string) => name in claims;
  const aud = [claims.aud ?? []].flat();
  const client = clientOf(claims);
  const isForClient = aud.some((one) => one === client || clientIds?.includes(one));
  if (isForClient || onlyInIdTokens.some(has) || !onlyInAccessTokens.some(has)) return "id";
  const isForApi = client !== undefined && aud.some((one) => audiences.includes(one));
  return isForApi ? "access" : undefined;
}
