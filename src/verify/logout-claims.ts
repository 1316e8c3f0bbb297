/** What a logout token says (OpenID Connect Back-Channel Logout 1.0 section 2.6), once its signature was verified. */
import type { JWTPayload } from "jose";

/** Whose sessions are over: those of a subject, one session, or both. */
export interface LogoutClaims {
  readonly jti: string;
  readonly subject: string | undefined;
  /** The provider's name of its session (`sid`). */
  readonly session: string | undefined;
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";

/** How old a token may be, after which nobody needs to remember that it was used. Milliseconds. */
export const longestLogoutMs = 10 * 60_000;

/**
 * @param now epoch milliseconds
 * @param refuse is told which claim is wrong
 */
export function readLogoutClaims(
  { sub, sid, jti, iat, events, nonce }: JWTPayload,
  now: number,
  refuse: (claim: string) => never,
): LogoutClaims {
  if (nonce !== undefined) refuse("nonce");
  if (!isObject(events) || !isObject(events[logoutEvent])) refuse("events");
  if (typeof sub !== "string" && typeof sid !== "string") refuse("sub and sid");
  if (typeof jti !== "string" || jti === "") return refuse("jti");
  if (typeof iat !== "number" || iat * 1000 < now - longestLogoutMs) refuse("iat");
  return {
    jti,
    subject: typeof sub === "string" ? sub : undefined,
    session: typeof sid === "string" ? sid : undefined,
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
