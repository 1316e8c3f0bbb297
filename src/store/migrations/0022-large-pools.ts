import { type Kysely, sql } from "kysely";
import type { DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";
import { writeStatistics } from "./statistics.ts";

/**
 * What belongs to a user is found by the user in every table, the valid families apart from the revoked ones; and SQLite
 * seeks it, however many rows the pool has.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  for (const statement of [
    "create index if not exists sign_ins_user on sign_ins (pool_id, user_id) where user_id is not null",
    "create index if not exists outbox_user on outbox (pool_id, user_id) where user_id is not null",
    "create index if not exists token_families_valid on token_families (pool_id, user_id, revoked_at)",
    "drop index if exists token_families_user",
  ])
    await sql.raw(statement).execute(kysely);
  if (kind === "sqlite") await writeStatistics(kysely);
}
