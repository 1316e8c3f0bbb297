/** The ID and access token as cookies of their own, for applications that read them there. Never the refresh token. */
import type { EndpointMeans } from "./called.ts";
import { cookieName, setCookie } from "./cookies.ts";

const names = ["id-token", "access-token"] as const;

/** Their Set-Cookie headers; none unless the settings ask for them. */
export function tokenCookies(
  { settings, scope, now }: EndpointMeans,
  tokens: { readonly accessToken: string; readonly idToken: string | undefined; readonly expiresAt: number },
): string[] {
  const { tokensInCookies, cookieName: base } = settings.sessions;
  if (!tokensInCookies) return [];
  const left = Math.max(0, Math.floor((tokens.expiresAt - now()) / 1000));
  return Object.entries({ "id-token": tokens.idToken, "access-token": tokens.accessToken }).flatMap(
    ([name, token]) =>
      token === undefined ? [] : [setCookie(scope, cookieName(scope, `${base}-${name}`), token, left)],
  );
}

/** Whether a cookie is one of them. */
export function isTokenCookie(
  { settings, scope }: Pick<EndpointMeans, "settings" | "scope">,
  name: string,
): boolean {
  const { tokensInCookies, cookieName: base } = settings.sessions;
  return tokensInCookies && names.some((one) => name === cookieName(scope, `${base}-${one}`));
}

/** Removes them. */
export function removedTokenCookies({ settings, scope }: EndpointMeans): string[] {
  const { tokensInCookies, cookieName: base } = settings.sessions;
  if (!tokensInCookies) return [];
  return names.map((name) => setCookie(scope, cookieName(scope, `${base}-${name}`), "", 0));
}
