/**
 * Kysely dialect for node:sqlite, on one connection. The stock dialect waits for the disk on the JavaScript thread, or
 * not at all, and hangs forever if the root handle is used inside a transaction. This one
 * - lets the next query run as soon as a commit is written, but answers the caller only once it is on the disk
 *   (`releaseConnection`, which Kysely awaits before it returns a result, waits for `WalSync`),
 * - throws instead of hanging (transaction-guard.ts), and ends a transaction that waits for something else,
 * - behaves as PostgreSQL after an error in a transaction: it accepts only a rollback.
 */
import fs from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from "kysely";
import { countError, type DatabaseCounts } from "../counts.ts";
import type { DirectRead } from "../direct-read.ts";
import type { StoreLog } from "../log.ts";
import { bindParameter } from "../sql.ts";
import { enterTransaction, refuseInsideTransaction, refuseSignal } from "../transaction-guard.ts";
import { inMemory, isBusy } from "./file.ts";
import { type PreparedStatement, StatementCache } from "./statements.ts";
import { TurnReads } from "./turn-reads.ts";
import { autocheckpointPages, Checkpointer } from "./wal-checkpoint.ts";
import { type SyncFile, WalSync } from "./wal-sync.ts";
import type { WriteHealth } from "./write-health.ts";

export interface SqliteOptions {
  /** A prepared file (file.ts), or `:memory:`. */
  readonly path: string;
  readonly log: StoreLog;
  readonly writes: WriteHealth;
  readonly counts: DatabaseCounts;
  /** Replaces fs.fdatasync in tests. */
  readonly syncFile?: SyncFile | undefined;
  /** How long a transaction may wait for something that is not a query on it. Milliseconds. */
  readonly idleLimitMs?: number | undefined;
  /** How long a write waits for another connection (a worker's) to finish its own. Milliseconds. */
  readonly busyLimitMs?: number | undefined;
  /** How much of the file is kept in memory. KiB. */
  readonly cacheKiB?: number | undefined;
}

