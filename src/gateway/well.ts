/** Whether the gateway can decide about requests: its sessions can be read. */
import type { Keeper } from "./sessions/sessions.ts";

/** How long an answer of the database counts, however many ask. Milliseconds. */
const countsMs = 1000;

/** How long the database may take. Milliseconds. */
const patience = 5000;

/** Asks the database of sessions, though not more often than once a second. @param now epoch milliseconds */
export function createWell(keeper: Keeper, now: () => number): () => Promise<boolean> {
  let look: Promise<boolean> | undefined;
  let until = 0;
  return () => {
    if (look === undefined || now() >= until) {
      until = now() + countsMs;
      look = answersInTime(keeper);
    }
    return look;
  };
}

async function answersInTime(keeper: Keeper): Promise<boolean> {
  const { promise: tooLate, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, patience, false);
  const answers = keeper.ping().then(
    () => true,
    () => false,
  );
  const isWell = await Promise.race([answers, tooLate]);
  clearTimeout(timer);
  return isWell;
}
