import { type Kysely, sql } from "kysely";
import { addColumn, blobType, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** Factors: what users have turned on, software tokens, passkeys and devices. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const blob = blobType(kind);
  await addColumn(kysely, kind, "users", "mfa", "text");
  const statements = [
    `create table if not exists software_tokens (
      pool_id ${key} not null, user_id ${key} not null, version integer not null, seed_sealed ${blob},
      pending_sealed ${blob}, last_step bigint not null, updated_at bigint not null,
      primary key (pool_id, user_id))`,
    `create table if not exists passkeys (
      pool_id ${key} not null, credential_id ${key} not null, user_id ${key} not null, rp_id text not null,
      name text not null, public_key ${blob} not null, counter bigint not null, transports text not null,
      attachment text, device_type text not null, backed_up integer not null, created_at bigint not null,
      used_at bigint, primary key (pool_id, credential_id))`,
    `create table if not exists devices (
      pool_id ${key} not null, user_id ${key} not null, device_key ${key} not null, group_key text not null,
      name text, srp_sealed ${blob} not null, remembered integer not null, last_address text,
      created_at bigint not null, updated_at bigint not null, authenticated_at bigint not null,
      primary key (pool_id, user_id, device_key))`,
    `create index if not exists passkeys_user on passkeys (pool_id, user_id, credential_id)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
