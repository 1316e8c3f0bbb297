/** `npm run test:accounts`: every failure and every kill of examples/accounts, and every two of them in a row. */
import { after, test } from "node:test";
import { forEachServer } from "../kit/server.ts";
import { setUp, start } from "./accounts.ts";
import { harms, kills, laterSteps, pointsOf, type Running, steps, withstand } from "./accounts-failing.ts";

const opened: { close(): unknown }[] = [];
after(() => {
  for (const one of opened) one.close();
});

forEachServer("examples/accounts with every two failures", (open) => {
  let made: Promise<Running> | undefined;
  const example = () => {
    made ??= (async () => {
      const app = await setUp(await open());
      const running = { app, child: await start(app) };
      opened.push({ close: () => running.child.kill() }, app.relay);
      return running;
    })();
    return made;
  };

  for (const first of pointsOf(steps, [...harms, ...kills]))
    test(`${first.harm}: ${first.operation}, and then any other`, async () => {
      const running = await example();
      await withstand(running, [first]);
      for (const second of pointsOf(laterSteps, [...harms, ...kills]))
        await withstand(running, [first, second]);
    });
});
