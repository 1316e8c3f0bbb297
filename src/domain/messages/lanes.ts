/**
 * The lanes of senders: how many messages of this server each has at once, and how many more wait for it here, so that a
 * sender that hangs holds up no other's messages. In a lane pools take turns, so that none waits for all that another has.
 */
import type { App, Lane } from "../../app.ts";
import { partOf } from "../../config/workers.ts";
import type { Sender } from "../../integrations/senders/sender.ts";
import type { MessageQueue } from "../../store/outbox.ts";

/** How many messages a sender has at once, of all workers together, and of one at least: one of them sends what waits. */
const [width, leastWidth] = [10, 2];
/** How many messages of a pool its function has at once, beside those of requests; the function's own queue bounds all. */
const functionWidth = 100;
/** How many more of a pool wait here, and how many messages are here in all; the others wait in the database. */
const [poolDepth, depth] = [100, 1_000];

/** How long a sender may take for a message before it counts as one that hangs. Milliseconds. */
export const patienceMs = 2_000;

/** The lane of a pool's messages. What functions send has lanes of its own, one for each pool and medium. */
export function laneOf(app: App, { poolId, medium, byFunction }: MessageQueue): Lane {
  const sender = app.senders.of(poolId, medium);
  const key = byFunction ? `${poolId} ${medium}` : sender;
  let lane = app.lanes.get(key);
  if (lane === undefined) {
    lane = {
      width: byFunction
        ? functionWidth
        : isInstant(sender)
          ? Number.POSITIVE_INFINITY
          : partOf(width, app.config.worker, leastWidth),
      running: new Set(),
      waiting: new Map(),
      ids: new Set(),
      closedUntil: 0,
      pauses: 0,
      hangs: false,
    };
    app.lanes.set(key, lane);
  }
  return lane;
}

/** The inbox keeps, and no sender refuses: neither takes any time. */
const isInstant = ({ kind }: Sender) => kind === "inbox" || kind === "none";

/** One message's place in a lane. */
export interface Place {
  /** Takes a place unless the sender has enough, or wants to be left alone. */
  take(now: number): boolean;
  /** Gives the place up, if it is taken; the next in the lane begins. */
  leave(): void;
}

/** @param onHang called if the sender turns out to hang while it has the message */
function placeIn(lane: Lane, onHang: () => void): Place {
  // A function of its own for each place.
  const tell = () => onHang();
  return {
    take: (now) => {
      if (lane.running.has(tell)) return true;
      if (lane.running.size >= lane.width || lane.closedUntil > now) return false;
      lane.running.add(tell);
      return true;
    },
    leave: () => {
      if (lane.running.delete(tell)) begin(lane);
    },
  };
}

/**
 * The place of a message whose request waits for it: not with a sender that is known to hang, and no longer once that is
 * known.
 */
export function placeOfRequest(lane: Lane): Place & { readonly hangs: Promise<void> } {
  const { promise: hangs, resolve } = Promise.withResolvers<void>();
  const place = placeIn(lane, resolve);
  return { ...place, take: (now) => !lane.hangs && place.take(now), hangs };
}

/**
 * Has the lane's sender take a message, and notes whether it hangs: it does if that takes too long, until it takes a message
 * again, or fails in time. Throws as the call does.
 */
export async function timed<T>(lane: Lane, call: () => Promise<T>): Promise<T> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    lane.hangs = true;
    for (const tell of lane.running) tell();
  }, patienceMs).unref();
  try {
    const taken = await call();
    lane.hangs = false;
    return taken;
  } catch (error) {
    if (!isLate) lane.hangs = false;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Lets a message wait for its turn. Undefined if there is no room, if the sender wants to be left alone, or if the message is
 * in the lane already.
 * @param job what to do with the message in its turn; it never throws
 * @returns resolves when the message has left the lane
 */
export function queueIn(
  lane: Lane,
  { id, poolId, now }: { readonly id: string; readonly poolId: string; readonly now: number },
  job: (place: Place) => Promise<unknown>,
): Promise<void> | undefined {
  if (!hasRoom(lane, poolId, now) || lane.ids.has(id)) return undefined;
  lane.ids.add(id);
  const { promise, resolve } = Promise.withResolvers<void>();
  const { take, leave } = placeIn(lane, () => {});
  const left = () => {
    lane.ids.delete(id);
    resolve();
    leave();
  };
  const mine = lane.waiting.get(poolId) ?? [];
  lane.waiting.set(poolId, mine);
  mine.push(() => {
    // The lane may have closed meanwhile; the job finds that out, and leaves the message alone.
    take(lane.closedUntil);
    void job({ take, leave: left }).finally(left);
  });
  begin(lane);
  return promise;
}

function begin(lane: Lane): void {
  while (lane.running.size < lane.width) {
    const next = takeNext(lane);
    if (next === undefined) return;
    next();
  }
}

/** Takes the next message. A Map keeps insertion order: a pool that had its turn moves to the end. */
function takeNext({ waiting }: Lane): (() => void) | undefined {
  for (const [poolId, ofPool] of waiting) {
    const next = ofPool.shift();
    waiting.delete(poolId);
    if (ofPool.length > 0) waiting.set(poolId, ofPool);
    return next;
  }
  return undefined;
}

/** Whether another message of the pool can wait here. */
export function hasRoom(lane: Lane, poolId: string, now: number): boolean {
  if (lane.width === Number.POSITIVE_INFINITY) return true;
  const ofPool = lane.waiting.get(poolId)?.length ?? 0;
  return lane.closedUntil <= now && lane.ids.size < depth && ofPool < poolDepth;
}

/** The longest time before another attempt, and the longest that a service can ask for. Milliseconds. */
export const longestPauseMs = 15 * 60_000;

/** The delay before the next attempt: 5 s, 20 s, 80 s … at most 15 minutes. */
export function backOffMs(attempts: number): number {
  return Math.min(longestPauseMs, 5_000 * 4 ** (attempts - 1));
}

/** The longest pause of a sender that does not say how long: it may have meant one message only, and all others wait. */
const longestUnasked = 60_000;

/**
 * Leaves a sender alone that takes no more for now: for as long as it asks, else for longer each time until it takes a
 * message again.
 * @param now epoch milliseconds
 * @param askedMs undefined if the sender does not say how long
 */
export function pause(lane: Lane, now: number, askedMs: number | undefined): void {
  // What it said to messages that it had already counts once.
  if (askedMs === undefined && lane.closedUntil > now) return;
  lane.pauses += 1;
  const pauseMs = askedMs ?? Math.min(longestUnasked, backOffMs(lane.pauses));
  lane.closedUntil = Math.max(lane.closedUntil, now + pauseMs);
}

/** Notes that a sender has taken a message. */
export function resume(lane: Lane): void {
  lane.pauses = 0;
}
