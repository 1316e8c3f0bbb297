/**
 * Envelope encryption: the primitives with which the store protects secrets at rest.
 *
 * A sealed value is
 *
 *     version (1) | length of the data key's id (1) | the id | salt (16) | ciphertext | tag (16)
 *
 * AES-256-GCM (NIST SP 800-38D) under a key and nonce that HKDF-SHA256 (RFC 5869) derives from the data key and the
 * salt. Every value has its own key, so there is no need to count messages per key. The leading bytes and the caller's
 * associated data (`table:column:row`) are authenticated: a sealed value cannot be opened in another place. Overhead:
 * 34 bytes plus the id.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { concat, utf8 } from "./bytes.ts";

/**
 * A sealed value is malformed, was altered or moved, or belongs to another key. The message says nothing about its
 * content.
 */
export class SealError extends Error {
  override name = "SealError";
}

/** Returns `length` unpredictable bytes; `crypto.randomBytes` outside tests. */
export type Random = (length: number) => Uint8Array;

/** First byte of a sealed value. */
const VALUE = 1;
/** First byte of a wrapped data key, so that neither can be taken for the other. */
const WRAPPED_KEY = 2;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const INFO = utf8("poolhouse seal");

/**
 * Seals a value.
 *
 * @param args.dataKeyId 1 to 255 bytes of UTF-8, readable in the result (see sealedKeyId)
 * @param args.dataKey 32 bytes
 * @param args.associated where the value is stored, `table:column:row`; needed again to open it
 * @throws Error if the key or the id has a wrong length (a programming error)
 */
export function seal(args: {
  dataKeyId: string;
  dataKey: Uint8Array;
  associated: string;
  plaintext: Uint8Array;
  random: Random;
}): Buffer {
  return encrypt(VALUE, args.dataKeyId, args.dataKey, args.associated, args.plaintext, args.random);
}

/**
 * Opens a sealed value with the data key that sealedKeyId names.
 * @throws SealError if any bit of the value, the key or the associated data differs
 */
export function open(args: { dataKey: Uint8Array; associated: string; sealed: Uint8Array }): Buffer {
  return decrypt(VALUE, args.dataKey, args.associated, args.sealed);
}

/**
 * The id of the data key that a value is sealed under. Not yet authenticated: that happens when the value is opened.
 * @throws SealError if it is not a sealed value
 */
export function sealedKeyId(sealed: Uint8Array): string {
  return parse(VALUE, sealed).keyId;
}

/** Wraps a data key (32 bytes) under the master key (32 bytes), bound to the data key's id. */
export function wrapKey(args: {
  masterKey: Uint8Array;
  dataKeyId: string;
  dataKey: Uint8Array;
  random: Random;
}): Buffer {
  if (args.dataKey.length !== KEY_BYTES) throw new Error("a data key has 32 bytes");
  return encrypt(WRAPPED_KEY, args.dataKeyId, args.masterKey, "data key", args.dataKey, args.random);
}

/**
 * Unwraps a data key.
 * @throws SealError with another master key, for another data key's id, or if it was altered
 */
export function unwrapKey(args: { masterKey: Uint8Array; dataKeyId: string; wrapped: Uint8Array }): Buffer {
  if (parse(WRAPPED_KEY, args.wrapped).keyId !== args.dataKeyId)
    throw new SealError("another key's wrapping");
  return decrypt(WRAPPED_KEY, args.masterKey, "data key", args.wrapped);
}

function encrypt(
  kind: number,
  keyId: string,
  key: Uint8Array,
  associated: string,
  plaintext: Uint8Array,
  random: Random,
): Buffer {
  const id = utf8(keyId);
  if (id.length < 1 || id.length > 255) throw new Error("a data key's id has 1 to 255 bytes");
  const salt = random(SALT_BYTES);
  if (salt.length !== SALT_BYTES) throw new Error("the random source gave a wrong number of bytes");
  const head = concat(Uint8Array.of(kind, id.length), id);
  const derived = derive(key, salt);
  const cipher = createCipheriv("aes-256-gcm", derived.key, derived.nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(concat(head, utf8(associated)));
  return concat(head, salt, cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

function decrypt(kind: number, key: Uint8Array, associated: string, sealed: Uint8Array): Buffer {
  const { head, salt, ciphertext, tag } = parse(kind, sealed);
  const derived = derive(key, salt);
  const decipher = createDecipheriv("aes-256-gcm", derived.key, derived.nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(concat(head, utf8(associated)));
  decipher.setAuthTag(tag);
  try {
    return concat(decipher.update(ciphertext), decipher.final());
  } catch {
    throw new SealError("a sealed value was altered, moved or sealed under another key");
  }
}

function derive(key: Uint8Array, salt: Uint8Array): { key: KeyObject; nonce: Uint8Array } {
  if (key.length !== KEY_BYTES) throw new Error("a sealing key has 32 bytes");
  const bytes = new Uint8Array(hkdfSync("sha256", keyObject(key), salt, INFO, KEY_BYTES + NONCE_BYTES));
  return { key: createSecretKey(bytes.subarray(0, KEY_BYTES)), nonce: bytes.subarray(KEY_BYTES) };
}

/** KeyObjects by their key bytes: given raw bytes, Node takes several times as long. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

function keyObject(key: Uint8Array): KeyObject {
  let made = keyObjects.get(key);
  if (made === undefined) {
    made = createSecretKey(key);
    keyObjects.set(key, made);
  }
  return made;
}

function parse(kind: number, sealed: Uint8Array) {
  const idLength = sealed[1] ?? 0;
  const headLength = 2 + idLength;
  if (sealed[0] !== kind || idLength === 0 || sealed.length < headLength + SALT_BYTES + TAG_BYTES) {
    throw new SealError("not a sealed value of this version");
  }
  const bodyAt = headLength + SALT_BYTES;
  const tagAt = sealed.length - TAG_BYTES;
  return {
    head: sealed.subarray(0, headLength),
    keyId: Buffer.from(sealed.subarray(2, headLength)).toString("utf8"),
    salt: sealed.subarray(headLength, bodyAt),
    ciphertext: sealed.subarray(bodyAt, tagAt),
    tag: sealed.subarray(tagAt),
  };
}
