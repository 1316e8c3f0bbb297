/**
 * Chooses the language of a page: the one asked for (and remembered), else the one remembered, else the browser's most
 * preferred one that exists, else English.
 */
import { isolated } from "../../../lib/bidi.ts";
import { knownLanguage } from "../../../lib/language.ts";
import { ar } from "../words/ar.ts";
import { de } from "../words/de.ts";
import { en, type Words } from "../words/en.ts";
import { es } from "../words/es.ts";
import { fr } from "../words/fr.ts";
import { id } from "../words/id.ts";
import { it } from "../words/it.ts";
import { ja } from "../words/ja.ts";
import { ko } from "../words/ko.ts";
import { ptBr } from "../words/pt-br.ts";
import { zhCn } from "../words/zh-cn.ts";
import { zhTw } from "../words/zh-tw.ts";

/** The words of every language, English first. */
export const catalogues: readonly Words[] = [en, ar, de, es, fr, id, it, ja, ko, ptBr, zhCn, zhTw].map(
  isolating,
);

/** The languages to choose from. */
export const languages = catalogues.map(({ language }) => language);

/** Words by BCP 47 tag. */
const byTag: ReadonlyMap<string, Words> = new Map(catalogues.map((words) => [words.language.code, words]));

/** The words of the first of these languages that exists. */
export function wordsIn(tags: readonly string[]): Words | undefined {
  for (const tag of tags) {
    const found = catalogueOf(tag);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The words if no language was asked for. @param kept the tag in the cookie; @param header Accept-Language */
export function wordsFor(kept: string | undefined, header: string | undefined): Words {
  return wordsIn([...(kept === undefined ? [] : [kept]), ...accepted(header)]) ?? catalogues[0]!;
}

/** Words whose sentences isolate each text that is inserted into them. */
function isolating<T extends object>(words: T): T {
  const entries = Object.entries(words).map(([name, word]: [string, unknown]) => {
    if (typeof word === "function")
      return [name, (given: unknown) => word(typeof given === "string" ? isolated(given) : given)];
    return [name, typeof word === "object" && word !== null ? isolating(word) : word];
  });
  return Object.fromEntries(entries) as T;
}

function catalogueOf(tag: string): Words | undefined {
  const known = knownLanguage(tag);
  return known && byTag.get(known);
}

/** The language tags of an Accept-Language header, best first (RFC 9110 section 12.5.4). */
export function accepted(header: string | undefined): string[] {
  return (header ?? "")
    .slice(0, 256)
    .split(",")
    .map((part) => {
      const [tag = "", ...parameters] = part.trim().split(";");
      const quality = parameters.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find(Boolean);
      return { tag, quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ tag, quality }) => quality > 0 && /^[a-z]{1,8}(?:-[a-z\d]{1,8})*$/i.test(tag))
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
