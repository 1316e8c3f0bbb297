/**
 * Limits of requests, by user, by address and by destination (AWS: "Quotas"). Windows of an hour, counted in the
 * database. Three rules hold everywhere: a caller at a source that the user is known from has an allowance of their own
 * with the user; a limit by address refuses strangers only; a limit by user or destination that strangers used up leaves
 * the owner's alone (docs/decisions/0003-limits.md).
 */
import type { Ctx } from "../../app.ts";
import type { CapacityName, LimitName } from "../../config/limits.ts";
import { type Attempt, countInWindow } from "../../store/attempts.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { freshMs, readStanding, type Source } from "../../store/known-sources.ts";
import { searchKey } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { attemptOf, type Subject, slotOf, sourceOf } from "./subjects.ts";

const hour = 60 * 60 * 1000;

export type AddressLimit = Exclude<Extract<LimitName, `${string}-per-address`>, `waiting-${string}`>;
/** Limits that count otherwise than by a user's requests. */
type OtherLimit =
  | CapacityName
  | "password"
  | "messages-per-destination"
  | "sign-in-events"
  | `waiting-${string}`;
export type UserLimit = Exclude<LimitName, AddressLimit | OtherLimit>;

/** Whoever asks, as far as the subject knows them. */
export interface Caller {
  readonly subject: Subject;
  readonly source: Source;
  /** The user has proven before, at this source, who they are. */
  readonly known: boolean;
  /** And that was noted not long ago: nothing need be written. */
  readonly fresh: boolean;
}

export interface CallerStanding {
  readonly caller: Caller;
  /** The one that counts this caller. */
  readonly counter: Attempt;
  /** Epoch milliseconds; undefined when nothing was counted. */
  readonly lockedUntil: number | undefined;
  readonly addressCount: number;
}

const ownKind = (kind: string, { source }: Source) => `${kind}@${source}`;

function addressAttempt(ctx: Ctx, poolId: string, limit: AddressLimit): Attempt {
  return attemptOf(slotOf(ctx, { id: poolId }, "address", ctx.network ?? "back end"), limit);
}

/** Reads who the caller is to the subject, and what stands against them; one query. */
export async function standingOf(
  ctx: Ctx,
  subject: Subject,
  kind: string,
  address: AddressLimit,
): Promise<CallerStanding> {
  const source = sourceOf(ctx, subject);
  const strangers = attemptOf(subject, kind);
  const own = attemptOf(subject, ownKind(kind, source));
  const where = { source, strangers, own, address: addressAttempt(ctx, subject.poolId, address) };
  const { seenAt, strangersLock, ownLock, addressCount } = await readStanding(ctx.db, where, ctx.now);
  const known = seenAt !== undefined;
  return {
    caller: { subject, source, known, fresh: known && ctx.now - seenAt < freshMs },
    counter: known ? own : strangers,
    lockedUntil: known ? ownLock : strangersLock,
    addressCount,
  };
}

/**
 * Refuses a stranger whose address has `count` beyond its limit. Those whom their users know there are not refused for
 * what others behind the same address do. Throws TooManyRequestsException, which every operation declares.
 */
export function refuseAddress(ctx: Ctx, caller: Caller, limit: AddressLimit, count: number): void {
  if (isOver(ctx, caller, limit, count)) rateExceeded(limit);
}

function isOver(ctx: Ctx, caller: Pick<Caller, "known">, limit: AddressLimit, count: number): boolean {
  return !caller.known && ctx.network !== undefined && count > ctx.config.limits[limit];
}

function rateExceeded(limit: AddressLimit): never {
  return refuseFor("tooMany", { detail: limit });
}

/** Counts for the caller's address. Returns the new count. */
export function countAtAddress(
  db: Db,
  ctx: Ctx,
  poolId: string,
  limit: AddressLimit,
  by: 0 | 1 = 1,
): Promise<number> {
  return countInWindow(db, addressAttempt(ctx, poolId, limit), { now: ctx.now, windowMs: hour, by });
}

/**
 * What a success asks that was let in by `refuseAddress`: nothing of the known; of strangers, whether parallel failures
 * have used the address's allowance up meanwhile, those included that are being counted at this moment.
 */
export async function passAddress(db: Db, ctx: Ctx, caller: Caller, limit: AddressLimit): Promise<void> {
  if (caller.known || ctx.network === undefined) return;
  const count = await countAtAddress(db, ctx, caller.subject.poolId, limit, 0);
  refuseAddress(ctx, caller, limit, count + 1);
}

/**
 * Counts a request that is limited a user and hour, before anything else is done. Throws `code` beyond the limit:
 * LimitExceededException but for operations that do not declare it.
 */
