import { type Kysely, sql } from "kysely";
import { addColumn, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** Sessions that can be listed and revoked: a table for those of tokens, more columns for those of browsers. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  // All null if the pool does not track sessions.
  await addColumn(kysely, kind, "browser_sessions", "session_id", key);
  await addColumn(kysely, kind, "browser_sessions", "entry_client", key);
  await addColumn(kysely, kind, "browser_sessions", "device_type", "text");
  await addColumn(kysely, kind, "browser_sessions", "address", "text");
  await addColumn(kysely, kind, "browser_sessions", "active_at", "bigint");
  await addColumn(kysely, kind, "authorization_codes", "session_id", key);
  await addColumn(kysely, kind, "clients", "sso_minutes", "bigint");
  const statements = [
    `create index if not exists clients_sso on clients (pool_id, sso_minutes)`,
    `create table if not exists token_sessions (
      pool_id ${key} not null, session_id ${key} not null, user_id ${key} not null, client_id ${key} not null,
      family_id ${key} not null, origin_id ${key}, device_type text not null, address text,
      created_at bigint not null, active_at bigint not null, expires_at bigint not null,
      primary key (pool_id, session_id))`,
    `create unique index if not exists token_sessions_family on token_sessions (pool_id, family_id)`,
    `create index if not exists token_sessions_user on token_sessions (pool_id, user_id)`,
    `create index if not exists token_sessions_expiry on token_sessions (expires_at)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
