import { type Kysely, sql } from "kysely";
import { blobType, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

type Kind = "sqlite" | "postgres";

/** The tables of the first release. Each statement is idempotent. */
export async function up(kysely: Kysely<Schema>, kind: Kind): Promise<void> {
  for (const statement of statements(kind)) await sql.raw(statement).execute(kysely);
}

function statements(kind: Kind): string[] {
  const key = keyText(kind);
  const blob = blobType(kind);
  return [
    ...operatorTables(key, blob),
    ...poolTables(key, blob),
    ...userTables(key, blob),
    ...liveTables(key, blob),
  ];
}

function operatorTables(key: string, blob: string): string[] {
  return [
    `create table if not exists access_keys (
      access_key_id ${key} primary key, principal ${key} not null, secret_sealed ${blob} not null,
      policy text not null, status text not null, created_at bigint not null)`,
    `create unique index if not exists access_keys_root on access_keys (principal) where principal = 'root'`,
  ];
}

function poolTables(key: string, blob: string): string[] {
  return [
    `create table if not exists pools (
      pool_id ${key} primary key, version integer not null, name text not null, document text not null,
      fake_secret_sealed ${blob} not null, created_at bigint not null, updated_at bigint not null)`,
    `create table if not exists clients (
      pool_id ${key} not null, client_id ${key} not null, version integer not null, name text not null,
      document text not null, created_at bigint not null, updated_at bigint not null,
      primary key (pool_id, client_id))`,
    `create table if not exists client_pools (client_id ${key} primary key, pool_id ${key} not null)`,
    `create table if not exists client_secrets (
      pool_id ${key} not null, client_id ${key} not null, secret_id ${key} not null, secret_sealed ${blob} not null,
      created_at bigint not null, primary key (pool_id, client_id, secret_id))`,
    `create table if not exists signing_keys (
      pool_id ${key} not null, kid ${key} not null, token_use text not null, public_jwk text not null,
      private_sealed ${blob} not null, created_at bigint not null, active_from bigint not null, retired_at bigint,
      primary key (pool_id, kid))`,
    `create table if not exists groups (
      pool_id ${key} not null, group_name ${key} not null, description text, role_arn text, precedence bigint,
      created_at bigint not null, updated_at bigint not null, primary key (pool_id, group_name))`,
  ];
}

const filtered = ["email", "phone_number", "name", "given_name", "family_name", "preferred_username"];

function userTables(key: string, blob: string): string[] {
  return [
    `create table if not exists users (
      pool_id ${key} not null, user_id ${key} not null, username ${key} not null, version integer not null,
      status ${key} not null, enabled integer not null, sign_outs integer not null, attributes text not null, pending_attributes text,
      created_at bigint not null, updated_at bigint not null,
      ${filtered.map((name) => `${name}_key ${key}`).join(", ")},
      primary key (pool_id, user_id))`,
    ...filtered.map(
      (name) =>
        `create index if not exists users_${name} on users (pool_id, ${name}_key, user_id) where ${name}_key is not null`,
    ),
    `create index if not exists users_status on users (pool_id, status, user_id)`,
    `create index if not exists users_disabled on users (pool_id, user_id) where enabled = 0`,
    `create table if not exists login_names (
      pool_id ${key} not null, name_key ${key} not null, kind ${key} not null, user_id ${key} not null,
      primary key (pool_id, name_key))`,
    `create index if not exists login_names_user on login_names (pool_id, user_id)`,
    `create table if not exists credentials (
      pool_id ${key} not null, user_id ${key} not null, version integer not null, password_sealed ${blob},
      srp_sealed ${blob}, history_sealed ${blob}, temporary_until bigint, updated_at bigint not null,
      primary key (pool_id, user_id))`,
    `create table if not exists group_members (
      pool_id ${key} not null, user_id ${key} not null, group_name ${key} not null, created_at bigint not null,
      primary key (pool_id, user_id, group_name))`,
    `create index if not exists group_members_group on group_members (pool_id, group_name, user_id)`,
  ];
}

/** Short-lived rows: each has `expires_at`, by which the sweep removes it. */
function liveTables(key: string, blob: string): string[] {
  return [
    `create table if not exists sign_ins (
      pool_id ${key} not null, sign_in_id ${key} not null, client_id ${key} not null, user_id ${key},
      version integer not null, state_sealed ${blob} not null, created_at bigint not null, expires_at bigint not null,
      primary key (pool_id, sign_in_id))`,
    `create table if not exists codes (
      pool_id ${key} not null, user_id ${key} not null, purpose ${key} not null, code_mac ${blob} not null,
      destination text not null, attempts integer not null, created_at bigint not null, expires_at bigint not null,
      primary key (pool_id, user_id, purpose))`,
    `create table if not exists attempts (
      pool_id ${key} not null, subject ${key} not null, kind ${key} not null, count integer not null,
      since bigint not null, locked_until bigint not null, expires_at bigint not null,
      primary key (pool_id, subject, kind))`,
    `create table if not exists token_families (
      pool_id ${key} not null, family_id ${key} not null, user_id ${key} not null, client_id ${key} not null,
      origin_jti ${key} not null, key_sealed ${blob} not null, generation integer not null, rotated_at bigint,
      auth_time bigint not null, scope text not null, device_key ${key}, created_at bigint not null,
      expires_at bigint not null, revoked_at bigint, primary key (pool_id, family_id))`,
    `create index if not exists token_families_user on token_families (pool_id, user_id)`,
    `create table if not exists outbox (
      pool_id ${key} not null, message_id ${key} not null, user_id ${key}, medium text not null, kind text not null,
      message_sealed ${blob} not null, status ${key} not null, attempts integer not null,
      next_attempt_at bigint not null, created_at bigint not null, expires_at bigint not null,
      primary key (pool_id, message_id))`,
    `create index if not exists outbox_due on outbox (next_attempt_at) where status = 'waiting'`,
    ...["sign_ins", "codes", "attempts", "token_families", "outbox"].map(
      (table) => `create index if not exists ${table}_expiry on ${table} (expires_at)`,
    ),
  ];
}
