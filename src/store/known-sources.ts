/**
 * Where users are known from: the networks, as MACs, from which they have signed in or proven a code. Guesses from
 * these are counted separately from those of strangers.
 */
import { type Kysely, sql } from "kysely";
import { type Attempt, attemptAt } from "./attempts.ts";
import type { Db } from "./db.ts";
import { lookup, prepared, preparedWrite, type Slots } from "./prepared.ts";
import type { Schema } from "./schema/schema.ts";

/** How many sources of a user are kept, and for how long after they were last seen. */
export const keptSources = 10;
const keptMs = 90 * 24 * 60 * 60 * 1000;

/** A source seen within this time is not written again. */
export const freshMs = 24 * 60 * 60 * 1000;

export interface Source {
  readonly poolId: string;
  /** The user id, or the slot of a name that does not exist, which is known from nowhere. */
  readonly userId: string;
  /** A MAC of the user and the network. */
  readonly source: string;
}

/** The limits that apply to a caller before their guess or request is processed. */
export interface CallerState {
  /** When the user was last seen at this source; undefined for a stranger. */
  readonly seenAt: number | undefined;
  /** Until when the counter is locked; undefined if there is no counter. */
  readonly strangersLock: number | undefined;
  readonly ownLock: number | undefined;
  /** How much of its allowance the address has used in the current window. */
  readonly addressCount: number;
}

export interface CallerStateRow {
  readonly seen_at: number | null;
  readonly strangers_lock: number | null;
  readonly own_lock: number | null;
  readonly address_count: number | null;
}

type AttemptSlots<Of extends string> = { readonly [K in `${Of}${"Subject" | "Kind" | "Tag"}`]: string };

export type CallerStateSlots = {
  poolId: string;
  userId: string;
  source: string;
  now: number;
} & AttemptSlots<"strangers" | "own" | "address">;

/** Where a caller's limits are: the source, and three counters of the same pool. */
export interface CallerPlaces {
  readonly source: Source;
  readonly strangers: Attempt;
  readonly own: Attempt;
  readonly address: Attempt;
}

/** Selects the columns of `CallerStateRow`: four point reads of one pool. */
export function callerStateColumns(kysely: Kysely<Schema>, slot: Slots<CallerStateSlots>) {
  const counter = (of: "strangers" | "own" | "address") =>
    attemptAt(
      { kysely },
      {
        poolId: slot("poolId"),
        subject: slot(`${of}Subject`),
        kind: slot(`${of}Kind`),
        tag: slot(`${of}Tag`),
      },
    );
  return [
    kysely
      .selectFrom("known_sources")
      .select("seen_at")
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId"))
      .where("source", "=", slot("source"))
      .where("expires_at", ">", slot("now"))
      .as("seen_at"),
    counter("strangers").select("locked_until").as("strangers_lock"),
    counter("own").select("locked_until").as("own_lock"),
    counter("address").select("count").where("expires_at", ">", slot("now")).as("address_count"),
  ] as const;
}

export function callerStateValues(
  { source, strangers, own, address }: CallerPlaces,
  now: number,
): CallerStateSlots {
  return {
    ...source,
    now,
    strangersSubject: strangers.subject,
    strangersKind: strangers.kind,
    strangersTag: strangers.tag,
    ownSubject: own.subject,
    ownKind: own.kind,
    ownTag: own.tag,
    addressSubject: address.subject,
    addressKind: address.kind,
    addressTag: address.tag,
  };
}

export function callerStateFromRow(row: CallerStateRow | undefined): CallerState {
  return {
    seenAt: row?.seen_at ?? undefined,
    strangersLock: row?.strangers_lock ?? undefined,
    ownLock: row?.own_lock ?? undefined,
    addressCount: row?.address_count ?? 0,
  };
}

const callerStateQuery = lookup<CallerStateSlots, CallerStateRow>((kysely, slot) =>
  kysely.selectNoFrom(() => callerStateColumns(kysely, slot)),
);

const seenQuery = lookup<
  { poolId: string; userId: string; source: string; now: number },
  { seen_at: number }
