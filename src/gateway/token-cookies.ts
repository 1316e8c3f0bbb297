/** The ID and access token as cookies of their own, for applications that read them there. Never the refresh token. */
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import { type CookieScope, cookieName, cookiesNamed, setCookie } from "./cookies.ts";
import type { Tokens } from "./sessions/sessions.ts";

interface Means {
  readonly settings: GatewaySettings;
  readonly scope: CookieScope;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The longest token that browsers keep in a cookie, with its name and attributes. Characters. */
const longest = 3800;

/** Each cookie's name without its prefix, and its token. */
const tokensOf = (
  { settings }: Pick<Means, "settings">,
  { idToken, accessToken }: Pick<Tokens, "idToken" | "accessToken">,
) =>
  settings.sessions.tokensInCookies
    ? ([
        [`${settings.sessions.cookieName}-id-token`, idToken],
        [`${settings.sessions.cookieName}-access-token`, accessToken],
      ] as const)
    : [];

/**
 * The Set-Cookie headers that a browser with these cookies needs; none unless the settings ask for them, nor for a token that
 * is too long. What is not the session's token, or is there twice, is replaced.
 * @param header the request's cookies
 */
export function tokenCookies(means: Means, tokens: Tokens, header?: string): string[] {
  const { scope, now } = means;
  const left = Math.max(0, Math.floor((tokens.expiresAt - now()) / 1000));
  return tokensOf(means, tokens).flatMap(([base, token]) => {
    const name = cookieName(scope, base);
    const has = cookiesNamed(header, name);
    // A former user's does not stay where there is none to take its place.
    if (token === undefined || token.length > longest)
      return has.length > 0 ? [setCookie(scope, name, "", 0)] : [];
    if (has.length === 1 && has[0] === token) return [];
    return [setCookie(scope, name, token, left)];
  });
}

const none = { idToken: undefined, accessToken: "" };

/** Whether a cookie is one of them. */
export function isTokenCookie(means: Pick<Means, "settings" | "scope">, name: string): boolean {
  return tokensOf(means, none).some(([base]) => name === cookieName(means.scope, base));
}

/** Removes them. */
export function removedTokenCookies(means: Means): string[] {
  return tokensOf(means, none).map(([base]) => setCookie(means.scope, cookieName(means.scope, base), "", 0));
}
