/** Counters of guesses and sent messages. Each is one atomic statement, so that parallel guesses all count. */
import { sql } from "kysely";
import type { Db } from "./db.ts";

export interface Attempt {
  readonly poolId: string;
  /** A user id, or a bucket for names that do not exist (a bounded number of rows). */
  readonly subject: string;
  readonly kind: string;
}

/** Adds one to a counter that starts anew after `windowMs`, and returns the new count. */
export async function countInWindow(
  db: Db,
  attempt: Attempt,
  window: { now: number; windowMs: number },
): Promise<number> {
  const { now, windowMs } = window;
  const row = await db.kysely
    .insertInto("attempts")
    .values({
      pool_id: attempt.poolId,
      subject: attempt.subject,
      kind: attempt.kind,
      count: 1,
      since: now,
      locked_until: 0,
      expires_at: now + windowMs,
    })
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "subject", "kind"]).doUpdateSet({
        count: sql<number>`case when attempts.expires_at <= ${now} then 1 else attempts.count + 1 end`,
        since: sql<number>`case when attempts.expires_at <= ${now} then ${now} else attempts.since end`,
        expires_at: sql<number>`case when attempts.expires_at <= ${now} then ${now + windowMs} else attempts.expires_at end`,
      }),
    )
    .returning("count")
    .executeTakeFirstOrThrow();
  return row.count;
}

/** Until when no guess is looked at (epoch milliseconds, 0: free); undefined when no failure is on record. */
export async function readLock(db: Db, attempt: Attempt): Promise<number | undefined> {
  const row = await db.kysely
    .selectFrom("attempts")
    .select("locked_until")
    .where("pool_id", "=", attempt.poolId)
    .where("subject", "=", attempt.subject)
    .where("kind", "=", attempt.kind)
    .executeTakeFirst();
  return row?.locked_until;
}

/**
 * Counts a failed guess and, from the `free`-th on, locks the subject for 2^(n - free) seconds, at most `maxLockMs`.
 * Undefined while the subject is locked: then the guess counts for nothing and its result must not be told, so that of
 * any number of parallel guesses only as many learn their result as the rule allows. The count starts anew `quietMs`
 * after the last lock.
 */
export async function countFailure(
  db: Db,
  attempt: Attempt,
  rule: { now: number; free: number; maxLockMs: number; quietMs: number },
): Promise<number | undefined> {
  const { now, free, maxLockMs, quietMs } = rule;
  const lockAfter = (count: number) =>
    count < free ? 0 : now + Math.min(maxLockMs, 1000 * 2 ** Math.min(count - free, 30));
  // A counter has few values before the longest lock is reached, so the doubling is spelled out as a table.
  const next = sql<number>`case when attempts.expires_at <= ${now} then 1 else attempts.count + 1 end`;
  const steps = Array.from(
    { length: free + Math.ceil(Math.log2(maxLockMs / 1000)) + 1 },
    (_, index) => index + 1,
  );
  const locked = sql<number>`case ${next} ${sql.join(
    steps.map((count) => sql`when ${sql.lit(count)} then cast(${lockAfter(count)} as bigint)`),
    sql` `,
  )} else cast(${now + maxLockMs} as bigint) end`;
  const row = await db.kysely
    .insertInto("attempts")
    .values({
      pool_id: attempt.poolId,
      subject: attempt.subject,
      kind: attempt.kind,
      count: 1,
      since: now,
      locked_until: lockAfter(1),
      expires_at: now + quietMs,
    })
    .onConflict((conflict) =>
      conflict
        .columns(["pool_id", "subject", "kind"])
        .doUpdateSet({ count: next, locked_until: locked, since: now, expires_at: now + quietMs + maxLockMs })
        .where("attempts.locked_until", "<=", now),
    )
    .returning("count")
    .executeTakeFirst();
  return row?.count;
}

/** Forgets a subject's failures, after a success. */
export async function clearAttempts(db: Db, attempt: Attempt): Promise<void> {
  await db.kysely
    .deleteFrom("attempts")
    .where("pool_id", "=", attempt.poolId)
    .where("subject", "=", attempt.subject)
    .where("kind", "=", attempt.kind)
    .execute();
}
