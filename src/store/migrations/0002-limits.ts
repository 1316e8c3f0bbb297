import { type Kysely, sql } from "kysely";
import { addColumn, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** Slots with tags, the owner's own guesses at a code, and the sources that users are known from. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  await addColumn(kysely, kind, "attempts", "tag", `${key} not null default ''`);
  await addColumn(kysely, kind, "codes", "own_attempts", "integer not null default 0");
  const statements = [
    `create table if not exists known_sources (
      pool_id ${key} not null, user_id ${key} not null, source ${key} not null, seen_at bigint not null,
      expires_at bigint not null, primary key (pool_id, user_id, source))`,
    `create index if not exists known_sources_expiry on known_sources (expires_at)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
