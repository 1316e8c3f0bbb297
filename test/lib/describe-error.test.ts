/** What a log may say of an error. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { describeError } from "../../src/lib/describe-error.ts";

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}

test("an error of ours says what and where", () => {
  const described = describeError(new TypeError("no such thing", { cause: new Error("deeper") }));
  assert.equal(described.type, "TypeError");
  assert.equal(described.message, "no such thing");
  assert.equal(described.cause?.message, "deeper");
  assert.match(described.at[0]!, /describe-error\.test\.ts/);
});

test("causes may form a cycle, and an AggregateError has its errors", () => {
  const outer = new TypeError("outer");
  outer.cause = new AggregateError([new RangeError("one"), outer], "inner");
  const { cause } = describeError(outer);
  assert.equal(cause?.message, "inner");
  assert.deepEqual(
    cause?.errors?.map(({ type, message }) => [type, message]),
    [
      ["RangeError", "one"],
      ["TypeError", undefined],
    ],
  );
});

test("a database's error says neither its text nor its details", () => {
  const sqlite = thrown(() => new DatabaseSync(":memory:").exec("insert into nowhere values ('secret')"));
  const pg = Object.assign(new Error('invalid input syntax: "secret"'), {
    severity: "ERROR",
    code: "23505",
    detail: "Key (name)=(secret) already exists.",
  });
  for (const error of [sqlite, pg, new Error("wrapped", { cause: pg })]) {
    assert.doesNotMatch(JSON.stringify(describeError(error)), /secret|nowhere/);
  }
  assert.equal(describeError(pg).code, "23505");
});

test("anything may be thrown", () => {
  for (const odd of [undefined, null, "secret", { message: "secret" }]) {
    assert.doesNotMatch(JSON.stringify(describeError(odd)), /secret/);
  }
});
