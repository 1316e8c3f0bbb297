import { type Kysely, sql } from "kysely";
import { addColumn, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** The authorization server: browser sessions, authorization codes, and what their tokens are for. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  // `oauth` for tokens of the authorization server; null for those of the API.
  await addColumn(kysely, kind, "token_families", "origin", "text");
  await addColumn(kysely, kind, "token_families", "resource", "text");
  const statements = [
    `create table if not exists browser_sessions (
      pool_id ${key} not null, session_hash ${key} not null, user_id ${key} not null, methods text not null,
      sign_outs bigint not null, auth_time bigint not null, created_at bigint not null, expires_at bigint not null,
      primary key (pool_id, session_hash))`,
    `create index if not exists browser_sessions_user on browser_sessions (pool_id, user_id)`,
    `create index if not exists browser_sessions_expiry on browser_sessions (expires_at)`,
    `create table if not exists authorization_codes (
      pool_id ${key} not null, code_hash ${key} not null, client_id ${key} not null, user_id ${key} not null,
      grant_json text not null, methods text not null, sign_outs bigint not null, credential_version bigint not null,
      auth_time bigint not null, created_at bigint not null, expires_at bigint not null, family_id ${key},
      primary key (pool_id, code_hash))`,
    `create index if not exists authorization_codes_user on authorization_codes (pool_id, user_id)`,
    `create index if not exists authorization_codes_expiry on authorization_codes (expires_at)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
