/**
 * PostgreSQL behind a network that cuts, delays and refuses. `npm run test:hostile` asks 20,000 times.
 */
import { test } from "node:test";
import { skipWithoutPostgres } from "../kit/postgres.ts";
import { hangingMs } from "../kit/waiting.ts";
import { report, survive } from "./survive.ts";

test("two servers survive a hostile network: nothing used twice, nothing lost, no 500 that could be avoided", {
  timeout: hangingMs,
  ...skipWithoutPostgres(),
}, async (t) => {
  t.diagnostic(report(await survive(800)));
});
