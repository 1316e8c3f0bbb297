/** A pool's RSA keys. The private half is sealed; the JWKS publishes the public half. */

import { type Db, inTransaction } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { SigningKeysTable } from "./schema/schema.ts";
import { raisePool } from "./user-pools.ts";

/** In place of a pool's id: the keys for the OpenID tokens of all identity pools, which are no user pool's. */
export const identityPoolsOwner = "identity-pools";

export interface SigningKeyRow {
  readonly kid: string;
  readonly tokenUse: "id" | "access";
  readonly publicJwk: Readonly<Record<string, string>>;
  /** PKCS8 PEM; undefined once it was destroyed because the key no longer signs. */
  readonly privateKey: Uint8Array | undefined;
  readonly createdAt: number;
  /** Since when it signs, in epoch milliseconds. */
  readonly activeFrom: number;
  /** When it is no longer published and nothing it signed is accepted. */
  readonly retiredAt: number | undefined;
}

export type NewSigningKey = Omit<SigningKeyRow, "privateKey" | "retiredAt"> & {
  readonly privateKey: Uint8Array;
};

/** The longest validity of AccessTokenValidity and IdTokenValidity: a day. Milliseconds. */
const longestToken = 24 * 60 * 60 * 1000;

/** Replaces a destroyed private half. No sealed value begins like this. */
const destroyed = Uint8Array.of(0);
const isDestroyed = (value: Uint8Array) => value.length === 1;

const place = (poolId: string, kid: string) => `signing_keys:private_sealed:${poolId}/${kid}` as const;

const insertQuery = preparedWrite<SigningKeysTable>((kysely, slot) =>
  kysely
    .insertInto("signing_keys")
    .values(
      slots(slot, [
        "pool_id",
        "kid",
        "token_use",
        "public_jwk",
        "private_sealed",
        "created_at",
        "active_from",
        "retired_at",
      ]),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "kid"]).doNothing()),
);

/** Adds a key unless one with its kid exists: two servers that create a pool's first key at once agree on one. */
export async function insertSigningKey(db: Db, poolId: string, key: NewSigningKey): Promise<void> {
  await insertQuery(db, columns(db, poolId, key));
}

function columns(db: Db, poolId: string, key: NewSigningKey): SigningKeysTable {
  return {
    pool_id: poolId,
    kid: key.kid,
    token_use: key.tokenUse,
    public_jwk: JSON.stringify(key.publicJwk),
    private_sealed: db.sealer.seal(place(poolId, key.kid), key.privateKey),
    created_at: key.createdAt,
    active_from: key.activeFrom,
    retired_at: null,
  };
}

const readQuery = lookup<{ poolId: string; now: number }, SigningKeysTable>((kysely, slot) =>
  kysely
    .selectFrom("signing_keys")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where((where) => where.or([where("retired_at", "is", null), where("retired_at", ">", slot("now"))]))
    .orderBy("active_from")
    .orderBy("kid"),
);

/** The pool's published keys, oldest first. */
export async function readSigningKeys(db: Db, poolId: string, now: number): Promise<SigningKeyRow[]> {
  const rows = await readQuery(db, { poolId, now });
  return rows.map((row) => ({
    kid: row.kid,
    tokenUse: row.token_use,
    publicJwk: JSON.parse(row.public_jwk),
    privateKey: isDestroyed(row.private_sealed)
      ? undefined
      : db.sealer.open(place(poolId, row.kid), row.private_sealed),
    createdAt: row.created_at,
    activeFrom: row.active_from,
    retiredAt: row.retired_at ?? undefined,
  }));
}

export type Succession = "done" | "no-pool" | "no-keys" | "under-way";

const presentQuery = prepared<
  { poolId: string },
  Pick<SigningKeysTable, "kid" | "active_from" | "retired_at">
>((kysely, slot) =>
  kysely
    .selectFrom("signing_keys")
    .select(["kid", "active_from", "retired_at"])
    .where("pool_id", "=", slot("poolId")),
);

const deleteQuery = preparedWrite<{ poolId: string }>((kysely, slot) =>
  kysely.deleteFrom("signing_keys").where("pool_id", "=", slot("poolId")),
);

