/** Rows of identity pools. The document's type is in domain/identity-pools/load-identity-pool.ts. */
import { type Db, inTransaction } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { IdentityPoolsTable } from "./schema/schema-identities.ts";
import { deleting, inSlices } from "./slices.ts";

export interface IdentityPoolRow {
  readonly poolId: string;
  /** How the ids of its identities begin, after the region: 12 hex digits. */
  readonly idPrefix: string;
  readonly version: number;
  readonly name: string;
  readonly document: unknown;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const insertQuery = preparedWrite<IdentityPoolsTable>((kysely, slot) =>
  kysely
    .insertInto("identity_pools")
    .values(slots(slot, ["pool_id", "id_prefix", "version", "name", "document", "created_at", "updated_at"]))
    .onConflict((conflict) => conflict.doNothing()),
);

/** Adds a pool. Returns false if its id or its prefix is taken. */
export async function insertIdentityPool(db: Db, pool: IdentityPoolRow): Promise<boolean> {
  const added = await insertQuery(db, {
    pool_id: pool.poolId,
    id_prefix: pool.idPrefix,
    version: pool.version,
    name: pool.name,
    document: JSON.stringify(pool.document),
    created_at: pool.createdAt,
    updated_at: pool.updatedAt,
  });
  return added === 1;
}

const readQuery = lookup<{ poolId: string }, IdentityPoolsTable>((kysely, slot) =>
  kysely.selectFrom("identity_pools").selectAll().where("pool_id", "=", slot("poolId")),
);

export async function readIdentityPool(db: Db, poolId: string): Promise<IdentityPoolRow | undefined> {
  const [row] = await readQuery(db, { poolId });
  return (
    row && {
      poolId: row.pool_id,
      idPrefix: row.id_prefix,
      version: row.version,
      name: row.name,
      document: JSON.parse(row.document),
      createdAt: Number(row.created_at),
      updatedAt: Number(row.updated_at),
    }
  );
}

const versionQuery = lookup<{ poolId: string }, { version: number }>((kysely, slot) =>
  kysely.selectFrom("identity_pools").select("version").where("pool_id", "=", slot("poolId")),
);

/** The pool's version only, to check whether a cached document is current. */
export async function readIdentityPoolVersion(db: Db, poolId: string): Promise<number | undefined> {
  const [row] = await versionQuery(db, { poolId });
  return row?.version;
}

const byPrefixQuery = lookup<{ idPrefix: string }, { pool_id: string; version: number }>((kysely, slot) =>
  kysely
    .selectFrom("identity_pools")
    .select(["pool_id", "version"])
    .where("id_prefix", "=", slot("idPrefix")),
);

/** The pool whose identities' ids begin like this, and its version. */
export async function findIdentityPoolVersion(
  db: Db,
  idPrefix: string,
): Promise<{ readonly poolId: string; readonly version: number } | undefined> {
  const [row] = await byPrefixQuery(db, { idPrefix });
  return row && { poolId: row.pool_id, version: row.version };
}

const holdQuery = prepared<{ poolId: string }, { pool_id: string }>((kysely, slot, kind) =>
  kysely
    .selectFrom("identity_pools")
    .select("pool_id")
    .where("pool_id", "=", slot("poolId"))
    .$if(kind === "postgres", (select) => select.forShare()),
);

/** Whether the pool exists; it then cannot be deleted until the transaction ends. */
export async function holdIdentityPool(tx: Db, poolId: string): Promise<boolean> {
  return (await holdQuery(tx, { poolId })).length > 0;
}

interface PoolChange {
  readonly poolId: string;
  readonly version: number;
  readonly name: string;
  readonly now: number;
}

const updateQuery = preparedWrite<PoolChange & { readonly document: string }>((kysely, slot) =>
  kysely
    .updateTable("identity_pools")
    .set((row) => ({
      version: row("version", "+", 1),
      name: slot("name"),
      document: slot("document"),
      updated_at: slot("now"),
    }))
    .where("pool_id", "=", slot("poolId"))
    .where("version", "=", slot("version")),
);

/** Replaces the document if the pool still has `version`. Returns false if the pool was changed in the meantime. */
export async function updateIdentityPool(
  db: Db,
  change: PoolChange & { readonly document: unknown },
): Promise<boolean> {
  const document = JSON.stringify(change.document);
  return (await updateQuery(db, { ...change, document })) === 1;
}

const listQuery = prepared<{ after: string; limit: number }, Pick<IdentityPoolsTable, "pool_id" | "name">>(
  (kysely, slot) =>
    kysely
      .selectFrom("identity_pools")
      .select(["pool_id", "name"])
      .where("pool_id", ">", slot("after"))
      .orderBy("pool_id")
      .limit(slot("limit")),
);

/** A page of pools by id, beginning after the given id. */
export async function listIdentityPools(
  db: Db,
  page: { readonly after: string; readonly limit: number },
): Promise<{ readonly poolId: string; readonly name: string }[]> {
  return (await listQuery(db, page)).map((row) => ({ poolId: row.pool_id, name: row.name }));
}

const deleteQuery = preparedWrite<{ poolId: string }>((kysely, slot) =>
  kysely.deleteFrom("identity_pools").where("pool_id", "=", slot("poolId")),
);

/**
 * Tables besides `identity_pools` with rows of identity pools; deleting a pool empties them, identities first: whoever
 * adds a login has changed its identity before.
 */
export const identityPoolTables = ["identities", "identity_logins", "attempts"] as const;

const emptyQueries = identityPoolTables.map((table) =>
  preparedWrite<{ poolId: string }>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")),
  ),
);

/**
 * Deletes a pool with its identities, most of them before it, in slices: a deletion that does not get further can be asked
 * for again. Returns false if there was none.
 */
export async function deleteIdentityPool(db: Db, poolId: string): Promise<boolean> {
  for (const table of identityPoolTables) await inSlices(db, deleting(table, poolId));
  return inTransaction(db, async (tx) => {
    // The pool's own row first: this waits for transactions that hold it, and later ones find no pool.
    const deleted = await deleteQuery(tx, { poolId });
    if (deleted === 0) return false;
    for (const empty of emptyQueries) await empty(tx, { poolId });
    return true;
  });
}
