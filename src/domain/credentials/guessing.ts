/**
 * Limits guesses at passwords and sign-in codes ("Lockout behavior for failed sign-in attempts", Amazon Cognito
 * Developer Guide). The counters are in the database, so that all servers share them. Each user has one counter for all
 * strangers, and one for each source where the user is known, all with the same rule: an outsider cannot lock the owner
 * out, and the number of guesses stays bounded (docs/decisions/0003-limits.md).
 */
import type { Ctx } from "../../app.ts";
import { type Attempt, clearKinds, forgetAttempt, settleAttempt } from "../../store/attempts.ts";
import { type Credential, readPasswordGuess } from "../../store/credentials.ts";
import type { Db } from "../../store/db.ts";
import { type CallerPlaces, type CallerState, readCallerState } from "../../store/known-sources.ts";
import type { User } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import {
  type AddressLimit,
  type Caller,
  callerFound,
  countAtAddress,
  countersOf,
  recheckAddress,
  refuseAddress,
} from "./request-limits.ts";
import type { Subject } from "./subjects.ts";

const second = 1000;
const minute = 60 * second;

/** Lock duration after the free failures: 2^n seconds, up to 15 minutes; reset after 15 minutes without a failure. */
const lockout = { maxLockMs: 15 * minute, quietMs: 15 * minute };

/**
 * The factors that can be guessed. Each has its own counters; its failures count towards the named limit of the network
 * address.
 */
const factors = {
  password: "passwords-per-address",
  "software-token": "codes-per-address",
  "one-time-code": "codes-per-address",
} as const satisfies Record<string, AddressLimit>;

export type GuessedFactor = keyof typeof factors;

/** A password or code about to be checked. */
export interface Guess {
  readonly factor: GuessedFactor;
  readonly caller: Caller;
  readonly counter: Attempt;
  /** Whether it is counted as a wrong one already. */
  readonly counted?: boolean;
}

function lockedOut(): never {
  return refuseFor("locked");
}

/**
 * Called before a code is checked. Throws NotAuthorizedException while the subject is locked for this caller, and
 * TooManyRequestsException if a stranger's address has used up its failures.
 */
export async function admitGuess(ctx: Ctx, subject: Subject, factor: GuessedFactor): Promise<Guess> {
  const places = countersOf(ctx, subject, factor, factors[factor]);
  return admitted(ctx, subject, factor, { places, state: await readCallerState(ctx.db, places, ctx.now) });
}

/**
 * Called before a password is checked: `admitGuess`, and the credential to check it with, read in the same statement.
 * @param user undefined: nobody has the name, which takes as long
 */
export async function admitPassword(
  ctx: Ctx,
  subject: Subject,
  user: Pick<User, "id"> | undefined,
): Promise<{ readonly guess: Guess; readonly credential: Credential | undefined }> {
  const places = countersOf(ctx, subject, "password", factors.password);
  const { state, credential } = await readPasswordGuess(ctx.db, places, user?.id, ctx.now);
  const guess = admitted(ctx, subject, "password", { places, state });
  return { guess, credential: credential() };
}

function admitted(
  ctx: Ctx,
  subject: Subject,
  factor: GuessedFactor,
  { places, state }: { readonly places: CallerPlaces; readonly state: CallerState },
): Guess {
  const { caller, counter, lockedUntil, addressCount } = callerFound(ctx, subject, places, state);
  refuseAddress(ctx, caller, factors[factor], addressCount + 1);
  if (lockedUntil !== undefined && lockedUntil > ctx.now) lockedOut();
  return { factor, caller, counter };
}

/**
 * Called after the check, before anything of the result is revealed or acted on: counts a failure, or resets this
 * counter after a success. Either is ordered among all parallel guesses by one write on the counter's row, so that a
 * right guess is refused like a wrong one if wrong ones have reached the limit in the meantime; it then throws as
 * `admitGuess` does (docs/decisions/0013-parallel-guesses.md).
 */
export async function settleGuess(ctx: Ctx, guess: Guess, right: boolean): Promise<void> {
  const { factor, caller, counter, counted } = guess;
  const address = factors[factor];
  if (counted) return right ? takeBack(ctx, guess) : undefined;
  const rule = { now: ctx.now, free: ctx.config.limits.password, ...lockout };
  if (!(await settleAttempt(ctx.db, counter, rule, right))) return lockedOut();
  if (right) return recheckAddress(ctx.db, ctx, caller, address);
  const { poolId } = caller.subject;
  refuseAddress(ctx, caller, address, await countAtAddress(ctx.db, ctx, poolId, address));
}

/**
 * Counts an admitted guess as a wrong one before it is checked, where the check itself already acts on the result:
 * another user store is asked, and its users move here. So no more guesses get there at once than are allowed.
 * `settleGuess` takes it back if the guess was right, and resets the counter even if the guess has locked it. Throws as
 * `admitGuess` does.
 */
export async function countAhead(ctx: Ctx, guess: Guess): Promise<Guess> {
  await settleGuess(ctx, guess, false);
  return { ...guess, counted: true };
}

async function takeBack(ctx: Ctx, { factor, caller, counter }: Guess): Promise<void> {
  await forgetAttempt(ctx.db, counter);
  await countAtAddress(ctx.db, ctx, caller.subject.poolId, factors[factor], -1);
}

/**
 * Resets the guesses at a user's password, in the transaction of a password reset: guesses at the old password must not
 * lock out the new one.
 */
export async function resetGuesses(tx: Db, poolId: string, userId: string): Promise<void> {
  await clearKinds(tx, poolId, userId, "password");
}
