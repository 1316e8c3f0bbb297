/** Counts of the database layer, for /metrics. */
import { type Histogram, newHistogram } from "../../lib/prometheus.ts";
import { sqlState } from "./retry.ts";
import { sqliteCode } from "./sqlite/file.ts";

type QueryErrorKind = "constraint" | "serialization" | "connection" | "other";

export interface DatabaseCounts {
  /** Failed queries by kind. Constraint violations are mostly the ordinary way to find out that a name is taken. */
  readonly errors: Record<QueryErrorKind, number>;
  /** Transactions run again because the database could not serialize them with others. */
  retries: number;
  /** Duration of syncs of the write-ahead log in seconds (SQLite). */
  readonly syncs: Histogram;
  /** Connections in the pool (PostgreSQL). */
  connections?: () => { readonly total: number; readonly idle: number; readonly waiting: number };
}

/** Seconds. */
const syncBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1];

export function newCounts(): DatabaseCounts {
  return {
    errors: { constraint: 0, serialization: 0, connection: 0, other: 0 },
    retries: 0,
    syncs: newHistogram(
      "poolhouse_database_sync_duration_seconds",
      "How long syncs of the write-ahead log took; their number is that of syncs.",
      syncBuckets,
    ),
  };
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
