/**
 * Brings the schema up to date at startup. Migrations are ordered, forward-only and idempotent. The database records
 * its version and the oldest program version that may use it, so that during a rolling upgrade old servers keep running
 * until the schema no longer supports them. One server migrates at a time, under a lease; see `migrateUnderLease`.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import { OperatorError } from "../../lib/operator-error.ts";
import { endLease, type Lease, renewLease, takeLease } from "../engine/lease.ts";
import type { StoreLog } from "../engine/log.ts";
import { isOlderServer, otherClients } from "../engine/postgres/clients.ts";
import { withoutTimeLimit } from "../engine/postgres/time-limit.ts";
import { sqlState } from "../engine/retry.ts";
import { blobType, type DatabaseKind, keyText } from "../engine/sql.ts";
import { runTransaction } from "../engine/transaction.ts";
import type { Schema } from "../schema/schema.ts";

export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly name: string;
  /** The lowest PROGRAM_SCHEMA_VERSION that can work with the schema after this migration. */
  readonly oldestProgram: number;
  /** Runs in one transaction together with the record that it was done. Must be idempotent. */
  up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void>;
}

/** Loads a migration when it runs: a database that is up to date needs none of them. */
function upIn(load: () => Promise<Pick<Migration, "up">>): Migration["up"] {
  return async (kysely, kind) => (await load()).up(kysely, kind);
}

export const migrations: readonly Migration[] = [
  { version: 1, name: "first", oldestProgram: 1, up: upIn(() => import("./0001-first.ts")) },
  { version: 2, name: "limits", oldestProgram: 1, up: upIn(() => import("./0002-limits.ts")) },
  { version: 3, name: "audit", oldestProgram: 1, up: upIn(() => import("./0003-audit.ts")) },
  { version: 4, name: "key-rotation", oldestProgram: 1, up: upIn(() => import("./0004-key-rotation.ts")) },
  { version: 5, name: "numbers", oldestProgram: 5, up: upIn(() => import("./0005-numbers.ts")) },
  { version: 6, name: "factors", oldestProgram: 5, up: upIn(() => import("./0006-factors.ts")) },
  { version: 7, name: "auth-events", oldestProgram: 5, up: upIn(() => import("./0007-auth-events.ts")) },
  { version: 8, name: "grants", oldestProgram: 5, up: upIn(() => import("./0008-grants.ts")) },
  { version: 9, name: "domains", oldestProgram: 5, up: upIn(() => import("./0009-domains.ts")) },
  { version: 10, name: "sessions", oldestProgram: 5, up: upIn(() => import("./0010-sessions.ts")) },
  { version: 11, name: "retired-names", oldestProgram: 5, up: upIn(() => import("./0011-retired-names.ts")) },
  { version: 12, name: "bounds", oldestProgram: 5, up: upIn(() => import("./0012-bounds.ts")) },
  { version: 13, name: "two-factors", oldestProgram: 5, up: upIn(() => import("./0013-two-factors.ts")) },
  { version: 14, name: "browsers", oldestProgram: 5, up: upIn(() => import("./0014-browsers.ts")) },
  { version: 15, name: "pool-keys", oldestProgram: 15, up: upIn(() => import("./0015-pool-keys.ts")) },
  { version: 16, name: "queues", oldestProgram: 15, up: upIn(() => import("./0016-queues.ts")) },
  { version: 17, name: "federation", oldestProgram: 15, up: upIn(() => import("./0017-federation.ts")) },
  {
    version: 18,
    name: "provider-names",
    oldestProgram: 15,
    up: upIn(() => import("./0018-provider-names.ts")),
  },
  { version: 19, name: "signed-in", oldestProgram: 15, up: upIn(() => import("./0019-signed-in.ts")) },
  {
    version: 20,
    name: "identity-pools",
    oldestProgram: 15,
    up: upIn(() => import("./0020-identity-pools.ts")),
  },
  { version: 21, name: "role-names", oldestProgram: 15, up: upIn(() => import("./0021-role-names.ts")) },
  { version: 22, name: "large-pools", oldestProgram: 15, up: upIn(() => import("./0022-large-pools.ts")) },
];

/** The schema version that this program is written for. */
export const PROGRAM_SCHEMA_VERSION = lastVersion(migrations);

