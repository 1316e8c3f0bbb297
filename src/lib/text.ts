/** What may become text in a database. */

/**
 * Whether a text that a caller composed can be stored or looked up: half a surrogate pair has no UTF-8, and PostgreSQL
 * knows no NUL. What comes in a JSON body is checked in wire/decode.ts; this is for text inside tokens and URLs.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
