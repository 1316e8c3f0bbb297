/**
 * Every member of every operation × everything that can be wrong with it: answered with the documented validation
 * error, never with an internal error. The calls are signed, so that they get that far; no SQL is involved, so one
 * database is enough.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { identityPoolModel } from "../../src/wire/generated/identity-pools.ts";
import { userPoolModel } from "../../src/wire/generated/user-pools.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { hangingMs } from "../kit/waiting.ts";
import { part, whole } from "../kit/whole.ts";
import { type Fault, faultsOf } from "./faults.ts";
import { type KnownOperation, operations, sampleInput } from "./operations.ts";
import { type Place, placesOf } from "./places.ts";
import { type Answer, inBatches, post, signedCall, unsigned } from "./wire.ts";

/** The most bytes that an unsigned call may send. */
const publicLimit = 128 * 1024;

function call({ endpoint, clock }: TestServer, operation: KnownOperation, body: string): Promise<Answer> {
  return post(
    endpoint,
    operation.facts.authorization === "iam"
      ? signedCall(endpoint, operation, body, { now: clock.now })
      : unsigned(endpoint, operation, body),
  );
}

const tooLong = { type: "SerializationException", says: `more than ${publicLimit} bytes` } as const;

/** What is wrong with the answer to a fault. */
function complaint(operation: KnownOperation, fault: Fault, answer: Answer): string | undefined {
  const { status, type, message } = answer;
  const isTooLong = operation.facts.authorization !== "iam" && Buffer.byteLength(fault.body) > publicLimit;
  const expected = isTooLong ? tooLong : fault;
  const told = `${operation.name} ${fault.what}: ${status} ${type} ${message.slice(0, 300)}`;
  if (status === 500) return told;
  if (expected.type === undefined) return type === "SerializationException" ? told : undefined;
  const of = expected.type === "InvalidParameterException" ? constraintError(operation) : expected.type;
  if (status !== 400 || type !== of || !message.includes(expected.says)) return told;
  if (message.length > 100_000) return `${operation.name} ${fault.what}: ${message.length} characters`;
  if (expected.type === "SerializationException") return undefined;
  // All violations of the call, counted and joined as by Cognito.
  const [, count, plural, rest] = /^(\d+) validation error(s?) detected: (.*)$/s.exec(message) ?? [];
  const found = rest?.match(/failed to satisfy constraint: /g)?.length ?? 0;
  return found === Number(count) && (plural === "s") === found > 1 ? undefined : told;
}

/** The error of a value that breaks the model; `expected.type` has that of user pools. */
const constraintError = ({ service }: KnownOperation) =>
  (service === "cognito-identity" ? identityPoolModel : userPoolModel).constraintError;

/** A value that must not be repeated if the place is sensitive. */
const told = "Tell-Nobody\u0001";

const constrained = ({ shape, path, hidden, reportedAs }: Place) =>
  hidden &&
  reportedAs === undefined &&
  shape.type === "string" &&
  !path.includes(".") &&
  shape.pattern !== undefined;

forEachServer("validation", (open, database) => {
  if (database !== "sqlite") return;

  const title = whole
    ? "every place by every fault"
    : "every place by some faults, and every fault somewhere";
  test(title, { timeout: hangingMs }, async () => {
    const server = await open();
    server.clock.freeze();
    const wrong: string[] = [];
    let calls = 0;
    let index = 0;
    for (const operation of operations) {
      for (const place of placesOf(operation, {})) {
        index += 1;
        await inBatches(part([...faultsOf(place)], 3, index), async (fault) => {
          calls += 1;
          const found = complaint(operation, fault, await call(server, operation, fault.body));
          if (found !== undefined) wrong.push(found);
        });
      }
    }
    assert.ok(calls > (whole ? 5_000 : 1_600), `${calls} calls`);
    assert.deepEqual(wrong.slice(0, 50), [], `${wrong.length} of ${calls}`);
  });

  test("all that is missing is told at once, in the order of the model", async () => {
    const server = await open();
    for (const operation of operations) {
      const top = [...placesOf(operation, {})].filter(({ path, member }) => member && !path.includes("."));
      const needed = top.filter(({ member }) => member?.required && member.default === undefined);
      const { type, message } = await call(server, operation, "{}");
      const texts = needed.map(
        ({ path }) => `Value null at '${path}' failed to satisfy constraint: Member must not be null`,
      );
      const count = `${texts.length} validation error${texts.length === 1 ? "" : "s"} detected: `;
      if (texts.length === 0) assert.notEqual(type, constraintError(operation), operation.name);
      else assert.deepEqual([type, message], [constraintError(operation), count + texts.join("; ")]);
    }
  });

  test("of two members of one name the last is checked, and it alone", async () => {
    const server = await open();
    for (const operation of operations) {
      const input = sampleInput(operation, {});
      for (const name of Object.keys(input)) {
        const good = JSON.stringify(input).slice(1, -1);
        const twice = await call(server, operation, `{${good},${JSON.stringify(name)}:{"bad":1}}`);
        const before = await call(server, operation, `{${JSON.stringify(name)}:{"bad":1},${good}}`);
        const isMap = operation.name === "TagResource" && name === "Tags";
        if (!isMap) assert.notEqual(twice.status, 200, `${operation.name}.${name}`);
        assert.notEqual(before.type, "SerializationException", `${operation.name}.${name}`);
      }
    }
  });

  test("sensitive values are not repeated", async () => {
    const server = await open();
    let found = 0;
    for (const operation of operations) {
      for (const place of [...placesOf(operation, {})].filter(constrained)) {
        const { type, message } = await call(server, operation, place.body(JSON.stringify(told)));
        if (type !== constraintError(operation)) continue;
        found += 1;
        assert.ok(message.includes(`Value at '${place.path}'`), `${operation.name}: ${message}`);
        assert.ok(!message.includes("Tell-Nobody"), `${operation.name}: ${message}`);
      }
    }
    assert.ok(found > 50, `${found} sensitive members`);
  });

  test("bodies that are no JSON object", async () => {
    const server = await open();
    const bodies = [
      "[]",
      "1",
      '"a"',
      "null",
      "{",
      "{}{}",
      "{'a':1}",
      '{"a":1,}',
      "NaN",
      "\u0000",
      "[".repeat(10_000),
      '{"a":'.repeat(10_000),
      `{"a":"${"\\".repeat(100_001)}`,
      "Action=SignUp&Version=2016-04-18",
    ];
    for (const operation of operations) {
      await inBatches(bodies, async (body) => {
        const { status, type } = await call(server, operation, body);
        assert.deepEqual(
          [status, type],
          [400, "SerializationException"],
          `${operation.name}: ${body.slice(0, 50)}`,
        );
      });
    }
  });
});
