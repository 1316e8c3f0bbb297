/**
 * Spreads the tables over the machines of a Citus cluster, an extension of PostgreSQL: the rows of a pool together on one
 * machine, small tables on all of them (placement.ts, docs/decisions/0021-keys-that-carry-the-pool.md).
 */
import { type Kysely, sql } from "kysely";
import { OperatorError } from "../../lib/operator-error.ts";
import { serverName } from "../engine/sql.ts";
import { runTransaction } from "../engine/transaction.ts";
import { placement } from "../placement.ts";
import type { Schema } from "../schema/schema.ts";

/** The first table to be distributed; the shards of all others are placed with its own. */
const leading = "users";

/**
 * Distributes the tables that are not distributed yet, in one transaction, and returns their names. Throws an
 * OperatorError if the database has no Citus, or a server uses it: that would go on as on one machine.
 */
export function distribute(kysely: Kysely<Schema>): Promise<string[]> {
  return runTransaction(kysely, async (tx) => {
    if (!(await hasCitus(tx))) {
      throw new OperatorError(
        "The database has no Citus: run `create extension citus` in it, on every machine of the cluster.",
      );
    }
    const known = new Set(await distributedTables(tx));
    const missing = (where: "pool" | "everywhere") =>
      Object.entries(placement).flatMap(([table, placed]) =>
        placed === where && !known.has(table) ? [table] : [],
      );
    const [everywhere, byPool] = [missing("everywhere"), missing("pool")];
    if (everywhere.length + byPool.length === 0) return [];
    // Servers that migrate a distributed database know how it is.
    if (known.size === 0 && (await hasServers(tx)))
      throw new OperatorError(
        "Servers are connected to the database: stop them first, and start them afterwards.",
      );
    // One shard after the other: a transaction that also writes to tables that are everywhere may not use several
    // connections to a machine.
    await sql`set local citus.multi_shard_modify_mode to 'sequential'`.execute(tx);
    for (const table of everywhere) await sql`select create_reference_table(${table})`.execute(tx);
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
    return [...everywhere, ...byPool];
  });
}

/** Whether tables of the database are distributed: those of later migrations must be, too. */
export async function isDistributed(kysely: Kysely<Schema>): Promise<boolean> {
  return (await hasCitus(kysely)) && (await distributedTables(kysely)).length > 0;
}

async function hasCitus(kysely: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_extension where extname = 'citus'`.execute(kysely);
  return rows.length > 0;
}

/** Whether servers are connected; commands have another name. */
async function hasServers(kysely: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_stat_activity where datname = current_database()
    and application_name = ${serverName} and pid <> pg_backend_pid()`.execute(kysely);
  return rows.length > 0;
}

async function distributedTables(kysely: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select relname as name from pg_dist_partition
    join pg_class on pg_class.oid = logicalrelid where relnamespace = current_schema()::regnamespace`.execute(
    kysely,
  );
  return rows.map(({ name }) => name);
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
