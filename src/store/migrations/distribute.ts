/**
 * Spreads the tables over the machines of a Citus cluster, an extension of PostgreSQL: the rows of a pool together on one
 * machine, small tables on all of them (placement.ts, docs/decisions/0021-keys-that-carry-the-pool.md).
 */
import { type Kysely, sql } from "kysely";
import { OperatorError } from "../../lib/operator-error.ts";
import { otherClients } from "../engine/postgres/clients.ts";
import { runTransaction } from "../engine/transaction.ts";
import { placement } from "../placement.ts";
import type { Schema } from "../schema/schema.ts";

/** The first table to be distributed; the shards of all others are placed with its own. */
const leading = "users";

/** Distributes the tables that are not distributed yet, in one transaction, and returns their names. */
export function distribute(kysely: Kysely<Schema>): Promise<string[]> {
  return runTransaction(kysely, async (tx) => {
    await requireDistributable(tx);
    const missing = await undistributed(tx);
    await distributeTables(tx, missing);
    return missing;
  });
}

/**
 * Throws an OperatorError if the database has no Citus, or others use it although the tables are not distributed: a server
 * would go on as on one machine.
 */
export async function requireDistributable(kysely: Kysely<Schema>): Promise<void> {
  if (!(await hasCitus(kysely))) {
    throw new OperatorError(
      "The database has no Citus: run `create extension citus` in it, on every machine of the cluster.",
    );
  }
  if ((await undistributed(kysely)).length < Object.keys(placement).length) return;
  const others = await otherClients(kysely);
  if (others.length === 0) return;
  throw new OperatorError(
    `Others are connected to the database (${others.join(", ")}): stop the servers first, reload a connection pooler, ` +
      "and start them afterwards.",
  );
}

/**
 * Distributes the tables of later migrations if those before are distributed; called at each start. Returns whether the
 * tables are distributed.
 */
export async function distributeNewTables(kysely: Kysely<Schema>): Promise<boolean> {
  if (!(await hasCitus(kysely))) return false;
  const all = Object.keys(placement).length;
  const missing = (await undistributed(kysely)).length;
  if (missing > 0 && missing < all)
    await runTransaction(kysely, async (tx) => distributeTables(tx, await undistributed(tx)));
  return missing < all;
}

type Table = keyof typeof placement;

/** The tables that are not distributed yet. In a transaction, one at a time looks. */
async function undistributed(kysely: Kysely<Schema>): Promise<Table[]> {
  await sql`select pg_advisory_xact_lock(hashtext('poolhouse distribute'))`.execute(kysely);
  const { rows } = await sql<{ name: string }>`select relname as name from pg_dist_partition
    join pg_class on pg_class.oid = logicalrelid where relnamespace = current_schema()::regnamespace`.execute(
    kysely,
  );
  const known = new Set(rows.map(({ name }) => name));
  return (Object.keys(placement) as Table[]).filter((table) => !known.has(table));
}

async function distributeTables(tx: Kysely<Schema>, tables: readonly Table[]): Promise<void> {
  if (tables.length === 0) return;
  // One shard after the other: a transaction that also writes to tables that are everywhere may not use several
  // connections to a machine.
  await sql`set local citus.multi_shard_modify_mode to 'sequential'`.execute(tx);
  for (const table of tables.filter((name) => placement[name] === "everywhere"))
    await sql`select create_reference_table(${table})`.execute(tx);
  const byPool = tables.filter((name) => placement[name] === "pool");
  const keys = await foreignKeys(tx, byPool);
  // Citus takes no foreign key between a distributed table and one that is not: meanwhile there are none.
  for (const { table, name } of keys)
    await sql`alter table ${sql.table(table)} drop constraint ${sql.ref(name)}`.execute(tx);
  for (const table of byPool.toSorted((a, b) => Number(b === leading) - Number(a === leading))) {
    const beside = table === leading ? "none" : leading;
    await sql`select create_distributed_table(${table}, 'pool_id', colocate_with => ${beside})`.execute(tx);
  }
  for (const { table, name, definition } of keys)
    await sql`alter table ${sql.table(table)} add constraint ${sql.ref(name)} ${sql.raw(definition)}`.execute(
      tx,
    );
}

async function hasCitus(kysely: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_extension where extname = 'citus'`.execute(kysely);
  return rows.length > 0;
}

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

async function foreignKeys(kysely: Kysely<Schema>, tables: readonly string[]): Promise<ForeignKey[]> {
  if (tables.length === 0) return [];
  const { rows } = await sql<ForeignKey>`select relname as "table", conname as name,
      pg_get_constraintdef(pg_constraint.oid) as definition
    from pg_constraint join pg_class on pg_class.oid = conrelid
    where contype = 'f' and relnamespace = current_schema()::regnamespace
      and relname in (${sql.join(tables)})`.execute(kysely);
  return rows;
}
