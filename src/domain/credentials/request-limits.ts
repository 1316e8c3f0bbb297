/**
 * Rate limits by user, address and destination ("Quotas", Amazon Cognito Developer Guide), per hour, counted in the
 * database. Three rules apply everywhere: a caller at a source where the user is known has their own allowance with
 * that user; a limit by address refuses only strangers; strangers who use up a limit by user or destination leave the
 * owner's allowance untouched (docs/decisions/0003-limits.md).
 */
import type { Ctx } from "../../app.ts";
import type { CapacityName, LimitName } from "../../config/limits.ts";
import type { PhoneFacts } from "../../lib/phone-number.ts";
import { type Attempt, countInWindow } from "../../store/attempts.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { type CallerState, freshMs, readCallerState, type Source } from "../../store/known-sources.ts";
import { searchKey } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { attemptOf, type Subject, slotOf, sourceOf } from "./subjects.ts";
import { countText, type TextLimit, textTo } from "./text-limits.ts";

const hour = 60 * 60 * 1000;

export type AddressLimit = Exclude<Extract<LimitName, `${string}-per-address`>, `waiting-${string}`>;
/** Limits that do not simply count a user's requests. */
type OtherLimit =
  | CapacityName
  | "password"
  | "messages-per-destination"
  | "notices-per-destination"
  | "identities-per-login"
  | TextLimit
  | "sign-in-events"
  | `waiting-${string}`;
export type UserLimit = Exclude<LimitName, AddressLimit | OtherLimit>;

/** The caller of a request in relation to the subject. */
export interface Caller {
  readonly subject: Subject;
  readonly source: Source;
  /** Whether the user has authenticated at this source before. */
  readonly known: boolean;
  /** Whether the source was recorded recently, so that nothing need be written. */
  readonly fresh: boolean;
}

/** What a sign-in does with its source: records it because it is `new`, or `again` because that was long ago, or not. */
export type Remembering = "new" | "again" | "no";

/** What a sign-in does with the source of its caller. */
export function remembering({ known, fresh }: Pick<Caller, "known" | "fresh">): Remembering {
  if (fresh) return "no";
  return known ? "again" : "new";
}

export interface CallerLimits {
  readonly caller: Caller;
  /** The counter of this caller. */
  readonly counter: Attempt;
  /** Epoch milliseconds; undefined if nothing was counted. */
  readonly lockedUntil: number | undefined;
  readonly addressCount: number;
}

const ownKind = (kind: string, { source }: Source) => `${kind}@${source}`;

function addressAttempt(ctx: Ctx, poolId: string, limit: AddressLimit): Attempt {
  return attemptOf(slotOf(ctx, { id: poolId }, "address", ctx.network ?? "back end"), limit);
}

/**
 * The rows that `readCallerState` reads about a caller: the source, the counters of the subject for `kind`, and that of
 * the address.
 */
export function countersOf(ctx: Ctx, subject: Subject, kind: string, address: AddressLimit) {
  const source = sourceOf(ctx, subject);
  return {
    source,
    strangers: attemptOf(subject, kind),
    own: attemptOf(subject, ownKind(kind, source)),
    address: addressAttempt(ctx, subject.poolId, address),
  };
}

/** The caller and the applicable counter, from the rows that `readCallerState` found. */
export function callerFound(
  ctx: Ctx,
  subject: Subject,
  { source, strangers, own }: ReturnType<typeof countersOf>,
  { seenAt, strangersLock, ownLock, addressCount }: CallerState,
): CallerLimits {
  const known = seenAt !== undefined;
  return {
    caller: { subject, source, known, fresh: known && ctx.now - seenAt < freshMs },
    counter: known ? own : strangers,
    lockedUntil: known ? ownLock : strangersLock,
    addressCount,
  };
}

/** Reads whether the caller is known to the subject, and the counters that apply to them, in one query. */
export async function callerLimits(
  ctx: Ctx,
  subject: Subject,
  kind: string,
  address: AddressLimit,
): Promise<CallerLimits> {
  const places = countersOf(ctx, subject, kind, address);
  return callerFound(ctx, subject, places, await readCallerState(ctx.db, places, ctx.now));
}

