/**
 * Where costly work waits: hashes, SRP exchanges. The queue is bounded, so that memory is and whoever is refused is
 * refused at once; and fair, so that one busy pool or address waits behind itself rather than before the others.
 */
import type { FairQueue, Turn } from "../../app.ts";
import { refusalFor } from "../../wire/refuse.ts";

interface Waiting {
  readonly turn: Turn;
  readonly run: () => void;
  readonly refuse: (error: Error) => void;
}

/** The waiting of one pool, by address. */
interface Line {
  count: number;
  readonly addresses: Map<string, Waiting[]>;
}

export interface FairQueueOptions {
  /** Jobs in flight at once. */
  readonly concurrency: number;
  /** Callers that may wait. */
  readonly capacity: number;
}

/**
 * Runs at most `concurrency` jobs at a time. Waiting jobs are taken round-robin between pools and, in a pool, between
 * addresses. When all places are taken, a newcomer of whom fewer wait takes the place of the last who came of those that
 * hold most; anybody else is refused with TooManyRequestsException.
 */
export function createFairQueue(options: FairQueueOptions): FairQueue {
  const lines = new Map<string, Line>();
  let running = 0;
  let waiting = 0;
  let refused = 0;

  const tooMany = () => {
    refused += 1;
    return refusalFor("tooMany", { detail: "the queue is full" });
  };

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
    assertRoom(turn) {
      if (waiting < options.capacity || leastEntitled(lines, turn) !== undefined) return;
      throw tooMany();
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

/** Whose last job gives way to a newcomer: first pools are compared, then the addresses of the newcomer's own. */
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

/** Of lines as long as each other the one that was begun last: who is turned away then has waited least. */
function longestOf(line: Line): readonly Waiting[] {
  let longest: readonly Waiting[] = [];
  for (const waiting of line.addresses.values()) if (waiting.length >= longest.length) longest = waiting;
  return longest;
}

/** A Map keeps insertion order: what was served goes to the end, which is the round-robin. */
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
