/** Counters of guesses and sent messages. Each is one atomic statement, so that parallel guesses all count. */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { startsWith } from "./sql.ts";

export interface Attempt {
  readonly poolId: string;
  /** A user id, or one of a fixed number of slots that names, addresses or destinations share. */
  readonly subject: string;
  /** Whose the slot is: with another tag in the row, counting starts anew. Empty for users. */
  readonly tag: string;
  readonly kind: string;
}

/** The row of a counter, if it is this one's. */
export function attemptAt({ kysely }: Pick<Db, "kysely">, attempt: Attempt) {
  return kysely
    .selectFrom("attempts")
    .where("pool_id", "=", attempt.poolId)
    .where("subject", "=", attempt.subject)
    .where("kind", "=", attempt.kind)
    .where("tag", "=", attempt.tag);
}

const anothers = sql<boolean>`attempts.tag <> excluded.tag`;

/** Adds one to a counter that starts anew after `windowMs`, and returns the new count. */
export async function countInWindow(
  db: Db,
  attempt: Attempt,
  window: { now: number; windowMs: number },
): Promise<number> {
  const { now, windowMs } = window;
  const anew = sql`attempts.expires_at <= ${now} or ${anothers}`;
  const row = await db.kysely
    .insertInto("attempts")
    .values({
      pool_id: attempt.poolId,
      subject: attempt.subject,
      tag: attempt.tag,
      kind: attempt.kind,
      count: 1,
      since: now,
      locked_until: 0,
      expires_at: now + windowMs,
    })
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "subject", "kind"]).doUpdateSet({
        tag: attempt.tag,
        count: sql<number>`case when ${anew} then 1 else attempts.count + 1 end`,
        since: sql<number>`case when ${anew} then ${now} else attempts.since end`,
        expires_at: sql<number>`case when ${anew} then ${now + windowMs} else attempts.expires_at end`,
      }),
    )
    .returning("count")
    .executeTakeFirstOrThrow();
  return row.count;
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
  // A counter has few values between the first and the longest lock, so the doubling is spelled out as a table.
  const next = sql<number>`case when attempts.expires_at <= ${now} or ${anothers} then 1 else attempts.count + 1 end`;
  const steps = Array.from(
    { length: Math.ceil(Math.log2(maxLockMs / 1000)) + 1 },
    (_, index) => free + index,
  );
  const locked = sql<number>`case ${sql.join(
    [free - 1, ...steps].map(
      (count) => sql`when ${next} <= ${sql.lit(count)} then cast(${lockAfter(count)} as bigint)`,
    ),
    sql` `,
  )} else cast(${now + maxLockMs} as bigint) end`;
  const row = await db.kysely
    .insertInto("attempts")
    .values({
      pool_id: attempt.poolId,
      subject: attempt.subject,
      tag: attempt.tag,
      kind: attempt.kind,
      count: 1,
      since: now,
      locked_until: lockAfter(1),
      expires_at: now + quietMs,
    })
    .onConflict((conflict) =>
      conflict
        .columns(["pool_id", "subject", "kind"])
        .doUpdateSet({
          tag: attempt.tag,
          count: next,
          locked_until: locked,
          since: now,
          expires_at: now + quietMs + maxLockMs,
        })
        .where(sql<boolean>`attempts.locked_until <= ${now} or ${anothers}`),
    )
    .returning("count")
    .executeTakeFirst();
  return row?.count;
}

/** Forgets one counter, after a success. */
export async function clearAttempts(db: Db, attempt: Attempt): Promise<void> {
  await db.kysely
    .deleteFrom("attempts")
    .where("pool_id", "=", attempt.poolId)
    .where("subject", "=", attempt.subject)
    .where("kind", "=", attempt.kind)
    .where("tag", "=", attempt.tag)
    .execute();
}

/** Forgets every counter of a user whose kind begins so: that of strangers and those of the user's own sources. */
export async function clearKinds(db: Db, poolId: string, userId: string, prefix: string): Promise<void> {
  await db.kysely
    .deleteFrom("attempts")
    .where("pool_id", "=", poolId)
    .where("subject", "=", userId)
    .where(startsWith("kind", prefix))
    .execute();
}
