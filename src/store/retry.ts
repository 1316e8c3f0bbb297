/** Which failed work is done again, and by whom: docs/decisions/0004-what-is-done-again.md. */
import { setTimeout as delay } from "node:timers/promises";

/**
 * How often a statement or a transaction is tried before its error is told. Where one statement in twenty is refused, a
 * transaction of eight fails two times in five: ten attempts would tell of it once in ten thousand.
 */
export const attempts = 20;

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
export function mayRunAgain(error: unknown): boolean {
  if (error instanceof ConnectionLost) return !error.outcomeUnknown;
  const state = sqlState(error);
  return state === "40001" || state === "40P01";
}

/** Waits before the next attempt. Jitter keeps those who collided from colliding again. */
export async function pauseAfter(attempt: number): Promise<void> {
  await delay(Math.random() * Math.min(5 * 2 ** attempt, 250));
}

/** The SQLSTATE of an error of PostgreSQL. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
