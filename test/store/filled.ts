/** Rows in every table of a PostgreSQL database, so that its planner has something to choose between. */
import type { Client } from "pg";

const rowsPerTable = 3_000;
const pools = 100;
/** Tables of which each row is a pool. */
const owners: readonly string[] = ["pools", "identity_pools"];

/** Fills all tables but those named, each with some thousand rows of a hundred pools. Half of what may be null is. */
export async function fillTables(client: Client, except: readonly string[]): Promise<void> {
  const { rows: tables } = await client.query<{ name: string; columns: Column[] }>(
    `select c.table_name as name, json_agg(json_build_object('name', c.column_name, 'type', c.data_type,
       'nullable', c.is_nullable = 'YES', 'identity', c.is_identity = 'YES') order by c.ordinal_position) as columns
     from information_schema.columns c where c.table_schema = 'public' and c.table_name <> all($1)
     group by c.table_name
     -- What others refer to comes first.
     order by c.table_name in ('pools', 'users') desc, c.table_name`,
    [except],
  );
  for (const { name, columns } of tables) {
    const filled = columns.filter(({ identity }) => !identity);
    const names = filled.map((column) => `"${column.name}"`).join(", ");
    const values = filled.map((column) => sqlValue(name, column)).join(", ");
    await client.query(
      `insert into "${name}" (${names}) select ${values} from generate_series(1, ${rowsPerTable}) n`,
    );
  }
  await client.query("analyze");
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly identity: boolean;
}

function sqlValue(table: string, { name, type, nullable }: Column): string {
  if (name === "pool_id") return owners.includes(table) ? "'p' || n" : `'p' || n % ${pools}`;
  if (name === "pool_number") return `n % ${pools} + 1`;
  const value = type === "bytea" ? "'\\x00'::bytea" : type === "text" ? `'${name}' || n` : "n";
  return nullable ? `case when n % 2 = 0 then ${value} end` : value;
}
