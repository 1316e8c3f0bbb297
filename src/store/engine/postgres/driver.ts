/**
 * Kysely's driver for pg. The stock one lets the process die when a connection breaks that is in use (pg then emits
 * `error` on a client nobody listens to), and hides the error of a transaction behind that of its rollback. This one
 * - does single statements again that the database refused for the sake of order, and reads whose connection broke,
 * - says of a lost connection whether something may have been written (retry.ts), so that transactions can be done
 *   again by `runTransaction`,
 * - waits a moment for a database that restarts before it says that there is none,
 * - takes a connection that has been silent for too long for a lost one (time-limit.ts),
 * - holds queries to the same rules for values and transactions as the SQLite dialect.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from "kysely";
import type { Pool, PoolClient, QueryConfig } from "pg";
import { countError, type DatabaseCounts } from "../counts.ts";
import { Attempts, ConnectionLost, sqlState } from "../retry.ts";
import { type BoundValue, bindParameter } from "../sql.ts";
import { enterTransaction, refuseInsideTransaction, refuseSignal } from "../transaction-guard.ts";
import type { Sockets } from "./sockets.ts";
import { isTakingItsTime } from "./time-limit.ts";

/** How long a query waits for a database that cannot be reached, in milliseconds. */
const reconnectMs = 5_000;

/** One connection of the pool, for as long as it lives. */
interface Session {
  readonly client: PoolClient;
  broken: boolean;
}

export class PostgresDriver implements Driver {
  readonly #pool: Pool;
  readonly #sessions = new WeakMap<PoolClient, Session>();
  #ended = false;

  readonly counts: DatabaseCounts;

  /** Milliseconds until a statement without an answer is given up. */
  readonly queryTimeoutMs: number;
  readonly #sockets: Sockets;

  constructor(
    pool: Pool,
    counts: DatabaseCounts,
    limits: { readonly queryTimeoutMs: number; readonly sockets: Sockets },
  ) {
    this.#pool = pool;
    this.counts = counts;
    this.queryTimeoutMs = limits.queryTimeoutMs;
    this.#sockets = limits.sockets;
  }

  async init(): Promise<void> {}

  async acquireConnection(options?: { readonly signal?: AbortSignal }): Promise<Lease> {
    refuseSignal(options);
    refuseInsideTransaction(this);
    return new Lease(this, await this.connect());
  }

  /** A connection of the pool. Nothing has been sent yet, so that a failure may be tried again without harm. */
  async connect(): Promise<Session> {
    const until = Date.now() + reconnectMs;
    for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
      try {
        return this.#sessionOf(await this.#pool.connect());
      } catch (error) {
        const ends = this.#ended || this.#sockets.abandoned;
        if (ends || !mayComeUp(error) || Date.now() + pause > until) throw error;
      }
      await delay(pause);
    }
  }

  #sessionOf(client: PoolClient): Session {
    const known = this.#sessions.get(client);
    if (known !== undefined) return known;
    const session: Session = { client, broken: false };
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
   * PostgreSQL hears nothing of a client whose network fell silent: it would keep the locks of an open transaction, and
   * the same work, done again, would wait for them. In one message with the begin, so that it costs no round trip.
   */
  get #noLongerThan(): string {
    return `set local idle_in_transaction_session_timeout = ${this.queryTimeoutMs}`;
  }

  /** Fails with an unknown outcome when the connection breaks here and something had been written. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const lease = connection as Lease;
    const { command } = await lease.send("commit", [], lease.wrote);
    // So PostgreSQL answers when an earlier error has ended the transaction.
    if (command === "ROLLBACK") throw new Error("A query of this transaction failed: it was rolled back.");
    lease.inTransaction = false;
  }

  /** Never throws, since the error that led here is the one to tell: a connection in doubt is closed instead. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const lease = connection as Lease;
    await lease.send("rollback", [], false).catch(() => lease.discard());
    lease.inTransaction = false;
  }

  async destroy(): Promise<void> {
    this.#ended = true;
    await this.#pool.end();
  }
}

/** The use of one connection, from Kysely's `acquire` to its `release`. */
class Lease implements DatabaseConnection {
  readonly #driver: PostgresDriver;
  #session: Session;
  #released = false;
  inTransaction = false;
  /** Something other than a read was sent in the open transaction. */
  wrote = false;

  constructor(driver: PostgresDriver, session: Session) {
    this.#driver = driver;
    this.#session = session;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const parameters = query.parameters.map(bindParameter);
    const reads = isRead(query.sql);
    if (this.inTransaction) {
      this.wrote ||= !reads;
      return toResult<R>(await this.send(query.sql, parameters, false));
    }
    for (const tried = new Attempts(); ; ) {
      try {
        return toResult<R>(await this.send(query.sql, parameters, !reads));
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

  /** Sends one statement. Throws ConnectionLost; `counts` says whether it would have been durable by itself. */
  async send(text: string, values: BoundValue[], counts: boolean): Promise<Answer> {
    if (this.#session.broken) throw new ConnectionLost(false, undefined);
    const query_timeout = isTakingItsTime() ? undefined : this.#driver.queryTimeoutMs;
    const query: TimedQuery = { text, values, query_timeout };
    try {
      return await this.#session.client.query(query);
    } catch (error) {
      countError(this.#driver.counts, error);
      if (error instanceof Error) withCaller(error);
      if (!this.#session.broken && !endsSession(error)) throw error;
      this.discard();
      throw new ConnectionLost(counts, error);
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

/** Certainly changes nothing. A `with` may hide a write, so it does not count. */
function isRead(text: string): boolean {
  return /^\s*select\b/i.test(text);
}

/**
 * PostgreSQL says farewell: 57P0x it stops or ends the session, 25P03 so too, 08… the protocol is broken.
 * After a timeout an answer might still come, and belong to nobody.
 */
function endsSession(error: unknown): boolean {
  return /^(?:57P|08|25P03)/.test(sqlState(error) ?? "") || isTimeout(error);
}

/** pg's words; it gives the error no code. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** pg takes the timeout with each query (lib/client.js); its types know it for the whole client only. */
interface TimedQuery extends QueryConfig<BoundValue[]> {
  /** Milliseconds. */
  readonly query_timeout: number | undefined;
}

/**
 * Waiting helps when the network or the server is not there yet: starting or stopping (57P…), full (53…), or the
 * database is still being created (3D000). A wrong password stays wrong.
 */
export function mayComeUp(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || /^(?:57P|53|08)/.test(state) || state === "3D000";
}

/** pg makes its errors where it reads the socket; who asked is told by the stack of here. */
function withCaller(error: Error): void {
  const here = (new Error().stack ?? "").split("\n").slice(2).join("\n");
  error.stack = `${error.stack ?? error.message}\n${here}`;
}
