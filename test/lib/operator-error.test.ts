import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { explainError, OperatorError } from "../../src/lib/operator-error.ts";

test("errors for the operator and failed system calls are their message alone", () => {
  assert.equal(
    explainError(new OperatorError("The port is in use.", { cause: new Error("x") })),
    "The port is in use.",
  );
  let missing: unknown;
  try {
    readFileSync("/nowhere/file");
  } catch (error) {
    missing = error;
  }
  assert.equal(explainError(missing), "ENOENT: no such file or directory, open '/nowhere/file'");
  assert.equal(explainError("thrown text"), "thrown text");
});

test("other errors have their stack and those of their causes", () => {
  const text = explainError(new TypeError("outer", { cause: new RangeError("inner") }));
  assert.match(text, /^TypeError: outer\n +at .*operator-error\.test\.ts:/);
  assert.match(text, /^Caused by: RangeError: inner\n +at .*operator-error\.test\.ts:/m);
});
