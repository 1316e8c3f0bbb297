/**
 * How much is answered in one turn of the event loop. Node takes one connection in a turn and reads what has come by all
 * others: if each turn answered all of that, a flood by a few hundred connections would let in a few others a second.
 * What is beyond a turn's time waits for the next ones, in which addresses take turns.
 */
import type { IncomingMessage } from "node:http";
import { type Holding, Shares } from "../lib/shares.ts";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

const { requests, turn } = holdings.waiting.limit;

/** A request that has come. */
export interface Asked {
  /** Closes with its connection, while nobody has read it. */
  readonly incoming: Pick<IncomingMessage, "once" | "off">;
  /** Whose it is (IPv6: which network's). Looked up when it has to wait. */
  readonly address: () => string;
  readonly answer: () => void;
  /** Too many others of its address wait. */
  readonly refuse: () => void;
}

export interface Turns {
  /** Answers a request, now or in a later turn. */
  take(asked: Asked): void;
  /** A connection was taken in: there may be more, and this turn answers no more than one request. */
  accepted(): void;
  /** How long a newcomer had to wait, at most, since this was last asked. Milliseconds. */
  longestWait(): number;
}

interface Waiting extends Holding {
  readonly answer: () => void;
}

export function createTurns({ elapsed }: Pick<MonotonicClock, "elapsed">): Turns {
  /** Those that wait, by address; the address whose turn it is comes first. */
  const queues = new Map<string, Set<Waiting>>();
  const shares = new Shares<Waiting>(requests);
  let began: number | undefined;
  /** How long this turn may take. */
  let time: number = turn;
  let hasAccepted = false;
  let longest = 0;

  const isOver = () => began !== undefined && (hasAccepted || elapsed() - began >= time);

  const begin = () => {
    began = elapsed();
    setImmediate(() => {
      began = undefined;
      time = hasAccepted ? 0 : turn;
      hasAccepted = false;
      if (queues.size === 0) return;
      begin();
      answerNext();
    });
  };

  const answerNext = () => {
    const [first] = queues;
    if (first === undefined) return;
    const [address, queue] = first;
    const [next] = queue;
    queues.delete(address);
    queues.set(address, queue);
    next!.answer();
    // Not before everything is done that the answer has begun, as far as it waits for nothing.
    queueMicrotask(() => process.nextTick(() => isOver() || answerNext()));
  };

  const wait = ({ incoming, address: addressOf, answer, refuse }: Asked) => {
    const address = addressOf();
    const queue = queues.get(address) ?? new Set();
    queues.set(address, queue);
    const isNewcomer = queue.size === 0;
    const since = elapsed();
    const drop = () => {
      incoming.off("close", drop);
      shares.drop(waiting);
      queue.delete(waiting);
      if (queue.size === 0) queues.delete(address);
    };
    const giveWay = () => {
      drop();
      refuse();
    };
    const waiting: Waiting = {
      address,
      giveWay,
      answer: () => {
        drop();
        if (isNewcomer) longest = Math.max(longest, elapsed() - since);
        answer();
      },
    };
    queue.add(waiting);
    incoming.once("close", drop);
    if (!shares.take(waiting, 1)) giveWay();
  };

  return {
    take(asked) {
      if (queues.size > 0 || isOver()) return wait(asked);
      if (began === undefined) begin();
      asked.answer();
    },
    accepted() {
      hasAccepted = true;
    },
    longestWait() {
      const longestNow = longest;
      longest = 0;
      return longestNow;
    },
  };
}
