/**
 * Software tokens (TOTP): a verified seed, and one that waits for its first code. A row count decides that a code is
 * accepted only once.
 */

import type { Db } from "./db.ts";
import { affected } from "./engine/transaction.ts";

export interface SoftwareToken {
  readonly version: number;
  readonly seed: Uint8Array | undefined;
  readonly pending: Uint8Array | undefined;
}

const place = (column: "seed_sealed" | "pending_sealed", poolId: string, userId: string) =>
  `software_tokens:${column}:${poolId}/${userId}` as const;

export async function readSoftwareToken(
  db: Db,
  poolId: string,
  userId: string,
): Promise<SoftwareToken | undefined> {
  const row = await db.kysely
    .selectFrom("software_tokens")
    .select(["version", "seed_sealed", "pending_sealed"])
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const open = (column: "seed_sealed" | "pending_sealed") => {
    const sealed = row[column];
    return sealed === null ? undefined : db.sealer.open(place(column, poolId, userId), sealed);
  };
  return { version: row.version, seed: open("seed_sealed"), pending: open("pending_sealed") };
}

/** Stores a seed that waits for its first code, in place of one that was waiting before; a verified seed is kept. */
export async function writePendingSeed(
  db: Db,
  poolId: string,
  userId: string,
  seed: Uint8Array,
  now: number,
): Promise<void> {
  const pending_sealed = db.sealer.seal(place("pending_sealed", poolId, userId), seed);
  await db.kysely
    .insertInto("software_tokens")
    .values({
      pool_id: poolId,
      user_id: userId,
      version: 1,
      seed_sealed: null,
      pending_sealed,
      last_step: 0,
      updated_at: now,
    })
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "user_id"]).doUpdateSet((set) => ({
        pending_sealed,
        updated_at: now,
        version: set("software_tokens.version", "+", 1),
      })),
    )
    .execute();
}

/**
 * Makes a seed the user's verified one in place of any other, with the code of `step` used up. `version` is that of the
 * row the seed was read from; undefined if the seed comes from elsewhere. Returns false if the row was changed in the
 * meantime.
 */
export async function storeVerifiedSeed(
  tx: Db,
  poolId: string,
  userId: string,
  verified: { seed: Uint8Array; step: number; version: number | undefined; now: number },
): Promise<boolean> {
  const values = {
    seed_sealed: tx.sealer.seal(place("seed_sealed", poolId, userId), verified.seed),
    pending_sealed: null,
    last_step: verified.step,
    updated_at: verified.now,
  };
  if (verified.version === undefined) {
    await tx.kysely
      .insertInto("software_tokens")
      .values({ pool_id: poolId, user_id: userId, version: 1, ...values })
      .onConflict((conflict) =>
        conflict
          .columns(["pool_id", "user_id"])
          .doUpdateSet((set) => ({ ...values, version: set("software_tokens.version", "+", 1) })),
      )
      .execute();
    return true;
  }
  const result = await tx.kysely
    .updateTable("software_tokens")
    .set({ ...values, version: verified.version + 1 })
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("version", "=", verified.version)
    .executeTakeFirst();
  return affected(result) === 1;
}

/**
 * Uses up the code of a time step and of all earlier ones. Returns false if this step or a later one was accepted
 * before.
 */
export async function useStep(tx: Db, poolId: string, userId: string, step: number): Promise<boolean> {
  const result = await tx.kysely
    .updateTable("software_tokens")
    .set({ last_step: step })
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("last_step", "<", step)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** Deletes a user's software token. Returns false if there was none. */
export async function deleteSoftwareToken(tx: Db, poolId: string, userId: string): Promise<boolean> {
  const result = await tx.kysely
    .deleteFrom("software_tokens")
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return affected(result) === 1;
}