/**
 * Refuses a stranger whose address would exceed its limit with `count`. Callers at a source where the user is known are
 * not refused because of others at the same address. Throws TooManyRequestsException, which every operation declares.
 */
export function refuseAddress(ctx: Ctx, caller: Caller, limit: AddressLimit, count: number): void {
  if (isOver(ctx, caller, limit, count)) rateExceeded(limit);
}

function isOver(ctx: Ctx, caller: Pick<Caller, "known">, limit: AddressLimit, count: number): boolean {
  return !caller.known && ctx.network !== undefined && count > ctx.config.limits[limit];
}

/** Throws TooManyRequestsException. @param limit the one that was reached, for the log */
export function rateExceeded(limit: LimitName): never {
  return refuseFor("tooMany", { detail: limit });
}

/** Increments the count of the caller's address and returns it; `by` -1 takes an increment back. */
export function countAtAddress(
  db: Db,
  ctx: Ctx,
  poolId: string,
  limit: AddressLimit,
  by: -1 | 0 | 1 = 1,
): Promise<number> {
  return countInWindow(db, addressAttempt(ctx, poolId, limit), { now: ctx.now, windowMs: hour, by });
}

/**
 * Checks the address again after a success that `refuseAddress` admitted: whether parallel failures, including those
 * being counted right now, have used up a stranger's allowance in the meantime. Known callers pass.
 */
export async function recheckAddress(db: Db, ctx: Ctx, caller: Caller, limit: AddressLimit): Promise<void> {
  if (caller.known || ctx.network === undefined) return;
  const count = await countAtAddress(db, ctx, caller.subject.poolId, limit, 0);
  refuseAddress(ctx, caller, limit, count + 1);
}

/**
 * Counts a request that is limited per user and hour, before anything else is done. Throws `code` beyond the limit:
 * LimitExceededException, except for operations that do not declare it.
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

/** Cognito's refusal for a limit of a user. */
export function limitExceeded(
  code: "LimitExceededException" | "TooManyRequestsException" = "LimitExceededException",
): never {
  return refuseFor(code === "LimitExceededException" ? "attemptsExceeded" : "requestsExceeded");
}

/**
 * Called before a code is checked: identifies the caller, and enforces the limits of user and address. Throws
 * LimitExceededException and TooManyRequestsException.
 */
export async function admitCode(ctx: Ctx, subject: Subject, limit: UserLimit): Promise<Caller> {
  const { caller, addressCount } = await callerLimits(ctx, subject, limit, "codes-per-address");
  refuseAddress(ctx, caller, "codes-per-address", addressCount + 1);
  await countRequest(ctx, caller, limit);
  return caller;
}

/** Called before a message is requested: identifies the caller and enforces the limit of the user. Throws `code`. */
export async function admitMessage(
  ctx: Ctx,
  subject: Subject,
  limit: UserLimit,
  code?: "TooManyRequestsException",
): Promise<Caller> {
  const { caller, addressCount } = await callerLimits(ctx, subject, limit, "messages-per-address");
  // Before anything is counted for a name: otherwise one address could use up the limits of all names.
  refuseAddress(ctx, caller, "messages-per-address", addressCount + 1);
  await countRequest(ctx, caller, limit, code);
  return caller;
}

/** The destination of a message, for its limit. */
export interface Receiver {
  readonly destination: string;
  /** Whether it is known to be the user's. */
  readonly proven: boolean;
  /**
   * Whether a refusal is silent, so that it does not reveal whether the user exists. Such messages are
   * counted separately from those with a visible refusal: otherwise a mailbox flooded through a user's name would
   * reveal at SignUp that it is that user's.
   */
  readonly silent: boolean;
}

/**
 * Counts a message to a destination. Returns false if there were so many that this one must not be sent. Callers known
 * to the user have their own allowance for an address proven to be the user's. Throws TooManyRequestsException.
 */