/**
 * Adds the successors of a pool's keys and sets until when the current ones are published. Increments the pool's
 * version, by which every server notices the change at its next request.
 *
 * @param change.signsAfter how long the current keys go on signing, at most. Milliseconds
 * @param change.atOnce removes every other key: nothing it signed is accepted from now on
 * @returns `under-way` if successors are already waiting to sign (never with `atOnce`), `no-keys` if the pool has not
 * signed yet
 */
export function succeedSigningKeys(
  db: Db,
  poolId: string,
  change: { successors: readonly NewSigningKey[]; now: number; signsAfter: number; atOnce: boolean },
): Promise<Succession> {
  return inTransaction(db, async (tx) => {
    // The pool's row first: rotations of a pool wait for each other, and for the pool's deletion.
    if (poolId !== identityPoolsOwner && !(await raisePool(tx, poolId))) return "no-pool";
    const keys = await presentQuery(tx, { poolId });
    if (keys.length === 0) return "no-keys";
    if (!change.atOnce && keys.some((key) => key.active_from > change.now)) return "under-way";
    if (change.atOnce) await deleteQuery(tx, { poolId });
    else if (!(await retireOthers(tx, poolId, change))) return "under-way";
    for (const key of change.successors) await insertSigningKey(tx, poolId, key);
    return "done";
  });
}

const retireQuery = preparedWrite<{ poolId: string; now: number; retiredAt: number }>((kysely, slot) =>
  kysely
    .updateTable("signing_keys")
    .set({ retired_at: slot("retiredAt") })
    .where("pool_id", "=", slot("poolId"))
    .where("retired_at", "is", null)
    .where("active_from", "<=", slot("now")),
);

/**
 * Keeps the other keys published for as long as a token they sign at the very end may be valid. Returns false if another
 * rotation has just done so: those of identity pools wait for each other here only.
 */
async function retireOthers(
  tx: Db,
  poolId: string,
  { now, signsAfter }: { readonly now: number; readonly signsAfter: number },
): Promise<boolean> {
  return (await retireQuery(tx, { poolId, now, retiredAt: now + signsAfter + longestToken })) > 0;
}

const leavingQuery = prepared<{ poolId: string; until: number }, { kid: string }>((kysely, slot) =>
  kysely
    .selectFrom("signing_keys")
    .select("kid")
    .where("pool_id", "=", slot("poolId"))
    .where("retired_at", "<=", slot("until"))
    .limit(1),
);

const removeQuery = preparedWrite<{ poolId: string; now: number }>((kysely, slot) =>
  kysely
    .deleteFrom("signing_keys")
    .where("pool_id", "=", slot("poolId"))
    .where("retired_at", "<=", slot("now")),
);

const destroyQuery = preparedWrite<{ poolId: string; until: number }>((kysely, slot) =>
  kysely
    .updateTable("signing_keys")
    .set({ private_sealed: destroyed })
    .where("pool_id", "=", slot("poolId"))
    .where("retired_at", "<=", slot("until"))
    .where("private_sealed", "!=", destroyed),
);

/** Destroys the private halves of a pool's keys that no longer sign, and removes keys that are no longer published. */
export async function sweepSigningKeys(db: Db, poolId: string, now: number): Promise<void> {
  const until = now + longestToken;
  const [leaving] = await leavingQuery(db, { poolId, until });
  if (leaving === undefined) return;
  await removeQuery(db, { poolId, now });
  await destroyQuery(db, { poolId, until });
}

const oldestQuery = prepared<{ now: number }, Pick<SigningKeysTable, "pool_id" | "active_from">>(
  (kysely, slot) =>
    kysely
      .selectFrom("signing_keys")
      .select(["pool_id", "active_from"])
      .where("retired_at", "is", null)
      .where("active_from", "<=", slot("now"))
      .orderBy("active_from")
      .limit(1),
);

/** Since when the longest-serving active key of all pools has signed. Epoch milliseconds. */
export async function oldestSigningKey(
  db: Db,
  now: number,
): Promise<{ poolId: string; activeFrom: number } | undefined> {
  const [row] = await oldestQuery(db, { now });
  return row && { poolId: row.pool_id, activeFrom: row.active_from };
}
