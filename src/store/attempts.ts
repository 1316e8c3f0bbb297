/**
 * Counters of guesses and sent messages. Each update is one atomic statement, so that parallel guesses are all counted.
 */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { prefixRange, withoutDiskWait } from "./engine/sql.ts";
import { prepared, preparedWrite } from "./prepared.ts";

export interface Attempt {
  readonly poolId: string;
  /** A user id, or one of a fixed number of slots that names, addresses or destinations share. */
  readonly subject: string;
  /** Identifies the current user of a slot: if the row has another tag, counting starts over. Empty for users. */
  readonly tag: string;
  readonly kind: string;
}

/** The row of a counter, provided that it has the counter's tag. */
export function attemptAt({ kysely }: Pick<Db, "kysely">, attempt: Attempt) {
  return kysely
    .selectFrom("attempts")
    .where("pool_id", "=", attempt.poolId)
    .where("subject", "=", attempt.subject)
    .where("kind", "=", attempt.kind)
    .where("tag", "=", attempt.tag);
}

const anothers = sql<boolean>`attempts.tag <> excluded.tag`;

type AttemptSlots = { readonly [K in keyof Attempt]: string };

type WindowSlots = AttemptSlots & { readonly by: number; readonly now: number; readonly expiresAt: number };

const countQuery = prepared<WindowSlots, { count: number }>((kysely, slot) => {
  const anew = sql`attempts.expires_at <= ${slot("now")} or ${anothers}`;
  return kysely
    .insertInto("attempts")
    .values({
      pool_id: slot("poolId"),
      subject: slot("subject"),
      tag: slot("tag"),
      kind: slot("kind"),
      count: slot("by"),
      since: slot("now"),
      locked_until: 0,
      expires_at: slot("expiresAt"),
    })
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "subject", "kind"]).doUpdateSet((set) => ({
        tag: set.ref("excluded.tag"),
        count: sql<number>`case when ${anew} then excluded.count else attempts.count + excluded.count end`,
        since: sql<number>`case when ${anew} then excluded.since else attempts.since end`,
        expires_at: sql<number>`case when ${anew} then excluded.expires_at else attempts.expires_at end`,
      })),
    )
    .returning("count");
});

/**
 * Increments a counter that restarts after `windowMs`, and returns the new count. `by` 0 adds nothing but still waits
 * for concurrent increments; a success that the count could refuse needs this. `by` -1 takes an increment back.
 */
export async function countInWindow(
  db: Db,
  attempt: Attempt,
  window: { now: number; windowMs: number; by?: -1 | 0 | 1 },
): Promise<number> {
  const { now, windowMs, by = 1 } = window;
  const [row] = await countQuery(db, { ...attempt, by, now, expiresAt: now + windowMs });
  return row!.count;
}

/** The lock after failures: from the `free`-th failure on, 2^(n - free) seconds, at most `maxLockMs`. */
export interface LockRule {
  readonly now: number;
  readonly free: number;
  readonly maxLockMs: number;
  /** The count restarts this long after the last lock. */
  readonly quietMs: number;
}

type SettleSlots = AttemptSlots & { readonly [K in keyof LockRule]: number } & {
  /** 1 for a failure, 0 for a success. */
  failed: number;
  /** The lock after the first failure. Milliseconds. */
  firstLock: number;
  /** The number of doublings after which the lock no longer grows. */
  doublings: number;
};

/**
 * PostgreSQL need not wait for its disk here: the caller reports a failure only after the address's failure is written,
 * and everything written before that is on the disk by then. On a cluster the setting would not reach the machine that
 * has the row.
 * @param waits whether PostgreSQL waits for its disk
 */
