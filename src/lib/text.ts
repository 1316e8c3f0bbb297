/** Which texts a database can store. */

/**
 * Whether a text from a caller can be stored or looked up: half a surrogate pair has no UTF-8 form, and PostgreSQL does
 * not accept NUL. wire/decode.ts checks JSON bodies; this is for text inside tokens and URLs.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
