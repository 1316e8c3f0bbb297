import { type Kysely, sql } from "kysely";
import { addColumn, blobType, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Sign-in with other identity providers: the providers, the identities of users there, and what such a sign-in and its
 * end need.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const blob = blobType(kind);
  await addColumn(kysely, kind, "token_families", "provider_name", key);
  const expiring = ["federated_sign_ins", "consumed_ids", "provider_sessions"];
  const statements = [
    `create table if not exists identity_providers (
      pool_id ${key} not null, provider_name ${key} not null, prefix_key ${key} not null, type text not null,
      version integer not null, document text not null, secrets_sealed ${blob} not null,
      created_at bigint not null, updated_at bigint not null, primary key (pool_id, provider_name))`,
    `create index if not exists identity_providers_prefix on identity_providers (pool_id, prefix_key)`,
    `create table if not exists provider_identifiers (
      pool_id ${key} not null, identifier_key ${key} not null, provider_name ${key} not null,
      primary key (pool_id, identifier_key))`,
    `create index if not exists provider_identifiers_provider on provider_identifiers (pool_id, provider_name)`,
    `create table if not exists linked_identities (
      pool_id ${key} not null, provider_name ${key} not null, identity_key ${key} not null, user_id ${key} not null,
      attribute text not null, value text not null, value_key ${key} not null, is_primary integer not null,
      created_at bigint not null,
      primary key (pool_id, provider_name, identity_key))`,
    `create index if not exists linked_identities_user on linked_identities (pool_id, user_id)`,
    `create index if not exists linked_identities_value on linked_identities (pool_id, provider_name, value_key)`,
    `create table if not exists federated_sign_ins (
      pool_id ${key} not null, handle_hash ${key} not null, provider_name ${key} not null, client_id ${key} not null,
      state_sealed ${blob} not null, created_at bigint not null, expires_at bigint not null,
      primary key (pool_id, handle_hash))`,
    `create table if not exists consumed_ids (
      pool_id ${key} not null, id_hash ${key} not null, expires_at bigint not null, primary key (pool_id, id_hash))`,
    `create table if not exists provider_sessions (
      pool_id ${key} not null, browser_hash ${key} not null, user_id ${key} not null, provider_name ${key} not null,
      identity_key ${key} not null, session_key ${key} not null, details_sealed ${blob} not null,
      created_at bigint not null, expires_at bigint not null, primary key (pool_id, browser_hash))`,
    `create index if not exists provider_sessions_user on provider_sessions (pool_id, user_id)`,
    `create index if not exists provider_sessions_identity
      on provider_sessions (pool_id, provider_name, identity_key)`,
    `create index if not exists provider_sessions_session
      on provider_sessions (pool_id, provider_name, session_key)`,
    `create table if not exists saml_keys (
      pool_id ${key} not null, provider_name ${key} not null, certificate text not null,
      private_sealed ${blob} not null, created_at bigint not null, primary key (pool_id, provider_name))`,
    `create table if not exists saml_metadata (
      pool_id ${key} not null, provider_name ${key} not null, url text not null, document text not null,
      fetched_at bigint not null, refresh_at bigint not null, valid_until bigint,
      primary key (pool_id, provider_name))`,
    ...expiring.map(
      (table) => `create index if not exists ${table}_expiry on ${table} (pool_id, expires_at)`,
    ),
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
