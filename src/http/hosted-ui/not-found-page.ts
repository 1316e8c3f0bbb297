/** The page that says that there is no such page, for browsers at any address of the server. */
import { messagePage } from "../kit/plain-page.ts";
import { catalogues, wordsFor } from "./kit/language.ts";
import type { Words } from "./words/en.ts";

/** @param language Accept-Language */
export function notFoundPage(language: string | undefined): string {
  return pages.get(wordsFor(undefined, language))!;
}

const pages: ReadonlyMap<Words, string> = new Map(
  catalogues.map((words) => [
    words,
    messagePage(words.errorPage.notFoundTitle, words.errorPage.notFound, words.language),
  ]),
);
