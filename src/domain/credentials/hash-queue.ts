/**
 * credentials: passwords, their rules, and limits on guessing. This file hashes passwords with argon2id behind a fair
 * queue: memory stays bounded, and signatures and file syncs keep their threads.
 */
import { hash, verify } from "@node-rs/argon2";
import type { PasswordHasher } from "../../app.ts";
import { createFairQueue, type FairQueueOptions } from "./fair-queue.ts";
import { lowerPoolPriority } from "./thread-priority.ts";

/** What a hash costs: KiB of memory, passes over it, and lanes. */
export interface HashCost {
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. argon2id is the library's default algorithm. */
export const recommendedCost: HashCost = { memoryCost: 19456, timeCost: 2, parallelism: 1 };

/**
 * Creates a server's hasher. `dummyHash` costs one hash, computed here.
 * @param cost lower only in tests, which hash thousands of passwords that protect nothing
 */
export async function createPasswordHasher(
  options: FairQueueOptions,
  cost = recommendedCost,
): Promise<PasswordHasher> {
  const queue = createFairQueue(options);
  const dummyHash = await hash(crypto.randomUUID(), cost);
  lowerPoolPriority(5);
  return {
    dummyHash,
    hash: (password, turn) => queue.run(turn, () => hash(password, cost)),
    verify: (phc, password, turn) => queue.run(turn, () => verify(phc, password)),
    refusal: queue.refusal,
    assertRoom: queue.assertRoom,
    reserve: queue.reserve,
    stats: queue.stats,
  };
}
