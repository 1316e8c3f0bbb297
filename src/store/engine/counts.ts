/** Counts of the database layer, for /metrics. */
import { sqlState } from "./retry.ts";
import { sqliteCode } from "./sqlite/file.ts";

type QueryErrorKind = "constraint" | "serialization" | "connection" | "other";

export interface DatabaseCounts {
  /** Failed queries by kind. Constraint violations are mostly the ordinary way to find out that a name is taken. */
  readonly errors: Record<QueryErrorKind, number>;
  /** Transactions run again because the database could not serialize them with others. */
  retries: number;
  /** Receives the duration of each sync of the write-ahead log in seconds (SQLite), for who measures them: a server. */
  synced?: (seconds: number) => void;
  /** Connections in the pool (PostgreSQL). */
  connections?: () => { readonly total: number; readonly idle: number; readonly waiting: number };
}

export function newCounts(): DatabaseCounts {
  return { errors: { constraint: 0, serialization: 0, connection: 0, other: 0 }, retries: 0 };
}

/** Counts a failed query. */
export function countError(counts: DatabaseCounts, error: unknown): void {
  counts.errors[kindOf(error)] += 1;
}

function kindOf(error: unknown): QueryErrorKind {
  const code = sqliteCode(error);
  // SQLITE_CONSTRAINT, SQLITE_BUSY
  if (code !== undefined)
    return code % 256 === 19 ? "constraint" : code % 256 === 5 ? "serialization" : "other";
  const state = sqlState(error);
  if (state === undefined) return "code" in Object(error) ? "connection" : "other";
  if (state.startsWith("23")) return "constraint";
  if (state.startsWith("40")) return "serialization";
  return /^(?:08|57P|53)/.test(state) ? "connection" : "other";
}
