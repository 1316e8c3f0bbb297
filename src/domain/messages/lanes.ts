/**
 * The lanes of senders: how many messages of this server each has at once, and how many more wait for it here, so that a
 * sender that hangs holds up no other's messages.
 */
import type { App, Lane } from "../../app.ts";
import type { Sender } from "../../integrations/senders/sender.ts";

/** How many messages a sender has at once. */
const width = 10;
/** How many more wait here; the others wait in the database. */
const depth = 100;

/** The lane of a sender. */
export function laneOf(app: App, sender: Sender): Lane {
  let lane = app.lanes.get(sender);
  if (lane === undefined) {
    lane = {
      isUnlimited: isInstant(sender),
      running: 0,
      waiting: [],
      ids: new Set(),
      closedUntil: 0,
      pauses: 0,
    };
    app.lanes.set(sender, lane);
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

export function placeIn(lane: Lane): Place {
  let isTaken = false;
  return {
    take: (now) => {
      if (isTaken) return true;
      isTaken = lane.isUnlimited || (lane.running < width && lane.closedUntil <= now);
      if (isTaken) lane.running += 1;
      return isTaken;
    },
    leave: () => {
      if (!isTaken) return;
      isTaken = false;
      lane.running -= 1;
      begin(lane);
    },
  };
}

/**
 * Lets a message wait for its turn. Undefined if there is no room, if the sender wants to be left alone, or if the message is
 * in the lane already.
 * @param job what to do with the message in its turn; it never throws
 * @returns resolves when the message has left the lane
 */
export function queueIn(
  lane: Lane,
  { id, now }: { readonly id: string; readonly now: number },
  job: (place: Place) => Promise<unknown>,
): Promise<void> | undefined {
  if (!hasRoom(lane, now) || lane.ids.has(id)) return undefined;
  lane.ids.add(id);
  const { promise, resolve } = Promise.withResolvers<void>();
  const { take, leave } = placeIn(lane);
  const left = () => {
    lane.ids.delete(id);
    resolve();
    leave();
  };
  lane.waiting.push(() => {
    // The lane may have closed meanwhile; the job finds that out, and leaves the message alone.
    take(lane.closedUntil);
    void job({ take, leave: left }).finally(left);
  });
  begin(lane);
  return promise;
}

function begin(lane: Lane): void {
  while (lane.waiting.length > 0 && (lane.isUnlimited || lane.running < width)) lane.waiting.shift()?.();
}

const hasRoom = (lane: Lane, now: number) =>
  lane.isUnlimited || (lane.waiting.length < depth && lane.closedUntil <= now);

/** Whether no sender takes another message for now. */
export function areAllFull(app: App, now: number): boolean {
  const limited = [...app.lanes.values()].filter((lane) => !lane.isUnlimited);
  const count = Math.max(1, app.senders.all.size);
  return limited.length >= count && limited.every((lane) => !hasRoom(lane, now));
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
