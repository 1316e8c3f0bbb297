/**
 * What SQLite's planner believes about the tables. Without statistics it assumes that ten rows have the same first
 * column, and would read all rows of a pool rather than seek one user's; statistics of its own would depend on when
 * they were taken. So each index gets the same ones: pools are large, and everything else in a key tells rows apart.
 */
import { type Kysely, sql } from "kysely";
import type { Schema } from "../schema/schema.ts";

const rows = 10_000_000;
/** Rows that share the first column of an index, the first two, and so on: a tenth of all are in one pool. */
const alike = [1_000_000, 100, 20, 10];
/** Columns that have few values: as many rows share one of them as share what comes before, divided by this. */
const fewValues: Readonly<Record<string, number>> = {
  status: 5,
  medium: 2,
  by_function: 2,
  kind: 2,
  type: 5,
};

interface Index {
  readonly table: string;
  readonly name: string;
  readonly isUnique: number;
  /** `pk` if it is a primary key. */
  readonly origin: string;
  readonly hasRowid: number;
  /** Whether it has some of the rows only. */
  readonly isPartial: number;
  /** Its columns in order, as a JSON list; null for an expression. */
  readonly columns: string;
}

/** Writes them for every index. To be called by a migration of SQLite that adds an index, after it did. */
export async function writeStatistics(kysely: Kysely<Schema>): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(kysely);
  // Creates the table of statistics.
  await run("analyze poolhouse_meta");
  await run("delete from sqlite_stat1");
  for (const index of await readIndexes(kysely)) {
    const name = index.origin === "pk" && index.hasRowid === 0 ? index.table : index.name;
    await sql`insert into sqlite_stat1 (tbl, idx, stat) values (${index.table}, ${name}, ${statisticsOf(index)})`.execute(
      kysely,
    );
  }
  // Reads them.
  await run("analyze sqlite_schema");
}

async function readIndexes(kysely: Kysely<Schema>): Promise<Index[]> {
  const { rows: indexes } = await sql<Index>`
    select each.name as "table", list.name, list."unique" as "isUnique", list.origin, not each.wr as "hasRowid", list.partial as "isPartial",
      (select json_group_array(info.name order by info.seqno) from pragma_index_info(list.name) as info) as columns
    from pragma_table_list as each join pragma_index_list(each.name) as list
    where each.schema = 'main' and each.type = 'table' and each.name not like 'sqlite_%'`.execute(kysely);
  return indexes;
}

/** The rows of an index, and how many share its first column, its first two, and so on. */
function statisticsOf({ isUnique, isPartial, columns }: Index): string {
  const names = JSON.parse(columns) as readonly (string | null)[];
  const all = isPartial === 1 ? rows / 10 : rows;
  let shared = all;
  const counts = names.map((name, at) => {
    const few = fewValues[name ?? ""];
    const last = isUnique === 1 && at === names.length - 1;
    shared = last ? 1 : few === undefined ? Math.min(shared, alike[at] ?? 10) : Math.ceil(shared / few);
    return shared;
  });
  return [all, ...counts].join(" ");
}
