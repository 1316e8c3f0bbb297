/**
 * Cookies of the hosted pages: the browser session of each pool, remembered devices, the way to identity providers, and
 * the language. They are set for
 * the whole host, since a cookie's Path protects nothing. Over https, sessions are `__Host-` cookies, which no other
 * host and no plain connection can set (RFC 6265bis section 4.1.3.2).
 */
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Place } from "./place.ts";

const isSecure = ({ base }: Pick<Place, "base">) => base.startsWith("https:");

function sessionName(place: Place): string {
  return `${isSecure(place) ? "__Host-" : ""}poolhouse-${place.pool.id}`;
}

const devicesName = (place: Place) => `${isSecure(place) ? "__Host-" : ""}poolhouse-devices-${place.pool.id}`;

/** How many users a browser remembers a device for; the least recent one is dropped first. */
const mostDevices = 4;
/** Seconds; browsers keep no cookie much longer. */
const devicesKept = 365 * 24 * 60 * 60;

/** The devices this browser is remembered as, one per user: `key~secret`. */
export function deviceCookie(c: Context, place: Place): { key: string; secret: string }[] {
  const parts = (getCookie(c, devicesName(place)) ?? "").split(".").slice(0, mostDevices);
  return parts.flatMap((part) => {
    const [, key, secret] = /^([\w-]{1,64})~([\w-]{1,64})$/.exec(part) ?? [];
    return key !== undefined && secret !== undefined ? [{ key, secret }] : [];
  });
}

export function setDeviceCookie(
  c: Context,
  place: Place,
  devices: readonly { readonly key: string; readonly secret: string }[],
): void {
  const text = devices.slice(0, mostDevices).map(({ key, secret }) => `${key}~${secret}`);
  const options = { path: "/", httpOnly: true, sameSite: "Lax", maxAge: devicesKept } as const;
  setCookie(c, devicesName(place), text.join("."), { ...options, secure: isSecure(place) });
}

/** The cookie of the browser's session with the pool. */
export function sessionCookie(c: Context, place: Place): string | undefined {
  return getCookie(c, sessionName(place)) || undefined;
}

/** Sets the session cookie. @param maxAge seconds; 0 deletes the cookie */
export function setSessionCookie(c: Context, place: Place, cookie: string, maxAge: number): void {
  const options = { path: "/", httpOnly: true, sameSite: "Lax", maxAge } as const;
  setCookie(c, sessionName(place), cookie, { ...options, secure: isSecure(place) });
}

/** Names the browser that is at an identity provider, so that an answer is taken from no other. */
const federationName = (place: Pick<Place, "base" | "pool">) =>
  `${isSecure(place) ? "__Host-" : ""}poolhouse-federation-${place.pool.id}`;

/** Seconds that a browser may be at an identity provider. */
const federationKept = 10 * 60;

/** The cookie of a browser that was sent to an identity provider. */
export function federationCookie(c: Context, place: Place): string | undefined {
  const value = getCookie(c, federationName(place)) ?? "";
  return /^[\w-]{43}$/.test(value) ? value : undefined;
}

export function setFederationCookie(c: Context, place: Place, cookie: string): void {
  const options = { path: "/", httpOnly: true, sameSite: "Lax", maxAge: federationKept } as const;
  setCookie(c, federationName(place), cookie, { ...options, secure: isSecure(place) });
}

const factorName = (place: Place) => `${isSecure(place) ? "__Host-" : ""}poolhouse-factor-${place.pool.id}`;

/** The first factor used last in this browser, by whomever; any value may come from elsewhere and is only a hint. */
export function factorCookie(c: Context, place: Place): string | undefined {
  return getCookie(c, factorName(place));
}

export function setFactorCookie(c: Context, place: Place, factor: string): void {
  const options = { path: "/", httpOnly: true, sameSite: "Lax", maxAge: year } as const;
  setCookie(c, factorName(place), factor, { ...options, secure: isSecure(place) });
}

/** The cookie's name in Cognito ("Managed login localization", Amazon Cognito Developer Guide). */
const languageName = "lang";
/** Seconds. */
const year = 365 * 24 * 3_600;

/** The language tag that was asked for last; any other program on this host may have set it, too. */
export function languageCookie(c: Context): string | undefined {
  return getCookie(c, languageName);
}

export function setLanguageCookie(c: Context, place: Pick<Place, "base">, tag: string): void {
  const options = { path: "/", httpOnly: true, sameSite: "Lax", maxAge: year } as const;
  setCookie(c, languageName, tag, { ...options, secure: isSecure(place) });
}
