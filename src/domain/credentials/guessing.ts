/**
 * What guessing passwords and codes of a sign-in costs (AWS: "Lockout behavior for failed sign-in attempts"). The
 * counters live in the database, so that every server sees them. Each user has one counter for all strangers and one for
 * each source the user is known from, all under the same rule: so an outsider cannot keep the owner out, and the number of
 * guesses stays bounded (docs/decisions/0003-limits.md).
 */
import type { Ctx } from "../../app.ts";
import { type Attempt, clearKinds, settleAttempt } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";
import { refuseFor } from "../../wire/refuse.ts";
import {
  type AddressLimit,
  type Caller,
  countAtAddress,
  passAddress,
  refuseAddress,
  standingOf,
} from "./request-limits.ts";
import type { Subject } from "./subjects.ts";

const second = 1000;
const minute = 60 * second;

/** After the free failures 2^n seconds up to 15 minutes; forgotten after 15 quiet minutes. */
const lockout = { maxLockMs: 15 * minute, quietMs: 15 * minute };

/** What is guessed at: each has counters of its own, and its failures count for the address that is named. */
const factors = {
  password: "passwords-per-address",
  "software-token": "codes-per-address",
  "one-time-code": "codes-per-address",
} as const satisfies Record<string, AddressLimit>;

export type GuessedFactor = keyof typeof factors;

/** A password or code about to be looked at. */
export interface Guess {
  readonly factor: GuessedFactor;
  readonly caller: Caller;
  readonly counter: Attempt;
}

function lockedOut(): never {
  return refuseFor("locked");
}

/**
 * Before a password or code is looked at. Throws NotAuthorizedException while the subject is locked for this caller, and
 * TooManyRequestsException to a stranger whose address has had its failures.
 */
export async function admitGuess(ctx: Ctx, subject: Subject, factor: GuessedFactor): Promise<Guess> {
  const address = factors[factor];
  const { caller, counter, lockedUntil, addressCount } = await standingOf(ctx, subject, factor, address);
  refuseAddress(ctx, caller, address, addressCount + 1);
  if (lockedUntil !== undefined && lockedUntil > ctx.now) lockedOut();
  return { factor, caller, counter };
}

/**
 * After it was looked at, and before anything of the result is told or done: counts a failure, forgets this counter's
 * failures after a success. Either takes its place among all parallel guesses by one write on the counter's row, so that a
 * right guess is refused where wrong ones have reached the limit meanwhile, as a wrong one is: then `admitGuess`'s refusals
 * (docs/decisions/0013-parallel-guesses.md).
 */
export async function settleGuess(ctx: Ctx, guess: Guess, right: boolean): Promise<void> {
  const { factor, caller, counter } = guess;
  const address = factors[factor];
  const rule = { now: ctx.now, free: ctx.config.limits.password, ...lockout };
  if (!(await settleAttempt(ctx.db, counter, rule, right))) return lockedOut();
  if (right) return passAddress(ctx.db, ctx, caller, address);
  const { poolId } = caller.subject;
  refuseAddress(ctx, caller, address, await countAtAddress(ctx.db, ctx, poolId, address));
}

/** The store call of a password reset: whoever may choose a new password is not kept out by guesses at the old one. */
export async function forgiveGuesses(tx: Db, poolId: string, userId: string): Promise<void> {
  await clearKinds(tx, poolId, userId, "password");
}
