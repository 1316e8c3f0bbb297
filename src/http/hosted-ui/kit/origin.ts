/**
 * Forms are taken from pages of this very origin alone, so no other site can sign anybody in, out or up. The browser says
 * where a form comes from, and no page can make it lie: Fetch Metadata, and Origin where the browser or a plain
 * connection has none (https://html.spec.whatwg.org, "Sec-Fetch-Site"; OWASP, Cross-Site Request Forgery Prevention).
 */
import type { Context } from "hono";
import type { Place } from "../../place.ts";

/** @param base of the place, whose host may be a domain of the pool */
export function isFromHere({ base }: Pick<Place, "base">, c: Context): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin") return false;
  const origin = c.req.header("origin");
  // A page whose referrer is hidden by the browser's settings says `null` about itself.
  if (origin === undefined || origin === "null") return site === "same-origin";
  return origin === new URL(base).origin;
}
