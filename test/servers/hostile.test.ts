/**
 * PostgreSQL behind a network that cuts, delays and refuses. `npm run test:hostile` asks 20,000 times.
 */
import { test } from "node:test";
import { skipWithoutPostgres } from "../store/databases.ts";
import { report, survive } from "./survive.ts";

test("two servers survive a hostile network: nothing used twice, nothing lost, no 500 that could be avoided", {
  timeout: 600_000,
  ...skipWithoutPostgres(),
}, async (t) => {
  t.diagnostic(report(await survive(1_500)));
});
