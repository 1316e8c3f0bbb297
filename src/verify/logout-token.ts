/** Logout tokens: a provider says that sessions of its users are over (OpenID Connect Back-Channel Logout 1.0). */
import { BoundedMap } from "../lib/bounded-map.ts";
import type { Fetch } from "./issuer.ts";
import { type IssuerOptions, knownIssuer, verifySignature } from "./signed.ts";
import { TokenError } from "./token-error.ts";
import { typeOf } from "./token-use.ts";

/** Whose sessions are over: those of a subject, one session, or both. */
interface LoggedOut {
  readonly issuer: string;
  readonly subject: string | undefined;
  /** The provider's name of its session (`sid`). */
  readonly session: string | undefined;
  /** Lets the same token count again, for somebody who could not act on it. */
  readonly forget: () => void;
}

export type LogoutVerifier = (token: string | undefined) => Promise<LoggedOut>;

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";

/** How old a token may be, after which nobody needs to remember that it was used. Milliseconds. */
const longestMs = 10 * 60_000;

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
    const { sub, sid, jti, iat, aud, events, nonce } = payload;
    if (![aud ?? []].flat().includes(options.clientId))
      throw new TokenError("audience", "The logout token is for another client.");
    if (nonce !== undefined) wrong("nonce");
    if (!isObject(events) || !isObject(events[logoutEvent])) wrong("events");
    if (typeof sub !== "string" && typeof sid !== "string") wrong("sub and sid");
    if (typeof jti !== "string" || jti === "") return wrong("jti");
    if (typeof iat !== "number" || iat * 1000 < now() - longestMs || iat * 1000 > now() + aheadMs)
      return wrong("iat");
    if ((used.get(jti) ?? 0) > now()) wrong("jti, which was used before");
    used.set(jti, now() + 2 * longestMs);
    return {
      issuer: options.issuer,
      subject: typeof sub === "string" ? sub : undefined,
      session: typeof sid === "string" ? sid : undefined,
      forget: () => used.delete(jti),
    };
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
