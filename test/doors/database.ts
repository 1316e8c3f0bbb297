/** What stands in a database, to prove that a refused call changed nothing. */
import type { App } from "../../src/app.ts";

/** Every row of every table, as text. */
export async function everyRow(app: App): Promise<Record<string, string[]>> {
  const tables = await app.db.kysely.introspection.getTables();
  const rows: Record<string, string[]> = {};
  for (const { name } of tables) {
    const found = await app.db.kysely
      .selectFrom(name as "users")
      .selectAll()
      .execute();
    rows[name] = found.map((row) => JSON.stringify(row)).sort();
  }
  return rows;
}
