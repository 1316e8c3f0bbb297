/** Rows of user pools. The document is the wire document; its type is in domain/user-pools/load-pool.ts. */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { inTransaction } from "./db.ts";
import { withoutTimeLimit } from "./engine/postgres/time-limit.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import { retireNames, takeName } from "./retired-names.ts";
import type { PoolsTable } from "./schema/schema.ts";

export interface PoolRow {
  readonly poolId: string;
  readonly version: number;
  readonly name: string;
  readonly document: unknown;
  readonly fakeSecret: Uint8Array;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const insertQuery = preparedWrite<PoolsTable>((kysely, slot) =>
  kysely
    .insertInto("pools")
    .values(
      slots(slot, [
        "pool_id",
        "version",
        "name",
        "document",
        "fake_secret_sealed",
        "created_at",
        "updated_at",
      ]),
    ),
);

/**
 * Adds a pool. Throws a unique violation if the id is taken, and NameRetired if it was a deleted pool's and must not be
 * reused yet. Removes anything left of a deleted pool with this id.
 */
export function insertPool(db: Db, pool: PoolRow, options = { reuse: false }): Promise<void> {
  return inTransaction(db, async (tx) => {
    const { poolId } = pool;
    await insertQuery(tx, {
      pool_id: poolId,
      version: pool.version,
      name: pool.name,
      document: JSON.stringify(pool.document),
      fake_secret_sealed: tx.sealer.seal(`pools:fake_secret_sealed:${poolId}`, pool.fakeSecret),
      created_at: pool.createdAt,
      updated_at: pool.updatedAt,
    });
    await takeName(tx, { kind: "pool", name: poolId, poolId: undefined, ...options }, pool.createdAt);
    await clear(tx, poolId);
  });
}

const holdQuery = prepared<{ poolId: string }, { pool_id: string }>((kysely, slot, kind) =>
  kysely
    .selectFrom("pools")
    .select("pool_id")
    .where("pool_id", "=", slot("poolId"))
    .$if(kind === "postgres", (select) => select.forShare()),
);

/**
 * Whether the pool exists; it then cannot be deleted until the transaction ends. For anything that adds rows which must
 * not outlive the pool.
 */
export async function holdPool(tx: Db, poolId: string): Promise<boolean> {
  return (await holdQuery(tx, { poolId })).length > 0;
}

const poolQuery = lookup<{ poolId: string }, PoolsTable>((kysely, slot) =>
  kysely.selectFrom("pools").selectAll().where("pool_id", "=", slot("poolId")),
);

export async function readPool(db: Db, poolId: string): Promise<PoolRow | undefined> {
  const [row] = await poolQuery(db, { poolId });
  if (row === undefined) return undefined;
  return {
    poolId: row.pool_id,
    version: row.version,
    name: row.name,
    document: JSON.parse(row.document),
    fakeSecret: db.sealer.open(`pools:fake_secret_sealed:${row.pool_id}`, row.fake_secret_sealed),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const selectPoolVersion = lookup<{ poolId: string }, { version: number }>((kysely, slot) =>
  kysely.selectFrom("pools").select("version").where("pool_id", "=", slot("poolId")),
);

/** The pool's version only, to check whether a cached document is current. */
export async function readPoolVersion(db: Db, poolId: string): Promise<number | undefined> {
  const [row] = await selectPoolVersion(db, { poolId });
  return row?.version;
}

const raiseQuery = preparedWrite<{ poolId: string }>((kysely, slot) =>
  kysely
    .updateTable("pools")
    .set((row) => ({ version: row("version", "+", 1) }))
    .where("pool_id", "=", slot("poolId")),
);

/**
 * Increments the pool's version after a change of something that is cached by it. Returns false if there is no such
 * pool.
 */
export async function raisePool(tx: Db, poolId: string): Promise<boolean> {
  return (await raiseQuery(tx, { poolId })) === 1;
}

interface PoolChange {
  readonly poolId: string;
  readonly version: number;
  readonly name: string;
  readonly now: number;
}

const updateQuery = preparedWrite<PoolChange & { readonly document: string }>((kysely, slot) =>
  kysely
    .updateTable("pools")
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
export async function updatePool(
  db: Db,
  change: PoolChange & { readonly document: unknown },
): Promise<boolean> {
  const document = JSON.stringify(change.document);
  return (await updateQuery(db, { ...change, document })) === 1;
}

const listQuery = prepared<
  { after: string; limit: number },
  Pick<PoolsTable, "pool_id" | "name" | "document" | "created_at" | "updated_at">
>((kysely, slot) =>
  kysely
    .selectFrom("pools")
    .select(["pool_id", "name", "document", "created_at", "updated_at"])
    .where("pool_id", ">", slot("after"))
    .orderBy("pool_id")
    .limit(slot("limit")),
);

/** A page of pools by id, beginning after the given id. */
export async function listPools(
  db: Db,
  page: { after: string; limit: number },
): Promise<{ poolId: string; name: string; document: unknown; createdAt: number; updatedAt: number }[]> {
  const rows = await listQuery(db, page);
  return rows.map((row) => ({
    poolId: row.pool_id,
    name: row.name,
    document: JSON.parse(row.document),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }));
}

const poolIdsQuery = prepared<{ after: string; limit: number }, { pool_id: string }>((kysely, slot) =>
  kysely
    .selectFrom("pools")
    .select("pool_id")
    .where("pool_id", ">", slot("after"))
    .union((eb) =>
      eb
        .selectFrom("retired_names")
        .select("name as pool_id")
        .where("kind", "=", sql.lit("pool"))
        .where("name", ">", slot("after")),
    )
    .union((eb) => eb.selectFrom("identity_pools").select("pool_id").where("pool_id", ">", slot("after")))
    .orderBy("pool_id")
    .limit(slot("limit")),
);

/** A page of the ids of pools of both kinds, and of user pools deleted within a year, beginning after the given id. */
export async function listPoolIds(
  db: Db,
  page: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  return (await poolIdsQuery(db, page)).map((row) => row.pool_id);
}

/**
 * Every table besides `pools` whose rows belong to a pool; deleting a pool empties them. `login_names` and
 * `credentials` are emptied along with `users`.
 */
export const poolTables = [
  "outbox",
  "token_families",
  "token_sessions",
  "browser_sessions",
  "authorization_codes",
  "attempts",
  "known_sources",
  "codes",
  "sign_ins",
  "devices",
  "passkeys",
  "software_tokens",
  "group_members",
  "groups",
  "users",
  "signing_keys",
  "client_secrets",
  "clients",
  "client_pools",
  "resource_servers",
  "domains",
  "domain_pools",
  "branding_styles",
  "branding_assets",
  "ui_customizations",
  "ui_images",
  "terms",
  "identity_providers",
  "provider_identifiers",
  "linked_identities",
  "federated_sign_ins",
  "consumed_ids",
  "provider_sessions",
  "saml_keys",
  "saml_metadata",
] as const;

const deleteFrom = (table: "pools" | (typeof poolTables)[number]) =>
  preparedWrite<{ poolId: string }>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")),
  );

const deleteQuery = deleteFrom("pools");
const emptyQueries = poolTables.map(deleteFrom);

/**
 * Deletes a pool with everything that belongs to it, possibly millions of rows, and retires its names. Returns false if
 * there was none.
 */
export function deletePool(db: Db, poolId: string, now: number): Promise<boolean> {
  const remove = async (tx: Db) => {
    await retireNames(tx, { kind: "pool", poolId }, now);
    // The pool's own row first: this waits for transactions that hold it, and later ones find no pool.
    const deleted = await deleteQuery(tx, { poolId });
    await retireNames(tx, { kind: "client", poolId }, now);
    await retireNames(tx, { kind: "domain", poolId }, now);
    await clear(tx, poolId);
    return deleted === 1;
  };
  return withoutTimeLimit(() => inTransaction(db, remove));
}

async function clear(tx: Db, poolId: string): Promise<void> {
  for (const empty of emptyQueries) await empty(tx, { poolId });
}

const countUsersQuery = prepared<{ poolId: string; most: number }, { users: number }>((kysely, slot) =>
  kysely
    .selectFrom((from) =>
      from
        .selectFrom("users")
        .select("number")
        .where("pool_id", "=", slot("poolId"))
        .limit(slot("most"))
        .as("counted"),
    )
    .select((select) => select.fn.countAll<number>().as("users")),
);

/**
 * How many users a pool has. Beyond `exact` users PostgreSQL estimates them by its statistics: counting ten million takes
 * it seconds. SQLite, which is not for so many, counts them all, and so does a cluster, which shows no estimate.
 */
export async function countUsers(db: Db, poolId: string, exact = 100_000): Promise<number> {
  const estimates = db.kind === "postgres" && !db.distributed;
  const most = estimates ? exact + 1 : Number.MAX_SAFE_INTEGER;
  const [row] = await countUsersQuery(db, { poolId, most });
  const counted = Number(row?.users);
  return counted < most ? counted : Math.max(counted, await estimateUsers(db, poolId));
}

/** The number of users that PostgreSQL expects to find, as of the last time it analyzed the table. */
async function estimateUsers({ kysely }: Db, poolId: string): Promise<number> {
  type Explained = { readonly "QUERY PLAN": readonly { readonly Plan: { readonly "Plan Rows": number } }[] };
  const query = sql<Explained>`explain (format json) select from users where pool_id = ${poolId}`;
  const { rows } = await query.execute(kysely);
  return rows[0]?.["QUERY PLAN"][0]?.Plan["Plan Rows"] ?? 0;
}
