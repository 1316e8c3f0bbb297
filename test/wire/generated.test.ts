import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { errorCodes } from "../../src/wire/generated/error-codes.ts";
import { identityPoolModel } from "../../src/wire/generated/identity-pools.ts";
import { userPoolModel } from "../../src/wire/generated/user-pools.ts";
import type { OperationFacts, Shape, Shapes } from "../../src/wire/model.ts";
import { refusal, refuse } from "../../src/wire/refuse.ts";

const GENERATOR = fileURLToPath(new URL("../../tools/generate-wire.ts", import.meta.url));

const models: { operations: Record<string, OperationFacts>; shapes: Shapes }[] = [
  userPoolModel,
  identityPoolModel,
];

test("generating again leaves no difference", () => {
  const run = spawnSync(process.execPath, [GENERATOR, "--check"], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
});

test("every operation has its facts", () => {
  const count = (authorization: string) =>
    models.map(
      ({ operations }) =>
        Object.values(operations).filter((facts) => facts.authorization === authorization).length,
    );
  assert.deepEqual(
    models.map(({ operations }) => Object.keys(operations).length),
    [140, 23],
  );
  assert.deepEqual(count("iam"), [106, 19]);
  assert.deepEqual(count("none"), [7, 4]);
  assert.deepEqual(count("access-token"), [22, 0]);
  assert.deepEqual(count("access-token-or-session"), [2, 0]);
  assert.deepEqual(count("refresh-token"), [2, 0]);
  assert.deepEqual(count("feedback-token"), [1, 0]);
});

test("every reference resolves and every declared error is a code", () => {
  const codes = new Set<string>(errorCodes);
  const targets = (shape: Shape): string[] => {
    if (shape.type === "structure") return Object.values(shape.members).map((member) => member.target);
    if (shape.type === "list") return [shape.member];
    return shape.type === "map" ? [shape.key, shape.value] : [];
  };
  for (const { operations, shapes } of models) {
    for (const { input, output, errors } of Object.values(operations)) {
      for (const name of [input, output])
        assert.ok(name === null || shapes[name]?.type === "structure", name ?? "");
      for (const code of errors) assert.ok(codes.has(code), code);
    }
    for (const target of Object.values(shapes).flatMap(targets)) assert.ok(shapes[target], target);
  }
});

test("error codes are sorted, unique, and hold the framework's own", () => {
  assert.deepEqual([...errorCodes], [...new Set(errorCodes)].sort());
  for (const code of ["SerializationException", "UnknownOperationException", "InternalFailure"] as const) {
    assert.ok(errorCodes.includes(code));
  }
});

test("a refusal keeps what is public apart from what is logged", () => {
  const made = refusal("NotAuthorizedException", "Incorrect username or password.", "no such user");
  assert.deepEqual(
    [made.code, made.message, made.detail],
    ["NotAuthorizedException", "Incorrect username or password.", "no such user"],
  );
  assert.throws(() => refuse("ForbiddenException", "no"), {
    name: "Refusal",
    code: "ForbiddenException",
    detail: undefined,
  });
});
