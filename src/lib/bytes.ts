/**
 * Encodings of bytes (UTF-8, hex, base64, base64url), SHA-256, HMAC-SHA256, and comparisons whose timing does not
 * reveal how much of two secrets agrees. Every function here is pure.
 */
import { createHash, createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from "node:crypto";

/** The UTF-8 bytes of a text (lone surrogates become U+FFFD). */
export function utf8(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** Concatenates byte strings in order. */
export function concat(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

/** Lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return view(bytes).toString("hex");
}

/** The bytes of a hex text of even length, in either case; undefined for any other text. */
export function fromHex(text: string): Buffer | undefined {
  return /^(?:[0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, "hex") : undefined;
}

/** Base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return view(bytes).toString("base64");
}

/**
 * The bytes of a base64 text (RFC 4648 section 4). Padding is required. Undefined for a character outside the alphabet,
 * a wrong length or unused bits that are not zero, so that each value has exactly one spelling.
 */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** Base64url without padding (RFC 4648 section 5, as RFC 7515 appendix C uses it). */
export function toBase64url(bytes: Uint8Array): string {
  return view(bytes).toString("base64url");
}

/** The bytes of an unpadded base64url text; undefined unless it is their one canonical spelling. */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

/** SHA-256 (FIPS 180-4) of the concatenated parts: 32 bytes. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const [only] = parts;
  // In one call, Node takes half as long as with an object.
  if (only !== undefined && parts.length === 1) return hash("sha256", only, "buffer");
  const whole = createHash("sha256");
  for (const part of parts) whole.update(part);
  return whole.digest();
}

/** SHA-256 of a text as UTF-8, in base64url without padding: 43 characters. */
export function sha256Base64url(text: string): string {
  return hash("sha256", text, "base64url");
}

/** HMAC-SHA256 (RFC 2104) of the concatenated parts: 32 bytes. Texts are taken as UTF-8. */
export function hmacSha256(
  key: Uint8Array | KeyObject | string,
  ...parts: readonly (Uint8Array | string)[]
): Buffer {
  // Given raw key bytes, Node takes several times as long as with a KeyObject.
  const mac = createHmac("sha256", key instanceof Uint8Array ? createSecretKey(key) : key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Compares in a time that depends only on the lengths. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Compares two texts in constant time. Both are compared as SHA-256 digests, so that the time does not reveal their
 * lengths either.
 */
export function equalText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/** A Buffer over the given memory, without copying it. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
