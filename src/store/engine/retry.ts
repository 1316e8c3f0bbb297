/** Which failed work is done again, and by whom: docs/decisions/0004-what-is-done-again.md. */
import { setTimeout as delay } from "node:timers/promises";

/**
 * How often a statement or a transaction is tried before its error is told. Where one statement in twenty is refused, a
 * transaction of eight fails two times in five: ten attempts would tell of it once in ten thousand.
 */
const attempts = 20;

/** After so long the error is told, however few the attempts: where nothing answers, each of them takes long. Milliseconds. */
const patienceMs = 20_000;

/** The attempts at one piece of work. */
export class Attempts {
  #made = 0;
  readonly #until = performance.now() + patienceMs;

  /** Waits before the next one. Throws the error when another would not help, or when there have been enough. */
  async again(error: unknown): Promise<void> {
    this.#made += 1;
    if (this.#made === attempts || performance.now() > this.#until || !mayRunAgain(error)) throw error;
    // Jitter keeps those who collided from colliding again.
    await delay(Math.random() * Math.min(5 * 2 ** this.#made, 250));
  }
}

/** The connection to the database broke. */
export class ConnectionLost extends Error {
  override name = "ConnectionLost";
  /** What would have been durable had been sent: it may have been done, or not. */
  readonly outcomeUnknown: boolean;

  constructor(outcomeUnknown: boolean, cause: unknown) {
    super(
      outcomeUnknown
        ? "The connection to the database broke after a write had been sent: whether it was done is not known."
        : "The connection to the database broke; nothing was changed.",
      cause === undefined ? undefined : { cause },
    );
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** The database could not order the work with others' (serialization failure, deadlock), or was lost before it counted. */
function mayRunAgain(error: unknown): boolean {
  if (error instanceof ConnectionLost) return !error.outcomeUnknown;
  const state = sqlState(error);
  return state === "40001" || state === "40P01";
}

/** The SQLSTATE of an error of PostgreSQL. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
