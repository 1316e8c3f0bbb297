/** Who waits in a queue, by pool and address: whose turn is next, and who has to give way. */
import type { Turn } from "../../app.ts";

export interface Waiting {
  readonly turn: Turn;
  readonly run: () => void;
  readonly refuse: (error: Error) => void;
}

/** What one address has in a pool. */
interface Share {
  readonly jobs: Waiting[];
  /** Requests on their way. */
  expected: number;
}

/** What a pool has. */
interface Line {
  jobs: number;
  expected: number;
  readonly addresses: Map<string, Share>;
}

/** How much somebody has: jobs that wait, or also requests on their way. */
type Weight = (held: { readonly jobs: number; readonly expected: number }) => number;
const waiting: Weight = ({ jobs }) => jobs;
const all: Weight = ({ jobs, expected }) => jobs + expected;

export class FairLines {
  readonly #lines = new Map<string, Line>();

  add(item: Waiting): void {
    this.#change(item.turn, (line, share) => {
      line.jobs += 1;
      share.jobs.push(item);
    });
  }

  /** Counts requests that are on their way, or no more (−1). */
  expect(turn: Turn, more: 1 | -1): void {
    this.#change(turn, (line, share) => {
      line.expected += more;
      share.expected += more;
    });
  }

  /** Whether others have so much more, with what is on its way, that one of them should give way to a newcomer. */
  isEntitled(newcomer: Turn): boolean {
    return this.#largest(newcomer, all) !== undefined;
  }

  /** Takes out the latest job of the largest holder, if a newcomer has less. */
  takeLeastEntitled(newcomer: Turn): Waiting | undefined {
    const last = this.#largest(newcomer, waiting)?.jobs.at(-1);
    if (last !== undefined)
      this.#change(last.turn, (line, share) => {
        line.jobs -= 1;
        share.jobs.pop();
      });
    return last;
  }

  /**
   * Takes the next job, round-robin between pools and, within a pool, between addresses. A Map keeps insertion order: a line
   * that was served moves to the end.
   */
  takeNext(): Waiting | undefined {
    for (const [pool, line] of this.#lines) {
      if (line.jobs === 0) continue;
      for (const [address, share] of line.addresses) {
        const item = share.jobs.shift();
        if (item === undefined) continue;
        line.jobs -= 1;
        line.addresses.delete(address);
        if (share.jobs.length + share.expected > 0) line.addresses.set(address, share);
        this.#lines.delete(pool);
        if (all(line) > 0) this.#lines.set(pool, line);
        return item;
      }
    }
    return undefined;
  }

  #change({ pool, address }: Turn, change: (line: Line, share: Share) => void): void {
    const line = this.#lines.get(pool) ?? { jobs: 0, expected: 0, addresses: new Map<string, Share>() };
    const share = line.addresses.get(address) ?? { jobs: [], expected: 0 };
    this.#lines.set(pool, line);
    line.addresses.set(address, share);
    change(line, share);
    if (share.jobs.length + share.expected === 0) line.addresses.delete(address);
    if (all(line) === 0) this.#lines.delete(pool);
  }

  /**
   * The share of which something is dropped in favor of a newcomer: pools are compared first, then the addresses within the
   * newcomer's pool.
   */
  #largest(newcomer: Turn, weight: Weight): Share | undefined {
    const mine = this.#lines.get(newcomer.pool);
    const own = mine === undefined ? 0 : weight(mine);
    let largest = mine;
    for (const line of this.#lines.values())
      if (weight(line) > (largest === undefined ? 0 : weight(largest))) largest = line;
    if (largest === undefined) return undefined;
    const others = largest !== mine && weight(largest) > own + 1;
    if (!others && mine === undefined) return undefined;
    const longest = longestOf((others ? largest : mine)!, weight);
    if (others || longest === undefined) return longest;
    const ofMine = mine?.addresses.get(newcomer.address);
    return weighed(longest, weight) > (ofMine === undefined ? 0 : weighed(ofMine, weight)) + 1
      ? longest
      : undefined;
  }
}

const weighed = ({ jobs, expected }: Share, weight: Weight) => weight({ jobs: jobs.length, expected });

/** The largest share; of equally large ones the one begun last, so that the job refused has waited least. */
function longestOf({ addresses }: Line, weight: Weight): Share | undefined {
  let longest: Share | undefined;
  let most = 0;
  for (const share of addresses.values()) {
    const size = weighed(share, weight);
    if (size >= most) {
      longest = share;
      most = size;
    }
  }
  return longest;
}
