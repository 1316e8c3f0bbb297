/**
 * Identifies who is guessed at, and from where. Users are counted by id, so that aliases and letter case make no
 * difference. Everything that outsiders can make up endlessly (names nobody has, addresses, destinations) shares a
 * fixed number of slots in each pool. A MAC selects the slot, so that nobody can choose collisions, and the row stores
 * the rest of the MAC as its tag: a different user of the slot starts over, and never sees a lock that belongs to
 * another.
 */
import { isIP } from "node:net";
import type { Ctx, Turn } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import { networkOf } from "../../lib/network.ts";
import type { Attempt } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";
import { freshMs, readSeen, rememberSource, type Source } from "../../store/known-sources.ts";
import type { User } from "../../store/users.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";

export interface Subject {
  readonly poolId: string;
  /** A user id or a slot. */
  readonly id: string;
  /** Identifies the user of the slot; empty for a user. */
  readonly tag: string;
}

/** 2^18: evicting a certain row takes about as many guesses at other names within the time of its lock. */
export const slotBits = 18;

/** The slot for something that outsiders can make up. */
export function slotOf(
  ctx: Ctx,
  pool: Pick<Pool, "id">,
  what: "name" | "address" | "destination" | "range",
  value: string,
): Subject {
  const mac = Buffer.from(ctx.db.sealer.mac("slot", pool.id, what, value));
  const slot = mac.readUInt32BE(0) >>> (32 - slotBits);
  return { poolId: pool.id, id: `${what}/${slot.toString(16)}`, tag: toBase64url(mac.subarray(4, 20)) };
}

/** The user, or the slot of a name that nobody has; both take the same work. */
export function subjectOf(ctx: Ctx, pool: Pool, user: Pick<User, "id"> | undefined, name: string): Subject {
  const slot = slotOf(ctx, pool, "name", loginNameKey(pool, name));
  return user === undefined ? slot : { poolId: pool.id, id: user.id, tag: "" };
}

/** A counter of the subject. */
export function attemptOf(subject: Subject, kind: string): Attempt {
  return { poolId: subject.poolId, subject: subject.id, tag: subject.tag, kind };
}

/**
 * The source that a caller comes from, for this subject. A MAC, so that the table reveals neither where users are nor
 * which of them share an address. A back end that does not report its users' addresses is a source like any other.
 */
export function sourceOf(ctx: Ctx, subject: Pick<Subject, "poolId" | "id">): Source {
  const mac = ctx.db.sealer.mac("source", subject.poolId, subject.id, ctx.network ?? "back end");
  const source = toBase64url(Buffer.from(mac).subarray(0, 16));
  return { poolId: subject.poolId, userId: subject.id, source };
}

/** Whether the user is known at the source of this request, and was seen there recently. */
export async function knownHere(
  ctx: Ctx,
  user: Pick<User, "poolId" | "id">,
): Promise<{ readonly known: boolean; readonly fresh: boolean }> {
  const seenAt = await readSeen(ctx.db, sourceOf(ctx, user), ctx.now);
  return { known: seenAt !== undefined, fresh: seenAt !== undefined && ctx.now - seenAt < freshMs };
}

/** Records that the user authenticated at this source, inside the transaction of what that allows. */
export async function rememberCallerSource(
  tx: Db,
  ctx: Ctx,
  user: Pick<User, "poolId" | "id">,
): Promise<void> {
  await rememberSource(tx, sourceOf(ctx, user), ctx.now);
}

/**
 * The pool and address whose turn a request takes. Signed calls of administrators (a back end that signs in everybody
 * from one address) have their own turns in a pool, so that no number of anonymous addresses can crowd them out.
 */
export function turnOf(ctx: Ctx, pool: Pick<Pool, "id">): Required<Turn> {
  const address = ctx.network ?? ctx.address;
  return { pool: ctx.admin ? `${pool.id} signed` : pool.id, address, request: ctx.requestId };
}

/**
 * The context with the user's own address, as passed on by a back end in UserContextData. Accepted only if the client
 * has a secret, which the caller has then proven to have, and EnablePropagateAdditionalUserContextData is set.
 */
export function withUserAddress(ctx: Ctx, client: Client, address: string | undefined): Ctx {
  const believed =
    client.secrets.length > 0 && client.document.EnablePropagateAdditionalUserContextData === true;
  if (!believed || address === undefined || isIP(address) === 0) return ctx;
  return { ...ctx, network: networkOf(address), userAddress: address };
}

/**
 * The context for an administrator's call on behalf of a user. It comes from a back end that serves many users, so its
 * own address means nothing and is not limited; the user's address counts if the call provides it (ContextData).
 */
export function withBackEndAddress(ctx: Ctx, address: string | undefined): Ctx {
  const isKnown = address !== undefined && isIP(address) !== 0;
  return {
    ...ctx,
    network: isKnown ? networkOf(address) : undefined,
    userAddress: isKnown ? address : undefined,
  };
}
