/** Kysely over pg: the pool, the types of values, and the wait at start. The driver is postgres-driver.ts. */
import { setTimeout as delay } from "node:timers/promises";
import { type Dialect, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import type { Client, Pool, QueryConfig } from "pg";
import type { DatabaseCounts } from "../counts.ts";
import type { StoreLog } from "../log.ts";
import { sqlState } from "../retry.ts";
import { mayComeUp, PostgresDriver } from "./driver.ts";
import { Sockets } from "./sockets.ts";
import { queryTimeoutMs } from "./time-limit.ts";

export interface PostgresOptions {
  readonly url: string;
  readonly log: StoreLog;
  readonly counts: DatabaseCounts;
  readonly poolSize?: number | undefined;
  readonly applicationName?: string | undefined;
  /** How long to wait for the database at start. */
  readonly waitMs?: number | undefined;
  /** Milliseconds until a statement without an answer is given up; tests set it. */
  readonly queryTimeoutMs?: number | undefined;
}

/** Until a connection is made, or one of the pool is free. Milliseconds. */
const connectTimeoutMs = 5_000;

/** How long a program that ends looks for a database that does not answer. Milliseconds. */
const farewellMs = 2_000;

export interface ConnectedPostgres {
  readonly dialect: Dialect;
  /** See `OpenedDatabase.leave`. */
  leave(): Promise<void>;
}

/** Connects (pg is loaded here, so that the embedded store does without it) and waits until the database answers. */
export async function connectPostgres(options: PostgresOptions): Promise<ConnectedPostgres> {
  const { default: pg } = await import("pg");
  const sockets = new Sockets();
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    application_name: options.applicationName ?? "poolhouse",
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    stream: sockets.make,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: {
      getTypeParser: (oid, format) => typeParser(oid) ?? pg.types.getTypeParser(oid, format as "text"),
    },
  });
  // An idle connection that breaks (the database restarts) must not end the process; the pool replaces it.
  pool.on("error", (error) =>
    options.log.warn({ code: sqlState(error) }, "An idle database connection broke."),
  );
  try {
    await waitFor(pool, describe(new pg.Client({ connectionString: options.url })), options);
  } catch (error) {
    await pool.end();
    throw error;
  }
  options.counts.connections = () => ({
    total: pool.totalCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
  });
  const limits = { queryTimeoutMs: options.queryTimeoutMs ?? queryTimeoutMs, sockets };
  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDriver(pool, options.counts, limits),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
  const another = (connectionTimeoutMillis: number) =>
    new pg.Client({ connectionString: options.url, connectionTimeoutMillis });
  const leave = async () => {
    if (!(await answersWithin(farewellMs, another))) sockets.abandon();
  };
  return { dialect, leave };
}

/** Whether the database lets a client in, or says why not. */
async function answersWithin(ms: number, another: (timeoutMs: number) => Client): Promise<boolean> {
  const until = performance.now() + ms;
  for (let left = ms; left > 0; left = until - performance.now()) {
    const client = another(left);
    client.on("error", () => {});
    try {
      await client.connect();
      return true;
    } catch (error) {
      // Full (53…) is an answer too.
      if (!mayComeUp(error) || sqlState(error)?.startsWith("53")) return true;
    } finally {
      client.end().catch(() => {});
    }
    await delay(100);
  }
  return false;
}

/** int8 as number (times and counts are far below 2^53), bytea as plain bytes; both as SQLite gives them. */
function typeParser(oid: number): ((text: string) => unknown) | undefined {
  if (oid === 20) return safeInteger;
  if (oid === 17) return (text) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
  return undefined;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("A stored integer is too large for JavaScript.");
  return value;
}

/** What may be said of a database URL: never the user's password. */
function describe(client: Client): string {
  return `PostgreSQL at ${client.host}:${client.port}, database ${client.database ?? ""}`;
}

async function waitFor(pool: Pool, name: string, options: PostgresOptions): Promise<void> {
  const waitMs = options.waitMs ?? 60_000;
  const until = Date.now() + waitMs;
  for (let pause = 100, said = false; ; pause = Math.min(pause * 2, 2_000)) {
    try {
      const query: QueryConfig & { query_timeout: number } = {
        text: "select 1",
        query_timeout: connectTimeoutMs,
      };
      await pool.query(query);
      return;
    } catch (error) {
      if (!mayComeUp(error))
        throw new Error(`${name} refuses the connection: ${reason(error)}`, { cause: error });
      if (Date.now() + pause > until) {
        const seconds = Math.round(waitMs / 1000);
        throw new Error(`${name} could not be reached within ${seconds} s: ${reason(error)}`, {
          cause: error,
        });
      }
      if (!said) options.log.info({ reason: reason(error) }, `Waiting for ${name}.`);
      said = true;
    }
    await delay(pause);
  }
}

/** Node reports several refused addresses as one error without a text. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join("; ");
  return error instanceof Error ? error.message : String(error);
}
