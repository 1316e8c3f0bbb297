/**
 * Accepts forms only from pages of this origin, so that no other site can sign anybody in, out or up. The browser
 * reports where a form comes from, and no page can forge that: Fetch Metadata, or Origin if the browser or a plain
 * connection does not send it (https://html.spec.whatwg.org, "Sec-Fetch-Site"; OWASP, Cross-Site Request Forgery
 * Prevention).
 */
import type { Context } from "hono";
import type { Place } from "../../place.ts";

/** Whether a request comes from our own page. @param base the place's URL, whose host may be a domain of the pool */
export function isFromHere({ base }: Pick<Place, "base">, c: Context): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin") return false;
  const origin = c.req.header("origin");
  // A page sends `null` if the browser is set to hide referrers.
  if (origin === undefined || origin === "null") return site === "same-origin";
  return origin === new URL(base).origin;
}
