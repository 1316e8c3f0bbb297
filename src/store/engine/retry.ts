/** Decides which failed work is repeated, and by whom: docs/decisions/0004-what-is-done-again.md. */
import { setTimeout as delay } from "node:timers/promises";

/**
 * How often a statement or transaction is tried before its error is reported. If one statement in twenty fails, a
 * transaction of eight statements fails two times in five; ten attempts would report an error once in ten thousand
 * transactions.
 */
const attempts = 20;

/**
 * The time after which the error is reported, however few the attempts: without answers each of them takes long.
 * Milliseconds.
 */
const patienceMs = 20_000;

/** Counts the attempts at one piece of work. */
export class Attempts {
  #made = 0;
  readonly #until = performance.now() + patienceMs;

  /** Waits before the next attempt. Throws the error if another attempt would not help, or there have been enough. */
  async again(error: unknown): Promise<void> {
    this.#made += 1;
    if (this.#made === attempts || performance.now() > this.#until || !mayRunAgain(error)) throw error;
    // Jitter keeps transactions that collided from colliding again.
    await delay(Math.random() * Math.min(5 * 2 ** this.#made, 250));
  }
}

/** The connection to the database broke. */
export class ConnectionLost extends Error {
  override name = "ConnectionLost";
  /** Whether a durable change was sent, which may or may not have been made. */
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

/**
 * Whether the work may be repeated: the database could not serialize it (serialization failure, deadlock), or the
 * connection was lost before anything was durable.
 */
function mayRunAgain(error: unknown): boolean {
  if (error instanceof ConnectionLost) return !error.outcomeUnknown;
  const state = sqlState(error);
  return state === "40001" || state === "40P01";
}

/** The SQLSTATE of a PostgreSQL error. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
