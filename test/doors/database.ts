/** The contents of a database, to prove that a refused call has changed nothing. */
import type { App } from "../../src/app.ts";

/** Tables in which refused calls of known users are recorded. */
const traces = new Set(["audit_events", "auth_events"]);

/** Every row of every table, as text. */
export async function everyRow(app: App): Promise<Record<string, string[]>> {
  const tables = await app.db.kysely.introspection.getTables();
  const rows: Record<string, string[]> = {};
  for (const { name } of tables) {
    if (traces.has(name)) continue;
    const found = await app.db.kysely
      .selectFrom(name as "users")
      .selectAll()
      .execute();
    rows[name] = found.map((row) => JSON.stringify(row)).sort();
  }
  return rows;
}
