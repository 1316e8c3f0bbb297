/**
 * Password hashes in the PHC string format (https://github.com/P-H-C/phc-string-format), packed into bytes: 56 instead of
 * 97 for argon2id with 16 bytes of salt and 32 of hash.
 */
import { utf8 } from "./bytes.ts";

/** First byte of a packed argon2id hash. A PHC string begins with `$`. */
const ARGON2ID = 1;

const argon2id =
  /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{1,340})\$([A-Za-z0-9+/]+)$/;

/**
 * Packs a PHC string of argon2id, version 19:
 *
 *     1 | memory in KiB (4, big-endian) | passes (1) | parallelism (1) | length of the salt (1) | salt | hash
 *
 * Any other text, and one that would not come out as it went in, is returned as UTF-8.
 */
export function packPhc(phc: string): Uint8Array {
  const packed = packArgon2id(phc);
  return packed !== undefined && unpackPhc(packed) === phc ? packed : utf8(phc);
}

function packArgon2id(phc: string): Uint8Array | undefined {
  const [, memory, passes, parallelism, saltText, hashText] = argon2id.exec(phc) ?? [];
  if (saltText === undefined || hashText === undefined) return undefined;
  const [salt, hash] = [Buffer.from(saltText, "base64"), Buffer.from(hashText, "base64")];
  const head = Buffer.alloc(8);
  head[0] = ARGON2ID;
  head.writeUInt32BE(Number(memory), 1);
  // A value beyond 255 is cut off here, and found by the comparison.
  head[5] = Number(passes);
  head[6] = Number(parallelism);
  head[7] = salt.length;
  return Buffer.concat([head, salt, hash]);
}

/** The PHC string of what `packPhc` returned. */
export function unpackPhc(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer[0] !== ARGON2ID) return buffer.toString("utf8");
  const hashAt = 8 + buffer.readUInt8(7);
  const base64 = (part: Buffer) => part.toString("base64").replace(/=+$/, "");
  const parameters = `m=${buffer.readUInt32BE(1)},t=${buffer.readUInt8(5)},p=${buffer.readUInt8(6)}`;
  return `$argon2id$v=19$${parameters}$${base64(buffer.subarray(8, hashAt))}$${base64(buffer.subarray(hashAt))}`;
}