export async function countMessage(ctx: Ctx, caller: Caller, to: Receiver): Promise<boolean> {
  const { poolId } = caller.subject;
  const owner = to.proven && caller.known ? caller : undefined;
  const text = await textTo(to.destination);
  const over = await inTransaction(ctx.db, async (tx) => {
    const asked = await countAtAddress(tx, ctx, poolId, "messages-per-address");
    // A refused message is not sent, and so does not count for the destination.
    if (isOver(ctx, caller, "messages-per-address", asked)) return "messages-per-address";
    return countReceived(tx, ctx, poolId, { ...to, owner, text });
  });
  if (over === "messages-per-address") return rateExceeded(over);
  if (over !== undefined) noteRefused(ctx, poolId, over, text);
  return over === undefined;
}

/** Why a message is not sent to its destination. */
type MessageLimit = "messages-per-destination" | "sms-countries" | TextLimit;

/** Counts a message for its destination and, if it is a text, in the budgets. Returns why it must not be sent, if so. */
async function countReceived(
  tx: Db,
  ctx: Ctx,
  poolId: string,
  to: Pick<Receiver, "destination" | "silent"> & {
    readonly owner: Caller | undefined;
    readonly text: PhoneFacts | undefined;
  },
): Promise<MessageLimit | undefined> {
  const { owner, text, silent } = to;
  // However a number is written, it is one phone.
  const destination = text?.number ?? to.destination;
  const count = await countAtDestination(tx, ctx, poolId, { destination, silent }, owner);
  if (count > ctx.config.limits["messages-per-destination"]) return "messages-per-destination";
  return text && countText(tx, ctx, poolId, text, { silent, known: owner !== undefined });
}

/** Tells operators which limit keeps a message from being sent; callers learn that there were too many, if anything. */
function noteRefused(ctx: Ctx, poolId: string, limit: MessageLimit, text: PhoneFacts | undefined): void {
  ctx.log.info({ poolId, limit }, "a limit refused a message");
  if (text !== undefined) ctx.app.metrics.text(text.callingCode, "refused");
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
 * Counts a sign-up and its message before any work. Throws TooManyRequestsException for the address, and
 * LimitExceededException for a destination that has received too many messages.
 */
export async function countSignUp(
  ctx: Ctx,
  pool: Pick<Pool, "id">,
  destination: string | undefined,
): Promise<void> {
  const stranger = { known: false };
  const text = await textTo(destination);
  const over = await inTransaction(ctx.db, async (tx) => {
    for (const limit of ["sign-ups-per-address", "messages-per-address"] as const) {
      if (isOver(ctx, stranger, limit, await countAtAddress(tx, ctx, pool.id, limit))) return limit;
      if (destination === undefined) return undefined;
    }
    return countReceived(tx, ctx, pool.id, {
      destination: destination!,
      silent: false,
      owner: undefined,
      text,
    });
  });
  if (over === undefined) return;
  if (over === "sign-ups-per-address" || over === "messages-per-address") return rateExceeded(over);
  noteRefused(ctx, pool.id, over, text);
  limitExceeded();
}

/**
 * Counts a new identity without logins. Throws TooManyRequestsException if its address has too many of a day. Not in the
 * transaction that adds it: guests behind one address would wait for each other's.
 */
export async function countGuest(ctx: Ctx, poolId: string): Promise<void> {
  if (ctx.network === undefined) return;
  const limit = "guests-per-address";
  if (!(await isWithinDay(ctx.db, ctx, addressAttempt(ctx, poolId, limit), limit))) rateExceeded(limit);
}

/**
 * Counts a new identity of logins, in the transaction that makes it: requests that come at once make, and count, one. Returns
 * false if one of the logins has had too many of a day, and the transaction must not be kept.
 */
export async function countIdentity(
  tx: Db,
  ctx: Ctx,
  poolId: string,
  logins: readonly string[],
): Promise<boolean> {
  const limit = "identities-per-login";
  for (const login of logins) {
    const attempt = attemptOf(slotOf(ctx, { id: poolId }, "name", login), limit);
    if (!(await isWithinDay(tx, ctx, attempt, limit))) return false;
  }
  return true;
}

async function isWithinDay(
  db: Db,
  { now, config }: Ctx,
  attempt: Attempt,
  limit: LimitName,
): Promise<boolean> {
  return (await countInWindow(db, attempt, { now, windowMs: 24 * hour })) <= config.limits[limit];
}
