/** Logout tokens: a provider says that sessions of its users are over (OpenID Connect Back-Channel Logout 1.0). */
import { BoundedMap } from "../lib/bounded-map.ts";
import type { Fetch } from "./issuer.ts";
import { type LogoutClaims, longestLogoutMs, readLogoutClaims } from "./logout-claims.ts";
import { type IssuerOptions, knownIssuer, verifySignature } from "./signed.ts";
import { TokenError } from "./token-error.ts";
import { typeOf } from "./token-use.ts";

/** Whose sessions are over. */
interface LoggedOut extends Omit<LogoutClaims, "jti"> {
  readonly issuer: string;
  /** Lets the same token count again, for somebody who could not act on it. */
  readonly forget: () => void;
}

export type LogoutVerifier = (token: string | undefined) => Promise<LoggedOut>;

/** How much the issuer's clock may be ahead. Milliseconds. */
const aheadMs = 60_000;

/**
 * Verifies logout tokens as its section 2.6 says; each counts once in this process.
 * @throws TokenError
 */
export function createLogoutVerifier(
  options: Omit<IssuerOptions, "clientId"> & { readonly clientId: string },
  { now, fetch }: { readonly now: () => number; readonly fetch: Fetch },
): LogoutVerifier {
  const issuer = knownIssuer(options, fetch, now);
  const used = new BoundedMap<string, number>(10_000);
  return async (token) => {
    if (!token) throw new TokenError("missing", "No logout token was sent.");
    const checks = { now: now(), requiredClaims: ["iat", "jti", "events", "aud"] };
    const { payload, typ } = await verifySignature(issuer, token, checks);
    const wrong = (what: string): never => {
      throw new TokenError("malformed", `The logout token has a wrong ${what}.`);
    };
    if (!["logout+jwt", "jwt"].includes(typeOf(typ))) wrong("typ");
    const { aud, iat } = payload;
    if (![aud ?? []].flat().includes(options.clientId))
      throw new TokenError("audience", "The logout token is for another client.");
    const { jti, ...whose } = readLogoutClaims(payload, now(), wrong);
    if (iat! * 1000 > now() + aheadMs) wrong("iat");
    if ((used.get(jti) ?? 0) > now()) wrong("jti, which was used before");
    used.set(jti, now() + 2 * longestLogoutMs);
    return { issuer: options.issuer, ...whose, forget: () => used.delete(jti) };
  };
}
