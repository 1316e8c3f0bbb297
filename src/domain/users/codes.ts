/**
 * One-time codes sent to users: six digits, one live code per purpose, single use, limited guesses ("Quotas",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html). The hourly limits are in
 * credentials/request-limits.ts; in addition a code has its own limit, so that a long validity allows no more guesses.
 */
import type { Ctx } from "../../app.ts";
import type { CodePlace, CodeState } from "../../store/codes.ts";
import { countWrongCode, judgeCode, replaceCode, takeCode } from "../../store/codes.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import type { CodeKind } from "../../store/schema/schema.ts";
import type { User, UserChange } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { type Caller, countAtAddress, recheckAddress, refuseAddress } from "../credentials/request-limits.ts";
import { rememberCallerSource, type Subject } from "../credentials/subjects.ts";
import { composeCode, type LinkTarget } from "../messages/compose.ts";
import { deliverQueued } from "../messages/deliver.ts";
import type { ContactAttribute, Delivery } from "../messages/delivery.ts";
import { composingFor } from "../messages/layout.ts";
import {
  type DeliveredBy,
  handlingOf,
  newMessage,
  type QueuedMessage,
  queueMessage,
} from "../messages/queue.ts";
import type { MessageOccasion } from "../triggers/custom-message.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { type ChangeOptions, changeUser } from "./change-user.ts";

const hour = 60 * 60 * 1000;

export type Purpose = "sign-up" | "forgot-password" | `attribute:${ContactAttribute}`;

function lifetimeMs(purpose: Purpose): number {
  return purpose === "forgot-password" ? hour : 24 * hour;
}

/**
 * Wrong guesses after which a code counts as expired: of all strangers together, and of all sources where the user is
 * known.
 */
const maxAttempts = 20;

/** A code of six or eight digits, each equally likely: draws that would favor small numbers are discarded. */
export function newCode(random: (bytes: number) => Uint8Array, digits: 6 | 8 = 6): string {
  const codes = 10 ** digits;
  const fair = 2 ** 32 - (2 ** 32 % codes);
  for (;;) {
    const drawn = Buffer.from(random(4)).readUInt32BE();
    if (drawn < fair) return String(drawn % codes).padStart(digits, "0");
  }
}

/** A code and its message, not yet stored: created before the transaction, which may run twice. */
export interface PreparedCode {
  readonly place: CodePlace;
  readonly code: string;
  /** The attribute value that the code proves: `email:alice@example.com`. */
  readonly proves: string;
  readonly delivery: Delivery;
  readonly queued: QueuedMessage;
  readonly now: number;
  readonly expiresAt: number;
}

export function prepareCode(
  ctx: Ctx,
  pool: Pool,
  request: {
    user: Pick<User, "id">;
    purpose: Purpose;
    kind: CodeKind;
    delivery: Delivery;
    by: DeliveredBy;
    /** For messages with a link instead of a code. */
    link?: LinkTarget | undefined;
    /** For the pool's functions; undefined if nobody receives the message. */
    occasion: MessageOccasion | undefined;
  },
): PreparedCode {
  const { user, purpose, kind, delivery, by, link, occasion } = request;
  const code = newCode(ctx.random);
  const composing = composingFor(ctx, pool, { user: occasion?.user, clientId: occasion?.clientId });
  const composed = composeCode(pool.document, delivery.medium, code, { ...composing, link, kind });
  const life = lifetimeMs(purpose);
  // A user who does not exist has no row for a message to belong to.
  const userId = by === "nobody" ? undefined : user.id;
  const handling =
    occasion && by !== "nobody" ? handlingOf(pool, kind, delivery, occasion, { code, link }) : undefined;
  return {
    place: { poolId: pool.id, userId: user.id, purpose },
    code,
    proves: proof(delivery.attribute, delivery.destination),
    delivery,
    queued: newMessage(ctx, pool, { userId, delivery, kind, composed, code, lifetimeMs: life, by, handling }),
    now: ctx.now,
    expiresAt: ctx.now + life,
  };
}

/** What a code sent to this address proves, as text. */
export function proof(attribute: ContactAttribute, value: string): string {
  return `${attribute}:${value}`;
}

