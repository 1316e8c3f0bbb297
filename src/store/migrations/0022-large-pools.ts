import { type Kysely, sql } from "kysely";
import type { DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";
import { writeStatistics } from "./statistics.ts";

/** What belongs to a user is found by the user in every table, and SQLite seeks it, however many rows the pool has. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  for (const table of ["sign_ins", "outbox"])
    await sql
      .raw(
        `create index if not exists ${table}_user on ${table} (pool_id, user_id) where user_id is not null`,
      )
      .execute(kysely);
  if (kind === "sqlite") await writeStatistics(kysely);
}
