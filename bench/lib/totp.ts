/** Codes of loaded users' software tokens (RFC 6238), each valid for one sign-in. */
import { createHash, createHmac } from "node:crypto";

/** The seed of a loaded user, the same for loading and signing in. */
export const seedOf = (index: number): Buffer => createHash("sha256").update(`seed ${index}`).digest();

export const stepMs = 30_000;

/** Section 4 of RFC 6238 with SHA-1 and six digits: section 5.3 of RFC 4226 applied to the number of the step. */
function codeOf(seed: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", seed).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1)! & 0x0f) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/**
 * Cycles through the users. A code is accepted once, and no earlier one after it; that of the next step is accepted as
 * well, so each user has two codes at first and one more every thirty seconds.
 */
export class FreshCodes {
  readonly #lastSteps: number[];
  #turn = 0;

  constructor(users: number) {
    this.#lastSteps = new Array<number>(users).fill(0);
  }

  /** The next user. */
  next(): number {
    return this.#turn++ % this.#lastSteps.length;
  }

  /** A code that this user has not used. Throws an Error if there is none. */
  take(index: number): string {
    const now = Math.floor(Date.now() / stepMs);
    const step = Math.max(this.#lastSteps[index]! + 1, now);
    if (step > now + 1) {
      throw new Error(
        "Every code was used: more users with software tokens are needed for so many sign-ins.",
      );
    }
    this.#lastSteps[index] = step;
    return codeOf(seedOf(index), step);
  }
}
