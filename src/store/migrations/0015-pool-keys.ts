import { type Kysely, sql } from "kysely";
import { type DatabaseKind, hasColumn } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Puts `pool_id` in front of every key, so that a pool's rows can lie together on one machine
 * (docs/decisions/0021-keys-that-carry-the-pool.md). Users keep their numbers, which are unique within their pool from
 * now on. Afterwards, earlier versions cannot use the tables.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  if (!(await hasColumn(kysely, kind, "users", "pool_number"))) return;
  const run = (statement: string) => sql.raw(statement).execute(kysely);
  if (kind === "postgres") await run(noWriters);
  const cut = (await run(longKeys)).rows.length > 0 ? shortened(kind) : [];
  const change = kind === "sqlite" ? [...withoutIndexes, ...rebuilt()] : altered();
  for (const statement of [...cut, ...change, ...withoutOrphans, ...indexes(kind)]) await run(statement);
}

/** Keeps servers of earlier versions from writing what would not be migrated. */
const noWriters =
  "lock table pools, users, login_names, credentials, auth_events, audit_events in access exclusive mode";

const filtered = ["email", "phone_number", "name", "given_name", "family_name", "preferred_username"];

/** Users with keys longer than users.ts makes them: with `pool_id` in front they may not fit into an index. */
const longKeys = `select 1 from users where ${filtered.map((name) => `length(${name}_key) > 600`).join(" or ")} limit 1`;

/**
 * Cuts those keys off; the attributes have the whole text. PostgreSQL writes the table anew, since even rows that an
 * update has replaced come into an index that is made in the same transaction.
 */
function shortened(kind: DatabaseKind): string[] {
  const keys = filtered.map((name) => `${name}_key`);
  if (kind === "sqlite") return keys.map((key) => `update users set ${key} = substr(${key}, 1, 600)`);
  const columns = keys.map((key) => `alter column ${key} type text collate "C" using substr(${key}, 1, 600)`);
  return [`alter table users ${columns.join(", ")}`];
}

/** Tables whose rows expire, each with an index by which the sweep of a pool finds them. */
const expiring = [
  "sign_ins",
  "codes",
  "attempts",
  "token_families",
  "outbox",
  "known_sources",
  "browser_sessions",
  "authorization_codes",
  "token_sessions",
];

const withoutIndexes = [
  ...[...filtered, "status", "id", "disabled"].map((name) => `drop index if exists users_${name}`),
  ...["login_names_user", "auth_events_time"].map((name) => `drop index if exists ${name}`),
  ...["pool", "actor", "operation", "target", "refused"].map(
    (name) => `drop index if exists audit_events_${name}`,
  ),
  "drop index if exists signing_keys_leaving",
  ...expiring.map((table) => `drop index if exists ${table}_expiry`),
];

/** Domains of pools that servers deleted which knew no domains. */
const withoutOrphans = ["domains", "domain_pools"].map(
  (table) => `delete from ${table} where pool_id not in (select pool_id from pools)`,
);

/** Each index of users ends with the number: implicitly in SQLite, explicitly in PostgreSQL. */
function indexes(kind: DatabaseKind): string[] {
  const number = kind === "sqlite" ? "" : ", number";
  return [
    "create index client_pools_pool on client_pools (pool_id)",
    "create unique index users_id on users (pool_id, user_id)",
    ...filtered.map(
      (name) =>
        `create index users_${name} on users (pool_id, ${name}_key${number}) where ${name}_key is not null`,
    ),
    `create index users_status on users (pool_id, status${number})`,
    "create index users_disabled on users (pool_id, user_id) where enabled = 0",
    "create index login_names_user on login_names (pool_id, user_number)",
    "create index auth_events_time on auth_events (pool_id, event_id)",
    "create index audit_events_time on audit_events (event_id)",
    "create index audit_events_actor on audit_events (actor, event_id)",
    "create index audit_events_operation on audit_events (operation, event_id)",
    "create index audit_events_target on audit_events (target, event_id) where target is not null",
    "create index audit_events_refused on audit_events (event_id) where result <> 'ok'",
    "create index signing_keys_leaving on signing_keys (pool_id, retired_at) where retired_at is not null",
    ...expiring.map((table) => `create index ${table}_expiry on ${table} (pool_id, expires_at)`),
  ];
}

const pools = "pool_id, version, name, document, fake_secret_sealed, created_at, updated_at";
const userColumns = [
  "username",
  "version",
  "status",
  "enabled",
  "sign_outs",
  "pending_attributes",
  "mfa",
  "created_at",
  "updated_at",
  ...filtered.map((name) => `${name}_key`),
];
const credentials = [
  "version",
  "password_sealed",
  "srp_sealed",
  "history_sealed",
  "temporary_until",
  "updated_at",
];
const authEvents = [
  "event_id",
  "at",
  "type",
  "response",
  "steps",
  "challenges",
  "address",
  "device_name",
  "feedback",
  "feedback_provider",
  "feedback_at",
  "times",
];
const auditEvents = [
  "at",
  "actor",
  "address",
  "user_agent",
  "operation",
  "target",
  "result",
  "request_id",
  "details",
];