export interface MigrateOptions {
  readonly kind: DatabaseKind;
  readonly log: StoreLog;
  readonly now: () => number;
  /** For tests. */
  readonly migrations?: readonly Migration[] | undefined;
  /** How long to wait while another server migrates. Milliseconds. */
  readonly waitMs?: number | undefined;
}

const leaseMs = 60_000;
const lease = (holder: string, now: number): Lease => ({
  name: "migration",
  holder,
  expiresAt: now + leaseMs,
});

export async function migrate(kysely: Kysely<Schema>, options: MigrateOptions): Promise<void> {
  try {
    await withoutTimeLimit(() => bringUpToDate(kysely, options));
  } catch (error) {
    throw sqlState(error) === "42501" ? notPermitted(error) : error;
  }
}

function notPermitted(cause: unknown): OperatorError {
  return new OperatorError(
    "The user of the database may not change its schema (permission denied). Grant it CREATE on the schema, or run " +
      "`poolhouse migrate` as a user that owns the tables; the servers then need no more than to read and write.",
    { cause },
  );
}

/** A database's schema version, and the one this program is written for; version 0 is an empty database. */
export interface SchemaVersion {
  readonly version: number;
  readonly program: number;
}

/** Reads the schema version without changing anything. Throws if the program is too old for the database. */
export async function schemaVersion(kysely: Kysely<Schema>): Promise<SchemaVersion> {
  const state = (await hasBaseTables(kysely)) ? await readState(kysely) : { version: 0, oldestProgram: 0 };
  refuseOldProgram(state, PROGRAM_SCHEMA_VERSION);
  return { version: state.version, program: PROGRAM_SCHEMA_VERSION };
}

/**
 * For commands that use a database without migrating it. Throws an OperatorError that says what to do if the schema is older.
 */
export async function requireMigrated(kysely: Kysely<Schema>): Promise<void> {
  const { version, program } = await schemaVersion(kysely);
  if (version >= program) return;
  throw new OperatorError(
    `The database has schema ${version}, this program needs ${program}: start the server, or run \`poolhouse migrate\`.`,
  );
}

async function bringUpToDate(kysely: Kysely<Schema>, options: MigrateOptions): Promise<void> {
  const list = options.migrations ?? migrations;
  const program = lastVersion(list);
  await makeBaseTables(kysely, options.kind);
  const holder = randomUUID();
  const until = Date.now() + (options.waitMs ?? 600_000);
  for (;;) {
    const state = await readState(kysely);
    refuseOldProgram(state, program);
    if (state.version >= program) return;
    if (await takeLease(kysely, lease(holder, options.now()), options.now())) {
      if (await migrateUnderLease(kysely, list, holder, options)) return;
    } else if (Date.now() > until) {
      throw new OperatorError(
        "Another server has been migrating the database for too long: look at that one first.",
      );
    }
    await delay(100 + Math.random() * 100);
  }
}

function lastVersion(list: readonly Migration[]): number {
  list.forEach((migration, index) => {
    if (migration.version !== index + 1) throw new Error(`Migration ${migration.name} is out of order.`);
  });
  return list.length;
}

interface State {
  readonly version: number;
  readonly oldestProgram: number;
}

async function readState(kysely: Kysely<Schema>): Promise<State> {
  const rows = await kysely
    .selectFrom("poolhouse_meta")
    .selectAll()
    .where("key", "in", ["schema_version", "oldest_program_version"])
    .execute();
  const number = (key: string) => Number(rows.find((row) => row.key === key)?.value ?? 0);
  return { version: number("schema_version"), oldestProgram: number("oldest_program_version") };
}

function refuseOldProgram(state: State, program: number): void {
  if (program >= state.oldestProgram) return;
  throw new OperatorError(
    `This version of Poolhouse is too old for the database: it knows schema ${program}, the database has schema ` +
      `${state.version}, which needs a program that knows at least ${state.oldestProgram}. Install a newer version.`,
  );
}

/**
 * Throws an OperatorError if servers are connected that cannot work with the tables after this migration: they would go on
 * with those statements that still succeed.
 */
