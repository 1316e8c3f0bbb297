import type { JWTPayload } from "jose";

/**
 * What a token is for. Cognito's say so in `token_use`; access tokens of others by their type, `at+jwt` (RFC 9068
 * section 2.1). A token that says neither is an ID token, unless it is for one of the APIs named and has nothing that only
 * an ID token has. An ID token must never pass as an access token.
 */
export function useOf(
  claims: JWTPayload,
  typ: string | undefined,
  audiences: readonly string[],
): "access" | "id" | undefined {
  const named = claims["token_use"];
  if (named !== undefined) return named === "access" || named === "id" ? named : undefined;
  switch (typ?.toLowerCase().replace("application/", "")) {
    case "at+jwt":
      return "access";
    case undefined:
    case "jwt":
      return isForApi(claims, audiences) ? "access" : "id";
    default:
      return undefined;
  }
}

function isForApi(claims: JWTPayload, audiences: readonly string[]): boolean {
  const aud = [claims.aud ?? []].flat();
  const onlyInIdTokens = ["nonce", "at_hash", "c_hash"].some((claim) => claim in claims);
  return !onlyInIdTokens && aud.some((one) => audiences.includes(one));
}
