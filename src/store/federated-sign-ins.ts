/**
 * Sign-ins that wait for a provider's answer, or for the browser to return with it, and what a provider may say only
 * once. A row count decides each single use.
 */
import type { Db } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { ConsumedIdsTable, FederatedSignInsTable } from "./schema/schema-federation.ts";

export interface FederatedSignIn<State> {
  readonly poolId: string;
  /** SHA-256 of the state or handle, base64url. */
  readonly hash: string;
  readonly provider: string;
  readonly clientId: string;
  readonly state: State;
  readonly createdAt: number;
  readonly expiresAt: number;
}

const place = (poolId: string, hash: string) => `federated_sign_ins:state_sealed:${poolId}/${hash}` as const;

const insertQuery = preparedWrite<FederatedSignInsTable>((kysely, slot) =>
  kysely
    .insertInto("federated_sign_ins")
    .values(
      slots(slot, [
        "pool_id",
        "handle_hash",
        "provider_name",
        "client_id",
        "state_sealed",
        "created_at",
        "expires_at",
      ]),
    ),
);

export async function insertFederatedSignIn<State>(db: Db, row: FederatedSignIn<State>): Promise<void> {
  await insertQuery(db, {
    pool_id: row.poolId,
    handle_hash: row.hash,
    provider_name: row.provider,
    client_id: row.clientId,
    state_sealed: db.sealer.seal(place(row.poolId, row.hash), JSON.stringify(row.state)),
    created_at: row.createdAt,
    expires_at: row.expiresAt,
  });
}

const readQuery = lookup<{ poolId: string; hash: string }, FederatedSignInsTable>((kysely, slot) =>
  kysely
    .selectFrom("federated_sign_ins")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("handle_hash", "=", slot("hash")),
);

const takeQuery = prepared<{ poolId: string; hash: string }, FederatedSignInsTable>((kysely, slot) =>
  kysely
    .deleteFrom("federated_sign_ins")
    .where("pool_id", "=", slot("poolId"))
    .where("handle_hash", "=", slot("hash"))
    .returningAll(),
);

/** A waiting sign-in, which stays; undefined if there is none, or it was taken. It may have expired. */
export async function readFederatedSignIn<State>(
  db: Db,
  poolId: string,
  hash: string,
): Promise<FederatedSignIn<State> | undefined> {
  const [row] = await readQuery(db, { poolId, hash });
  return row && fromRow<State>(db, row);
}

/** Takes a waiting sign-in, which only one caller gets; undefined if there is none. It may have expired. */
export async function takeFederatedSignIn<State>(
  db: Db,
  poolId: string,
  hash: string,
): Promise<FederatedSignIn<State> | undefined> {
  const [row] = await takeQuery(db, { poolId, hash });
  return row && fromRow<State>(db, row);
}

const deleteQuery = preparedWrite<{ poolId: string; hash: string }>((kysely, slot) =>
  kysely
    .deleteFrom("federated_sign_ins")
    .where("pool_id", "=", slot("poolId"))
    .where("handle_hash", "=", slot("hash")),
);

/** Removes a waiting sign-in that was read before. Returns false if another caller has taken it. */
export async function deleteFederatedSignIn(db: Db, poolId: string, hash: string): Promise<boolean> {
  return (await deleteQuery(db, { poolId, hash })) === 1;
}

function fromRow<State>(db: Db, row: FederatedSignInsTable): FederatedSignIn<State> {
  return {
    poolId: row.pool_id,
    hash: row.handle_hash,
    provider: row.provider_name,
    clientId: row.client_id,
    state: JSON.parse(db.sealer.openText(place(row.pool_id, row.handle_hash), row.state_sealed)),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
  };
}

const consumeQuery = preparedWrite<ConsumedIdsTable>((kysely, slot) =>
  kysely
    .insertInto("consumed_ids")
    .values(slots(slot, ["pool_id", "id_hash", "expires_at"]))
    .onConflict((conflict) => conflict.columns(["pool_id", "id_hash"]).doNothing()),
);

/**
 * Records an id that counts once. Returns false if it was recorded before.
 * @param id.expiresAt when nothing with this id could be accepted any more, epoch milliseconds
 */
export async function consumeId(
  db: Db,
  id: { readonly poolId: string; readonly hash: string; readonly expiresAt: number },
): Promise<boolean> {
  return (await consumeQuery(db, { pool_id: id.poolId, id_hash: id.hash, expires_at: id.expiresAt })) === 1;
}
