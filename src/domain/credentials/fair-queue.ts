/**
 * A queue for expensive work: hashes and SRP exchanges. It is bounded, which limits memory and makes refusals
 * immediate; and it is fair: a busy pool or address waits behind itself, not before the others.
 */
import type { FairQueue, Place, QueueStats, Turn } from "../../app.ts";
import type { Refusal } from "../../lib/refusal.ts";
import { refusalFor } from "../../wire/refuse.ts";

interface Waiting {
  readonly turn: Turn;
  readonly run: () => void;
  readonly refuse: (error: Error) => void;
}

/** The waiting jobs of one pool, by address. */
interface Line {
  count: number;
  readonly addresses: Map<string, Waiting[]>;
}

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
 * holder; any other newcomer is refused with TooManyRequestsException. For newcomers a place that is kept is taken: of many
 * requests that arrive together, those that would find the queue full cost nothing before.
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
  readonly #lines = new Map<string, Line>();
  /** Requests for which a place is kept. */
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
    return mayCome || leastEntitled(this.#lines, turn) !== undefined ? undefined : this.#tooMany();
  }

  reserve(turn: Required<Turn>): Refusal | Place {
    const refused = this.refusal(turn);
    if (refused !== undefined) return refused;
    this.#expected.add(turn.request);
    return { leave: () => this.#expected.delete(turn.request) };
  }

  async run<T>(turn: Turn, job: () => Promise<T>): Promise<T> {
    this.#expected.delete(turn.request);
    if (this.#running >= this.#options.concurrency) {
      this.#makeRoom(turn);
      this.#waiting += 1;
      await new Promise<void>((run, refuse) => push(this.#lines, { turn, run, refuse }));
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
    const displaced = leastEntitled(this.#lines, turn);
    if (displaced === undefined) throw this.#tooMany();
    const last = displaced.waiting.at(-1)!;
    remove(this.#lines, last);
    this.#waiting -= 1;
    last.refuse(this.#tooMany());
  }

  #finish(): void {
    this.#running -= 1;
    const next = takeNext(this.#lines);
    if (next === undefined) return;
    this.#waiting -= 1;
    next.run();
  }
}

function push(lines: Map<string, Line>, item: Waiting): void {
  const line = lines.get(item.turn.pool) ?? { count: 0, addresses: new Map<string, Waiting[]>() };
  lines.set(item.turn.pool, line);
  const mine = line.addresses.get(item.turn.address) ?? [];
  line.addresses.set(item.turn.address, mine);
  line.count += 1;
  mine.push(item);
}

function remove(lines: Map<string, Line>, item: Waiting): void {
  const line = lines.get(item.turn.pool);
  const mine = line?.addresses.get(item.turn.address);
  if (line === undefined || mine === undefined) return;
  mine.splice(mine.indexOf(item), 1);
  line.count -= 1;
  if (mine.length === 0) line.addresses.delete(item.turn.address);
  if (line.count === 0) lines.delete(item.turn.pool);
}

/**
 * The line whose last job is dropped in favor of an incoming one: pools are compared first, then the addresses within
 * the incoming job's pool.
 */
function leastEntitled(
  lines: ReadonlyMap<string, Line>,
  newcomer: Turn,
): { readonly waiting: readonly Waiting[] } | undefined {
  const mine = lines.get(newcomer.pool);
  let largest = mine;
  for (const line of lines.values()) if (line.count > (largest?.count ?? 0)) largest = line;
  if (largest === undefined) return undefined;
  const others = largest !== mine && largest.count > (mine?.count ?? 0) + 1;
  if (!others && mine === undefined) return undefined;
  const longest = longestOf((others ? largest : mine)!);
  if (others) return { waiting: longest };
  const ofMine = mine?.addresses.get(newcomer.address)?.length ?? 0;
  return longest.length > ofMine + 1 ? { waiting: longest } : undefined;
}

/** The longest line; of equally long ones the one begun last, so that the job refused has waited least. */
function longestOf(line: Line): readonly Waiting[] {
  let longest: readonly Waiting[] = [];
  for (const waiting of line.addresses.values()) if (waiting.length >= longest.length) longest = waiting;
  return longest;
}

/**
 * Takes the next job. A Map keeps insertion order: a line that was served moves to the end, which makes it round-robin.
 */
function takeNext(lines: Map<string, Line>): Waiting | undefined {
  for (const [pool, line] of lines) {
    for (const [address, waiting] of line.addresses) {
      const item = waiting.shift();
      line.count -= 1;
      line.addresses.delete(address);
      if (waiting.length > 0) line.addresses.set(address, waiting);
      lines.delete(pool);
      if (line.count > 0) lines.set(pool, line);
      return item;
    }
  }
  return undefined;
}
