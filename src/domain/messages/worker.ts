/**
 * The worker: delivers the messages that are due. Where more are due than it reads at once, pools take turns, so that none
 * waits for all that another has.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { App } from "../../app.ts";
import {
  type DueMessage,
  dueMessages,
  dueOfQueue,
  type MessageQueue,
  nextQueue,
} from "../../store/outbox.ts";
import { hasRoom, laneOf, queueIn } from "./lanes.ts";

export interface OutboxWorker {
  /** Waits for the messages being delivered. */
  stop(): Promise<void>;
}

const turnMs = 500;
/** How many due messages are read at once. */
const page = 500;
/** How many queues have their turn at once where there is more than a page, and how many messages of each. */
const [visits, share] = [100, 10];

/** The queue that had the last turn; undefined if the first is next. */
interface Round {
  last: MessageQueue | undefined;
}

/** Delivers due messages for as long as the server runs. */
export function startOutboxWorker(app: App): OutboxWorker {
  const stopping = new AbortController();
  const { signal } = stopping;
  const round: Round = { last: undefined };
  const running = (async () => {
    while (!signal.aborted) {
      const { begun, isMore } = await takeDue(app, round, app.clock(), signal);
      const turn = delay(turnMs, undefined, { signal, ref: false }).catch(() => {});
      // A message that takes long holds up no others for more than a turn.
      await (isMore && begun.length > 0 ? Promise.race([turn, Promise.all(begun)]) : turn);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(app.deliveries);
    },
  };
}

/** One run of the worker, and what it began: waits for it, but for the words of functions. */
export async function deliverDue(app: App, now: number): Promise<void> {
  const { begun } = await takeDue(app, { last: undefined }, now, new AbortController().signal);
  await Promise.all(begun);
}

interface Taken {
  /** Each resolves when a message has left its lane. */
  readonly begun: readonly Promise<void>[];
  /** Whether more may be due. */
  readonly isMore: boolean;
}

/** Puts the messages that are due into the lanes of their senders, passing over those whose lane is full or closed. */
async function takeDue(app: App, round: Round, now: number, signal: AbortSignal): Promise<Taken> {
  const begun: Promise<void>[] = [];
  const take = (due: readonly DueMessage[]) => {
    for (const one of due) {
      const taken = takeOne(app, one, signal);
      if (taken !== undefined) begun.push(taken);
    }
  };
  try {
    const due = await dueMessages(app.db, now, page);
    const isMore = due.length === page;
    take(isMore ? rotated(app, due) : due);
    if (isMore) await goRound(app, round, now, take);
    return { begun, isMore };
  } catch (error) {
    app.log.error({ err: error }, "the outbox could not be read");
    return { begun, isMore: false };
  }
}

/** Gives the queues after the last one their turn, wherever their messages are among all that are due. */
async function goRound(
  app: App,
  round: Round,
  now: number,
  take: (due: readonly DueMessage[]) => void,
): Promise<void> {
  for (let visited = 0; visited < visits; visited += 1) {
    const queue = await nextQueue(app.db, round.last);
    round.last = queue;
    if (queue === undefined) return;
    if (hasRoom(laneOf(app, queue), queue.poolId, now)) take(await dueOfQueue(app.db, queue, now, share));
  }
}

function takeOne(app: App, due: DueMessage, signal: AbortSignal): Promise<void> | undefined {
  const lane = laneOf(app, due);
  const { id, poolId } = due;
  return queueIn(lane, { id, poolId, now: app.clock() }, async (place) => {
    const now = app.clock();
    if (signal.aborted || lane.closedUntil > now) return;
    // Loaded by the first message that is due.
    const { tracked, tryOnce } = await import("./deliver.ts");
    await tracked(app, tryOnce(app, due, place, now));
  });
}

/** Servers begin at different places of a page, so that they do not claim the same messages. */
function rotated(app: App, due: readonly DueMessage[]): readonly DueMessage[] {
  const [high = 0, low = 0] = app.random(2);
  const start = (high * 256 + low) % due.length;
  return [...due.slice(start), ...due.slice(0, start)];
}
