/**
 * A queue for expensive work: hashes and SRP exchanges. It is bounded, which limits memory and makes refusals
 * immediate; and it is fair: a busy pool or address waits behind itself, not before the others.
 */
import type { FairQueue, Turn } from "../../app.ts";
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
 * holder; any other newcomer is refused with TooManyRequestsException.
 */
export function createFairQueue(options: FairQueueOptions): FairQueue {
  const lines = new Map<string, Line>();
  let running = 0;
  let waiting = 0;
  let refused = 0;

  const tooMany = () => {
    refused += 1;
    return full;
  };

  const refusal = (turn: Turn) =>
    waiting < options.capacity || leastEntitled(lines, turn) !== undefined ? undefined : tooMany();

  /** Makes room for a newcomer, or throws. */
  const makeRoom = (turn: Turn) => {
    if (waiting < options.capacity) return;
    const displaced = leastEntitled(lines, turn);
    if (displaced === undefined) throw tooMany();
    const last = displaced.waiting.at(-1)!;
    remove(lines, last);
    waiting -= 1;
    last.refuse(tooMany());
  };

  const finish = () => {
    running -= 1;
    const next = takeNext(lines);
    if (next === undefined) return;
    waiting -= 1;
    next.run();
  };

  return {
    refusal,
    assertRoom(turn) {
      const refused = refusal(turn);
      if (refused !== undefined) throw refused;
    },
    async run(turn, job) {
      if (running >= options.concurrency) {
        makeRoom(turn);
        waiting += 1;
        await new Promise<void>((run, refuse) => push(lines, { turn, run, refuse }));
      }
      running += 1;
      try {
        return await job();
      } finally {
        finish();
      }
    },
    stats: () => ({ running, waiting, refused }),
  };
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
