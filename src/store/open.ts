/** Opens the database: connects, locks, migrates and loads the keys. */
import { randomBytes } from "node:crypto";
import { Kysely, sql } from "kysely";
import { BoundedMap } from "../lib/bounded-map.ts";
import { type DatabaseAddress, parseDatabase } from "../lib/database-url.ts";
import { OperatorError } from "../lib/operator-error.ts";
import type { Random } from "../lib/seal.ts";
import type { Db } from "./db.ts";
import { newCounts } from "./engine/counts.ts";
import type { DirectRead } from "./engine/direct-read.ts";
import type { StoreLog } from "./engine/log.ts";
import { openEngine } from "./engine/open.ts";
import { serverName } from "./engine/postgres/clients.ts";
import { withoutTimeLimit } from "./engine/postgres/time-limit.ts";
import type { DatabaseKind } from "./engine/sql.ts";
import { fileExists, inMemory } from "./engine/sqlite/file.ts";
import { WriteHealth } from "./engine/sqlite/write-health.ts";
import { runTransaction } from "./engine/transaction.ts";
import { WrongMasterKey } from "./keys/data-keys.ts";
import { finishMasterKeyChange } from "./keys/finish-change.ts";
import { type MasterKeySet, masterKeys } from "./keys/master-key.ts";
import { type KeyOptions, type KeyRing, loadSealer } from "./keys/sealer.ts";
import { distribute, distributeNewTables, requireDistributable } from "./migrations/distribute.ts";
import {
  type Migration,
  migrate,
  PROGRAM_SCHEMA_VERSION,
  requireMigrated,
  type SchemaVersion,
  schemaVersion,
  writeMeta,
} from "./migrations/migrate.ts";
import type { Schema } from "./schema/schema.ts";

export interface OpenOptions {
  /** `postgres://…`, `sqlite:<path>`, a path, or `:memory:`. */
  readonly url: string;
  /** Base64 of 32 bytes. Required with PostgreSQL. */
  readonly masterKey?: string | undefined;
  /** Base64 of 32 bytes: unwraps what `masterKey` cannot yet while one replaces the other. */
  readonly previousMasterKey?: string | undefined;
  /** `<data>/secrets`: where the embedded store keeps its master key if none is configured. */
  readonly secretsFolder?: string | undefined;
  readonly log: StoreLog;
  readonly now?: (() => number) | undefined;
  readonly random?: Random | undefined;
  /** Whether another process has the database open (for commands and worker threads): neither locks nor migrates. */
  readonly secondary?: boolean | undefined;
  /**
   * PostgreSQL only: the maximum number of connections, the time to wait for it at startup, and its application_name.
   */
  readonly poolSize?: number | undefined;
  readonly waitMs?: number | undefined;
  readonly applicationName?: string | undefined;
  /** PostgreSQL only: whether it plans statements once per connection (`PostgresOptions`). */
  readonly namedStatements?: "auto" | "on" | "off" | undefined;
  /** For tests. */
  readonly migrations?: readonly Migration[] | undefined;
  readonly syncFile?: ((descriptor: number, done: (error: Error | null) => void) => void) | undefined;
  readonly idleLimitMs?: number | undefined;
  readonly queryTimeoutMs?: number | undefined;
}

export interface OpenedDatabase {
  readonly db: Db;
  /** Throws if the database does not answer or refuses to write. */
  ping(): Promise<void>;
  /** Loads data keys that another process has added, and which one is active. */
  refreshKeys(): Promise<void>;
  readonly masterKeys: MasterKeySet;
  /**
   * Called when the program begins to shut down. If PostgreSQL does not answer within two seconds it is given up: all
   * queries, running and later ones, then fail at once. Nothing is acknowledged that it has not confirmed.
   */
  leave(): Promise<void>;
  /** Waits for running queries. */
  close(): Promise<void>;
}

/** The number of pools with a known user whose rows are read for users who do not exist. */
const mostDecoys = 10_000;

export async function openDatabase(options: OpenOptions): Promise<OpenedDatabase> {
  const { log, now = Date.now, random = randomBytes } = options;
  const target = parseDatabase(options.url);
  if (options.secondary && target.kind === "sqlite" && !fileExists(target.path))
    throw new OperatorError(
      `There is no database at ${target.path}: the first start of the server makes it.`,
    );
  const keys = findMasterKeys(target, options);
  const counts = newCounts();
  const connected = await connect(target, options, counts);
  try {
    const { kysely, kind } = connected;
    if (options.secondary) await requireMigrated(kysely);
    else await migrate(kysely, { kind, log, now, migrations: options.migrations });
    const distributed = kind === "postgres" && (await distributeNewTables(kysely));
    const sealer = await loadKeys(kysely, { masterKeys: keys, random, now }, keys);
    const ping = () => pingDatabase(connected, now());
    const decoys = { users: new BoundedMap<string, string>(mostDecoys), credential: undefined };
    const direct = { kysely, read: connected.direct };
    const db: Db = { kysely, sealer, kind, distributed, inTransaction: false, counts, decoys, direct };
    const { close, leave } = connected;
    return { db, ping, leave, close, refreshKeys: () => sealer.refresh(), masterKeys: keys };
  } catch (error) {
    await connected.close();
    throw error;
  }
}

