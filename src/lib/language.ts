/** The twelve languages of pages and messages, and which of them a language tag means. Pure. */

export interface Language {
  /** BCP 47 tag. */
  readonly code: string;
  readonly dir: "ltr" | "rtl";
  /** The language's name in itself. */
  readonly name: string;
}

/** The languages by BCP 47 tag, English first. */
export const languageTags = [
  ...(["en", "ar", "de", "es", "fr", "id"] as const),
  ...(["it", "ja", "ko", "pt-BR", "zh-CN", "zh-TW"] as const),
] as const;

/** The BCP 47 tag of one of the languages. */
export type LanguageTag = (typeof languageTags)[number];

const byLowerCase: ReadonlyMap<string, LanguageTag> = new Map(
  languageTags.map((tag) => [tag.toLowerCase(), tag]),
);

/** Tags that mean one of the languages without beginning like it; `in` is what Java calls Indonesian. */
const aliases: ReadonlyMap<string, LanguageTag> = new Map([
  ["in", "id"],
  ["pt", "pt-BR"],
  ["zh", "zh-CN"],
  ["zh-hans", "zh-CN"],
  ["zh-hant", "zh-TW"],
  ["zh-hk", "zh-TW"],
  ["zh-mo", "zh-TW"],
]);

/**
 * The language that a tag means, in the form of BCP 47 (`de-CH`) or POSIX (`de_CH.UTF-8`); undefined if it is none of
 * ours. Looked up as in RFC 4647, section 3.4: the tag, then ever shorter prefixes of it.
 */
export function knownLanguage(tag: string): LanguageTag | undefined {
  const [plain = ""] = tag.slice(0, 64).trim().toLowerCase().split(/[.@]/, 1);
  const parts = plain.replaceAll("_", "-").split("-").slice(0, 4);
  for (; parts.length > 0; parts.pop()) {
    const begun = parts.join("-");
    const found = aliases.get(begun) ?? byLowerCase.get(begun);
    if (found !== undefined) return found;
  }
  return undefined;
}
