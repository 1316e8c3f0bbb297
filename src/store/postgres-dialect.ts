/** Kysely over pg: the pool, the types of values, and the wait at start. The driver is postgres-driver.ts. */
import { setTimeout as delay } from "node:timers/promises";
import { type Dialect, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import type { Client, Pool } from "pg";
import type { DatabaseCounts } from "./counts.ts";
import type { StoreLog } from "./log.ts";
import { mayComeUp, PostgresDriver } from "./postgres-driver.ts";
import { sqlState } from "./retry.ts";

export interface PostgresOptions {
  readonly url: string;
  readonly log: StoreLog;
  readonly counts: DatabaseCounts;
  readonly poolSize?: number | undefined;
  readonly applicationName?: string | undefined;
  /** How long to wait for the database at start. */
  readonly waitMs?: number | undefined;
}

/** Connects (pg is loaded here, so that the embedded store does without it) and waits until the database answers. */
export async function connectPostgres(options: PostgresOptions): Promise<Dialect> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    application_name: options.applicationName ?? "poolhouse",
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
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
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDriver(pool, options.counts),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
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
      await pool.query("select 1");
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
