/** `npm run test:crash [-- kills]`: the long form of crash.test.ts. */
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../kit/databases.ts";
import { crash, report } from "./crashes.ts";

const kills = Number(process.argv[2] ?? 200);
test(`${kills} kills at random points lose nothing acknowledged`, async () => {
  console.log(report(await crash(kills, join(temporaryFolder(), "data"), 120)));
});
