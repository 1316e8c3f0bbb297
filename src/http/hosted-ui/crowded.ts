/** What people see whose address asks for more than its share: a page that costs next to nothing. */
import type { Context } from "hono";
import { html } from "hono/html";
import { wordsFor } from "./language.ts";
import type { Words } from "./words/en.ts";

const written = new Map<Words, string>();

export function answerCrowded(c: Context): Response {
  const words = wordsFor(undefined, c.req.header("accept-language"));
  const page = written.get(words) ?? pageIn(words);
  written.set(words, page);
  return c.body(page, 429, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "retry-after": "1",
  });
}

function pageIn({ language, errorPage, errors }: Words): string {
  const { code, dir } = language;
  return String(html`<!doctype html>
<html lang="${code}" dir="${dir}"><meta name="viewport" content="width=device-width"><title>${errorPage.title}</title>
<h1>${errorPage.title}</h1><p>${errors.tooMany}</p></html>`);
}
