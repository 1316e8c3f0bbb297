/**
 * Kysely driver for pg. With the stock driver the process dies if a connection breaks while in use (pg emits `error` on
 * a client without listeners), and the error of a rollback hides that of the transaction. This driver
 * - repeats single statements that failed because of serialization, and reads whose connection broke,
 * - reports with a lost connection whether something may have been written (retry.ts), so that `runTransaction` can
 *   repeat transactions,
 * - waits a moment for a database that restarts before giving up,
 * - lets PostgreSQL plan named statements (`NamedQuery`) once per connection,
 * - treats a connection that has been silent for too long as lost (time-limit.ts),
 * - applies the same rules for values and transactions as the SQLite dialect.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from "kysely";
import type { Pool, PoolClient, QueryConfig } from "pg";
import { countError, type DatabaseCounts } from "../counts.ts";
import { Attempts, ConnectionLost, sqlState } from "../retry.ts";
import { type BoundValue, bindParameter, type NamedQuery } from "../sql.ts";
import { enterTransaction, refuseInsideTransaction, refuseSignal } from "../transaction-guard.ts";
import type { Lookups } from "./lookups.ts";
import type { Sockets } from "./sockets.ts";
import { hasNoTimeLimit } from "./time-limit.ts";

/** How long a query waits for a database that cannot be reached, in milliseconds. */
const reconnectMs = 5_000;

/** One connection of the pool, while it exists. */
interface Session {
  readonly client: PoolClient;
  /** Which plans it keeps; see `PostgresDriver.forgetPlans`. */
  readonly plans: number;
  broken: boolean;
}

interface DriverOptions {
  /** Milliseconds after which an unanswered statement is given up. */
  readonly queryTimeoutMs: number;
  readonly sockets: Sockets;
  /** Whether statements are prepared under their names. */
  readonly named: boolean;
}

export class PostgresDriver implements Driver {
  readonly #pool: Pool;
  readonly #sessions = new WeakMap<PoolClient, Session>();
  #ended = false;

  readonly counts: DatabaseCounts;

  readonly options: DriverOptions;
  /** The way of lookups, where they have their own. */
  lookups: Lookups | undefined;
  #plans = 0;

  constructor(pool: Pool, counts: DatabaseCounts, options: DriverOptions) {
    this.#pool = pool;
    this.counts = counts;
    this.options = options;
  }

  async init(): Promise<void> {}

  async acquireConnection(options?: { readonly signal?: AbortSignal }): Promise<Lease> {
    refuseSignal(options);
    refuseInsideTransaction(this);
    return new Lease(this, await this.connect());
  }

  /** Acquires a connection of the pool. Nothing has been sent yet, so a failure can safely be retried. */
  async connect(): Promise<Session> {
    const until = Date.now() + reconnectMs;
    for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
      try {
        const session = this.#sessionOf(await this.#pool.connect());
        if (session.plans === this.#plans) return session;
        session.client.release(true);
        continue;
      } catch (error) {
        const ends = this.#ended || this.options.sockets.abandoned;
        if (ends || !mayComeUp(error) || Date.now() + pause > until) throw error;
      }
      await delay(pause);
    }
  }

  /**
   * Called when PostgreSQL refuses a plan since a column was added: every connection planned before is replaced when it
   * is next used, and its plans end with it.
   */
  forgetPlans(session: Pick<Session, "plans">): void {
    if (session.plans === this.#plans) this.#plans += 1;
  }

  #sessionOf(client: PoolClient): Session {
    const known = this.#sessions.get(client);
    if (known !== undefined) return known;
    const session: Session = { client, plans: this.#plans, broken: false };
    client.on("error", () => {
      session.broken = true;
    });
    this.#sessions.set(client, session);
    return session;
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    (connection as Lease).release();
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const lease = connection as Lease;
    enterTransaction(this);
    const { isolationLevel, accessMode } = settings;
    const level = isolationLevel === undefined ? "" : ` isolation level ${isolationLevel}`;
    const begin = `start transaction${level}${accessMode === undefined ? "" : ` ${accessMode}`}`;
    await lease.send(`${begin}; ${this.#noLongerThan}`, [], false);
    lease.inTransaction = true;
  }

  /**
   * PostgreSQL does not notice a client whose network went silent: it would keep the locks of an open transaction, and
   * a retry would wait for them. Sent along with `begin`, so that it costs no round trip.
   */
  get #noLongerThan(): string {
    return `set local idle_in_transaction_session_timeout = ${this.options.queryTimeoutMs}`;
  }

  /** Commits. If the connection breaks here after something was written, fails with an unknown outcome. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const lease = connection as Lease;
    const { command } = await lease.send("commit", [], lease.wrote);
    // PostgreSQL's answer if an earlier error has ended the transaction.
    if (command === "ROLLBACK") throw new Error("A query of this transaction failed: it was rolled back.");
    lease.inTransaction = false;
  }

  /** Rolls back. Never throws, since the original error is the one to report; a connection in doubt is closed. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const lease = connection as Lease;
    await lease.send("rollback", [], false).catch(() => lease.discard());
    lease.inTransaction = false;
  }

  async destroy(): Promise<void> {
    this.#ended = true;
    await this.lookups?.close();
    await this.#pool.end();
  }
}

/** The use of one connection, from Kysely's `acquire` to its `release`. */
class Lease implements DatabaseConnection {
  readonly #driver: PostgresDriver;
  #session: Session;
  #released = false;
  inTransaction = false;
  /** Whether the open transaction has sent anything but reads. */
  wrote = false;

