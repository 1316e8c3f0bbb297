/**
 * Names by which applications and browsers know a pool, after the pool gave them up: client ids, domains, and the
 * pool's own id. Another pool that takes one of them would receive passwords, codes and cookies meant for the former.
 */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import type { RetiredNamesTable } from "./schema/schema.ts";

export type NameKind = RetiredNamesTable["kind"];

/** A year: as long as a browser keeps the longest-lived cookie of a host name, that of a remembered device. */
const retiredMs = 365 * 24 * 60 * 60 * 1000;

export interface RetiredName {
  readonly kind: NameKind;
  readonly name: string;
  /** The pool that gave it up. */
  readonly poolId: string;
  readonly retiredAt: number;
  /** When anybody may take it again, in epoch milliseconds. */
  readonly freeAt: number;
}

/** A name cannot be taken yet. Thrown inside the transaction that would take it, which is rolled back. */
export class NameRetired extends Error {
  override name = "NameRetired";
  readonly retired: RetiredName;

  constructor(retired: RetiredName) {
    super(`The ${retired.kind} ${retired.name} is retired.`);
    this.retired = retired;
  }
}

const fromRow = (row: RetiredNamesTable): RetiredName => ({
  kind: row.kind,
  name: row.name,
  poolId: row.pool_id,
  retiredAt: Number(row.retired_at),
  freeAt: Number(row.expires_at),
});

/** The tables in which each kind of name is unique while in use. */
const inUse = {
  client: { table: "client_pools", column: "client_id" },
  domain: { table: "domain_pools", column: "domain" },
  pool: { table: "pools", column: "pool_id" },
} as const;

/**
 * Retires names of a pool; to be called in the transaction that deletes them, before it does.
 * @param name undefined for all names of this kind
 */
export async function retireNames(
  tx: Db,
  gone: { readonly kind: NameKind; readonly poolId: string; readonly name?: string },
  now: number,
): Promise<void> {
  const { table, column } = inUse[gone.kind];
  const only = gone.name === undefined ? sql`` : sql` and ${sql.ref(column)} = ${gone.name}`;
  await sql`insert into retired_names (kind, name, pool_id, retired_at, expires_at)
    select ${sql.lit(gone.kind)}, ${sql.ref(column)}, pool_id, cast(${now} as bigint), cast(${now + retiredMs} as bigint)
    from ${sql.table(table)} where pool_id = ${gone.poolId}${only}
    on conflict (kind, name) do update set
      pool_id = excluded.pool_id, retired_at = excluded.retired_at, expires_at = excluded.expires_at`.execute(
    tx.kysely,
  );
}

/**
 * Takes a name into use; to be called in the transaction that adds the row that makes it unique, after it did. Adding
 * that row has waited for transactions that give the name up, so that what they retired is visible here. Throws
 * NameRetired.
 * @param poolId the pool that may take back what it gave up; undefined for none
 * @param reuse whether it may also take what others gave up
 */
export async function takeName(
  tx: Db,
  taken: {
    readonly kind: NameKind;
    readonly name: string;
    readonly poolId: string | undefined;
    readonly reuse?: boolean;
  },
  now: number,
): Promise<void> {
  const row = await tx.kysely
    .selectFrom("retired_names")
    .selectAll()
    .where("kind", "=", taken.kind)
    .where("name", "=", taken.name)
    .executeTakeFirst();
  if (row === undefined) return;
  const retired = fromRow(row);
  if (taken.reuse !== true && retired.poolId !== taken.poolId && retired.freeAt > now)
    throw new NameRetired(retired);
  await releaseName(tx, taken.kind, taken.name);
}

/** Frees a name for everybody. Returns what it was; undefined if it was not retired. */
export async function releaseName(db: Db, kind: NameKind, name: string): Promise<RetiredName | undefined> {
  const row = await db.kysely
    .deleteFrom("retired_names")
    .where("kind", "=", kind)
    .where("name", "=", name)
    .returningAll()
    .executeTakeFirst();
  return row && fromRow(row);
}

/** Names that are not free yet, most recently retired first. */
export async function listRetiredNames(db: Db, now: number): Promise<RetiredName[]> {
  const rows = await db.kysely
    .selectFrom("retired_names")
    .selectAll()
    .where("expires_at", ">", now)
    .orderBy("retired_at", "desc")
    .orderBy("kind")
    .orderBy("name")
    .execute();
  return rows.map(fromRow);
}

/** For the sweep: removes names that anybody may take again. */
export async function sweepRetiredNames(db: Db, now: number): Promise<void> {
  await db.kysely.deleteFrom("retired_names").where("expires_at", "<", now).execute();
}
