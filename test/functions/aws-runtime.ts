/**
 * `npm run test:ric`: AWS's own runtime for Node.js (aws-lambda-ric) as the program of a child. npm compiles it, once, into
 * node_modules/.cache; without cmake, the autotools and a C++ compiler the tests are skipped.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { hangingMs } from "../kit/waiting.ts";
import { arnOf, fails, handlers, open } from "./kit.ts";

const version = "4.0.2";
const root = join(import.meta.dirname, "..", "..");
const place = join(root, "node_modules", ".cache", `aws-lambda-ric-${version}`);
const runtime = join(place, "node_modules", "aws-lambda-ric", "index.mjs");

/** Installs the runtime. Returns why it cannot be; undefined once it is there. */
async function install(): Promise<string | undefined> {
  const addon = join(runtime, "..", "rapid-client.node");
  if (existsSync(addon)) return undefined;
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), '{ "private": true }\n');
  // The headers of any Node.js do, since the addon uses Node-API; without any, node-gyp fetches them from nodejs.org.
  const headers = existsSync("/usr/include/node/node_api.h") ? { npm_config_nodedir: "/usr" } : {};
  const argv = ["install", "--no-audit", "--no-fund", "--prefer-offline", `aws-lambda-ric@${version}`];
  try {
    await promisify(execFile)("npm", argv, { cwd: place, env: { ...process.env, ...headers } });
    return existsSync(addon) ? undefined : "npm did not run the scripts that compile it";
  } catch (error) {
    return `it cannot be installed: ${(error as Error).message.trim().split("\n").slice(0, 12).join(" ")}`;
  }
}

const why = await install();

/** A time limit, in seconds, that a handler reaches which never ends. */
const tooShort = 5;

test("AWS's own runtime runs handlers that answer, fail and never end", { skip: why ?? false }, async () => {
  const ric = {
    run: "child",
    file: join(handlers, "contract.mjs"),
    command: [process.execPath, runtime, "contract.handler"],
    attempts: 1,
  };
  const functions = await open({
    ample: { ...ric, timeout: hangingMs / 1000 },
    short: { ...ric, timeout: tooShort },
  });
  await functions.check();
  const act = (what: string) => functions.invoke(arnOf("ample"), { do: what });
  const answers = async () =>
    assert.deepEqual(await act("answer"), {
      do: "answer",
      response: { text: "ü 𝄞 \u2028", nested: [1, { two: true }] },
    });
  await answers();
  assert.equal(await act("number"), 7);
  assert.equal(await act("calls"), 3, "one process answers them all");
  const { awsRequestId, invokedFunctionArn } = (await act("context")) as Readonly<Record<string, string>>;
  assert.match(awsRequestId!, /^[\da-f-]{36}$/);
  assert.equal(invokedFunctionArn, arnOf("ample"));
  await act("say");
  assert.ok(functions.log.some(({ message }) => /said on stdout/.test(message)));
  await fails(act("throw"), "failed", /^no such domain$/);
  await fails(act("reject"), "failed", /^rejected later$/);
  await answers();
  await fails(act("exit"), "failed", /Runtime exited with error: exit status 129$/);
  await answers();
  for (const what of ["say and wait", "hang"])
    await fails(functions.invoke(arnOf("short"), { do: what }), "late", /timed out after 5\.00 seconds/);
});