const settleQuery = (waits: boolean) =>
  preparedWrite<SettleSlots>((kysely, slot, kind) => {
    const now = sql<number>`cast(${slot("now")} as bigint)`;
    const maxLock = sql<number>`cast(${slot("maxLockMs")} as bigint)`;
    const quiet = sql<number>`cast(${slot("quietMs")} as bigint)`;
    const failed = sql`cast(${slot("failed")} as integer)`;
    const anew = sql`attempts.expires_at <= ${now} or ${anothers}`;
    const next = sql<number>`case when ${failed} = 0 then 0 when ${anew} then 1 else attempts.count + 1 end`;
    const beyond = sql`(${next} - cast(${slot("free")} as integer))`;
    const lock = sql<number>`case when ${beyond} < 0 then 0
    when ${beyond} >= cast(${slot("doublings")} as integer) then ${now} + ${maxLock}
    else ${now} + 1000 * (cast(1 as bigint) << ${beyond}) end`;
    return kysely
      .insertInto("attempts")
      .values({
        pool_id: slot("poolId"),
        subject: slot("subject"),
        tag: slot("tag"),
        kind: slot("kind"),
        count: slot("failed"),
        since: slot("now"),
        locked_until: slot("firstLock"),
        expires_at: sql`${now} + ${quiet}`,
      })
      .onConflict((conflict) =>
        conflict
          .columns(["pool_id", "subject", "kind"])
          .doUpdateSet((set) => ({
            tag: set.ref("excluded.tag"),
            count: next,
            locked_until: lock,
            since: now,
            // Unchanged by a success, so that PostgreSQL need not touch an index.
            expires_at: sql<number>`case when ${failed} = 0 then attempts.expires_at else ${now} + ${quiet} + ${maxLock} end`,
          }))
          .where(sql<boolean>`attempts.locked_until <= ${now} or ${anothers}`),
      )
      .$if(kind === "postgres" && !waits, (insert) => insert.returning(withoutDiskWait.as("soon")));
  });

const settleSoon = settleQuery(false);
const settleOnCluster = settleQuery(true);

/**
 * Records the result of a guess: a failure counts and may lock the counter; a success resets it. Returns false if the
 * counter is locked: the guess then counts for nothing, and its result must not be revealed.
 *
 * One statement on one row decides, so that parallel guesses are put in an order that does not depend on which of them
 * is right, whichever servers they reach; a success that only reads could not see failures about to be committed.
 * SQLite runs statements one by one in the order of the calls, so there a success reads first, and writes only if there
 * is something to reset.
 */
export async function settleAttempt(
  db: Db,
  attempt: Attempt,
  rule: LockRule,
  right: boolean,
): Promise<boolean> {
  if (db.inTransaction) throw new Error("A guess is settled by itself, before what it allows is begun.");
  if (right && db.kind === "sqlite") return forgetUnlocked(db, attempt, rule.now);
  const { now, free, maxLockMs } = rule;
  const settle = db.distributed ? settleOnCluster : settleSoon;
  const settled = await settle(db, {
    ...attempt,
    ...rule,
    failed: right ? 0 : 1,
    firstLock: right || free > 1 ? 0 : now + Math.min(1000, maxLockMs),
    doublings: Math.ceil(Math.log2(maxLockMs / 1000)),
  });
  return settled === 1;
}

const lockQuery = prepared<AttemptSlots, { locked_until: number }>((kysely, slot) =>
  attemptAt(
    { kysely },
    { poolId: slot("poolId"), subject: slot("subject"), kind: slot("kind"), tag: slot("tag") },
  ).select("locked_until"),
);

const forgetQuery = preparedWrite<AttemptSlots>((kysely, slot) =>
  kysely
    .deleteFrom("attempts")
    .where("pool_id", "=", slot("poolId"))
    .where("subject", "=", slot("subject"))
    .where("kind", "=", slot("kind"))
    .where("tag", "=", slot("tag")),
);

/** Deletes a counter, locked or not. */
export async function forgetAttempt(db: Db, attempt: Attempt): Promise<void> {
  await forgetQuery(db, { ...attempt });
}

async function forgetUnlocked(db: Db, attempt: Attempt, now: number): Promise<boolean> {
  const [row] = await lockQuery(db, { ...attempt });
  if (row === undefined) return true;
  if (row.locked_until > now) return false;
  await forgetAttempt(db, attempt);
  return true;
}

const clearQuery = preparedWrite<{ poolId: string; subject: string; from: string; to: string }>(
  (kysely, slot) =>
    kysely
      .deleteFrom("attempts")
      .where("pool_id", "=", slot("poolId"))
      .where("subject", "=", slot("subject"))
      .where("kind", ">=", slot("from"))
      .where("kind", "<", slot("to")),
);

/**
 * Deletes every counter of a user whose kind has this prefix: that for strangers, and those for the user's own sources.
 */
export async function clearKinds(db: Db, poolId: string, userId: string, prefix: string): Promise<void> {
  // Kinds consist of ASCII, so there always is an upper bound.
  const { from, to = "\u{10FFFF}" } = prefixRange(prefix);
  await clearQuery(db, { poolId, subject: userId, from, to });
}
