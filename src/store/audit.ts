/**
 * The audit log. Rows are only added and read; the sweep removes expired ones, and no other statement in the program
 * changes or removes any (a test checks the source code). A row outlives the pool and the user it is about.
 */
import { type Kysely, type SqlBool, sql } from "kysely";
import type { Db } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import { preparedWrite, slots } from "./prepared.ts";
import type { Schema } from "./schema/schema.ts";
import type { AuditEventsTable } from "./schema/schema-events.ts";

export interface AuditEvent {
  /** A UUID of version 7 (RFC 9562), so it begins with the time. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly poolId: string | undefined;
  /** The ARN of a principal, a user's id, `cli:<operating system account>`, or `system`. */
  readonly actor: string;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  /** AWS's name of the operation if it has one. */
  readonly operation: string;
  /** What was acted on: the id of a user or client, the name of a group, an ARN, or an access key id. */
  readonly target: string | undefined;
  /** `ok`, or the type of the error. */
  readonly result: string;
  readonly requestId: string | undefined;
  /** Names of what was given, never values. */
  readonly details: Readonly<Record<string, unknown>> | undefined;
}

const columns = [
  "event_id",
  "at",
  "pool_id",
  "actor",
  "address",
  "user_agent",
  "operation",
  "target",
  "result",
  "request_id",
  "details",
] as const satisfies readonly (keyof AuditEventsTable)[];

const inserting = (kysely: Kysely<Schema>, rows: readonly AuditEventsTable[]) =>
  kysely
    .insertInto("audit_events")
    .values(rows)
    .onConflict((conflict) => conflict.columns(["pool_id", "event_id"]).doNothing());

const insertOneQuery = preparedWrite<AuditEventsTable>((kysely, slot) =>
  inserting(kysely, [slots(slot, columns)]),
);

/**
 * Adds events, those of each pool by one statement. Existing ones are skipped: the trail tries again if it does not know
 * whether its rows were written.
 */
export async function insertAuditEvents(db: Db, events: readonly AuditEvent[]): Promise<void> {
  for (const ofPool of Map.groupBy(events, (event) => event.poolId).values()) {
    const [first, ...more] = ofPool.map(toRow);
    if (first === undefined) continue;
    if (more.length === 0) await insertOneQuery(db, first);
    else await inserting(db.kysely, [first, ...more]).execute();
  }
}

/** Stored as the pool of events that are about none. */
const noPool = "";

function toRow(event: AuditEvent): AuditEventsTable {
  return {
    event_id: event.id,
    at: event.at,
    pool_id: event.poolId ?? noPool,
    actor: event.actor,
    address: event.address ?? null,
    user_agent: event.userAgent ?? null,
    operation: event.operation,
    target: event.target ?? null,
    result: event.result,
    request_id: event.requestId ?? null,
    details: event.details === undefined ? null : JSON.stringify(event.details),
  };
}

export interface AuditSearch {
  /** Bounds of ids: from (inclusive) and to (exclusive). */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly poolId?: string | undefined;
  readonly actor?: string | undefined;
  readonly operation?: string | undefined;
  readonly target?: string | undefined;
  readonly result?: "ok" | "error" | undefined;
}

/** Events that match, newest or oldest first. Each filter except `result: "ok"` is a seek in an index of its own. */
export async function listAuditEvents(
  db: Db,
  search: AuditSearch,
  page: { limit: number; order: "oldest first" | "newest first" },
): Promise<AuditEvent[]> {
  const { from, to, poolId, actor, operation, target, result } = search;
  const rows = await db.kysely
    .selectFrom("audit_events")
    .selectAll()
    .$if(from !== undefined, (query) => query.where("event_id", ">=", from!))
    .$if(to !== undefined, (query) => query.where("event_id", "<", to!))
    .$if(poolId !== undefined, (query) => query.where("pool_id", "=", poolId!))
    .$if(actor !== undefined, (query) => query.where("actor", "=", actor!))
    .$if(operation !== undefined, (query) => query.where("operation", "=", operation!))
    .$if(target !== undefined, (query) => query.where("target", "=", target!))
    .$if(result === "ok", (query) => query.where("result", "=", "ok"))
    // A literal rather than a parameter: only then does it match the condition of the partial index.
    .$if(result === "error", (query) => query.where(sql<SqlBool>`result <> 'ok'`))
    .orderBy("event_id", page.order === "oldest first" ? "asc" : "desc")
    .limit(page.limit)
    .execute();
  return rows.map(fromRow);
}

function fromRow(row: AuditEventsTable): AuditEvent {
  return {
    id: row.event_id,
    at: row.at,
    poolId: row.pool_id === noPool ? undefined : row.pool_id,
    actor: row.actor,
    address: row.address ?? undefined,
    userAgent: row.user_agent ?? undefined,
    operation: row.operation,
    target: row.target ?? undefined,
    result: row.result,
    requestId: row.request_id ?? undefined,
    details: row.details === null ? undefined : JSON.parse(row.details),
  };
}

/**
 * For the sweep: removes up to `limit` events with ids below `before`, oldest first, and returns how many. Not a prepared
 * statement: PostgreSQL seeks only if it knows the limit.
 */
export async function sweepAuditEvents(db: Db, before: string, limit: number): Promise<number> {
  const result = await db.kysely
    .deleteFrom("audit_events")
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple("pool_id", "event_id"),
        "in",
        selectFrom("audit_events")
          .select(["pool_id", "event_id"])
          .where("event_id", "<", before)
          .orderBy("event_id")
          .limit(limit)
          .$asTuple("pool_id", "event_id"),
      ),
    )
    .executeTakeFirst();
  return affected(result);
}
