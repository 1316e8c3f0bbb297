/**
 * How long a statement may take on PostgreSQL. A network or a server that falls silent closes nothing, so that whoever
 * asked would wait for ever.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Milliseconds until a statement without an answer counts as one whose connection broke. */
export const queryTimeoutMs = 15_000;

const unlimited = new AsyncLocalStorage<true>();

/** Runs what may take longer: migrations, and the removal of many rows. */
export function takingItsTime<T>(work: () => Promise<T>): Promise<T> {
  return unlimited.run(true, work);
}

/** Whether the code that asks runs inside `takingItsTime`. */
export function isTakingItsTime(): boolean {
  return unlimited.getStore() === true;
}