async function refuseBesideOlder(tx: Kysely<Schema>, migration: Migration): Promise<void> {
  if (migration.oldestProgram < migration.version) return;
  const older = (await otherClients(tx)).filter((name) => isOlderServer(name, migration.version));
  if (older.length === 0) return;
  throw new OperatorError(
    `Servers of an earlier version are connected to the database (${older.join(", ")}), which cannot work with schema ` +
      `${migration.version}: stop them first, and reload a connection pooler, which may keep their connections.`,
  );
}

/** Creates the tables that migrations, their lease and the sealer need. */
async function makeBaseTables(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const statements = [
    `create table if not exists poolhouse_meta (key ${key} primary key, value text not null)`,
    `create table if not exists leases (
      name ${key} primary key, holder ${key} not null, expires_at bigint not null)`,
    `create table if not exists data_keys (
      key_id ${key} primary key, purpose ${key} not null, wrapped ${blobType(kind)} not null,
      created_at bigint not null, retired_at bigint)`,
    // One active key per purpose: decides which of two servers that start at once creates the keys.
    `create unique index if not exists data_keys_in_use on data_keys (purpose) where retired_at is null`,
  ];
  for (let attempt = 1; ; attempt++) {
    if (await hasBaseTables(kysely)) return;
    try {
      await runTransaction(kysely, async (tx) => {
        for (const statement of statements) await sql.raw(statement).execute(tx);
      });
      return;
    } catch (error) {
      if (attempt === 20 || !isCreatedByAnother(error)) throw error;
    }
    await delay(20 + Math.random() * 80);
  }
}

/**
 * Whether the base tables exist. All four are created in one transaction, so it checks only one. Asking first avoids
 * PostgreSQL's notices.
 */
async function hasBaseTables(kysely: Kysely<Schema>): Promise<boolean> {
  try {
    await kysely.selectFrom("data_keys").select("key_id").limit(1).execute();
    return true;
  } catch (error) {
    if (sqlState(error) === "42P01") return false;
    if (error instanceof Error && error.message.includes("no such table")) return false;
    throw error;
  }
}

/**
 * Whether `create … if not exists` ran in two sessions at once: duplicate table, type or index, or a concurrently
 * updated catalog row.
 */
function isCreatedByAnother(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && ["23505", "42P07", "42710", "XX000", "40001", "40P01"].includes(state);
}

/**
 * Runs the migrations under the lease. Each migration's transaction first renews it. That locks its row until the
 * commit, so a server that finds the lease expired during a long migration waits for the lock and then sees the renewed
 * lease; if the lease was already lost, nothing is done. Returns false if it was lost. Logs each migration, but only one
 * line for an empty database.
 */
async function migrateUnderLease(
  kysely: Kysely<Schema>,
  list: readonly Migration[],
  holder: string,
  { kind, now, log }: MigrateOptions,
): Promise<boolean> {
  const before = (await readState(kysely)).version;
  const done: Migration[] = [];
  try {
    for (const migration of list) {
      const outcome = await runTransaction(kysely, async (tx) => {
        if (!(await renewLease(tx, lease(holder, now())))) return "lost";
        const { version } = await readState(tx);
        if (version >= migration.version) return "had";
        if (kind === "postgres" && version > 0) await refuseBesideOlder(tx, migration);
        await migration.up(tx, kind);
        await writeMeta(tx, "schema_version", migration.version);
        await writeMeta(tx, "oldest_program_version", migration.oldestProgram);
        return "done";
      });
      if (outcome === "lost") return false;
      if (outcome === "done") done.push(migration);
    }
    return true;
  } finally {
    logMigrations(log, before, done);
    // If this fails too, the first error is the one to report; the lease expires by itself.
    await endLease(kysely, lease(holder, 0)).catch(() => {});
  }
}

/** One line, however many there were. @param before the version of the schema before them */
function logMigrations(log: StoreLog, before: number, done: readonly Migration[]): void {
  const last = done.at(-1);
  if (last === undefined) return;
  const { version } = last;
  if (before === 0) log.info({ version }, "Created the tables of the database.");
  else log.info({ from: before, version, names: done.map(({ name }) => name) }, "Migrated the database.");
}

/** Sets a value of poolhouse_meta. */
export async function writeMeta(tx: Kysely<Schema>, key: string, value: number | string): Promise<void> {
  await tx
    .insertInto("poolhouse_meta")
    .values({ key, value: String(value) })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value: String(value) }))
    .execute();
}
