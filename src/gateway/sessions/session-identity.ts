/** Who a session belongs to, by what the provider gave for it. */
import { decodeJwt } from "jose";
import type { GatewayProvider } from "../../lib/gateway-settings.ts";
import { type Identity, identityOf } from "../identity.ts";
import type { Claims, Session } from "./sessions.ts";

/** The claims of the session's ID token, which was verified when it came, and those of userinfo, which are newer. */
export function identityOfSession(
  { tokens, userInfo }: Pick<Session, "tokens" | "userInfo">,
  scopes: readonly string[],
  { issuer, groupsClaim }: Pick<GatewayProvider, "issuer" | "groupsClaim">,
): Identity {
  const claims = { ...claimsIn(tokens.idToken ?? ""), ...userInfo };
  return identityOf({ claims, scopes, issuer, groupsClaim, expiresAt: tokens.expiresAt });
}

/** The claims of a token that came from the provider over a connection of our own; none if it is not a JWT. */
export function claimsIn(token: string): Claims {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}