const ofUser = "foreign key (pool_id, user_number) references users (pool_id, number) on delete cascade";

/** The attributes without those whose search column holds the very text (users.ts). */
function withoutSearched(): string {
  const paths = filtered.map(
    (name) =>
      `case when former.${name}_key = json_extract(former.attributes, '$.${name}') then '$.${name}' else '$." "' end`,
  );
  return `json_remove(former.attributes, ${paths.join(", ")})`;
}

/**
 * SQLite cannot change the key of a table: each is created anew, and its rows are copied in the order of the new key,
 * which fills the pages. Former children go before their parent, whose deletion would take copied rows along.
 */
function rebuilt(): string[] {
  const ordered = "(select pool_id, number from former_users order by pool_id, number) keys";
  const carried = (table: string, columns: readonly string[]) =>
    `insert into ${table} (pool_id, user_number, ${columns.join(", ")})
      select keys.pool_id, keys.number, ${columns.map((name) => `former.${name}`).join(", ")}
      from ${ordered} cross join former_${table} former on former.user_number = keys.number`;
  const tables = ["pools", "users", "login_names", "credentials", "auth_events", "audit_events"];
  return [
    ...tables.map((table) => `alter table ${table} rename to former_${table}`),
    `create table pools (
      pool_id text not null primary key, version integer not null, name text not null, document text not null,
      fake_secret_sealed blob not null, created_at bigint not null, updated_at bigint not null)`,
    `insert into pools (${pools}) select ${pools} from former_pools order by number`,

    `create table users (
      pool_id text not null, number integer not null, user_id text not null, username text not null,
      version integer not null, status text not null, enabled integer not null, sign_outs integer not null,
      attributes text not null, pending_attributes text, mfa text, created_at bigint not null,
      updated_at bigint not null, ${filtered.map((name) => `${name}_key text`).join(", ")},
      primary key (pool_id, number)) without rowid`,
    `insert into users (pool_id, number, user_id, attributes, ${userColumns.join(", ")})
      select keys.pool_id, keys.number, former.user_id, ${withoutSearched()},
        ${userColumns.map((name) => `former.${name}`).join(", ")}
      from ${ordered} cross join former_users former on former.number = keys.number`,

    `create table login_names (
      pool_id text not null, name_key text not null, kind text not null, user_number integer not null,
      primary key (pool_id, name_key), ${ofUser}) without rowid`,
    `insert into login_names (pool_id, name_key, kind, user_number)
      select pool_id, name_key, kind, user_number from former_login_names order by pool_id, name_key`,

    `create table credentials (
      pool_id text not null, user_number integer not null, version integer not null, password_sealed blob,
      srp_sealed blob, history_sealed blob, temporary_until bigint, updated_at bigint not null,
      primary key (pool_id, user_number), ${ofUser}) without rowid`,
    carried("credentials", credentials),

    `create table auth_events (
      pool_id text not null, user_number integer not null, event_id text not null, at bigint not null,
      type text not null, response text not null, steps integer not null, challenges text not null, address text,
      device_name text, feedback text, feedback_provider text, feedback_at bigint, times integer,
      primary key (pool_id, user_number, event_id), ${ofUser}) without rowid`,
    carried("auth_events", authEvents),

    `create table audit_events (
      pool_id text not null, event_id text not null, at bigint not null, actor text not null, address text,
      user_agent text, operation text not null, target text, result text not null, request_id text, details text,
      primary key (pool_id, event_id)) without rowid`,
    `insert into audit_events (pool_id, event_id, ${auditEvents.join(", ")})
      select coalesce(pool_id, ''), event_id, ${auditEvents.join(", ")} from former_audit_events
      order by coalesce(pool_id, ''), event_id`,

    ...tables.toReversed().map((table) => `drop table former_${table}`),
  ];
}

/** PostgreSQL alters the tables in place, so that granted permissions are kept. */
function altered(): string[] {
  const children = ["login_names", "credentials", "auth_events"];
  const byPool = (table: string, key: string) => [
    `alter table ${table} add column pool_id text collate "C"`,
    `update ${table} set pool_id = users.pool_id from users where users.number = ${table}.user_number`,
    `alter table ${table} alter column pool_id set not null, drop constraint ${table}_pkey,
      add primary key (pool_id, ${key})`,
  ];
  return [
    ...children.map((table) => `alter table ${table} drop constraint ${table}_user_number_fkey`),
    ...byPool("credentials", "user_number"),
    ...byPool("auth_events", "user_number, event_id"),
    ...withoutIndexes,

    `alter table pools drop constraint pools_pkey, drop constraint pools_pool_id_key, drop column number,
      add primary key (pool_id)`,
    `alter table users alter column number drop identity, drop constraint users_pkey, drop column pool_number,
      add primary key (pool_id, number)`,
    ...children.map((table) => `alter table ${table} add ${ofUser}`),

    "update audit_events set pool_id = '' where pool_id is null",
    `alter table audit_events alter column pool_id set not null, drop constraint audit_events_pkey,
      add primary key (pool_id, event_id)`,

    // Without statistics on the new columns, queries would be planned badly.
    "analyze pools, users, login_names, credentials, auth_events, audit_events",
  ];
}
