/** Waiting for what comes about by itself. How long it takes says nothing: the only deadline is that of a test that hangs. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/**
 * After so long a test is taken to hang. It stands for no claim about speed, so it is far beyond what the slowest machine
 * needs. Milliseconds.
 */
export const hangingMs = 600_000;

/** Milliseconds between two looks. */
const lookMs = 10;

/** Looks again and again until it is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + hangingMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) assert.fail(`it never came to this: ${what}`);
    await pause(lookMs);
  }
}
