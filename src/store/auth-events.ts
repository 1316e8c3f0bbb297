/** Users' authentication events (AdminListUserAuthEvents), one row per attempt; deleted with the user. */
import { type RawBuilder, sql } from "kysely";
import type { Db } from "./db.ts";
import { type DatabaseKind, withoutDiskWait } from "./engine/sql.ts";
import { affected } from "./engine/transaction.ts";
import { prepared, preparedWrite, slots } from "./prepared.ts";
import type { AuthEventsTable } from "./schema/schema-events.ts";
import { userNumber } from "./user-numbers.ts";

export type AuthEventType = "SignIn" | "SignUp" | "ForgotPassword" | "PasswordChange" | "ResendCode";
type FeedbackValue = "Valid" | "Invalid";
export type AuthEventResponse = "Pass" | "Fail" | "InProgress";

export interface AuthEvent {
  /** A UUID of version 7 (RFC 9562), so it begins with the time. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly type: AuthEventType;
  readonly response: AuthEventResponse;
  /**
   * How many steps the attempt has completed: of two records of an attempt the later one wins, in whatever order they
   * are written.
   */
  readonly steps: number;
  readonly challenges: readonly { readonly name: "Password" | "Mfa"; readonly passed: boolean }[];
  readonly address: string | undefined;
  readonly deviceName: string | undefined;
  /** The number of attempts that this event stands for; it shows the latest one. Undefined means one. */
  readonly times?: number | undefined;
  readonly feedback:
    | { readonly value: FeedbackValue; readonly provider: string; readonly at: number }
    | undefined;
}

/** An event with its user, who may be gone by the time it is written. */
export interface AuthEventOfUser {
  readonly poolId: string;
  readonly userId: string;
  readonly event: Omit<AuthEvent, "feedback">;
}

const writtenColumns = [
  "event_id",
  "at",
  "type",
  "response",
  "steps",
  "challenges",
  "address",
  "device_name",
  "times",
] as const satisfies readonly (keyof AuthEventsTable)[];

type WrittenEvent = { user_id: string } & Pick<AuthEventsTable, (typeof writtenColumns)[number]>;

/** The events of a statement, however many, as one JSON text: a list of values has another text for each length. */
const given: Readonly<Record<DatabaseKind, (events: string) => RawBuilder<unknown>>> = {
  postgres: (
    events,
  ) => sql`select * from json_to_recordset(cast(${events} as json)) as each (user_id text, event_id text,
    at bigint, type text, response text, steps integer, challenges text, address text, device_name text, times integer)`,
  sqlite: (events) =>
    sql`select ${sql.join(
      ["user_id", ...writtenColumns].map((name) => sql`value ->> ${sql.lit(name)} as ${sql.ref(name)}`),
    )} from json_each(${events})`,
};

/**
 * Each event's user is sought: `lateral` on PostgreSQL, and `cross` on SQLite, keep them from going through all users of
 * the pool. On PostgreSQL a user who is being deleted is waited for, and then gone.
 */
const usersOf: Readonly<Record<DatabaseKind, (poolId: string) => RawBuilder<unknown>>> = {
  postgres: (poolId) => sql`cross join lateral (select pool_id, number from users
    where pool_id = ${poolId} and user_id = given.user_id for key share) as owner`,
  sqlite: (poolId) => sql`cross join users as owner
    where owner.pool_id = ${poolId} and owner.user_id = given.user_id`,
};

/** @param waits whether PostgreSQL waits for its disk */
const writeQuery = (waits: boolean) =>
  preparedWrite<{ poolId: string; events: string }>(
    (_kysely, slot, kind) => sql`
  with given as (${given[kind](slot("events"))})
  insert into auth_events
    (pool_id, user_number, event_id, at, type, response, steps, challenges, address, device_name, times)
  select owner.pool_id, owner.number, given.event_id, given.at, given.type, given.response, given.steps,
    given.challenges, given.address, given.device_name, given.times
  from given ${usersOf[kind](slot("poolId"))}
  on conflict (pool_id, user_number, event_id) do update set response = excluded.response, steps = excluded.steps,
    challenges = excluded.challenges, address = excluded.address, device_name = excluded.device_name,
    times = auth_events.times + excluded.times
  where excluded.steps > auth_events.steps or excluded.times is not null
  ${kind === "postgres" && !waits ? sql`returning ${withoutDiskWait}` : sql``}`,
  );

/** No answer waits for an event, and what is queued would be lost in a crash as well. */
const writeSoon = writeQuery(false);
/** On a cluster the setting would not reach the machine that has the rows. */
const writeOnCluster = writeQuery(true);

/**
 * Writes events, those of each pool in one statement. If an event exists, a record of a later step replaces that of an
 * earlier one. Events of users who are gone are skipped.
 */
export async function writeAuthEvents(db: Db, events: readonly AuthEventOfUser[]): Promise<void> {
  for (const [poolId, ofPool] of Map.groupBy(events, (event) => event.poolId))
    await writeOfPool(db, poolId, ofPool);
}

