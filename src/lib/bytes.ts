/**
 * Bytes and their spellings: UTF-8, hex, base64, base64url, SHA-256, HMAC-SHA256 and comparisons that do not tell
 * how far two secrets agree. Everything here is a pure function of its arguments.
 */
import { createHash, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";

/** The UTF-8 bytes of a text (lone surrogates become U+FFFD). */
export function utf8(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** Joins byte strings in order. */
export function concat(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

/** Lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return view(bytes).toString("hex");
}

/** Bytes of an even-length hex text of either case; undefined when it is anything else. */
export function fromHex(text: string): Buffer | undefined {
  return /^(?:[0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, "hex") : undefined;
}

/** Base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return view(bytes).toString("base64");
}

/**
 * Bytes of a base64 text (RFC 4648 section 4), padding required. Undefined when a character is foreign, the length is
 * wrong or the unused bits are not zero, so that one value has one spelling.
 */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** Base64url without padding (RFC 4648 section 5, as RFC 7515 appendix C uses it). */
export function toBase64url(bytes: Uint8Array): string {
  return view(bytes).toString("base64url");
}

/** Bytes of an unpadded base64url text; undefined when it is not the one canonical spelling of them. */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

/** SHA-256 (FIPS 180-4) of the parts one after another: 32 bytes. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** HMAC-SHA256 (RFC 2104) of the parts one after another: 32 bytes. Texts count as UTF-8. */
export function hmacSha256(key: Uint8Array | string, ...parts: readonly (Uint8Array | string)[]): Buffer {
  // Node takes several times as long to make a key of bytes that it is handed than of its own object.
  const mac = createHmac("sha256", typeof key === "string" ? key : createSecretKey(key));
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Compares in a time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Compares two texts in a time that depends on their lengths only. Lengths are hashed away too: both sides are compared
 * as SHA-256 digests, so a short guess takes no shorter comparison than a long one.
 */
export function equalText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/** A Buffer over the same memory, without copying. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
