import { type Kysely, sql } from "kysely";
import { type DatabaseKind, hasColumn } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Gives users and pools numbers, which replace their ids in sign-in names, credentials and search indexes
 * (docs/decisions/0008-numbers-of-users.md). Afterwards, versions that do not know them cannot use the tables.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  if (await hasColumn(kysely, kind, "users", "number")) return;
  const change =
    kind === "sqlite" ? [...withoutIndexes, ...rebuilt()] : [noWriters, ...withoutIndexes, ...altered()];
  for (const statement of [...change, ...indexes(kind)]) await sql.raw(statement).execute(kysely);
}

/** Keeps servers of earlier versions from writing what would not be migrated. */
const noWriters = "lock table pools, users, login_names, credentials in access exclusive mode";

const filtered = ["email", "phone_number", "name", "given_name", "family_name", "preferred_username"];

/**
 * Dropped before the tables change, so that SQLite puts the new ones in their place, and PostgreSQL need not maintain
 * them.
 */
const withoutIndexes = [
  ...[...filtered, "status"].map((name) => `drop index if exists users_${name}`),
  "drop index if exists login_names_user",
];

/** Each index ends with the number: implicitly in SQLite, explicitly in PostgreSQL. */
function indexes(kind: DatabaseKind): string[] {
  const number = kind === "sqlite" ? "" : ", number";
  return [
    ...filtered.map(
      (name) =>
        `create index users_${name} on users (pool_number, ${name}_key${number}) where ${name}_key is not null`,
    ),
    `create index users_status on users (pool_number, status${number})`,
    `create index if not exists users_disabled on users (pool_id, user_id) where enabled = 0`,
    `create index login_names_user on login_names (user_number)`,
  ];
}

const pools = "pool_id, version, name, document, fake_secret_sealed, created_at, updated_at";
const userKeys = filtered.map((name) => `${name}_key`).join(", ");
const users =
  "pool_id, user_id, username, version, status, enabled, sign_outs, attributes, pending_attributes, created_at, " +
  `updated_at, ${userKeys}`;
const credentials = [
  "version",
  "password_sealed",
  "srp_sealed",
  "history_sealed",
  "temporary_until",
  "updated_at",
];

/** SQLite cannot change the key of a table: each is created anew, and its rows are copied. */
function rebuilt(): string[] {
  const carried = (table: string, columns: readonly string[], order: string) =>
    `insert into ${table} (user_number, ${columns.join(", ")})
      select users.number, ${columns.map((name) => `former.${name}`).join(", ")} from former_${table} former
      join users on users.pool_id = former.pool_id and users.user_id = former.user_id order by ${order}`;
  return [
    "alter table pools rename to former_pools",
    `create table pools (
      number integer primary key, pool_id text not null unique, version integer not null, name text not null,
      document text not null, fake_secret_sealed blob not null, created_at bigint not null, updated_at bigint not null)`,
    `insert into pools (${pools}) select ${pools} from former_pools order by rowid`,
    "drop table former_pools",

    "alter table users rename to former_users",
    `create table users (
      number integer primary key, pool_number integer not null, pool_id text not null, user_id text not null,
      username text not null, version integer not null, status text not null, enabled integer not null,
      sign_outs integer not null, attributes text not null, pending_attributes text, created_at bigint not null,
      updated_at bigint not null, ${filtered.map((name) => `${name}_key text`).join(", ")})`,
    `insert into users (pool_number, ${users})
      select (select number from pools where pools.pool_id = former_users.pool_id), ${users}
      from former_users where pool_id in (select pool_id from pools) order by rowid`,
    "drop table former_users",
    "create unique index users_id on users (pool_id, user_id)",

    "alter table login_names rename to former_login_names",
    `create table login_names (
      pool_id text not null, name_key text not null, kind text not null,
      user_number integer not null references users (number) on delete cascade,
      primary key (pool_id, name_key)) without rowid`,
    carried("login_names", ["pool_id", "name_key", "kind"], "former.pool_id, former.name_key"),
    "drop table former_login_names",

    "alter table credentials rename to former_credentials",
    `create table credentials (
      user_number integer primary key references users (number) on delete cascade, version integer not null,
      password_sealed blob, srp_sealed blob, history_sealed blob, temporary_until bigint, updated_at bigint not null)`,
    carried("credentials", credentials, "users.number"),
    "drop table former_credentials",
  ];
}

/** PostgreSQL alters the tables in place, so that granted permissions are kept. */
function altered(): string[] {
  const byNumber = (table: string) => [
    `alter table ${table} add column user_number bigint`,
    `update ${table} set user_number = users.number from users
      where users.pool_id = ${table}.pool_id and users.user_id = ${table}.user_id`,
    // Rows of users who are gone, left by a race.
    `delete from ${table} where user_number is null`,
  ];
  const ofUser = "foreign key (user_number) references users (number) on delete cascade";
  return [
    `alter table pools add column number bigint generated by default as identity, drop constraint pools_pkey,
      add primary key (number), add unique (pool_id)`,

    `alter table users add column number bigint generated by default as identity, add column pool_number bigint,
      drop constraint users_pkey`,
    "update users set pool_number = pools.number from pools where pools.pool_id = users.pool_id",
    "delete from users where pool_number is null",
    "alter table users alter column pool_number set not null, add primary key (number)",
    "create unique index users_id on users (pool_id, user_id)",

    ...byNumber("login_names"),
    `alter table login_names alter column user_number set not null, drop column user_id, add ${ofUser}`,

    ...byNumber("credentials"),
    `alter table credentials drop constraint credentials_pkey, drop column pool_id, drop column user_id,
      add primary key (user_number), add ${ofUser}`,

    // Without statistics on the new columns, queries would be planned badly.
    "analyze pools, users, login_names, credentials",
  ];
}
