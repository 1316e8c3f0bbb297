import type { JWTPayload } from "jose";

/** The type in a token's header, in lower case, without the part that all types share (RFC 7515 section 4.1.9). */
export const typeOf = (typ: string | undefined): string =>
  (typ ?? "jwt").toLowerCase().replace("application/", "");

/** Claims that tell ID tokens from all others (OpenID Connect Core 1.0 section 2 and 3.3.2.11). */
const onlyInIdTokens = ["nonce", "at_hash", "c_hash", "s_hash"];

/** Keycloak's `typ` among the claims. */
const keycloak: Readonly<Record<string, "access" | "id">> = { Bearer: "access", DPoP: "access", ID: "id" };

/**
 * What a token is for. Cognito's say so in `token_use`; access tokens of others by their type, `at+jwt` (RFC 9068
 * section 2.1), Keycloak's by a claim. A token that says nothing is an ID token, unless it is for one of the APIs named and
 * has nothing that only an ID token has. An ID token must never pass as an access token, nor a logout token as either; what
 * says two different things is neither.
 * @param audiences the APIs, none of which is also a client
 */
export function useOf(
  claims: JWTPayload,
  typ: string | undefined,
  audiences: readonly string[],
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
  return type === "jwt" && isForApi(claims, audiences) ? "access" : "id";
}

function isForApi(claims: JWTPayload, audiences: readonly string[]): boolean {
  const aud = [claims.aud ?? []].flat();
  return !onlyInIdTokens.some((claim) => claim in claims) && aud.some((one) => audiences.includes(one));
}
