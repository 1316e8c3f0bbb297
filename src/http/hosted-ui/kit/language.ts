/**
 * Chooses the language of a page: the one asked for (and remembered), else the one remembered, else the browser's most
 * preferred one that exists, else English.
 */
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

/** Words by lower-case BCP 47 tag. */
const byTag: ReadonlyMap<string, Words> = new Map(
  catalogues.map((words) => [words.language.code.toLowerCase(), words]),
);

/** Tags that mean one of our languages without beginning like it. */
const aliases: Readonly<Record<string, string>> = {
  pt: "pt-br",
  zh: "zh-cn",
  "zh-hans": "zh-cn",
  "zh-hant": "zh-tw",
  "zh-hk": "zh-tw",
  "zh-mo": "zh-tw",
};

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

/**
 * Isolates a text that is inserted into a sentence: it may be written in the other direction (Unicode Bidirectional
 * Algorithm, "Explicit Directional Isolates").
 */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
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

/** Lookup of RFC 4647 section 3.4: the tag, then ever shorter prefixes of it. */
function catalogueOf(tag: string): Words | undefined {
  const parts = tag.toLowerCase().split("-").slice(0, 4);
  for (; parts.length > 0; parts.pop()) {
    const begun = parts.join("-");
    const found = byTag.get(aliases[begun] ?? begun);
    if (found !== undefined) return found;
  }
  return undefined;
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
