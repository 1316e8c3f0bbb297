import { type Kysely, sql } from "kysely";
import { type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** Names that pools gave up and that others cannot take yet. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const statements = [
    `create table if not exists retired_names (
      kind ${key} not null, name ${key} not null, pool_id ${key} not null,
      retired_at bigint not null, expires_at bigint not null, primary key (kind, name))`,
    `create index if not exists retired_names_expiry on retired_names (expires_at)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