export function sqliteDialect(options: SqliteOptions): {
  readonly dialect: Dialect;
  readonly direct: DirectRead;
} {
  const driver = new SqliteDriver(options);
  const dialect: Dialect = {
    createAdapter: () => new Adapter(),
    createDriver: () => driver,
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return { dialect, direct: (query) => driver.readSoon(query) };
}

/** Kysely's own mutex would hold the connection while waiting for the disk; this driver has its own. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** The right to use the one connection, from Kysely's `acquire` to its `release`. */
class Lease implements DatabaseConnection {
  readonly #driver: SqliteDriver;
  state: "single" | "transaction" | "failed" | "expired" = "single";
  /** Whether the open transaction has written. */
  wrote = false;
  /** Whether it has committed writes, so that the answer has to wait for the disk. */
  committed = false;
  /** Whether the open transaction has changed the schema. */
  changedSchema = false;
  /** The number of rows written so far. */
  rows = 0;
  idleTicks = 0;
  lastSql = "";

  constructor(driver: SqliteDriver) {
    this.#driver = driver;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.#driver.execute<R>(this, query);
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#driver.stream<R>(this, query, chunkSize);
  }
}

const idleTicksAllowed = 5;
/** Databases kept from the garbage collector, which would close them. */
const leftOpen: DatabaseSync[] = [];

class SqliteDriver implements Driver {
  readonly #options: SqliteOptions;
  #database!: DatabaseSync;
  #statements!: StatementCache;
  #sync: WalSync | undefined;
  #checkpointer: Checkpointer | undefined;
  #watch: NodeJS.Timeout | undefined;
  #current: Lease | undefined;
  #isClosing = false;
  readonly #queue: ((lease: Lease) => void)[] = [];
  /** None waits while somebody has the connection: statements run in the order in which they were asked for. */
  readonly #reads = new TurnReads((query) =>
    runStatement(this.#statements.get(query), query.parameters.map(bindParameter)),
  );

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async init(): Promise<void> {
    const { path, idleLimitMs = 5_000, cacheKiB = 32_768 } = this.#options;
    // Waiting for a lock inside SQLite blocks the thread: kept short here; `#whileBusy` continues without blocking.
    this.#database = new DatabaseSync(path, { timeout: 20, enableForeignKeyConstraints: true });
    this.#database.exec(
      `pragma trusted_schema = off; pragma temp_store = memory; pragma cache_size = -${cacheKiB};`,
    );
    if (path !== inMemory) this.#openLog(path);
    this.#statements = new StatementCache(this.#database);
    this.#watch = setInterval(() => this.#endIdleLease(), idleLimitMs / idleTicksAllowed);
    this.#watch.unref();
  }

  #openLog(path: string): void {
    const { log, counts, syncFile } = this.#options;
    this.#database.exec("pragma journal_mode = wal; pragma synchronous = normal;");
    this.#database.exec(
      `pragma journal_size_limit = 67108864; pragma wal_autocheckpoint = ${autocheckpointPages};`,
    );
    this.#checkpointer = new Checkpointer(path, log);
    this.#sync = new WalSync(`${path}-wal`, timed(syncFile ?? fs.fdatasync, counts), (error) =>
      log.error(
        { error: error.message },
        "The disk did not confirm a write: the database refuses to write from now on.",
      ),
    );
  }

  acquireConnection(options?: { readonly signal?: unknown }): Promise<Lease> {
    return new Promise((resolve) => {
      refuseSignal(options);
      refuseInsideTransaction(this);
      if (this.#current !== undefined) {
        this.#queue.push(resolve);
        return;
      }
      // They were asked for before.
      this.#reads.run();
      this.#current = new Lease(this);
      resolve(this.#current);
    });
  }

  /** Passes the connection on at once, then waits for the disk if the lease has written. */
  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const lease = connection as Lease;
    this.#passOn(lease);
    if (!lease.committed) return;
    this.#options.writes.noteCommit();
    this.#checkpointer?.noteCommit(lease.rows);
    await this.#sync?.durable();
  }

  #passOn(lease: Lease): void {
    if (this.#current !== lease) return;
    const next = this.#queue.shift();
    this.#current = next && new Lease(this);
    if (next !== undefined) next(this.#current!);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const lease = connection as Lease;
    enterTransaction(this);
    const reads = settings.accessMode === "read only";
    if (!reads) this.#sync?.assertWritable();
    // `immediate` takes the write lock at the start or not at all, never half-way.
    await this.#whileBusy(lease, () => this.#statements.run(reads ? "begin" : "begin immediate"));
    lease.state = "transaction";
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const lease = connection as Lease;
    refuseUnusable(lease);
    try {
      this.#statements.run("commit");
    } catch (error) {
      this.#options.writes.noteError(error);
      throw error;
    }
    lease.state = "single";
    lease.committed ||= lease.wrote;
    lease.changedSchema = false;
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const lease = connection as Lease;
    if (lease.state === "expired") return;
    this.#rollBack(lease);
    lease.state = "single";
    lease.wrote = false;
  }

  #rollBack(lease: Lease): void {
    // Some errors (a full disk) have already rolled back.
    if (this.#database.isTransaction) this.#statements.run("rollback");
    if (lease.changedSchema) this.#statements.clear();
    lease.changedSchema = false;
  }

  async execute<R>(lease: Lease, query: CompiledQuery): Promise<QueryResult<R>> {
    refuseUnusable(lease);
    lease.idleTicks = 0;
    lease.lastSql = query.sql;
    const parameters = query.parameters.map(bindParameter);
    try {
      const statement = this.#statements.get(query);
      if (statement.writes) this.#sync?.assertWritable();
      const inside = lease.state === "transaction";
      const result = inside
        ? runStatement<R>(statement, parameters)
        : await this.#whileBusy(lease, () => runStatement<R>(statement, parameters));
      this.#noteWrite(lease, statement, result);
      return result;
    } catch (error) {
      this.#options.writes.noteError(error);
      countError(this.#options.counts, error);
      if (lease.state === "transaction") lease.state = "failed";
      throw error;
    }
  }

  /** A read that needs no lease. Undefined if it is none, or somebody has the connection. */
  readSoon(query: CompiledQuery): Promise<QueryResult<unknown>> | undefined {
    refuseInsideTransaction(this);
    if (this.#current !== undefined || this.#isClosing) return undefined;
    try {
      return this.#statements.get(query).writes ? undefined : this.#reads.add(query);
    } catch {
      return undefined;
    }
  }

  #noteWrite<R>(lease: Lease, statement: PreparedStatement, result: QueryResult<R>): void {
    if (!statement.writes) return;
    if (statement.changesSchema) this.#statements.clear();
    if (statement.countsRows && result.numAffectedRows === 0n) return;
    lease.changedSchema ||= statement.changesSchema && lease.state === "transaction";
    lease.rows += Number(result.numAffectedRows ?? 0n);
    if (lease.state === "transaction") lease.wrote = true;
    else lease.committed = true;
  }

  async *stream<R>(
    lease: Lease,
    query: CompiledQuery,
    chunkSize: number,
  ): AsyncIterableIterator<QueryResult<R>> {
    const statement = this.#statements.prepare(query);
    if (statement.writes) throw new Error("Only reads can be streamed.");
    let rows: R[] = [];
    for (const values of statement.iterate(query.parameters.map(bindParameter))) {
      rows.push(values as R);
      if (rows.length < chunkSize) continue;
      yield { rows };
      refuseUnusable(lease);
      lease.idleTicks = 0;
      rows = [];
    }
    if (rows.length > 0) yield { rows };
  }

  async #whileBusy<T>(lease: Lease, attempt: () => T): Promise<T> {
    const until = Date.now() + (this.#options.busyLimitMs ?? 10_000);
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error) || Date.now() > until) throw error;
      }
      lease.idleTicks = 0;
      await delay(pause);
    }
  }

  /** Counts ticks instead of time, so that a blocked event loop does not look like a waiting transaction. */
  #endIdleLease(): void {
    const lease = this.#current;
    if (lease === undefined || ++lease.idleTicks <= idleTicksAllowed) return;
    this.#rollBack(lease);
    lease.state = "expired";
    this.#options.log.error(
      { lastQuery: lease.lastSql, waiting: this.#queue.length },
      "A transaction waited for something that is no query on it, and was rolled back so that others can go on.",
    );
    this.#passOn(lease);
  }

  async destroy(): Promise<void> {
    this.#isClosing = true;
    this.#reads.run();
    if (this.#current !== undefined) await new Promise<Lease>((resolve) => this.#queue.push(resolve));
    clearInterval(this.#watch);
    await this.#sync?.close();
    await this.#checkpointer?.close();
    this.#statements.clear();
    // Closing the last connection checkpoints the log, which may not be on the disk after a failed sync.
    if (this.#sync?.failed) leftOpen.push(this.#database);
    else this.#database.close();
  }
}

/** Wraps a sync to measure how long it takes. */
function timed(sync: SyncFile, counts: DatabaseCounts): SyncFile {
  return (descriptor, done) => {
    const began = performance.now();
    sync(descriptor, (error) => {
      counts.synced?.((performance.now() - began) / 1000);
      done(error);
    });
  };
}

function refuseUnusable(lease: Lease): void {
  if (lease.state === "failed") {
    throw new Error("A query of this transaction failed: it can only be rolled back (as on PostgreSQL).");
  }
  if (lease.state === "expired") {
    throw new Error(
      "This transaction was rolled back because it waited for something that is no query on it: " +
        "inside inTransaction(db, async (tx) => …) await nothing but store calls.",
    );
  }
}

function runStatement<R>(statement: PreparedStatement, parameters: SQLInputValue[]): QueryResult<R> {
  if (!statement.returnsRows) {
    const changes = statement.run(parameters);
    // Without a count of its own, a statement would report that of the one before.
    return statement.countsRows ? { rows: [], numAffectedRows: BigInt(changes) } : { rows: [] };
  }
  const rows = statement.all(parameters) as R[];
  return statement.countsRows ? { rows, numAffectedRows: BigInt(rows.length) } : { rows };
}