async function writeOfPool(db: Db, poolId: string, events: readonly AuthEventOfUser[]): Promise<void> {
  // One statement may not change the same row twice.
  const latest = new Map<string, AuthEventOfUser>();
  for (const one of events) {
    const former = latest.get(one.event.id);
    if (former === undefined) latest.set(one.event.id, one);
    else if (one.event.times !== undefined) latest.set(one.event.id, together(former, one));
    else if (former.event.steps < one.event.steps) latest.set(one.event.id, one);
  }
  const write = db.distributed ? writeOnCluster : writeSoon;
  await write(db, { poolId, events: JSON.stringify([...latest.values()].map(toRow)) });
}

const toRow = ({ userId, event }: AuthEventOfUser): WrittenEvent => ({
  user_id: userId,
  event_id: event.id,
  at: event.at,
  type: event.type,
  response: event.response,
  steps: event.steps,
  challenges: JSON.stringify(event.challenges),
  address: event.address ?? null,
  device_name: event.deviceName ?? null,
  times: event.times ?? null,
});

const together = (former: AuthEventOfUser, one: AuthEventOfUser): AuthEventOfUser => {
  const times = (former.event.times ?? 1) + (one.event.times ?? 1);
  return { ...one, event: { ...one.event, times } };
};

const listQuery = prepared<
  { poolId: string; userId: string; before: string; limit: number },
  AuthEventsTable
>((kysely, slot) =>
  kysely
    .selectFrom("auth_events")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("user_number", "=", userNumber(kysely, slot("poolId"), slot("userId")))
    .where("event_id", "<", slot("before"))
    .orderBy("event_id", "desc")
    .limit(slot("limit")),
);

/** Sorts after every id. */
const afterAll = "~";

/** A user's events, newest first, from before the id `before` if given. */
export async function listAuthEvents(
  db: Db,
  poolId: string,
  userId: string,
  page: { before: string | undefined; limit: number },
): Promise<AuthEvent[]> {
  const { before = afterAll, limit } = page;
  const rows = await listQuery(db, { poolId, userId, before, limit });
  return rows.map(fromRow);
}

function fromRow(row: AuthEventsTable): AuthEvent {
  const { feedback: value, feedback_provider: provider, feedback_at: at } = row;
  return {
    id: row.event_id,
    at: row.at,
    type: row.type,
    response: row.response,
    steps: row.steps,
    challenges: JSON.parse(row.challenges),
    address: row.address ?? undefined,
    deviceName: row.device_name ?? undefined,
    times: row.times ?? undefined,
    feedback: value !== null && provider !== null && at !== null ? { value, provider, at } : undefined,
  };
}

const feedbackQuery = preparedWrite<
  { poolId: string; userId: string; eventId: string } & Pick<
    AuthEventsTable,
    "feedback" | "feedback_provider" | "feedback_at"
  >
>((kysely, slot) =>
  kysely
    .updateTable("auth_events")
    .set(slots(slot, ["feedback", "feedback_provider", "feedback_at"]))
    .where("pool_id", "=", slot("poolId"))
    .where("user_number", "=", userNumber(kysely, slot("poolId"), slot("userId")))
    .where("event_id", "=", slot("eventId")),
);

/** Sets the feedback on whether the user made an attempt. Returns false if the user has no such event. */
export async function setAuthEventFeedback(
  db: Db,
  user: { readonly poolId: string; readonly id: string },
  eventId: string,
  feedback: NonNullable<AuthEvent["feedback"]>,
): Promise<boolean> {
  const updated = await feedbackQuery(db, {
    poolId: user.poolId,
    userId: user.id,
    eventId,
    feedback: feedback.value,
    feedback_provider: feedback.provider,
    feedback_at: feedback.at,
  });
  return updated === 1;
}

const oldEventQuery = prepared<{ poolId: string; before: string }, { event_id: string }>((kysely, slot) =>
  kysely
    .selectFrom("auth_events")
    .select("event_id")
    .where("pool_id", "=", slot("poolId"))
    .where("event_id", "<", slot("before"))
    .limit(1),
);

/** For the sweep: whether the pool has events with ids below `before`. */
export async function hasAuthEvents(db: Db, poolId: string, before: string): Promise<boolean> {
  return (await oldEventQuery(db, { poolId, before })).length > 0;
}

/**
 * For the sweep: removes up to `limit` events of the pool with ids below `before`, oldest first, and returns how many.
 * Not a prepared statement: PostgreSQL seeks only if it knows the limit. Each is found by its full key: by a part of it, PostgreSQL would scan the table until it has statistics about it.
 */
export async function sweepAuthEvents(
  db: Db,
  poolId: string,
  before: string,
  limit: number,
): Promise<number> {
  const result = await db.kysely
    .deleteFrom("auth_events")
    .where("pool_id", "=", poolId)
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple("user_number", "event_id"),
        "in",
        selectFrom("auth_events")
          .select(["user_number", "event_id"])
          .where("pool_id", "=", poolId)
          .where("event_id", "<", before)
          .orderBy("event_id")
          .limit(limit)
          .$asTuple("user_number", "event_id"),
      ),
    )
    .executeTakeFirst();
  return affected(result);
}
