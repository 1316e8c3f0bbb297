/**
 * Opaque pagination tokens (PaginationToken, NextToken): sealed, so that the position can be neither read nor forged;
 * bound to the parameters of the request; valid for one hour ("Pagination tokens are valid for one hour", Amazon
 * Cognito API Reference).
 */
import { fromBase64url, toBase64url, utf8 } from "./bytes.ts";
import { open, type Random, SealError, seal } from "./seal.ts";

/** Domain separation: names this use of the key inside the sealed bytes. */
const KEY_NAME = "p";
const EXPIRY_BYTES = 6;

/**
 * Makes a pagination token: base64url, without white space (the model's `[\S]+`).
 *
 * @param args.key 32 bytes, the same on every server of an installation
 * @param args.position where the next page begins, in the store's own form
 * @param args.binding the operation, the pool and every parameter that must be the same for the next page
 * @param args.now epoch milliseconds
 * @param args.lifetimeSeconds one hour by default
 */
export function makePageToken(args: {
  key: Uint8Array;
  position: string;
  binding: string;
  now: number;
  lifetimeSeconds?: number;
  random: Random;
}): string {
  const position = utf8(args.position);
  const plaintext = Buffer.alloc(EXPIRY_BYTES + position.length);
  plaintext.writeUIntBE(Math.floor(args.now) + (args.lifetimeSeconds ?? 3600) * 1000, 0, EXPIRY_BYTES);
  plaintext.set(position, EXPIRY_BYTES);
  const { key: dataKey, random } = args;
  return toBase64url(seal({ dataKeyId: KEY_NAME, dataKey, associated: associated(args), plaintext, random }));
}

/**
 * The position in a token; undefined if it was altered, has expired, or was made with other parameters or another key.
 */
export function readPageToken(args: {
  key: Uint8Array;
  token: string;
  binding: string;
  now: number;
}): string | undefined {
  const sealed = fromBase64url(args.token);
  if (!sealed) return undefined;
  try {
    const plaintext = open({ dataKey: args.key, associated: associated(args), sealed });
    if (plaintext.length < EXPIRY_BYTES || plaintext.readUIntBE(0, EXPIRY_BYTES) <= args.now)
      return undefined;
    return plaintext.subarray(EXPIRY_BYTES).toString("utf8");
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

function associated(args: { binding: string }): string {
  return `page token:${args.binding}`;
}
