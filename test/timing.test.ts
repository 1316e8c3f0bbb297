/**
 * No test measures time or waits for it to pass: a busy machine is slow, and nothing is proven by a pause in which nothing
 * happened. What a time would stand for is a count, an event that is awaited (kit/waiting.ts), steps (kit/steps.ts), or a
 * clock that the test moves.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/** What reads a clock to measure, or lets time pass; a timer that the test itself moves does not. */
const forbidden: Readonly<Record<string, RegExp>> = {
  "a pause":
    /(?<!mock\.timers\.enable\(\{ apis: \[")\bset(?:Timeout|Interval)\b|\b(?:pg_)?sleep ?\(|\bwaitForTimeout\b/,
  "a measured time": /\bperformance\.|\bhrtime\b|\b(?:cpu|resource)Usage\b|\bDate\.now\(\) ?- /,
  "a deadline of its own": /\btimeout: ?\d|\.setDefaultTimeout\(\d|\bAbortSignal\.timeout\b/,
};

const exceptions: Readonly<Record<string, string>> = {
  "kit/waiting.ts": "looks again after a moment; its deadline ends tests that hang",
  "kit/sdk.ts": "a client that was refused asks again after a moment, as SDKs do",
  "kit/child.ts": "measures starts for the figures of the long tests; nothing is concluded from them",
  "durability/crashes.ts": "kills at moments of chance",
  "examples/legacy-cms.ts": "a function whose time limit a service that never answers uses up",
  "functions/config.test.ts": "reads the time limits of functions, and runs none",
  "servers/hostile-proxy.ts": "is a network that delays",
  "servers/killed-postman.ts": "lives until it is killed",
  "servers/workers-tls.test.ts": "has the server look for a new certificate more often",
  "servers/silence.test.ts": "a statement that takes longer than the limit it is held to",
};

const root = import.meta.dirname;
const files = globSync("**/*.{ts,js,cjs,py}", { cwd: root }).filter((file) => file !== "timing.test.ts");

test("no test measures time, or waits for it to pass", () => {
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, at) => {
        const [what] = Object.entries(forbidden).find(([, pattern]) => pattern.test(line)) ?? [];
        return what === undefined || file in exceptions ? [] : [`test/${file}:${at + 1}: ${what}`];
      }),
  );
  assert.deepEqual(found, []);
});

test("the exceptions are still needed", () => {
  const all = Object.values(forbidden);
  for (const file of Object.keys(exceptions)) {
    const text = readFileSync(join(root, file), "utf8");
    assert.ok(
      all.some((pattern) => pattern.test(text)),
      file,
    );
  }
});
