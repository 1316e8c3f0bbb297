/** Ids and secrets made of a given alphabet. */

/** A source of random bytes. */
type Random = (bytes: number) => Uint8Array;

export const lettersAndDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
export const upperCaseBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
export const lowerCaseAndDigits = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * A random text in which each character is equally likely: bytes beyond the last whole multiple of the alphabet's size
 * are discarded.
 */
export function randomText(random: Random, alphabet: string, length: number): string {
  const usable = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of random(length)) {
      if (byte < usable && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

/**
 * The version that a new row starts with. Random, because a pinned id can be deleted and created again, and a server
 * that has cached the old row by (id, version) must not take it for the new one.
 */
export function firstVersion(random: Random): number {
  return Buffer.from(random(4)).readUInt32BE() % 1_000_000_000;
}
