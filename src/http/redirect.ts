/** Redirects of the pools' endpoints and pages. The form does not follow the browser. */
import type { Context } from "hono";
import type { Bindings } from "./place.ts";

export interface RedirectOptions {
  /** Of what the browser asks for next. A URL with a code in it is to follow nobody. */
  readonly referrerPolicy?: "no-referrer" | "same-origin";
  /**
   * Origins whose pages may have it in a frame. A browser may hold each redirect against this; Chromium holds only the
   * page that it ends at.
   */
  readonly framedBy?: readonly string[];
}

export function redirect(
  c: Context<Bindings>,
  location: string,
  { referrerPolicy = "no-referrer", framedBy = [] }: RedirectOptions = {},
): Response {
  // Some browsers heed the older header even beside a policy.
  if (framedBy.length > 0) c.env.outgoing.removeHeader("x-frame-options");
  return c.body(null, c.req.method === "POST" ? 303 : 302, {
    location: headerUrl(location),
    "referrer-policy": referrerPolicy,
    "content-security-policy": `frame-ancestors ${framedBy.length === 0 ? "'none'" : framedBy.join(" ")}`,
  });
}

/** A URL as a header carries it: a client may have registered one with letters beyond ASCII (RFC 3987 section 3.1). */
function headerUrl(url: string): string {
  return url.replace(/[^!-~]/gu, encodeURIComponent);
}
