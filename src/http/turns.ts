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

interface Waiting extends Holding {
  readonly answer: () => void;
}

export class Turns {
  readonly #elapsed: MonotonicClock["elapsed"];
  /** Those that wait, by address; the address whose turn it is comes first. */
  readonly #queues = new Map<string, Set<Waiting>>();
  readonly #shares = new Shares<Waiting>(requests);
  /** Undefined: nothing was asked in this turn. */
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

  /** A connection was taken in: there may be more, and this turn answers no more than one request. */
  accepted(): void {
    this.#hasAccepted = true;
  }

  /** How long a newcomer had to wait, at most, since this was last asked. Milliseconds. */
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
    // Not before everything is done that the answer has begun, as far as it waits for nothing.
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
