/**
 * Time limit for statements on PostgreSQL. A network or server that goes silent closes nothing, so the caller would
 * wait forever.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Milliseconds after which an unanswered statement counts as one whose connection broke. */
export const queryTimeoutMs = 15_000;

const unlimited = new AsyncLocalStorage<true>();

/** Runs work that may take longer: migrations, and the removal of many rows. */
export function withoutTimeLimit<T>(work: () => Promise<T>): Promise<T> {
  return unlimited.run(true, work);
}

/** Whether the caller runs inside `withoutTimeLimit`. */
export function hasNoTimeLimit(): boolean {
  return unlimited.getStore() === true;
}
