/** The contents of a database, to prove that a refused call has changed nothing. */
import type { App } from "../../src/app.ts";
import { countWaiting } from "../../src/store/outbox.ts";
import { until } from "../kit/waiting.ts";

/** Tables in which refused calls of known users are recorded. */
const traces = new Set(["audit_events", "auth_events"]);

/** Every row of every table, as text, once the worker has delivered what was queued. */
export async function everyRow(app: App): Promise<Record<string, string[]>> {
  await until(
    "the outbox is empty",
    async () => app.deliveries.size === 0 && (await countWaiting(app.db, 1)) === 0,
  );
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
