/** Rows in any table, whatever its columns, and what statements do to them. */
import assert from "node:assert/strict";
import { type Kysely, type KyselyPlugin, sql } from "kysely";
import type { Db } from "../../src/store/db.ts";
import type { Table } from "../../src/store/growth.ts";

type Column = { readonly name: string; readonly type: string; readonly nullable: boolean };
type Row = Record<string, unknown>;

export const poolId = "p_1";

async function columnsOf(db: Db, table: string): Promise<Column[]> {
  const found = (await db.kysely.introspection.getTables()).find(({ name }) => name === table);
  return (found ?? assert.fail(table)).columns.map(({ name, dataType, isNullable }) => {
    return { name, type: dataType.toLowerCase(), nullable: isNullable };
  });
}

const sampleFor = ({ type, name }: Column, row: number): unknown =>
  name === "pool_id"
    ? poolId
    : type === "blob" || type === "bytea"
      ? Buffer.from([1])
      : type.includes("int")
        ? 0
        : `${name}-${row}`;

/**
 * Inserts rows that differ in their keys alone.
 * @param set columns with a value of their own, the same for all rows, or by the number of the row
 */
export async function fill(
  db: Db,
  table: Table,
  count: number,
  set: Row | ((row: number) => Row),
): Promise<void> {
  const given = typeof set === "function" ? set : () => set;
  const columns = (await columnsOf(db, table)).filter(({ name, nullable }) => !nullable || name in given(0));
  const rows = Array.from({ length: count }, (_, row) => ({
    ...Object.fromEntries(columns.map((column) => [column.name, sampleFor(column, row + count * 100)])),
    ...given(row),
  }));
  // As many values a statement as both databases take.
  const many = Math.floor(900 / columns.length);
  const open = db.kysely as unknown as Kysely<Record<string, Row>>;
  for (let at = 0; at < rows.length; at += many)
    await open
      .insertInto(table)
      .values(rows.slice(at, at + many))
      .execute();
}

export async function countIn(db: Db, table: Table): Promise<number> {
  const rows = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(
    db.kysely,
  );
  return Number(rows.rows[0]?.count);
}

/** Every statement's number of rows. */
export function counting(db: Db): { db: Db; slices: number[] } {
  const slices: number[] = [];
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      if (result.numAffectedRows !== undefined) slices.push(Number(result.numAffectedRows));
      return result;
    },
  };
  return { db: { ...db, kysely: db.kysely.withPlugin(plugin) }, slices };
}
