/** The page for people whose address exceeds its share under load; it costs next to nothing. */
import { html } from "hono/html";
import { wordsFor } from "./kit/language.ts";
import type { Words } from "./words/en.ts";

const written = new Map<Words, string>();

/** @param language Accept-Language */
export function overloadPage(language: string | undefined): string {
  const words = wordsFor(undefined, language);
  const page = written.get(words) ?? pageIn(words);
  written.set(words, page);
  return page;
}

function pageIn({ language, errorPage, errors }: Words): string {
  const { code, dir } = language;
  return String(html`<!doctype html>
<html lang="${code}" dir="${dir}"><meta name="viewport" content="width=device-width"><title>${errorPage.title}</title>
<h1>${errorPage.title}</h1><p>${errors.tooMany}</p></html>`);
}
