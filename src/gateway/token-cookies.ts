/** The ID and access token as cookies of their own, for applications that read them there. Never the refresh token. */
import type { EndpointMeans } from "./called.ts";
import { cookieName, setCookie } from "./cookies.ts";

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

/** Removes them. */
export function removedTokenCookies({ settings, scope }: EndpointMeans): string[] {
  const { tokensInCookies, cookieName: base } = settings.sessions;
  if (!tokensInCookies) return [];
  return ["id-token", "access-token"].map((name) =>
    setCookie(scope, cookieName(scope, `${base}-${name}`), "", 0),
  );
}
