/**
 * Limits what is answered in one turn of the event loop. In each turn Node accepts one connection and reads what has
 * arrived on all others: if a turn answered all of that, a flood over a few hundred connections would let only a few
 * newcomers in per second. What exceeds a turn's time waits for the next turns, which go round between addresses.
 */
import type { IncomingMessage } from "node:http";
import { type Holding, Shares } from "../lib/shares.ts";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

const { requests, turn } = holdings.waiting.limit;

/** A request to be answered. */
export interface Asked {
  /** Emits `close` if the connection ends before the request has been read. */
  readonly incoming: Pick<IncomingMessage, "once" | "off">;
  /** The client's address (IPv6: its /64 network); only called if the request has to wait. */
  readonly address: () => string;
  readonly answer: () => void;
  /** Called if too many others of its address are waiting. */
  readonly refuse: () => void;
}

interface Waiting extends Holding {
  readonly answer: () => void;
}

export class Turns {
  readonly #elapsed: MonotonicClock["elapsed"];
  /** Waiting requests by address; the address whose turn is next comes first. */
  readonly #queues = new Map<string, Set<Waiting>>();
  readonly #shares = new Shares<Waiting>(requests);
  /** When the turn's first request was taken; undefined if there was none. */
  #began: number | undefined;
  /** How long this turn may take. */
  #time: number = turn;
  #hasAccepted = false;
  #longest = 0;

  constructor({ elapsed }: Pick<MonotonicClock, "elapsed">) {
    this.#elapsed = elapsed;
  }

  /** Answers a request, now or in a later turn. */
  take(asked: Asked): void {
    if (this.#queues.size > 0 || this.#isOver()) this.#wait(asked);
    else {
      if (this.#began === undefined) this.#begin();
      asked.answer();
    }
  }

  /** Called when a connection was accepted: more may be pending, so this turn answers no more than one request. */
  accepted(): void {
    this.#hasAccepted = true;
  }

  /** The longest wait of an incoming request since the last call. Milliseconds. */
  longestWait(): number {
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }

  #isOver(): boolean {
    return this.#began !== undefined && (this.#hasAccepted || this.#elapsed() - this.#began >= this.#time);
  }

  #begin(): void {
    this.#began = this.#elapsed();
    setImmediate(() => {
      this.#began = undefined;
      this.#time = this.#hasAccepted ? 0 : turn;
      this.#hasAccepted = false;
      if (this.#queues.size === 0) return;
      this.#begin();
      this.#answerNext();
    });
  }

  #answerNext(): void {
    const [first] = this.#queues;
    if (first === undefined) return;
    const [address, queue] = first;
    const [next] = queue;
    this.#queues.delete(address);
    this.#queues.set(address, queue);
    next!.answer();
    // Only after everything that the answer has started and that need not wait is done.
    queueMicrotask(() => process.nextTick(() => this.#isOver() || this.#answerNext()));
  }

  #wait({ incoming, address: addressOf, answer, refuse }: Asked): void {
    const address = addressOf();
    const queue = this.#queues.get(address) ?? new Set();
    this.#queues.set(address, queue);
    const isNewcomer = queue.size === 0;
    const since = this.#elapsed();
    const drop = () => {
      incoming.off("close", drop);
      this.#shares.drop(waiting);
      queue.delete(waiting);
      if (queue.size === 0) this.#queues.delete(address);
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
        if (isNewcomer) this.#longest = Math.max(this.#longest, this.#elapsed() - since);
        answer();
      },
    };
    queue.add(waiting);
    incoming.once("close", drop);
    if (!this.#shares.take(waiting, 1)) giveWay();
  }
}
