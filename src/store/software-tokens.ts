/**
 * Software tokens (TOTP): a verified seed, and one that waits for its first code. A row count decides that a code is
 * accepted only once.
 */

import type { Db } from "./db.ts";
import { lookup, preparedWrite } from "./prepared.ts";
import type { SoftwareTokensTable } from "./schema/schema.ts";

export interface SoftwareToken {
  readonly version: number;
  readonly seed: Uint8Array | undefined;
  readonly pending: Uint8Array | undefined;
}

interface Owner {
  readonly poolId: string;
  readonly userId: string;
}

const place = (column: "seed_sealed" | "pending_sealed", poolId: string, userId: string) =>
  `software_tokens:${column}:${poolId}/${userId}` as const;

const readQuery = lookup<Owner, Pick<SoftwareTokensTable, "version" | "seed_sealed" | "pending_sealed">>(
  (kysely, slot) =>
    kysely
      .selectFrom("software_tokens")
      .select(["version", "seed_sealed", "pending_sealed"])
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId")),
);

/** A user's software token; undefined if there is none. */
export async function readSoftwareToken(
  db: Db,
  poolId: string,
  userId: string,
): Promise<SoftwareToken | undefined> {
  const [row] = await readQuery(db, { poolId, userId });
  if (row === undefined) return undefined;
  const open = (column: "seed_sealed" | "pending_sealed") => {
    const sealed = row[column];
    return sealed === null ? undefined : db.sealer.open(place(column, poolId, userId), sealed);
  };
  return { version: row.version, seed: open("seed_sealed"), pending: open("pending_sealed") };
}

const writePendingQuery = preparedWrite<Owner & { pending: Uint8Array; now: number }>((kysely, slot) => {
  const values = { pending_sealed: slot("pending"), updated_at: slot("now") };
  return kysely
    .insertInto("software_tokens")
    .values({
      pool_id: slot("poolId"),
      user_id: slot("userId"),
      version: 1,
      seed_sealed: null,
      last_step: 0,
      ...values,
    })
    .onConflict((conflict) =>
      conflict
        .columns(["pool_id", "user_id"])
        .doUpdateSet((set) => ({ ...values, version: set("software_tokens.version", "+", 1) })),
    );
});

/** Stores a seed that waits for its first code, in place of one that was waiting before; a verified seed is kept. */
export async function writePendingSeed(
  db: Db,
  poolId: string,
  userId: string,
  seed: Uint8Array,
  now: number,
): Promise<void> {
  const pending = db.sealer.seal(place("pending_sealed", poolId, userId), seed);
  await writePendingQuery(db, { poolId, userId, pending, now });
}

type Verified = Owner & { readonly seed: Uint8Array; readonly step: number; readonly now: number };

const verifiedValues = (slot: <Name extends keyof Verified>(name: Name) => Verified[Name]) => ({
  seed_sealed: slot("seed"),
  pending_sealed: null,
  last_step: slot("step"),
  updated_at: slot("now"),
});

const storeQuery = preparedWrite<Verified>((kysely, slot) =>
  kysely
    .insertInto("software_tokens")
    .values({ pool_id: slot("poolId"), user_id: slot("userId"), version: 1, ...verifiedValues(slot) })
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "user_id"]).doUpdateSet((set) => ({
        ...verifiedValues(slot),
        version: set("software_tokens.version", "+", 1),
      })),
    ),
);

const confirmQuery = preparedWrite<Verified & { version: number }>((kysely, slot) =>
  kysely
    .updateTable("software_tokens")
    .set((row) => ({ ...verifiedValues(slot), version: row("version", "+", 1) }))
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("version", "=", slot("version")),
);

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
  const { step, now, version } = verified;
  const seed = tx.sealer.seal(place("seed_sealed", poolId, userId), verified.seed);
  if (version === undefined) {
    await storeQuery(tx, { poolId, userId, seed, step, now });
    return true;
  }
  return (await confirmQuery(tx, { poolId, userId, seed, step, now, version })) === 1;
}

const useStepQuery = preparedWrite<Owner & { step: number }>((kysely, slot) =>
  kysely
    .updateTable("software_tokens")
    .set({ last_step: slot("step") })
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("last_step", "<", slot("step")),
);

/**
 * Uses up the code of a time step and of all earlier ones. Returns false if this step or a later one was accepted
 * before.
 */
export async function useStep(tx: Db, poolId: string, userId: string, step: number): Promise<boolean> {
  const used = await useStepQuery(tx, { poolId, userId, step });
  return used === 1;
}

const deleteQuery = preparedWrite<Owner>((kysely, slot) =>
  kysely
    .deleteFrom("software_tokens")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId")),
);

/** Deletes a user's software token. Returns false if there was none. */
export async function deleteSoftwareToken(tx: Db, poolId: string, userId: string): Promise<boolean> {
  const deleted = await deleteQuery(tx, { poolId, userId });
  return deleted === 1;
}
