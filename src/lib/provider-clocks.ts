/** The clocks of providers, which differ from ours. */

/** How far they may differ, in milliseconds. */
export const clockSkew = 3 * 60_000;

/**
 * When a user authenticated at a provider (`auth_time` of OpenID Connect, AuthnInstant of SAML): not later than now by our
 * clock. Undefined if nobody can have authenticated then: before 1970, or further in the future than clocks differ.
 * @param said epoch milliseconds, or NaN
 */
export function authenticationTime(said: number, now: number): number | undefined {
  return said >= 0 && said <= now + clockSkew ? Math.min(Math.floor(said), now) : undefined;
}
