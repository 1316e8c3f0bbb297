/**
 * What guessing costs (AWS: "Lockout behavior for failed sign-in attempts", and the quotas on codes). The numbers are
 * Cognito's; the counters live in the database, so that every server sees them.
 */
import type { Ctx } from "../../app.ts";
import { type Attempt, clearAttempts, countFailure, countInWindow, readLock } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";
import type { User } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { loginNameKey } from "../pools/names.ts";
import type { Pool } from "../pools/settings.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Five failures are free, then 2^(n-5) seconds up to 15 minutes; forgotten after 15 quiet minutes. */
const lockout = { free: 5, maxLockMs: 15 * minute, quietMs: 15 * minute };

/**
 * Who is guessed at: the user id, so that aliases and letter case make no difference; names that do not exist share a
 * bounded number of rows, so that they fill no table.
 */
export function subjectOf(ctx: Ctx, pool: Pool, user: Pick<User, "id"> | undefined, name: string): string {
  if (user !== undefined) return user.id;
  const bucket = ctx.db.sealer.mac("unknown-name", pool.id, loginNameKey(pool, name));
  return `?${Buffer.from(bucket.subarray(0, 2)).toString("hex")}`;
}

const passwordAttempt = (pool: Pool, subject: string): Attempt => ({
  poolId: pool.id,
  subject,
  kind: "password",
});

function lockedOut(): never {
  return refuse("NotAuthorizedException", "Password attempts exceeded");
}

/** Before a password is looked at. Throws NotAuthorizedException while the subject is locked. */
export async function assertNotLocked(ctx: Ctx, pool: Pool, subject: string): Promise<void> {
  const until = await readLock(ctx.db, passwordAttempt(pool, subject));
  if (until !== undefined && until > ctx.now) lockedOut();
}

/**
 * After a password was looked at: counts a failure, forgets failures after a success. Throws NotAuthorizedException
 * with the lock-out's text when a lock fell meanwhile, whatever the result was, so that a parallel guess beyond the
 * limit learns nothing.
 */
export async function settlePassword(ctx: Ctx, pool: Pool, subject: string, right: boolean): Promise<void> {
  const attempt = passwordAttempt(pool, subject);
  if (right) {
    const until = await readLock(ctx.db, attempt);
    if (until === undefined) return;
    if (until > ctx.now) lockedOut();
    await clearAttempts(ctx.db, attempt);
    return;
  }
  const count = await countFailure(ctx.db, attempt, { now: ctx.now, ...lockout });
  if (count === undefined) lockedOut();
}

/** The store call of a password reset: whoever may choose a new password is not kept out by guesses at the old one. */
export async function forgiveGuesses(tx: Db, poolId: string, userId: string): Promise<void> {
  await clearAttempts(tx, { poolId, subject: userId, kind: "password" });
}

/** Counts a request of a kind that is limited a user and hour. Throws LimitExceededException beyond `limit`. */
export async function countRequest(
  ctx: Ctx,
  pool: Pick<Pool, "id">,
  subject: string,
  kind: string,
  limit: number,
): Promise<void> {
  const attempt = { poolId: pool.id, subject, kind };
  const count = await countInWindow(ctx.db, attempt, { now: ctx.now, windowMs: hour });
  if (count > limit) refuse("LimitExceededException", "Attempt limit exceeded, please try after some time.");
}
