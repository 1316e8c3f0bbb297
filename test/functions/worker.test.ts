/** Functions that run as modules in threads: styles of handlers, what is shared and what is not. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OperatorError } from "../../src/lib/operator-error.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { arnOf, fails, handlers, open } from "./kit.ts";

const styles = join(handlers, "styles.cjs");
const contract = { run: "worker", file: join(handlers, "contract.mjs") };

test("handlers answer as they could in any Node.js runtime of Lambda", async () => {
  const answers: Readonly<Record<string, unknown>> = {
    callback: { name: "Ada", by: "callback" },
    done: { name: "Ada", by: "done" },
    succeed: "succeeded",
    twice: "first",
    doesNotWait: "at once",
    plain: { name: "Ada" },
    silent: null,
    "nested.deep.handler": "nested",
  };
  const section = Object.entries(answers).map(([handler], at) => [
    `f${at}`,
    { run: "worker", file: styles, handler },
  ]);
  const functions = await open(Object.fromEntries(section));
  await functions.check();
  for (const [at, [handler, answer]] of Object.entries(answers).entries())
    assert.deepEqual(await functions.invoke(arnOf(`f${at}`), { name: "Ada" }), answer, handler);
});

test("errors by callback and by context.fail are errors of the function", async () => {
  const messages = {
    callbackError: /^by callback$/,
    callbackText: /^a text by callback$/,
    fail: /^by fail$/,
  };
  for (const [handler, message] of Object.entries(messages)) {
    const functions = await open({ styles: { run: "worker", file: styles, handler } });
    await fails(functions.invoke("styles", {}), "failed", message);
  }
});

test("an answer by callback waits until nothing is left to do", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "waits.cjs");
  writeFileSync(
    file,
    `let left = 3;
    const next = () => { left -= 1; if (left > 0) setImmediate(next); };
    exports.handler = (event, context, callback) => {
      if (event.ask) return callback(null, left);
      callback(null, "answered");
      setImmediate(next);
    };`,
  );
  const functions = await open({ waits: { run: "worker", file } });
  assert.equal(await functions.invoke("waits", {}), "answered");
  assert.equal(await functions.invoke("waits", { ask: true }), 0);
});

test("TypeScript runs as it is, with what it imports", async () => {
  const functions = await open({ typed: { run: "worker", file: join(handlers, "typed.ts") } });
  assert.deepEqual(await functions.invoke("typed", { name: "Ada" }), { greeting: "Hello Ada" });
});

test("the context says what Lambda's does", async () => {
  const limit = 7;
  const functions = await open({ "who-am-i": { ...contract, memory: 64, timeout: limit } });
  const arn = arnOf("who-am-i");
  const { awsRequestId, remaining, logStreamName, ...rest } = (await functions.invoke(arn, {
    do: "context",
  })) as Record<string, unknown>;
  assert.deepEqual(rest, {
    functionName: "who-am-i",
    functionVersion: "$LATEST",
    invokedFunctionArn: arn,
    memoryLimitInMB: "64",
    logGroupName: "/aws/lambda/who-am-i",
    callbackWaitsForEmptyEventLoop: true,
  });
  assert.match(String(awsRequestId), /^[\da-f-]{36}$/);
  assert.match(String(logStreamName), /LATEST/);
  assert.ok(Number(remaining) > 0 && Number(remaining) <= 1000 * limit, String(remaining));
});

test("a handler finds its own environment and nothing of the server's", async () => {
  process.env["POOLHOUSE_TEST_SECRET"] = "of the server";
  try {
    const key = { "access-key-id": "AKIAHANDLER", "secret-access-key": "a secret of its own" };
    const functions = await open({
      contract: { ...contract, environment: { LEGACY: "http://cms", COUNT: 3 }, ...key },
    });
    const environment = (await functions.invoke("contract", { do: "environment" })) as Record<string, string>;
    assert.deepEqual(
      Object.keys(environment).filter((name) => /POOLHOUSE|HOME|NODE/.test(name)),
      [],
    );
    const { LEGACY, COUNT, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment;
    assert.deepEqual([LEGACY, COUNT, AWS_REGION], ["http://cms", "3", "eu-central-1"]);
    assert.deepEqual([AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY], ["AKIAHANDLER", "a secret of its own"]);
    for (const name of ["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "AWS_ENDPOINT_URL_KMS"])
      assert.equal(environment[name], "http://localhost:4747");
    assert.equal(environment["_HANDLER"], "contract.handler");
  } finally {
    delete process.env["POOLHOUSE_TEST_SECRET"];
  }
});

test("a thread is kept for the next call of its function, and no other function gets it", async () => {
  const functions = await open({ one: contract, other: contract });
  const calls = async (name: string) => functions.invoke(arnOf(name), { do: "calls" });
  assert.deepEqual([await calls("one"), await calls("one"), await calls("other")], [1, 2, 1]);
});

test("calls beyond the concurrency wait, and beyond the queue they are refused", async () => {
  const functions = await open({ contract: { ...contract, concurrency: 1, queue: 1 } });
  const all = [1, 2, 3].map(() => functions.invoke("contract", { do: "calls" }));
  await fails(all[2]!, "unreachable", /^TooManyRequestsException$/);
  assert.deepEqual(await Promise.all(all.slice(0, 2)), [1, 2]);
  assert.equal(await functions.invoke("contract", { do: "calls" }), 3);
});

test("a function is found by its ARN, with or without a qualifier, and by its name", async () => {
  const whole = "arn:aws:lambda:us-west-2:111122223333:function:same";
  const second = { ...contract, environment: { WHICH: "whole" } };
  const functions = await open({ same: { ...contract, environment: { WHICH: "name" } }, [whole]: second });
  const which = async (arn: string) =>
    ((await functions.invoke(arn, { do: "environment" })) as Record<string, string>)["WHICH"];
  assert.equal(await which("same"), "name");
  assert.equal(await which("same:live"), "name");
  assert.equal(await which(arnOf("same")), "name");
  assert.equal(await which(`${arnOf("same")}:7`), "name");
  assert.equal(await which(whole), "whole");
  assert.equal(await which(`${whole}:live`), "whole");
  for (const unknown of ["sam", arnOf("other"), "arn:aws:lambda", "", "constructor"])
    await fails(functions.invoke(unknown, {}), "unreachable", /^ResourceNotFoundException$/);
});

test("a handler that changed is loaded again, and so is one whose module did", async () => {
  const folder = temporaryFolder();
  const [file, part] = [join(folder, "handler.mjs"), join(folder, "part.mjs")];
  const write = (answer: string, word: string) => {
    writeFileSync(
      file,
      `import { word } from "./part.mjs";\nexport const handler = () => "${answer} " + word;`,
    );
    writeFileSync(part, `export const word = "${word}";`);
  };
  write("first", "word");
  const functions = await open({ changing: { run: "worker", file } }, { reload: true });
  assert.equal(await functions.invoke("changing", {}), "first word");
  write("second time", "word");
  assert.equal(await functions.invoke("changing", {}), "second time word");
  write("second time", "other word");
  assert.equal(await functions.invoke("changing", {}), "second time other word");
});

test("without reload a handler stays as it was loaded", async () => {
  const file = join(temporaryFolder(), "handler.mjs");
  writeFileSync(file, 'export const handler = () => "first";');
  const functions = await open({ fixed: { run: "worker", file } });
  assert.equal(await functions.invoke("fixed", {}), "first");
  writeFileSync(file, 'export const handler = () => "second time";');
  assert.equal(await functions.invoke("fixed", {}), "first");
});

test("a file that does not export the handler refuses to start; one that fails is logged, and fails when called", async () => {
  for (const handler of ["notThere", "notAFunction", "nested"]) {
    const functions = await open({ styles: { run: "worker", file: styles, handler } });
    await assert.rejects(functions.check(), (error) => {
      assert.ok(error instanceof OperatorError);
      assert.match(
        error.message,
        new RegExp(`^The function styles .+ line 2\\).+ exports no function ${handler}`),
      );
      return true;
    });
  }
  const file = join(temporaryFolder(), "broken.mjs");
  writeFileSync(file, 'throw new Error("no table yet");\nexport const handler = () => 1;');
  const functions = await open({ broken: { run: "worker", file } });
  await functions.check();
  assert.ok(functions.log.some((line) => line.message === "the handler cannot be loaded: no table yet"));
  await fails(functions.invoke("broken", {}), "failed", /^no table yet$/);
});

test("closing ends calls that run, and no more are taken", async () => {
  const functions = await open({ contract });
  await functions.check();
  const call = functions.invoke("contract", { do: "hang" });
  const ended = fails(call, "failed", /./);
  await functions.close();
  await ended;
  await fails(functions.invoke("contract", { do: "null" }), "unreachable", /^ServiceException$/);
});
