/** How handlers are loaded at the start: a few at a time, and not forever. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import { failed } from "../../src/integrations/functions/driver.ts";
import { createPool } from "../../src/integrations/functions/pool.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { fails, open } from "./kit.ts";

test("at the start no more handlers load at once than there are processors", async () => {
  const folder = temporaryFolder();
  const [file, log] = [join(folder, "slow.mjs"), join(folder, "log")];
  writeFileSync(
    file,
    `import { appendFileSync } from "node:fs";
appendFileSync(process.env.LOG, "+");
for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
appendFileSync(process.env.LOG, "-");
export const handler = async (event) => event;
`,
  );
  const names = Array.from({ length: availableParallelism() + 3 }, (_, at) => `slow-${at}`);
  const entry = { run: "worker", file, environment: { LOG: log } };
  const functions = await open(Object.fromEntries(names.map((name) => [name, entry])));
  await functions.check();
  const marks = [...readFileSync(log, "utf8")];
  assert.equal(marks.length, 2 * names.length);
  let loading = 0;
  const counts = marks.map((mark) => (loading += mark === "+" ? 1 : -1));
  assert.ok(Math.max(...counts) <= availableParallelism(), marks.join(""));
});

test("a handler that loads for too long is ended, and this is said, not what its end makes of it", async () => {
  mock.timers.enable();
  try {
    const loading = Promise.withResolvers<readonly string[]>();
    loading.promise.catch(() => {});
    let ended = false;
    const driver = createPool(
      () => ({
        ready: loading.promise,
        get ended() {
          return ended;
        },
        run: () => assert.fail("it runs"),
        end: async () => {
          ended = true;
          loading.reject(failed("Client is not a constructor"));
        },
      }),
      {
        name: "endless",
        where: "",
        file: "",
        timeoutMs: 5_000,
        attempts: 1,
        concurrency: 1,
        queue: 0,
        plainTextCodes: false,
      },
      { reload: false },
    );
    const check = driver.check!();
    mock.timers.tick(10_000);
    await fails(check, "late", /^loading it took more than 10 seconds$/);
    assert.ok(ended);
  } finally {
    mock.timers.reset();
  }
});
