/**
 * A page that takes the browser on at once, in place of a redirect. Browsers hold redirects after a form against
 * form-action, which cannot name every address that a client may have registered.
 */
import type { Context } from "hono";
import { html } from "hono/html";
import { exactSource } from "../../../lib/csp-source.ts";
import { languageCookie } from "../../cookies.ts";
import type { Bindings } from "../../place.ts";
import { wordsFor } from "./language.ts";

/** Whether a redirect to this URL would be blocked after a form. */
export function needsPage(location: string): boolean {
  return URL.canParse(location) && exactSource(location) === undefined;
}

export function onwardPage(c: Context<Bindings>, location: string): Response | Promise<Response> {
  const { language, common } = wordsFor(languageCookie(c), c.req.header("accept-language"));
  const page = html`<!doctype html>
<html lang="${language.code}" dir="${language.dir}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="0; url=${location}"><title>${common.continue}</title>
<a href="${location}">${common.continue}</a></html>`;
  return c.html(page, 200, {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
  });
}
