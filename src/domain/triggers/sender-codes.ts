/**
 * The encryption of codes for custom senders ("Custom sender Lambda triggers", Amazon Cognito Developer Guide), and the
 * KMS key that it needs. For each KMSKeyID every pool has a key of its own, which is derived and never stored; who may
 * use it follows from the pool's settings: the functions that send its messages, by their own access keys.
 */
import type { App, Ctx } from "../../app.ts";
import { type EncryptionContext, encryptMessage } from "../../lib/encryption-sdk.ts";
import { open, SealError, seal, sealedKeyId } from "../../lib/seal.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Principal } from "../iam/principal.ts";
import { findPool, type Pool } from "../user-pools/load-pool.ts";
import { functionOf, senderTriggers } from "./trigger.ts";

type Keys = Pick<App, "db" | "random">;

/** A pool's key for a KMSKeyID: the same for ever, on all servers, whichever master key there is. */
const keyOf = ({ db }: Pick<Keys, "db">, pool: Pick<Pool, "id">, keyArn: string) =>
  db.sealer.mac("kms key", pool.id, keyArn);

/** A context as text, in which the order of its names does not matter. */
const textOf = (context: EncryptionContext) =>
  JSON.stringify(Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1)));

/** Encrypts a code with a pool's key: a message of the AWS Encryption SDK, as base64. */
export async function encryptCode(
  keys: Keys,
  pool: Pick<Pool, "id">,
  keyArn: string,
  code: string,
): Promise<string> {
  const { random } = keys;
  const dataKey = keyOf(keys, pool, keyArn);
  const message = await encryptMessage(code, {
    keyArn,
    context: { "userpool-id": pool.id },
    random,
    wrap: (plaintext, context) =>
      seal({ dataKeyId: pool.id, dataKey, associated: textOf(context), plaintext, random }),
  });
  return message.toString("base64");
}

/** A call of Decrypt (AWS Key Management Service API Reference). */
export interface DecryptRequest {
  readonly ciphertext: Uint8Array;
  readonly keyId: string | undefined;
  readonly context: EncryptionContext;
}

/** The pool, and the ARN of its key, that a call of Decrypt is about. */
export interface DecryptTarget {
  readonly pool: Pool;
  readonly keyArn: string;
}

/**
 * The target of a call of Decrypt, if the caller has the access key of a function that sends the messages of the pool.
 * Throws AccessDeniedException to everybody else, whatever their policy says.
 */
export async function findDecryptTarget(
  ctx: Ctx,
  principal: Principal,
  { ciphertext, context }: DecryptRequest,
): Promise<DecryptTarget> {
  const poolId = poolOf(ciphertext) ?? context["userpool-id"] ?? "";
  const pool = /^[\w-]{1,55}$/.test(poolId) ? await findPool(ctx, poolId) : undefined;
  const keyArn = pool?.document.LambdaConfig?.KMSKeyID;
  const senders = pool && senderTriggers.map((trigger) => functionOf(pool, trigger));
  const isSender = senders?.some(
    (arn) => arn !== undefined && ctx.app.functions.find(arn)?.ownKeyId === principal.accessKeyId,
  );
  if (pool !== undefined && keyArn !== undefined && isSender === true) return { pool, keyArn };
  return refuse(
    "AccessDeniedException",
    `User: ${principal.arn} is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
  );
}

/**
 * Decrypts what `encryptCode` wrapped. Throws NotFoundException for another key than the pool's, and
 * InvalidCiphertextException for a ciphertext or a context that is not the one of the encryption.
 */
export function decryptDataKey(
  keys: Pick<Keys, "db">,
  { pool, keyArn }: { readonly pool: Pick<Pool, "id">; readonly keyArn: string },
  { ciphertext, keyId, context }: DecryptRequest,
): Uint8Array {
  const isNamed = keyId === undefined || keyId === keyArn || keyArn.endsWith(`:key/${keyId}`);
  if (!isNamed) refuse("NotFoundException", `Key '${keyId}' does not exist`);
  try {
    return open({ dataKey: keyOf(keys, pool, keyArn), associated: textOf(context), sealed: ciphertext });
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    return refuse("InvalidCiphertextException", "");
  }
}

/** The pool that a ciphertext says it is of; undefined if it is no ciphertext. */
function poolOf(ciphertext: Uint8Array): string | undefined {
  try {
    return sealedKeyId(ciphertext);
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    return undefined;
  }
}
