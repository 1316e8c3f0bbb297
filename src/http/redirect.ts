/** Redirects of the pools' endpoints and pages. A posted form is not sent on. */
import type { Context } from "hono";
import type { Bindings } from "./place.ts";

export interface RedirectOptions {
  /** The Referrer-Policy for the next request. A URL with a code in it must not become a referrer. */
  readonly referrerPolicy?: "no-referrer" | "same-origin";
  /**
   * Origins whose pages may frame the result. Browsers may check each redirect against this; Chromium checks only the
   * final page.
   */
  readonly framedBy?: readonly string[];
}

export function redirect(
  c: Context<Bindings>,
  location: string,
  { referrerPolicy = "no-referrer", framedBy = [] }: RedirectOptions = {},
): Response {
  // Some browsers obey the older header even if there is a policy.
  if (framedBy.length > 0) c.env.outgoing.removeHeader("x-frame-options");
  return c.body(null, c.req.method === "POST" ? 303 : 302, {
    location: headerUrl(location),
    "referrer-policy": referrerPolicy,
    "content-security-policy": `frame-ancestors ${framedBy.length === 0 ? "'none'" : framedBy.join(" ")}`,
  });
}

/** A URL as a header value: clients may have registered one with non-ASCII letters (RFC 3987 section 3.1). */
function headerUrl(url: string): string {
  return url.replace(/[^!-~]/gu, encodeURIComponent);
}
