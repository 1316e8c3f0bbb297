/** Passkeys: users' WebAuthn credentials. A credential id belongs to one user of a pool, by the primary key. */

import type { Db } from "./db.ts";
import { lookup, preparedWrite, slots } from "./prepared.ts";
import type { PasskeysTable } from "./schema/schema.ts";

export interface Passkey {
  readonly poolId: string;
  /** The credential id, base64url. */
  readonly id: string;
  readonly userId: string;
  readonly relyingPartyId: string;
  readonly name: string;
  /** The public key as a COSE_Key (RFC 9052). */
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly attachment: string | undefined;
  readonly deviceType: "singleDevice" | "multiDevice";
  readonly backedUp: boolean;
  readonly createdAt: number;
}

function fromRow(row: PasskeysTable): Passkey {
  return {
    poolId: row.pool_id,
    id: row.credential_id,
    userId: row.user_id,
    relyingPartyId: row.rp_id,
    name: row.name,
    publicKey: row.public_key,
    counter: row.counter,
    transports: JSON.parse(row.transports),
    attachment: row.attachment ?? undefined,
    deviceType: row.device_type,
    backedUp: row.backed_up === 1,
    createdAt: row.created_at,
  };
}

const insertQuery = preparedWrite<PasskeysTable>((kysely, slot) =>
  kysely
    .insertInto("passkeys")
    .values(
      slots(slot, [
        "pool_id",
        "credential_id",
        "user_id",
        "rp_id",
        "name",
        "public_key",
        "counter",
        "transports",
        "attachment",
        "device_type",
        "backed_up",
        "created_at",
        "used_at",
      ]),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "credential_id"]).doNothing()),
);

/** Adds a passkey. Returns false if the pool already has a passkey of this id, whoever's it is. */
export async function insertPasskey(tx: Db, passkey: Passkey): Promise<boolean> {
  const inserted = await insertQuery(tx, {
    pool_id: passkey.poolId,
    credential_id: passkey.id,
    user_id: passkey.userId,
    rp_id: passkey.relyingPartyId,
    name: passkey.name,
    public_key: passkey.publicKey,
    counter: passkey.counter,
    transports: JSON.stringify(passkey.transports),
    attachment: passkey.attachment ?? null,
    device_type: passkey.deviceType,
    backed_up: passkey.backedUp ? 1 : 0,
    created_at: passkey.createdAt,
    used_at: null,
  });
  return inserted === 1;
}

// Without a limit: a user has few, and SQLite recompiles a statement whenever its limit is bound.
const listQuery = lookup<{ poolId: string; userId: string; after: string }, PasskeysTable>((kysely, slot) =>
  kysely
    .selectFrom("passkeys")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("credential_id", ">", slot("after"))
    .orderBy("credential_id"),
);

/** A user's passkeys by id, beginning after the given id. */
export async function listPasskeys(
  db: Db,
  poolId: string,
  userId: string,
  page: { after?: string | undefined; limit: number },
): Promise<Passkey[]> {
  const rows = await listQuery(db, { poolId, userId, after: page.after ?? "" });
  return rows.slice(0, page.limit).map(fromRow);
}

const readQuery = lookup<{ poolId: string; userId: string; id: string }, PasskeysTable>((kysely, slot) =>
  kysely
    .selectFrom("passkeys")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("credential_id", "=", slot("id"))
    .where("user_id", "=", slot("userId")),
);

/** A user's passkey by its id. */
export async function readPasskey(
  db: Db,
  poolId: string,
  userId: string,
  id: string,
): Promise<Passkey | undefined> {
  const [row] = await readQuery(db, { poolId, userId, id });
  return row && fromRow(row);
}

const useQuery = preparedWrite<{
  poolId: string;
  id: string;
  userId: string;
  former: number;
  counter: number;
  backedUp: number;
  now: number;
}>((kysely, slot) =>
  kysely
    .updateTable("passkeys")
    .set({ counter: slot("counter"), backed_up: slot("backedUp"), used_at: slot("now") })
    .where("pool_id", "=", slot("poolId"))
    .where("credential_id", "=", slot("id"))
    .where("user_id", "=", slot("userId"))
    .where("counter", "=", slot("former")),
);

/**
 * Records a use. Returns false if the passkey is gone, or its counter has changed since the signature was checked, so
 * that of two uses of one signature only one counts.
 */
export async function usePasskey(
  tx: Db,
  passkey: Passkey,
  use: { counter: number; backedUp: boolean; now: number },
): Promise<boolean> {
  const { poolId, id, userId, counter: former } = passkey;
  const { counter, now } = use;
  const touched = await useQuery(tx, {
    poolId,
    id,
    userId,
    former,
    counter,
    backedUp: use.backedUp ? 1 : 0,
    now,
  });
  return touched === 1;
}

const deleteQuery = preparedWrite<{ poolId: string; userId: string; id: string }>((kysely, slot) =>
  kysely
    .deleteFrom("passkeys")
    .where("pool_id", "=", slot("poolId"))
    .where("credential_id", "=", slot("id"))
    .where("user_id", "=", slot("userId")),
);

/** Deletes a passkey. Returns false if the user has none of this id. */
export async function deletePasskey(tx: Db, poolId: string, userId: string, id: string): Promise<boolean> {
  const deleted = await deleteQuery(tx, { poolId, userId, id });
  return deleted === 1;
}
