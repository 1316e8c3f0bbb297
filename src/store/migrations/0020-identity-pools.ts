import { type Kysely, sql } from "kysely";
import { type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** Identity pools with their identities and logins; roles; and the providers that these trust. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const statements = [
    `create table if not exists identity_pools (
      pool_id ${key} not null, id_prefix ${key} not null, version integer not null, name text not null,
      document text not null, created_at bigint not null, updated_at bigint not null, primary key (pool_id))`,
    `create unique index if not exists identity_pools_prefix on identity_pools (id_prefix)`,
    `create table if not exists identities (
      pool_id ${key} not null, identity_id ${key} not null, merged_into ${key},
      created_at bigint not null, updated_at bigint not null, expires_at bigint,
      primary key (pool_id, identity_id))`,
    `create index if not exists identities_expiry on identities (pool_id, expires_at)`,
    `create table if not exists identity_logins (
      pool_id ${key} not null, login_key ${key} not null, identity_id ${key} not null,
      provider_name ${key} not null, subject text not null, created_at bigint not null,
      primary key (pool_id, login_key))`,
    `create index if not exists identity_logins_identity
      on identity_logins (pool_id, identity_id, provider_name, login_key)`,
    `create table if not exists roles (
      role_name ${key} not null, role_id ${key} not null, path text not null, description text not null,
      trust text not null, policies text not null, max_session_seconds integer not null, not_before bigint not null,
      created_at bigint not null, updated_at bigint not null, primary key (role_name))`,
    `create table if not exists trusted_providers (
      provider_arn ${key} not null, kind ${key} not null, document text not null,
      created_at bigint not null, updated_at bigint not null, primary key (provider_arn))`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
