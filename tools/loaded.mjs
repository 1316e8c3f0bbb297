/**
 * The first and the last test of a process of several files (tools/test.ts). The first ends once all of them are imported. The
 * last one sees that none has left anything in the environment, which programs that others start would take for their settings.
 */
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";

const { promise, resolve } = Promise.withResolvers();
const before = { ...process.env };

test("the files of this process are imported", () => promise);

export function loaded() {
  test("the environment of this process is as it was", () => {
    const names = Object.keys({ ...before, ...process.env });
    deepEqual(
      names.filter((name) => process.env[name] !== before[name]),
      [],
    );
  });
  resolve();
}
