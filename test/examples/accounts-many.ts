/** `npm run test:accounts`: every failure and every kill of examples/accounts, and every two of them in a row. */
import { test } from "node:test";
import { forEachServer } from "../kit/server.ts";
import { startOnce } from "./accounts.ts";
import { harms, kills, laterSteps, pointsOf, steps, withstand } from "./accounts-failing.ts";

forEachServer("examples/accounts with every two failures", (open) => {
  const example = startOnce(open);

  for (const first of pointsOf(steps, [...harms, ...kills]))
    test(`${first.harm}: ${first.operation}, and then any other`, async () => {
      const running = await example();
      await withstand(running, [first]);
      for (const second of pointsOf(laterSteps, [...harms, ...kills]))
        await withstand(running, [first, second]);
    });
});