>((kysely, slot) =>
  kysely
    .selectFrom("known_sources")
    .select("seen_at")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("source", "=", slot("source"))
    .where("expires_at", ">", slot("now")),
);

/** When the user was last seen at this source; undefined if never, or too long ago. */
export async function readSeen(db: Db, source: Source, now: number): Promise<number | undefined> {
  const [row] = await seenQuery(db, { ...source, now });
  return row?.seen_at;
}

const sourcesQuery = prepared<{ poolId: string; userId: string; now: number }, { source: string }>(
  (kysely, slot) =>
    kysely
      .selectFrom("known_sources")
      .select("source")
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId"))
      .where("expires_at", ">", slot("now")),
);

const firstSeenQuery = lookup<
  { poolId: string; userId: string; source: string; now: number },
  { first_seen_at: number | null }
>((kysely, slot) =>
  kysely
    .selectFrom("known_sources")
    .select("first_seen_at")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("source", "=", slot("source"))
    .where("expires_at", ">", slot("now")),
);

/** Since when the user is known at this source, in epoch milliseconds; undefined if they are not, or nobody recorded it. */
export async function readFirstSeen(db: Db, source: Source, now: number): Promise<number | undefined> {
  const [row] = await firstSeenQuery(db, { ...source, now });
  return row?.first_seen_at ?? undefined;
}

/** Whether the user is known at other sources but not at this one. */
export async function isKnownOnlyElsewhere(tx: Db, known: Source, now: number): Promise<boolean> {
  const { poolId, userId, source } = known;
  const rows = await sourcesQuery(tx, { poolId, userId, now });
  return rows.length > 0 && rows.every((row) => row.source !== source);
}

/** Reads the limits that apply to a caller in one statement. */
export async function readCallerState(db: Db, where: CallerPlaces, now: number): Promise<CallerState> {
  const [row] = await callerStateQuery(db, callerStateValues(where, now));
  return callerStateFromRow(row);
}

const rememberQuery = prepared<Source & { now: number; expiresAt: number }, { known: number }>(
  (kysely, slot) => {
    const seen = { seen_at: slot("now"), expires_at: slot("expiresAt") };
    const first = { first_seen_at: slot("now") };
    // A row that expired, and that nobody has removed yet, is as good as none.
    const anew = sql<number>`case when known_sources.expires_at <= ${slot("now")}
      then ${slot("now")} else known_sources.first_seen_at end`;
    return kysely
      .insertInto("known_sources")
      .values({ pool_id: slot("poolId"), user_id: slot("userId"), source: slot("source"), ...first, ...seen })
      .onConflict((conflict) =>
        conflict.columns(["pool_id", "user_id", "source"]).doUpdateSet({ first_seen_at: anew, ...seen }),
      )
      .returning((returned) =>
        returned
          .selectFrom("known_sources as others")
          .select((count) => count.fn.countAll<number>().as("known"))
          .where("pool_id", "=", slot("poolId"))
          .where("user_id", "=", slot("userId"))
          .as("known"),
      );
  },
);

const forgetQuery = preparedWrite<Pick<Source, "poolId" | "userId">>((kysely, slot) =>
  kysely
    .deleteFrom("known_sources")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("source", "not in", (from) =>
      from
        .selectFrom("known_sources")
        .select("source")
        .where("pool_id", "=", slot("poolId"))
        .where("user_id", "=", slot("userId"))
        .orderBy("seen_at", "desc")
        .orderBy("source")
        .limit(keptSources),
    ),
);

/**
 * Records that the user was at this source, inside the transaction of what proved it, which locks the user's row. Only
 * the latest sources are kept.
 */
export async function rememberSource(tx: Db, { poolId, userId, source }: Source, now: number): Promise<void> {
  const [row] = await rememberQuery(tx, { poolId, userId, source, now, expiresAt: now + keptMs });
  // PostgreSQL counts the sources before this one; in SQLite it is not specified whether this one is counted.
  if (row!.known >= keptSources) await forgetQuery(tx, { poolId, userId });
}
