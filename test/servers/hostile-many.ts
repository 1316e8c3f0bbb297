/** `npm run test:hostile [-- operations]`: the long form of hostile.test.ts. */
import { test } from "node:test";
import { report, survive } from "./survive.ts";

const operations = Number(process.argv[2] ?? 20_000);
test(`${operations} operations over a hostile network`, async () => {
  console.log(report(await survive(operations)));
});
