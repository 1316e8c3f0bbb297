/** Removes a user pool with everything that belongs to it, possibly millions of rows. */
import { sql } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import { prepared, preparedWrite } from "./prepared.ts";
import { retireNames } from "./retired-names.ts";
import { deleting, inSlices, keyOf, type SliceOptions } from "./slices.ts";

/**
 * Every table besides `pools` whose rows belong to a pool and are found by it; what refers to users comes before them, so
 * that no user takes many rows along.
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
  "auth_events",
  "login_names",
  "credentials",
  "users",
  "signing_keys",
  "client_secrets",
  "clients",
  "resource_servers",
  "domains",
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

/** Tables by which a client or a domain is found without its pool. */
export const poolNameTables = ["client_pools", "domain_pools"] as const;

type OfPool = (typeof poolTables)[number] | (typeof poolNameTables)[number];

const deleteFrom = (table: "pools" | OfPool) =>
  preparedWrite<{ poolId: string }>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")),
  );

const deleteQuery = deleteFrom("pools");
const nameQueries = poolNameTables.map(deleteFrom);
const emptyQueries = new Map(poolTables.map((table) => [table, deleteFrom(table)]));

/** Slices of a deletion before it answers; what is then left is the sweep's. */
const slicesBeforeAnswer = 100;

/**
 * Deletes a pool and retires its names: from then on nobody finds it. What belongs to it goes afterwards, in slices, since
 * on SQLite everybody waits for a statement; what many slices leave, or a crash, the sweep removes. Returns false if there was none.
 */
export async function deletePool(db: Db, poolId: string, now: number): Promise<boolean> {
  const found = await inTransaction(db, async (tx) => {
    await retireNames(tx, { kind: "pool", poolId }, now);
    // The pool's own row first: this waits for transactions that hold it, and later ones find no pool.
    const deleted = await deleteQuery(tx, { poolId });
    await retireNames(tx, { kind: "client", poolId }, now);
    await retireNames(tx, { kind: "domain", poolId }, now);
    for (const query of nameQueries) await query(tx, { poolId });
    return deleted === 1;
  });
  let slices = 0;
  if (found) await emptyPool(db, poolId, { goesOn: () => slices++ < slicesBeforeAnswer });
  return found;
}

// In the order of the key: for any one row PostgreSQL would rather read a table from its beginning.
const remainingQuery = prepared<{ poolId: string }, Record<string, unknown>>((kysely, slot) =>
  kysely.selectNoFrom((eb) =>
    poolTables.map((table) =>
      eb
        .selectFrom(table)
        .select(sql.lit(1).as("one"))
        .where("pool_id", "=", slot("poolId"))
        .orderBy("pool_id")
        .orderBy(sql.join(keyOf(table).map((column) => sql.ref(column))))
        .limit(sql.lit(1))
        .as(table),
    ),
  ),
);

/** The tables that have rows of a pool. */
async function remaining(db: Db, poolId: string): Promise<(typeof poolTables)[number][]> {
  const [found = {}] = await remainingQuery(db, { poolId });
  return poolTables.filter((table) => Boolean(found[table]));
}

/** Removes, slice by slice, what is left of a deleted pool. Does nothing to a pool that is there. */
export async function emptyPool(db: Db, poolId: string, options: SliceOptions = {}): Promise<void> {
  const there = sql`exists (select 1 from pools where pool_id = ${poolId})`;
  for (const table of await remaining(db, poolId))
    await inSlices(db, deleting(table, poolId, undefined, there), options);
}

/** Removes what is left of a deleted pool, inside the transaction that adds another one with its id. */
export async function clearPool(tx: Db, poolId: string): Promise<void> {
  for (const table of await remaining(tx, poolId)) await emptyQueries.get(table)?.(tx, { poolId });
}