/** The configured master keys; the first start creates one if there is none. */
function findMasterKeys(target: DatabaseAddress, options: OpenOptions): MasterKeySet {
  const { random = randomBytes } = options;
  return masterKeys({
    kind: target.kind,
    configured: options.masterKey ?? throwAwayKey(target, random),
    previous: options.previousMasterKey,
    secretsFolder: options.secretsFolder,
    databaseExists: target.kind === "sqlite" && fileExists(target.path),
    random,
  });
}

/**
 * Checks the database. On SQLite in a transaction, which is refused once the disk has failed. Nothing is written,
 * unless the last write was refused for lack of space: then only another write can tell.
 */
async function pingDatabase({ kysely, kind, writes }: Connected, now: number): Promise<void> {
  if (kind === "postgres") {
    await sql`select 1`.execute(kysely);
    return;
  }
  await runTransaction(kysely, async (tx) => {
    await sql`select 1`.execute(tx);
    if (writes.failing) await writeMeta(tx, "write_probe", now);
  });
}

async function loadKeys(kysely: Kysely<Schema>, options: KeyOptions, keys: MasterKeySet): Promise<KeyRing> {
  const sealer = await loadSealer(kysely, options).catch((error: unknown) => {
    // The file may have changed between reading it and reading the data keys.
    if (keys.folder !== undefined && error instanceof WrongMasterKey) return loadSealer(kysely, options);
    throw error;
  });
  await finishMasterKeyChange(kysely, keys);
  return sealer;
}

/**
 * Brings the schema up to date and does nothing else. Needs no master key, but creates the first one along with a new
 * SQLite file, as a server does, since a file without a key would count as having lost it. Returns the schema version
 * before. Throws if there is something to do and a server has the SQLite file open.
 */
export async function migrateDatabase(options: OpenOptions): Promise<SchemaVersion> {
  const { log, now = Date.now } = options;
  const found = await readSchemaVersion(options);
  const target = parseDatabase(options.url);
  if (found.version >= found.program && target.kind === "sqlite") return found;
  if (target.kind === "sqlite" && !fileExists(target.path)) findMasterKeys(target, options);
  const { kysely, kind, close } = await connect(target, options);
  try {
    if (found.version < found.program) await migrate(kysely, { kind, log, now });
    if (kind === "postgres") await distributeNewTables(kysely);
    return found;
  } finally {
    await close();
  }
}

/** Throws an OperatorError if `distributeDatabase` would refuse the database, migrated or not. */
export async function checkDistributable(options: OpenOptions): Promise<void> {
  const target = parseDatabase(options.url);
  if (target.kind === "sqlite") throw new OperatorError("Only a PostgreSQL database can be distributed.");
  const { kysely, close } = await connect(target, options);
  try {
    await requireDistributable(kysely);
  } finally {
    await close();
  }
}

/**
 * Spreads the tables of a migrated PostgreSQL database over the machines of a Citus cluster. Returns the tables that were
 * not distributed before.
 */
export async function distributeDatabase(options: OpenOptions): Promise<string[]> {
  const target = parseDatabase(options.url);
  if (target.kind === "sqlite") throw new OperatorError("Only a PostgreSQL database can be distributed.");
  const { kysely, close } = await connect(target, options);
  try {
    await requireMigrated(kysely);
    return await withoutTimeLimit(() => distribute(kysely));
  } finally {
    await close();
  }
}

/** The database's schema version. Changes nothing and creates no file. */
export async function readSchemaVersion(options: OpenOptions): Promise<SchemaVersion> {
  const target = parseDatabase(options.url);
  if (target.kind === "sqlite" && !fileExists(target.path))
    return { version: 0, program: PROGRAM_SCHEMA_VERSION };
  const { kysely, close } = await connect(target, { ...options, secondary: true });
  try {
    return await schemaVersion(kysely);
  } finally {
    await close();
  }
}

/** A random master key for an in-memory database, which does not outlive the process. */
function throwAwayKey(target: DatabaseAddress, random: Random): string | undefined {
  const gone = target.kind === "sqlite" && target.path === inMemory;
  return gone ? Buffer.from(random(32)).toString("base64") : undefined;
}

interface Connected {
  readonly kind: DatabaseKind;
  readonly kysely: Kysely<Schema>;
  readonly writes: WriteHealth;
  readonly direct: DirectRead;
  leave(): Promise<void>;
  /** Waits for running queries. */
  close(): Promise<void>;
}

async function connect(
  target: DatabaseAddress,
  options: OpenOptions,
  counts = newCounts(),
): Promise<Connected> {
  const writes = new WriteHealth(options.log);
  const applicationName = options.applicationName ?? serverName(PROGRAM_SCHEMA_VERSION);
  const { dialect, direct, leave, unlock } = await openEngine(target, {
    ...options,
    counts,
    writes,
    applicationName,
  });
  const kysely = new Kysely<Schema>({ dialect });
  if (target.kind === "sqlite") await sql`select 1`.execute(kysely).catch(unusable(target.path, unlock));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= kysely.destroy().finally(unlock);
    return closing;
  };
  return { kind: target.kind, kysely, writes, direct, leave, close };
}

/** Names the file in an error: SQLite opens it with the first statement and does not say which one failed. */
function unusable(path: string, unlock: () => void): (error: unknown) => never {
  return (error) => {
    unlock();
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperatorError(`The database ${path} cannot be used: ${reason}`, { cause: error });
  };
}
