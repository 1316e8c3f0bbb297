/** The page for people whose address exceeds its share under load; it costs next to nothing. */
import { html } from "hono/html";
import { catalogues, wordsFor } from "./kit/language.ts";
import type { Words } from "./words/en.ts";

/** @param language Accept-Language */
export function overloadPage(language: string | undefined): string {
  return pages.get(wordsFor(undefined, language))!;
}

function pageIn({ language, errorPage, errors }: Words): string {
  const { code, dir } = language;
  return String(html`<!doctype html>
<html lang="${code}" dir="${dir}"><meta name="viewport" content="width=device-width"><title>${errorPage.title}</title>
<h1>${errorPage.title}</h1><p>${errors.tooMany}</p></html>`);
}

const pages: ReadonlyMap<Words, string> = new Map(catalogues.map((words) => [words, pageIn(words)]));
