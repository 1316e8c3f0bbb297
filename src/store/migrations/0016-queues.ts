import { type Kysely, sql } from "kysely";
import { addColumn, type DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * - Since when a user is known at a network. Null in earlier rows: long ago.
 * - Whether a function of the pool sends a message. Not so in what earlier versions write: they queue the messages of functions
 *   with all others.
 * - The messages that wait, by pool and by what sends them, so that pools can take turns.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await addColumn(kysely, kind, "known_sources", "first_seen_at", "bigint");
  await addColumn(kysely, kind, "outbox", "by_function", "integer not null default 0");
  await sql
    .raw(
      `create index if not exists outbox_queues on outbox (pool_id, medium, by_function, next_attempt_at)
        where status = 'waiting'`,
    )
    .execute(kysely);
}