export async function countRequest(
  ctx: Ctx,
  caller: Caller,
  limit: UserLimit,
  code: "LimitExceededException" | "TooManyRequestsException" = "LimitExceededException",
): Promise<void> {
  const kind = caller.known ? ownKind(limit, caller.source) : limit;
  const attempt = attemptOf(caller.subject, kind);
  const count = await countInWindow(ctx.db, attempt, { now: ctx.now, windowMs: hour });
  if (count > ctx.config.limits[limit]) limitExceeded(code);
}

/** Cognito's words for a limit of a user. */
export function limitExceeded(
  code: "LimitExceededException" | "TooManyRequestsException" = "LimitExceededException",
): never {
  return refuseFor(code === "LimitExceededException" ? "attemptsExceeded" : "requestsExceeded");
}

/**
 * Before a code is looked at: who asks, within the limits of user and address. Throws LimitExceededException and
 * TooManyRequestsException.
 */
export async function admitCode(ctx: Ctx, subject: Subject, limit: UserLimit): Promise<Caller> {
  const { caller, addressCount } = await standingOf(ctx, subject, limit, "codes-per-address");
  refuseAddress(ctx, caller, "codes-per-address", addressCount + 1);
  await countRequest(ctx, caller, limit);
  return caller;
}

/** Before a message is asked for: who asks, within the limit of the user. Throws `code`. */
export async function admitMessage(
  ctx: Ctx,
  subject: Subject,
  limit: UserLimit,
  code?: "TooManyRequestsException",
): Promise<Caller> {
  const { caller, addressCount } = await standingOf(ctx, subject, limit, "messages-per-address");
  // Before anything is counted for a name: one address could try them all.
  refuseAddress(ctx, caller, "messages-per-address", addressCount + 1);
  await countRequest(ctx, caller, limit, code);
  return caller;
}

/** Where a message goes, as far as its limit is concerned. */
export interface Receiver {
  readonly destination: string;
  /** It is known to be the user's. */
  readonly proven: boolean;
  /**
   * Whoever asked is not told when nothing is sent, so that who exists stays hidden. Such messages are counted apart from
   * those whose refusal is answered: else a mailbox that is filled through a user's name tells, at SignUp, whose it is.
   */
  readonly silent: boolean;
}

/**
 * Counts a message to a destination. False: it has had so many that this one must not be sent. Callers known to the
 * user have an allowance of their own to an address that is proven to be the user's. Throws TooManyRequestsException.
 */
export async function countMessage(ctx: Ctx, caller: Caller, to: Receiver): Promise<boolean> {
  const { poolId } = caller.subject;
  const owner = to.proven && caller.known ? caller : undefined;
  const count = await inTransaction(ctx.db, async (tx) => {
    const asked = await countAtAddress(tx, ctx, poolId, "messages-per-address");
    // What is refused is not sent, and so does not count for the destination.
    if (isOver(ctx, caller, "messages-per-address", asked)) return undefined;
    return countAtDestination(tx, ctx, poolId, to, owner);
  });
  if (count === undefined) return rateExceeded("messages-per-address");
  return count <= ctx.config.limits["messages-per-destination"];
}

function countAtDestination(
  tx: Db,
  ctx: Ctx,
  poolId: string,
  { destination, silent }: Pick<Receiver, "destination" | "silent">,
  owner: Caller | undefined,
): Promise<number> {
  const kind = silent ? "silent-messages-per-destination" : "messages-per-destination";
  const slot = slotOf(ctx, { id: poolId }, "destination", searchKey(destination));
  const attempt = attemptOf(slot, owner ? ownKind(kind, owner.source) : kind);
  return countInWindow(tx, attempt, { now: ctx.now, windowMs: hour });
}

/**
 * Counts a sign-up and its message, before any work. Throws TooManyRequestsException for the address, and
 * LimitExceededException for a destination that has had its messages.
 */
export async function countSignUp(
  ctx: Ctx,
  pool: Pick<Pool, "id">,
  destination: string | undefined,
): Promise<void> {
  const stranger = { known: false };
  const over = await inTransaction(ctx.db, async (tx): Promise<LimitName | undefined> => {
    for (const limit of ["sign-ups-per-address", "messages-per-address"] as const) {
      if (isOver(ctx, stranger, limit, await countAtAddress(tx, ctx, pool.id, limit))) return limit;
      if (destination === undefined) return undefined;
    }
    const to = { destination: destination!, silent: false };
    const count = await countAtDestination(tx, ctx, pool.id, to, undefined);
    return count > ctx.config.limits["messages-per-destination"] ? "messages-per-destination" : undefined;
  });
  if (over === undefined) return;
  if (over === "messages-per-destination") limitExceeded();
  refuseFor("tooMany", { detail: over });
}
