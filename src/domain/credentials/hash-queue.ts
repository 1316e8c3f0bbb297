/**
 * credentials: passwords, their rules, and limits on guessing. This file hashes passwords with argon2id behind a fair
 * queue: memory stays bounded, and signatures and file syncs keep their threads.
 */
import { hash, verify } from "@node-rs/argon2";
import type { PasswordHasher } from "../../app.ts";
import { createFairQueue, type FairQueueOptions } from "./fair-queue.ts";
import { lowerPoolPriority } from "./thread-priority.ts";

/** OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. argon2id is the library's default algorithm. */
const argon2id = { memoryCost: 19456, timeCost: 2, parallelism: 1 };

/** Creates a server's hasher. `dummyHash` costs one hash, computed here. */
export async function createPasswordHasher(options: FairQueueOptions): Promise<PasswordHasher> {
  const queue = createFairQueue(options);
  const dummyHash = await hash(crypto.randomUUID(), argon2id);
  lowerPoolPriority(5);
  return {
    dummyHash,
    hash: (password, turn) => queue.run(turn, () => hash(password, argon2id)),
    verify: (phc, password, turn) => queue.run(turn, () => verify(phc, password)),
    assertRoom: queue.assertRoom,
    stats: queue.stats,
  };
}
