/** Every acknowledged write survives kill -9. `npm run test:crash` does it 200 times. */
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../kit/databases.ts";
import { crash, report } from "./crashes.ts";

test("8 kills at random points lose nothing acknowledged", async (t) => {
  t.diagnostic(report(await crash(8, join(temporaryFolder(), "data"), 50)));
});
