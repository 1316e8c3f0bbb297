/** What the tests of guesses share: the documented rule spelled out, many callers at once, and where they come from. */
import type { TestContext } from "node:test";
import { pino } from "pino";
import { startServer } from "../../src/server.ts";
import { besideTests, type TestServer } from "../kit/server.ts";
import { whole } from "../kit/whole.ts";

export const minute = 60_000;

/**
 * How many of so many guesses come: a tenth with each change, all with `npm run test:whole`. The bound is the same,
 * and a tenth is many times more than it allows.
 */
export const share = (guesses: number) => (whole ? guesses : guesses / 10);

/** What is refused while a counter is locked, whatever was sent. */
export const locked = "Password attempts exceeded";

/**
 * How many wrong guesses one counter lets be looked at in rounds at these times, if every round brings more than
 * enough: the documented rule, spelled out. Milliseconds.
 */
export function allowed(times: readonly number[]): number {
  let count = 0;
  let lockedUntil = 0;
  for (const now of times) {
    while (lockedUntil <= now) {
      count += 1;
      if (count >= 5) lockedUntil = now + Math.min(15 * minute, 1000 * 2 ** (count - 5));
    }
  }
  return count;
}

/** Runs jobs, `width` at a time. */
export async function crowd<T>(width: number, jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const at = next++;
      results[at] = await jobs[at]!();
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

export const count = (answers: readonly { readonly message: string }[], message: string) =>
  answers.filter((answer) => answer.message === message).length;

/** An address from a proxy's header; every guess has its own. */
let serial = 0;
export const nextAddress = () => {
  serial += 1;
  return serial % 2 === 0
    ? `203.0.${(serial >> 8) & 255}.${serial & 255}`
    : `2001:db8:${serial.toString(16)}::1`;
};

/** The endpoints of all servers on the database: two on PostgreSQL. */
export async function doorsOf(server: TestServer, t: TestContext): Promise<string[]> {
  if (server.database === "sqlite") return [server.endpoint];
  const second = await startServer(
    { ...server.app.config, port: 0 },
    { log: pino({ level: "silent" }), clock: server.app.clock, ...besideTests },
  );
  t.after(() => second.close());
  return [server.endpoint, `http://127.0.0.1:${second.app.config.port}`];
}
