/**
 * credentials: passwords, their rules, and what guessing costs. This file hashes them with argon2id behind a bounded,
 * fair queue: memory stays bounded, signatures and file syncs keep their threads, and one busy address or pool waits
 * behind itself rather than before the others.
 */
import { hash, verify } from "@node-rs/argon2";
import type { FairQueue, PasswordHasher, Turn } from "../../app.ts";
import { refusal } from "../../wire/refuse.ts";

/** OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. argon2id is the library's default algorithm. */
const argon2id = { memoryCost: 19456, timeCost: 2, parallelism: 1 };

interface Waiting {
  readonly turn: Turn;
  readonly run: () => void;
  readonly refuse: (error: Error) => void;
}

export interface HashQueueOptions {
  /** Hashes in flight at once. */
  readonly concurrency: number;
  /** Callers that may wait; the next one is refused with TooManyRequestsException. */
  readonly capacity: number;
}

/** Makes the hasher of a server. `nobody` costs one hash, made here. */
export async function createPasswordHasher(options: HashQueueOptions): Promise<PasswordHasher> {
  const enter = createFairQueue(options);
  return {
    nobody: await hash(crypto.randomUUID(), argon2id),
    hash: (password, turn) => enter(turn, () => hash(password, argon2id)),
    verify: (phc, password, turn) => enter(turn, () => verify(phc, password)),
    stats: enter.stats,
  };
}

/**
 * Runs at most `concurrency` jobs at a time. Waiting jobs are taken round-robin between pools and, in a pool, between
 * addresses. No address may hold more than half of the waiting places.
 */
export function createFairQueue(options: HashQueueOptions): FairQueue {
  const pools = new Map<string, Map<string, Waiting[]>>();
  let running = 0;
  let waiting = 0;
  let refused = 0;

  const finish = () => {
    running -= 1;
    const next = takeNext(pools);
    if (next === undefined) return;
    waiting -= 1;
    next.run();
  };

  const enter = async <T>(turn: Turn, job: () => Promise<T>): Promise<T> => {
    if (running >= options.concurrency) {
      const mine = pools.get(turn.pool)?.get(turn.address)?.length ?? 0;
      if (waiting >= options.capacity || mine >= options.capacity / 2) {
        refused += 1;
        throw refusal("TooManyRequestsException", "Rate exceeded", "the queue is full");
      }
      waiting += 1;
      await new Promise<void>((run, refuse) => push(pools, { turn, run, refuse }));
    }
    running += 1;
    try {
      return await job();
    } finally {
      finish();
    }
  };
  return Object.assign(enter, { stats: () => ({ running, waiting, refused }) });
}

function push(pools: Map<string, Map<string, Waiting[]>>, item: Waiting): void {
  const addresses = pools.get(item.turn.pool) ?? new Map<string, Waiting[]>();
  pools.set(item.turn.pool, addresses);
  const line = addresses.get(item.turn.address) ?? [];
  addresses.set(item.turn.address, line);
  line.push(item);
}

/** A Map keeps insertion order: what was served goes to the end, which is the round-robin. */
function takeNext(pools: Map<string, Map<string, Waiting[]>>): Waiting | undefined {
  for (const [pool, addresses] of pools) {
    for (const [address, line] of addresses) {
      const item = line.shift();
      addresses.delete(address);
      if (line.length > 0) addresses.set(address, line);
      pools.delete(pool);
      if (addresses.size > 0) pools.set(pool, addresses);
      return item;
    }
  }
  return undefined;
}
