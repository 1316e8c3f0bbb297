/**
 * Texts that are inserted into sentences which may run in the other direction (Unicode Bidirectional Algorithm, UAX #9,
 * "Explicit Directional Isolates"). Pure.
 */

/** Isolates a text that is inserted into a sentence: it may be written in the other direction. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}

/** Characters that reorder or break the text around them: bidirectional controls, line breaks and other controls. */
const disturbing = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;
const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** A text in one line, with a space in place of what would reorder or break the text around it. */
export function inOneLine(text: string): string {
  return text.replace(disturbing, " ");
}

/**
 * A text in one line, isolated if it contains letters of the other direction. Most names stay as they are, so that
 * nothing invisible is copied with them.
 * @param dir the direction of the sentence
 */
export function inSentence(text: string, dir: "ltr" | "rtl"): string {
  const line = inOneLine(text);
  const letters = line.match(/\p{L}/gu) ?? [];
  const isForeign = letters.some((letter) => rightToLeft.test(letter) !== (dir === "rtl"));
  return isForeign ? isolated(line) : line;
}
