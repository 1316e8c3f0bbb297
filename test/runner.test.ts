/** The way tests are run (tools/untracked.mjs) hides no failure, and keeps tests in their suites. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "./kit/databases.ts";

const untracked = pathToFileURL(join(import.meta.dirname, "../tools/untracked.mjs")).href;

/** What a file of tests with this content prints, and its exit status. */
function runFile(content: string): { readonly printed: string; readonly status: number | null } {
  const file = join(temporaryFolder(), "inner.test.mjs");
  const imports = `import assert from "node:assert"; import { after, describe, test } from "node:test";
    import { createHook, executionAsyncId } from "node:async_hooks";`;
  writeFileSync(file, imports + content);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", untracked, file], {
    env: { ...env, NODE_OPTIONS: "--test-reporter=tap" },
    encoding: "utf8",
  });
  return { printed: stdout + stderr, status };
}

test("tests stay in their suites, and hooks run at their ends", () => {
  const { printed, status } = runFile(`
    describe("outer", () => {
      describe("inner", () => {
        after(() => console.log("# inner is over"));
        test("first", async (t) => { await t.test("part", () => {}); });
      });
      test("second", () => console.log("# second runs"));
    });`);
  assert.equal(status, 0, printed);
  assert.match(printed, /^ {12}ok 1 - part$/m);
  assert.match(printed, /^ {8}ok 1 - first$/m);
  assert.match(printed, /^ {4}ok 1 - inner$/m);
  assert.match(printed, /^ok 1 - outer$/m);
  assert.ok(printed.indexOf("inner is over") < printed.indexOf("second runs"));
});

for (const [what, body] of Object.entries({
  "an assertion": "assert.ok(false);",
  "an assertion after an await": "await 1; assert.ok(false);",
  "an error in a callback":
    "await new Promise((done) => setImmediate(() => { setImmediate(done); throw 0; }));",
  "a rejection that nothing handles":
    "Promise.reject(new Error('lost')); await new Promise((done) => setImmediate(done));",
}))
  test(`a file fails by ${what}`, () => {
    const { printed, status } = runFile(`test("fails", async () => { ${body} });`);
    assert.notEqual(status, 0, printed);
  });

test("the hooks of the code under test work", () => {
  const { printed, status } = runFile(`test("hook", async () => {
      let made = 0;
      createHook({ init: () => { made += 1; } }).enable();
      await 1;
      assert.notEqual(made, 0);
    });`);
  assert.equal(status, 0, printed);
});

test("promises have no async ids of their own, which is what the preloaded module is for", () => {
  // While any hook is enabled each continuation of a promise has an identity of its own.
  const { printed, status } = runFile(`test("awaits", async () => {
      await 1;
      const first = executionAsyncId();
      await 1;
      assert.equal(executionAsyncId(), first);
    });`);
  assert.equal(status, 0, printed);
});

test("the hooks of a process that files share run after the tests of all of them", () => {
  const loaded = pathToFileURL(join(import.meta.dirname, "../tools/loaded.mjs")).href;
  const imported = (content: string) =>
    `import "data:text/javascript,${encodeURIComponent(`import { after, test } from "node:test"; ${content}`)}";`;
  // The first waits for nothing, so its test could end before the second one is there.
  const { printed, status } = runFile(
    [
      `import { loaded } from ${JSON.stringify(loaded)};`,
      imported(`after(() => console.log("# closes one")); test("one", () => {});`),
      imported(`for (let turn = 0; turn < 9; turn++) await new Promise((resolve) => setImmediate(resolve));
        after(() => console.log("# closes two")); test("two", () => console.log("# two runs"));`),
      "loaded();",
    ].join("\n"),
  );
  assert.equal(status, 0, printed);
  assert.deepEqual(printed.match(/^# (?:closes|two) \w+/gm), ["# two runs", "# closes one", "# closes two"]);
});

test("a process that files share fails if one of them has left something in the environment", () => {
  const loaded = pathToFileURL(join(import.meta.dirname, "../tools/loaded.mjs")).href;
  const leaving = (rest: string) =>
    runFile(`import { loaded } from ${JSON.stringify(loaded)};
      test("sets it", () => { process.env["LEFT_BEHIND"] = "1"; ${rest} });
      loaded();`);
  const { printed, status } = leaving("");
  assert.notEqual(status, 0);
  assert.match(printed, /not ok \d+ - the environment of this process is as it was/);
  assert.equal(leaving('delete process.env["LEFT_BEHIND"];').status, 0);
});
