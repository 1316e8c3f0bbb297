/** Opens the database: connects, locks, migrates, loads the keys. */
import { randomBytes } from "node:crypto";
import { type Dialect, Kysely, sql } from "kysely";
import type { Random } from "../lib/seal.ts";
import { type Db, runTransaction } from "./db.ts";
import type { StoreLog } from "./log.ts";
import { masterKey } from "./master-key.ts";
import { type Migration, migrate, writeMeta } from "./migrate.ts";
import type { Schema } from "./schema.ts";
import { loadSealer } from "./sealer.ts";
import type { DatabaseKind } from "./sql.ts";
import { fileExists, inMemory, lockForThisProcess, prepareFile } from "./sqlite-file.ts";
import { WriteHealth } from "./write-health.ts";

export interface OpenOptions {
  /** `postgres://…`, `sqlite:<path>`, a path, or `:memory:`. */
  readonly url: string;
  /** Base64 of 32 bytes. Required with PostgreSQL. */
  readonly masterKey?: string | undefined;
  /** `<data>/secrets`: where the embedded store keeps its master key when none is configured. */
  readonly secretsFolder?: string | undefined;
  readonly log: StoreLog;
  readonly now?: (() => number) | undefined;
  readonly random?: Random | undefined;
  /** A further connection in a process that has the database open (a worker thread): neither locks nor migrates. */
  readonly secondary?: boolean | undefined;
  /** PostgreSQL: connections at most; time to wait for it at start; what it shows in pg_stat_activity. */
  readonly poolSize?: number | undefined;
  readonly waitMs?: number | undefined;
  readonly applicationName?: string | undefined;
  /** For tests. */
  readonly migrations?: readonly Migration[] | undefined;
  readonly syncFile?: ((descriptor: number, done: (error: Error | null) => void) => void) | undefined;
  readonly idleLimitMs?: number | undefined;
}

export interface OpenedDatabase {
  readonly db: Db;
  /** Fails when the database does not answer, or refuses to write. */
  ping(): Promise<void>;
  /** Learns data keys that another server has added. */
  refreshKeys(): Promise<void>;
  /** Waits for running queries. */
  close(): Promise<void>;
}

export async function openDatabase(options: OpenOptions): Promise<OpenedDatabase> {
  const { log, now = Date.now, random = randomBytes } = options;
  const target = parseUrl(options.url);
  const key = masterKey({
    kind: target.kind,
    configured: options.masterKey ?? throwAwayKey(target, random),
    secretsFolder: options.secretsFolder,
    databaseExists: target.kind === "sqlite" && fileExists(target.path),
    random,
  });
  const connected = await connect(target, options);
  const kysely = new Kysely<Schema>({ dialect: connected.dialect });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= kysely.destroy().finally(connected.unlock);
    return closing;
  };
  try {
    const { kind } = target;
    if (!options.secondary) await migrate(kysely, { kind, log, now, migrations: options.migrations });
    const sealer = await loadSealer(kysely, { masterKey: key, random, now });
    const ping = () => pingDatabase(kysely, kind, connected.writes, now());
    const db: Db = { kysely, sealer, kind, inTransaction: false };
    return { db, ping, close, refreshKeys: () => sealer.refresh() };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * On SQLite in a transaction, which is refused once the disk has failed. Nothing is written, unless the last write found
 * no room: then only another one can tell.
 */
async function pingDatabase(
  kysely: Kysely<Schema>,
  kind: DatabaseKind,
  writes: WriteHealth,
  now: number,
): Promise<void> {
  if (kind === "postgres") {
    await sql`select 1`.execute(kysely);
    return;
  }
  await runTransaction(kysely, async (tx) => {
    await sql`select 1`.execute(tx);
    if (writes.failing) await writeMeta(tx, "write_probe", now);
  });
}

type Target =
  | { readonly kind: "postgres"; readonly url: string }
  | { readonly kind: "sqlite"; readonly path: string };

function parseUrl(url: string): Target {
  if (/^postgres(?:ql)?:\/\//.test(url)) return { kind: "postgres", url };
  const path = url.replace(/^sqlite:(?:\/\/)?/, "");
  // Not repeated in the message: it may contain a password.
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path))
    throw new Error("The database must be postgres://…, sqlite:… or a path.");
  if (path === "") throw new Error("The path of the database is empty.");
  return { kind: "sqlite", path };
}

/** What is gone with the process needs no key that outlives it. */
function throwAwayKey(target: Target, random: Random): string | undefined {
  const gone = target.kind === "sqlite" && target.path === inMemory;
  return gone ? Buffer.from(random(32)).toString("base64") : undefined;
}

interface Connected {
  readonly dialect: Dialect;
  readonly writes: WriteHealth;
  unlock(): void;
}

async function connect(target: Target, options: OpenOptions): Promise<Connected> {
  const writes = new WriteHealth(options.log);
  if (target.kind === "postgres") {
    const { connectPostgres } = await import("./postgres-dialect.ts");
    return { dialect: await connectPostgres({ ...options, url: target.url }), writes, unlock: () => {} };
  }
  const { sqliteDialect } = await import("./sqlite-dialect.ts");
  const path = target.path === inMemory ? inMemory : prepareFile(target.path);
  const lock = path === inMemory || options.secondary ? undefined : lockForThisProcess(path);
  return { dialect: sqliteDialect({ ...options, path, writes }), writes, unlock: () => lock?.release() };
}
