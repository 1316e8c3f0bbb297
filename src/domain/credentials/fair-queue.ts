/**
 * A queue for expensive work: hashes and SRP exchanges. It is bounded, which limits memory and makes refusals
 * immediate; and it is fair: a busy pool or address waits behind itself, not before the others.
 */
import type { FairQueue, Place, QueueStats, Turn } from "../../app.ts";
import type { Refusal } from "../../lib/refusal.ts";
import { refusalFor } from "../../wire/refuse.ts";
import { FairLines } from "./fair-lines.ts";

export interface FairQueueOptions {
  /** The number of jobs run at once. */
  readonly concurrency: number;
  /** The number of jobs that may wait. */
  readonly capacity: number;
}

/** Made once: under a flood there are thousands a second, and all of them are alike. */
const full = refusalFor("tooMany", { detail: "the queue is full" });

/**
 * Runs at most `concurrency` jobs at a time. Waiting jobs are taken round-robin between pools and, within a pool,
 * between addresses. When the queue is full, a newcomer with fewer waiting jobs replaces the latest job of the largest
 * holder; any other newcomer is refused with TooManyRequestsException. Requests that are on their way count as if they waited, for
 * newcomers that have no less: of many that arrive together, those that would find the queue full cost nothing before.
 */
export function createFairQueue(options: FairQueueOptions): FairQueue {
  const queue = new Queue(options);
  return {
    refusal: (turn) => queue.refusal(turn),
    assertRoom: (turn) => {
      const refused = queue.refusal(turn);
      if (refused !== undefined) throw refused;
    },
    reserve: (turn) => queue.reserve(turn),
    run: (turn, job) => queue.run(turn, job),
    stats: () => queue.stats(),
  };
}

class Queue {
  readonly #options: FairQueueOptions;
  readonly #lines = new FairLines();
  /** Requests on their way. */
  readonly #expected = new Set<string | undefined>();
  #running = 0;
  #waiting = 0;
  #refused = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  refusal(turn: Turn): Refusal | undefined {
    const { capacity, concurrency } = this.#options;
    const free = concurrency - this.#running + capacity - this.#waiting;
    const mayCome = this.#expected.size < free || this.#expected.has(turn.request);
    return mayCome || this.#lines.isEntitled(turn) ? undefined : this.#tooMany();
  }

  reserve(turn: Required<Turn>): Refusal | Place {
    const refused = this.refusal(turn);
    if (refused !== undefined) return refused;
    this.#expected.add(turn.request);
    this.#lines.expect(turn, 1);
    return { leave: () => this.#arrived(turn) };
  }

  /** It is not on its way any more. */
  #arrived(turn: Turn): void {
    if (this.#expected.delete(turn.request)) this.#lines.expect(turn, -1);
  }

  async run<T>(turn: Turn, job: () => Promise<T>): Promise<T> {
    this.#arrived(turn);
    if (this.#running >= this.#options.concurrency) {
      this.#makeRoom(turn);
      this.#waiting += 1;
      await new Promise<void>((run, refuse) => this.#lines.add({ turn, run, refuse }));
    }
    this.#running += 1;
    try {
      return await job();
    } finally {
      this.#finish();
    }
  }

  stats(): QueueStats {
    return { running: this.#running, waiting: this.#waiting, refused: this.#refused };
  }

  #tooMany(): Refusal {
    this.#refused += 1;
    return full;
  }

  /** Makes room for a newcomer, or throws. */
  #makeRoom(turn: Turn): void {
    if (this.#waiting < this.#options.capacity) return;
    const last = this.#lines.takeLeastEntitled(turn);
    if (last === undefined) throw this.#tooMany();
    this.#waiting -= 1;
    last.refuse(this.#tooMany());
  }

  #finish(): void {
    this.#running -= 1;
    const next = this.#lines.takeNext();
    if (next === undefined) return;
    this.#waiting -= 1;
    next.run();
  }
}
