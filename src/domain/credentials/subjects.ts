/**
 * Who is guessed at, and from where. Users are counted by their id, so that aliases and letter case make no difference.
 * Everything that outsiders can invent without end (names nobody has, addresses, destinations) shares a fixed number of
 * slots in each pool. A slot is found by a MAC, so that nobody can choose what collides, and the row carries the rest of
 * the MAC as its tag: whoever comes to another's slot begins anew and never sees a lock that is not theirs.
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
  /** Whose the slot is; empty for a user. */
  readonly tag: string;
}

/** 2^18: evicting a given row by guesses at other names takes about as many guesses within the time of its lock. */
export const slotBits = 18;

/** The slot of something that outsiders can invent. */
export function slotOf(
  ctx: Ctx,
  pool: Pick<Pool, "id">,
  what: "name" | "address" | "destination",
  value: string,
): Subject {
  const mac = Buffer.from(ctx.db.sealer.mac("slot", pool.id, what, value));
  const slot = mac.readUInt32BE(0) >>> (32 - slotBits);
  return { poolId: pool.id, id: `${what}/${slot.toString(16)}`, tag: toBase64url(mac.subarray(4, 20)) };
}

/** The user, or the slot of a name that nobody has; found by the same work. */
export function subjectOf(ctx: Ctx, pool: Pool, user: Pick<User, "id"> | undefined, name: string): Subject {
  const slot = slotOf(ctx, pool, "name", loginNameKey(pool, name));
  return user === undefined ? slot : { poolId: pool.id, id: user.id, tag: "" };
}

/** A counter of the subject. */
export function attemptOf(subject: Subject, kind: string): Attempt {
  return { poolId: subject.poolId, subject: subject.id, tag: subject.tag, kind };
}

/**
 * The place a caller comes from, for this subject. A MAC, so that the table tells neither where users are nor who of
 * them shares an address. A back end that does not say where its users are is a place like any other.
 */
export function sourceOf(ctx: Ctx, subject: Pick<Subject, "poolId" | "id">): Source {
  const mac = ctx.db.sealer.mac("source", subject.poolId, subject.id, ctx.network ?? "back end");
  const source = toBase64url(Buffer.from(mac).subarray(0, 16));
  return { poolId: subject.poolId, userId: subject.id, source };
}

/** Whether it is news that the user is at this place: who was seen there lately is not written down again. */
export async function isNewsHere(ctx: Ctx, user: Pick<User, "poolId" | "id">): Promise<boolean> {
  const seenAt = await readSeen(ctx.db, sourceOf(ctx, user), ctx.now);
  return seenAt === undefined || ctx.now - seenAt >= freshMs;
}

/** Notes that the user proved at this place who they are, inside the transaction of what the proof allows. */
export async function rememberHere(tx: Db, ctx: Ctx, user: Pick<User, "poolId" | "id">): Promise<void> {
  await rememberSource(tx, sourceOf(ctx, user), ctx.now);
}

/**
 * Whose turn a request waits for. Signed calls of administrators (a back end that signs everybody in, from one address)
 * have turns of their own in a pool, so that no number of anonymous addresses can outnumber them.
 */
export function turnOf(ctx: Ctx, pool: Pick<Pool, "id">): Turn {
  return { pool: ctx.admin ? `${pool.id} signed` : pool.id, address: ctx.network ?? ctx.address };
}

/**
 * The user's own address, as a back end with the client's secret passes it on (UserContextData): believed only where the
 * client has a secret, which the caller then has proven to hold, and EnablePropagateAdditionalUserContextData.
 */
export function withUserAddress(ctx: Ctx, client: Client, address: string | undefined): Ctx {
  const believed =
    client.secrets.length > 0 && client.document.EnablePropagateAdditionalUserContextData === true;
  if (!believed || address === undefined || isIP(address) === 0) return ctx;
  return { ...ctx, network: networkOf(address), userAddress: address };
}

/**
 * Calls of administrators come from a back end that serves many users: its own address says nothing about them and is
 * not limited. The user's counts if the call says it (ContextData).
 */
export function withBackEndAddress(ctx: Ctx, address: string | undefined): Ctx {
  const isKnown = address !== undefined && isIP(address) !== 0;
  return {
    ...ctx,
    network: isKnown ? networkOf(address) : undefined,
    userAddress: isKnown ? address : undefined,
  };
}
