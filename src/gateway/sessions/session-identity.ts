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
  const claims = merged(claimsIn(tokens.idToken ?? ""), userInfo);
  return identityOf({ claims, scopes, issuer, groupsClaim, expiresAt: tokens.expiresAt });
}

/** Claims, and those that say whether they are verified: each pair is of one source. */
const verified = { email: "email_verified", phone_number: "phone_number_verified" } as const;

/** All claims of two sources, those of the newer first; the older one's word about an address counts for its own address only. */
function merged(older: Claims, newer: Claims = {}): Claims {
  const claims: Record<string, unknown> = { ...older, ...newer };
  for (const [claim, flag] of Object.entries(verified)) {
    const isOfOlder = newer[claim] === undefined && older[claim] !== undefined;
    const isSame = newer[claim] === older[claim] && newer[flag] === undefined;
    const source = isOfOlder || isSame ? older : newer;
    for (const name of [claim, flag]) {
      if (source[name] === undefined) delete claims[name];
      else claims[name] = source[name];
    }
  }
  return claims;
}

/** The claims of a token that came from the provider over a connection of our own; none if it is not a JWT. */
export function claimsIn(token: string): Claims {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}
