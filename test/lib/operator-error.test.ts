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

test("an AggregateError has its errors", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED ::1:5432"), { syscall: "connect" });
  const text = explainError(new AggregateError([refused, new RangeError("inner")], "both failed"));
  assert.match(text, /^AggregateError: both failed\n +at /);
  assert.match(text, /^Error 1 of 2: connect ECONNREFUSED ::1:5432\nError 2 of 2: RangeError: inner\n +at /m);
});

test("causes may form a cycle", () => {
  const outer = new TypeError("outer");
  const inner = new AggregateError([outer], "inner", { cause: outer });
  outer.cause = inner;
  const text = explainError(outer);
  assert.equal(text.match(/^ +at .*operator-error\.test\.ts/gm)?.length, 2);
  assert.match(text, /^Caused by: AggregateError: inner$/m);
  assert.match(text, /^Caused by: TypeError: outer \(see above\)$/m);
});
