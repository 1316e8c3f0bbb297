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
import { temporaryFolder } from "../kit/databases.ts";
import { hangingMs } from "../kit/waiting.ts";
import { arnOf, fails, open } from "./kit.ts";

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
    return `it cannot be installed: ${(error as Error).message.trim().split("\n").slice(0, 5).join(" ")}`;
  }
}

const why = await install();

/** What a handler in Lambda may do. */
const handler = `export const handler = async (event, context) => {
  console.log("about", event.do);
  if (event.do === "throw") throw new Error("Not you");
  if (event.do === "wait") return new Promise(() => setInterval(() => {}, 1000));
  if (event.do === "spin") for (;;);
  return { ...event, response: { id: context.awsRequestId, arn: context.invokedFunctionArn } };
};
`;

/** A time limit, in seconds, that a handler reaches which never ends. */
const tooShort = 5;

test("AWS's own runtime runs handlers that answer, throw and never end", {
  skip: why ?? false,
}, async () => {
  const folder = temporaryFolder();
  const file = join(folder, "index.mjs");
  writeFileSync(file, handler);
  const ric = { run: "child", file, command: [process.execPath, runtime, "index.handler"], attempts: 1 };
  const functions = await open({
    ample: { ...ric, timeout: hangingMs / 1000 },
    short: { ...ric, timeout: tooShort },
  });
  await functions.check();
  const answer = async () => {
    const { response, ...event } = (await functions.invoke(arnOf("ample"), { do: "answer" })) as {
      readonly do: string;
      readonly response: { readonly id: string; readonly arn: string };
    };
    assert.deepEqual(event, { do: "answer" });
    assert.equal(response.arn, arnOf("ample"));
    return response.id;
  };
  assert.notEqual(await answer(), await answer());
  assert.ok(functions.log.some(({ message }) => /about answer/.test(message)));
  await fails(functions.invoke(arnOf("ample"), { do: "throw" }), "failed", /^Not you$/);
  await answer();
  for (const what of ["wait", "spin"])
    await fails(functions.invoke(arnOf("short"), { do: what }), "late", /timed out after 5\.00 seconds/);
});
