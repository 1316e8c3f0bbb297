import { type Kysely, sql } from "kysely";
import { type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** When access keys were last used, and the index that the sweep of signing keys uses. Each statement is idempotent. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const statements = [
    // A separate table: recording a use must not touch the row that every signed call reads.
    `create table if not exists access_key_uses (access_key_id ${keyText(kind)} primary key, used_at bigint not null)`,
    `create index if not exists signing_keys_leaving on signing_keys (retired_at) where retired_at is not null`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