/** Stores a prepared code and its message in the caller's transaction; the previous code becomes invalid. */
export async function storeCode(tx: Db, prepared: PreparedCode): Promise<void> {
  const { code, proves: destination, now, expiresAt } = prepared;
  await replaceCode(tx, prepared.place, { code, destination, now, expiresAt });
  await queueMessage(tx, prepared.queued);
}

/**
 * Where dummy codes are stored, which only equalize the work; never the place of a real code. Names that nobody has share
 * as many of these as there are slots.
 */
export function simulatedPlace(subject: Subject): { id: string } {
  return { id: `?${subject.id}` };
}

/** Stores a code and sends it. Throws CodeDeliveryFailureException. */
export async function sendCode(ctx: Ctx, prepared: PreparedCode): Promise<void> {
  await inTransaction(ctx.db, (tx) => storeCode(tx, prepared));
  await deliverQueued(ctx, [prepared.queued]);
}

/** A correct code that is not used up yet. */
export interface HeldCode {
  readonly place: CodePlace & { purpose: Purpose };
  readonly code: string;
  /** The proof that the code must match, as returned by `proof`. */
  readonly proves: string;
  readonly hides: boolean;
  readonly caller: Caller;
}

/**
 * Checks a code without using it up; a wrong one is counted.
 *
 * With `hides`, for clients that hide who exists, callers without the right code get the same message whether there is
 * a code, an expired one or none (AWS distinguishes them, which reveals who has asked for one). Callers who have the
 * right code too late are told so.
 *
 * Throws CodeMismatchException or ExpiredCodeException.
 */
export async function requireCode(
  ctx: Ctx,
  place: HeldCode["place"],
  code: string,
  options: { hides: boolean; caller: Caller },
): Promise<HeldCode> {
  const { hides, caller } = options;
  const rule = { now: ctx.now, maxAttempts, known: caller.known };
  const { state, destination } = await judgeCode(ctx.db, place, code, rule);
  if (state === "right") return { place, code, proves: destination, hides, caller };
  // The same statements even if there is no code to count at, so that timing reveals nothing.
  const { counted, failed } = await inTransaction(ctx.db, async (tx) => ({
    counted: await countWrongCode(tx, place, rule),
    failed: await countAtAddress(tx, ctx, place.poolId, "codes-per-address"),
  }));
  refuseAddress(ctx, caller, "codes-per-address", failed);
  return refuseCode(state === "wrong" && !counted ? "none" : state, hides);
}

/** The change that a code allows. */
export interface ChangeByCode extends Pick<ChangeOptions, "takeAliases" | "operation" | "details"> {
  readonly decide: (fresh: User) => UserChange;
  /** Further store calls in the transaction. */
  readonly also?: (tx: Db) => Promise<void>;
}

/**
 * Changes a user by a code that `requireCode` accepted. In the same transaction the code is used up, the caller's
 * source becomes known for the user, and the change is recorded. If that fails with AliasExistsException, the code
 * stays valid. Throws ExpiredCodeException, or CodeMismatchException if who exists is hidden, if the code was used
 * concurrently.
 */
export async function changeByCode(
  ctx: Ctx,
  pool: Pool,
  user: User,
  held: HeldCode,
  change: ChangeByCode,
): Promise<User> {
  const { operation, details, decide, also, takeAliases = false } = change;
  const rule = { now: ctx.now, maxAttempts, known: held.caller.known };
  const use = async (tx: Db) => {
    if ((await takeCode(tx, held.place, held.code, rule)) !== held.proves) return false;
    await recheckAddress(tx, ctx, held.caller, "codes-per-address");
    await also?.(tx);
    await rememberCallerSource(tx, ctx, user);
    return true;
  };
  const options = { operation, details, isEvent: true };
  const changed = await changeUser(ctx, pool, user, decide, { ...options, takeAliases, also: use });
  return changed ?? refuseCode("none", held.hides);
}

/** Refuses a code in Cognito's words. */
export function refuseCode(state: Exclude<CodeState, "right">, hides: boolean): never {
  if (state === "wrong" || (hides && state === "none")) {
    return refuseFor("codeWrong");
  }
  return refuseFor("codeExpired");
}
