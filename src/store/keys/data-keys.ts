/** The rows of data keys: created, wrapped under a master key, unwrapped and rewrapped. sealer.ts uses the keys. */
import type { Kysely } from "kysely";
import { toHex } from "../../lib/bytes.ts";
import { OperatorError } from "../../lib/operator-error.ts";
import { type Random, SealError, unwrapKey, wrapKey } from "../../lib/seal.ts";
import { affected, runTransaction } from "../engine/transaction.ts";
import type { DataKeysTable, Schema } from "../schema/schema.ts";

/** The master keys that wrap and unwrap data keys. */
export interface MasterKeys {
  /** The first one wraps; any of them may unwrap. Read again at each call, since a file may have changed. */
  all(): readonly Uint8Array[];
}

/** None of the available master keys unwraps the data keys. */
export class WrongMasterKey extends OperatorError {
  override name = "WrongMasterKey";

  constructor() {
    super(
      "The master key does not fit this database: it was set up with another one. Configure that key " +
        "(POOLHOUSE_MASTER_KEY, or the file secrets/master-key of the data folder); while it is being changed, the " +
        "former one too (POOLHOUSE_PREVIOUS_MASTER_KEY).",
    );
  }
}

/** All data keys, oldest first. */
export function readDataKeys(kysely: Kysely<Schema>): Promise<DataKeysTable[]> {
  return kysely.selectFrom("data_keys").selectAll().orderBy("created_at").orderBy("key_id").execute();
}

export interface NewDataKey {
  readonly key: Uint8Array;
  readonly row: DataKeysTable;
}

/** A new data key that is not stored yet. */
export function makeDataKey(
  purpose: DataKeysTable["purpose"],
  how: { masterKey: Uint8Array; random: Random; now: number },
): NewDataKey {
  const key = how.random(32);
  const keyId = toHex(how.random(8));
  const wrapped = wrapKey({ masterKey: how.masterKey, dataKeyId: keyId, dataKey: key, random: how.random });
  return { key, row: { key_id: keyId, purpose, wrapped, created_at: how.now, retired_at: null } };
}

/** Whether this master key wraps the data key. */
export function isWrappedUnder(masterKey: Uint8Array, row: DataKeysTable): boolean {
  return unwrapOne(masterKey, row) !== undefined;
}

/** Unwraps a data key. Throws WrongMasterKey if none of the master keys fits. */
export function unwrapDataKey(masterKeys: readonly Uint8Array[], row: DataKeysTable): Uint8Array {
  for (const masterKey of masterKeys) {
    const key = unwrapOne(masterKey, row);
    if (key !== undefined) return key;
  }
  throw new WrongMasterKey();
}

function unwrapOne(masterKey: Uint8Array, row: DataKeysTable): Uint8Array | undefined {
  try {
    return unwrapKey({ masterKey, dataKeyId: row.key_id, wrapped: row.wrapped });
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

const sinceKey = "master_key_since";

/**
 * Rewraps all data keys under another master key, in one transaction. Returns how many were not yet wrapped under it.
 * Throws WrongMasterKey if a key is wrapped under none of those given.
 */
export function rewrapDataKeys(
  kysely: Kysely<Schema>,
  change: { from: readonly Uint8Array[]; to: Uint8Array; random: Random; now: number },
): Promise<number> {
  return runTransaction(kysely, async (tx) => {
    let rewrapped = 0;
    for (const row of await readDataKeys(tx)) {
      if (isWrappedUnder(change.to, row)) continue;
      const dataKey = unwrapDataKey(change.from, row);
      const { random } = change;
      const wrapped = wrapKey({ masterKey: change.to, dataKeyId: row.key_id, dataKey, random });
      const result = await tx
        .updateTable("data_keys")
        .set({ wrapped })
        .where("key_id", "=", row.key_id)
        .where("wrapped", "=", row.wrapped)
        .executeTakeFirst();
      if (affected(result) !== 1)
        throw new OperatorError("The data keys were changed by somebody else meanwhile.");
      rewrapped++;
    }
    if (rewrapped > 0) await noteMasterKeySince(tx, change.now);
    return rewrapped;
  });
}

export async function noteMasterKeySince(kysely: Kysely<Schema>, now: number): Promise<void> {
  await kysely
    .insertInto("poolhouse_meta")
    .values({ key: sinceKey, value: String(now) })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value: String(now) }))
    .execute();
}

/** Since when the current master key has wrapped the data keys. Epoch milliseconds. */
export async function masterKeySince(kysely: Kysely<Schema>): Promise<number | undefined> {
  const row = await kysely
    .selectFrom("poolhouse_meta")
    .select("value")
    .where("key", "=", sinceKey)
    .executeTakeFirst();
  return row === undefined ? (await readDataKeys(kysely))[0]?.created_at : Number(row.value);
}
