/**
 * Cookies of the hosted pages: one a pool, for the whole host, since a cookie's Path keeps nobody out. By https they are
 * `__Host-` cookies, which no other host and no plain connection can set (RFC 6265bis section 4.1.3.2).
 */
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Place } from "./place.ts";

const isSecure = ({ base }: Place) => base.startsWith("https:");

function sessionName(place: Place): string {
  return `${isSecure(place) ? "__Host-" : ""}poolhouse-${place.pool.id}`;
}

/** The secret of the browser's session at the pool. */
export function sessionCookie(c: Context, place: Place): string | undefined {
  return getCookie(c, sessionName(place)) || undefined;
}

/** @param maxAge seconds; 0 takes the cookie away */
export function setSessionCookie(c: Context, place: Place, secret: string, maxAge: number): void {
  const options = { path: "/", httpOnly: true, sameSite: "Lax", maxAge } as const;
  setCookie(c, sessionName(place), secret, { ...options, secure: isSecure(place) });
}
