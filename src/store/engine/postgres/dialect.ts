/**
 * Kysely dialect for pg: connection pool, types of values, and waiting for the database at startup. Its driver is
 * driver.ts.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Dialect, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import type { Client, ClientConfig, Pool, QueryConfig } from "pg";
import { OperatorError } from "../../../lib/operator-error.ts";
import type { DatabaseCounts } from "../counts.ts";
import type { DirectRead } from "../direct-read.ts";
import type { StoreLog } from "../log.ts";
import { sqlState } from "../retry.ts";
import { connectionsEach } from "./clients.ts";
import { mayComeUp, PostgresDriver } from "./driver.ts";
import { Lookups } from "./lookups.ts";
import { Sockets } from "./sockets.ts";
import { queryTimeoutMs } from "./time-limit.ts";

export interface PostgresOptions {
  readonly url: string;
  readonly log: StoreLog;
  readonly counts: DatabaseCounts;
  readonly poolSize?: number | undefined;
  readonly applicationName?: string | undefined;
  /** How long to wait for the database at startup. Milliseconds. */
  readonly waitMs?: number | undefined;
  /**
   * Whether PostgreSQL plans statements once per connection, which a connection pooler may not support. `auto`, the
   * default: unless there is a pooler.
   */
  readonly namedStatements?: "auto" | "on" | "off" | undefined;
  /** Milliseconds after which an unanswered statement is given up; set by tests. */
  readonly queryTimeoutMs?: number | undefined;
}

/** Time limit for making a connection, or for one of the pool to become free. Milliseconds. */
const connectTimeoutMs = 5_000;

/** How long the shutdown waits for a database that does not answer. Milliseconds. */
const shutdownMs = 2_000;

export interface ConnectedPostgres {
  readonly dialect: Dialect;
  readonly direct: DirectRead;
  /** See `OpenedDatabase.leave`. */
  leave(): Promise<void>;
}

/** Connects and waits until the database answers. Loads pg here, so that the embedded store does without it. */
export async function connectPostgres(options: PostgresOptions): Promise<ConnectedPostgres> {
  const { default: pg } = await import("pg");
  const sockets = new Sockets();
  const client: ClientConfig = {
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    stream: sockets.make,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: {
      getTypeParser: (oid, format) => typeParser(oid) ?? pg.types.getTypeParser(oid, format as "text"),
    },
  };
  const { lent, shared } = divide(options.poolSize ?? connectionsEach);
  const pool = new pg.Pool({ ...client, max: lent, idleTimeoutMillis: 60_000 });
  // An idle connection that breaks (the database restarts) must not end the process; the pool replaces it.
  pool.on("error", (error) =>
    options.log.warn({ code: sqlState(error) }, "An idle database connection broke."),
  );
  let direct: boolean;
  try {
    const client = parsed(() => new pg.Client({ connectionString: options.url }));
    direct = await waitFor(pool, describe(client), options);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const driverOptions = {
    queryTimeoutMs: options.queryTimeoutMs ?? queryTimeoutMs,
    sockets,
    named: namesStatements(direct, options),
  };
  const driver = new PostgresDriver(pool, options.counts, driverOptions);
  // What a pooler lends is not worth sharing.
  if (direct && driverOptions.named && shared > 0) {
    driver.lookups = new Lookups({
      connections: shared,
      makeClient: () => new pg.Client({ ...client, pipeline: true }),
      silenceMs: driverOptions.queryTimeoutMs,
      driver,
    });
  }
  const another = (connectionTimeoutMillis: number) =>
    new pg.Client({ connectionString: options.url, connectionTimeoutMillis });
  const leave = async () => {
    if (!(await answersWithin(shutdownMs, another))) sockets.abandon();
  };
  options.counts.connections = () => ({
    total: pool.totalCount + (driver.lookups?.connections ?? 0),
    idle: pool.idleCount,
    waiting: pool.waitingCount,
  });
  return { dialect: dialectOf(driver), direct: (query) => driver.lookups?.send(query), leave };
}

const dialectOf = (driver: PostgresDriver): Dialect => ({
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => driver,
  createIntrospector: (kysely) => new PostgresIntrospector(kysely),
  createQueryCompiler: () => new PostgresQueryCompiler(),
});

/** Divides the connections: those that are lent, and those that lookups share. Few are all lent. */
function divide(connections: number): { readonly lent: number; readonly shared: number } {
  const shared = connections < 5 ? 0 : 2;
  return { lent: connections - shared, shared };
}

/** Whether the database accepts a connection, or refuses it for a reason that waiting will not change. */
async function answersWithin(ms: number, another: (timeoutMs: number) => Client): Promise<boolean> {
  const until = performance.now() + ms;
  for (let left = ms; left > 0; left = until - performance.now()) {
    const client = another(left);
    client.on("error", () => {});
    try {
      await client.connect();
      return true;
    } catch (error) {
      // A full database (53…) has answered, too.
      if (!mayComeUp(error) || sqlState(error)?.startsWith("53")) return true;
    } finally {
      client.end().catch(() => {});
    }
    await delay(100);
  }
  return false;
}

/** Parses int8 as number (times and counts are far below 2^53) and bytea as plain bytes, as SQLite returns them. */
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

/** Makes a client, which parses the URL: pg refuses some parameters, and files that they name. */
function parsed(make: () => Client): Client {
  try {
    return make();
  } catch (error) {
    throw new OperatorError(`The URL of POOLHOUSE_DATABASE cannot be used: ${reason(error)}`, {
      cause: error,
    });
  }
}

/** Describes a database without the user's password. */
function describe(client: Client): string {
  return `PostgreSQL at ${client.host}:${client.port}, database ${client.database ?? ""}`;
}

function namesStatements(direct: boolean, { namedStatements = "auto", log }: PostgresOptions): boolean {
  if (namedStatements !== "auto" || direct) return namedStatements !== "off";
  log.info(
    {},
    "There is a connection pooler in front of PostgreSQL: statements are planned each time (--named-statements).",
  );
  return false;
}

/** Returns whether the connection is PostgreSQL's own: a pooler lends its connections, under numbers of its own. */
async function waitFor(pool: Pool, name: string, options: PostgresOptions): Promise<boolean> {
  const waitMs = options.waitMs ?? 60_000;
  const until = Date.now() + waitMs;
  for (let pause = 100, said = false; ; pause = Math.min(pause * 2, 2_000)) {
    try {
      return await isDirect(pool);
    } catch (error) {
      if (!mayComeUp(error))
        throw new OperatorError(`${name} refuses the connection: ${reason(error)}`, { cause: error });
      if (Date.now() + pause > until) {
        const seconds = Math.round(waitMs / 1000);
        throw new OperatorError(`${name} could not be reached within ${seconds} s: ${reason(error)}`, {
          cause: error,
        });
      }
      if (!said) options.log.info({ reason: reason(error) }, `Waiting for ${name}.`);
      said = true;
    }
    await delay(pause);
  }
}

async function isDirect(pool: Pool): Promise<boolean> {
  const query: QueryConfig & { query_timeout: number } = {
    text: "select pg_backend_pid() as pid",
    query_timeout: connectTimeoutMs,
  };
  const client = await pool.connect();
  let answered = false;
  try {
    const { rows } = await client.query<{ pid: number }>(query);
    answered = true;
    // pg keeps what the connection was announced as, but its types do not say so.
    return rows[0]?.pid === (client as { readonly processID?: number }).processID;
  } finally {
    client.release(!answered);
  }
}

/** The message of a connection error; Node reports several refused addresses as one error without a message. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join("; ");
  return error instanceof Error ? error.message : String(error);
}