  constructor(driver: PostgresDriver, session: Session) {
    this.#driver = driver;
    this.#session = session;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const parameters = query.parameters.map(bindParameter);
    const reads = isRead(query.sql);
    const { name } = query as Partial<NamedQuery>;
    if (this.inTransaction) {
      this.wrote ||= !reads;
      return toResult<R>(await this.send(query.sql, parameters, false, name));
    }
    for (const tried = new Attempts(); ; ) {
      try {
        return toResult<R>(await this.send(query.sql, parameters, !reads, name));
      } catch (error) {
        await tried.again(error);
      }
      this.#driver.counts.retries += 1;
      if (this.#session.broken) await this.#renew();
    }
  }

  async #renew(): Promise<void> {
    this.release();
    this.#session = await this.#driver.connect();
    this.#released = false;
  }

  /** Sends one statement. Throws ConnectionLost. `counts`: whether the statement would be durable by itself. */
  async send(text: string, values: BoundValue[], counts: boolean, name?: string): Promise<Answer> {
    if (this.#session.broken) throw new ConnectionLost(false, undefined);
    const { named, queryTimeoutMs } = this.#driver.options;
    const query: TimedQuery = {
      ...(named && name !== undefined && { name }),
      text,
      values,
      query_timeout: hasNoTimeLimit() ? undefined : queryTimeoutMs,
    };
    try {
      return await this.#session.client.query(query);
    } catch (error) {
      countError(this.#driver.counts, error);
      if (error instanceof Error) withCaller(error);
      const outdated = query.name !== undefined && isOutdatedPlan(error);
      if (outdated) this.#driver.forgetPlans(this.#session);
      if (!outdated && !this.#session.broken && !endsSession(error)) throw error;
      this.discard();
      throw new ConnectionLost(counts && !outdated, error);
    }
  }

  discard(): void {
    this.#session.broken = true;
  }

  release(): void {
    if (!this.#released) this.#session.client.release(this.#session.broken);
    this.#released = true;
  }

  // biome-ignore lint/correctness/useYield: there is nothing to yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("Streaming is not supported on PostgreSQL.");
  }
}

interface Answer {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: unknown[];
}

const counted = new Set(["INSERT", "UPDATE", "DELETE"]);

function toResult<R>({ command, rowCount, rows }: Answer): QueryResult<R> {
  if (!counted.has(command)) return { rows: rows as R[] };
  return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
}

/** Whether a statement certainly changes nothing. A `with` may contain a write, so it does not count as a read. */
function isRead(text: string): boolean {
  return /^\s*select\b/i.test(text);
}

/** What pg adds to errors of PostgreSQL. */
interface ServerError {
  /** `ERROR` if the session goes on; in the language of the server, where others than English have other words. */
  readonly severity?: string;
  /** The function of PostgreSQL's source that found it. */
  readonly routine?: string;
}

/**
 * Whether PostgreSQL has ended the session: 57P0x and 25P03 (it shuts down or terminates it), 08… (protocol violation).
 * The coordinator of a cluster reports so that another machine has ended one, which is an ordinary error here. After a
 * timeout a late answer could be taken for that of another query.
 */
function endsSession(error: unknown): boolean {
  if (isTimeout(error)) return true;
  const ended = /^(?:57P|08|25P03)/.test(sqlState(error) ?? "");
  return ended && (error as ServerError).severity !== "ERROR";
}

/**
 * Whether PostgreSQL refuses a plan since the statement would now return other columns, as after a migration by another
 * server ("cached plan must not change result type"). It has not run the statement. Other things that it does not
 * support have the same code.
 */
function isOutdatedPlan(error: unknown): boolean {
  return sqlState(error) === "0A000" && (error as ServerError).routine === "RevalidateCachedQuery";
}

/** Recognizes pg's timeout by its message; the error has no code. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** pg accepts a timeout per query (lib/client.js), but its types declare it for the whole client only. */
interface TimedQuery extends QueryConfig<BoundValue[]> {
  /** Milliseconds. */
  readonly query_timeout: number | undefined;
}

/**
 * Whether waiting may help: the network or server is starting or stopping (57P…) or full (53…), or the database is
 * still being created (3D000). A wrong password will stay wrong.
 */
export function mayComeUp(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || /^(?:57P|53|08)/.test(state) || state === "3D000";
}

/** Replaces the stack of a pg error, created where the socket is read, with the caller's. */
function withCaller(error: Error): void {
  const here = (new Error().stack ?? "").split("\n").slice(2).join("\n");
  error.stack = `${error.stack ?? error.message}\n${here}`;
}
