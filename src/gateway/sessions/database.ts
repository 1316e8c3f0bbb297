/** Opens the database of sessions, and its one table. */
import { Kysely, sql } from "kysely";
import { parseDatabase } from "../../lib/database-url.ts";
import { newCounts } from "../../store/engine/counts.ts";
import type { StoreLog } from "../../store/engine/log.ts";
import { type EngineOptions, openEngine } from "../../store/engine/open.ts";
import { blobType, keyText } from "../../store/engine/sql.ts";
import { WriteHealth } from "../../store/engine/sqlite/write-health.ts";
import { runTransaction } from "../../store/engine/transaction.ts";

interface SessionsTable {
  /** SHA-256 of the name in the cookie, base64url. */
  key: string;
  /** SHA-256 of issuer and subject, and of issuer and `sid`, base64url. */
  subject_key: string;
  sid_key: string | null;
  /** Counts the changes of `sealed`. */
  version: number;
  /** Epoch milliseconds: when the session ends, also in use. */
  ends_at: number;
  /** Epoch milliseconds, up to a minute old. */
  seen_at: number;
  /** Epoch milliseconds until which nobody else may refresh the tokens. */
  claimed_until: number;
  sealed: Uint8Array;
}

interface SessionsSchema {
  gateway_sessions: SessionsTable;
}

export interface SessionsDatabase {
  readonly kysely: Kysely<SessionsSchema>;
  close(): Promise<void>;
}

/** Any number: the name of the lock under which PostgreSQL makes the table for one gateway at a time. */
const tableLock = 7_044_117;

/**
 * Connects, and creates the table if there is none. Throws an OperatorError if the database cannot be used.
 * @param how whether a gateway may have the database of a file open, how long to wait for PostgreSQL, and whether it is only
 * looked at, so that no table is created
 */
export async function openSessionsDatabase(
  url: string,
  log: StoreLog,
  how: Pick<EngineOptions, "secondary" | "waitMs"> & { readonly looksOnly?: true } = {},
): Promise<SessionsDatabase> {
  const target = parseDatabase(url);
  const { dialect, leave, unlock } = await openEngine(target, {
    log,
    counts: newCounts(),
    writes: new WriteHealth(log),
    applicationName: "poolhouse gateway",
    // Sessions are read by their keys, here and there: more of the file in memory would hardly be read again.
    cacheKiB: 2048,
    waitMs: 30_000,
    ...how,
  });
  const kysely = new Kysely<SessionsSchema>({ dialect });
  const close = async () => {
    await leave();
    await kysely.destroy().finally(unlock);
  };
  try {
    if (how.looksOnly) {
      await sql`select 1`.execute(kysely);
      return { kysely, close };
    }
    await runTransaction(kysely, async (tx) => {
      if (target.kind === "postgres") await sql`select pg_advisory_xact_lock(${tableLock})`.execute(tx);
      const key = keyText(target.kind);
      await sql`create table if not exists gateway_sessions (
        key ${sql.raw(key)} primary key, subject_key ${sql.raw(key)} not null, sid_key ${sql.raw(key)},
        version integer not null, ends_at bigint not null, seen_at bigint not null,
        claimed_until bigint not null, sealed ${sql.raw(blobType(target.kind))} not null
      )`.execute(tx);
      for (const column of ["subject_key", "sid_key", "ends_at", "seen_at"])
        await sql`create index if not exists ${sql.id(`gateway_sessions_${column}`)}
          on gateway_sessions (${sql.id(column)})`.execute(tx);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { kysely, close };
}
