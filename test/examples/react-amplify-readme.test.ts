/** The README of examples/react-amplify, by paste, to a browser that trusts the authority as that says. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { freePort } from "../kit/ports.ts";
import { enter, enterThere, press, seen } from "./react-amplify.ts";

const root = join(import.meta.dirname, "..", "..");
const example = join("examples", "react-amplify");
const readme = readFileSync(join(root, example, "README.md"), "utf8");
const [startServer, trust, startPage, ...others] = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
  ([, code = ""]) => code,
);

const running: ChildProcess[] = [];
after(() => {
  // To the whole group, since npm and the shell pass no signal on.
  for (const { pid, exitCode } of running.toReversed()) if (exitCode === null) process.kill(-pid!, "SIGTERM");
});

/** Runs a snippet that does not end, until it has said this. */
async function until(said: RegExp, code: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn("/bin/bash", ["-e", "-c", code], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.push(child);
  let output = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.stdout.on("data", (chunk) => {
    output += chunk;
    const [, found] = said.exec(output) ?? [];
    if (found !== undefined) resolve(found);
  });
  child.once("exit", () => reject(new Error(`the snippet ended: ${output}`)));
  return promise;
}

const { skip } = needs("chromium");

test("the README of examples/react-amplify works by paste", skip ? { skip } : needs("certutil"), async () => {
  assert.deepEqual(others, []);
  // A clone of its own, whose data and configuration are in nobody's way.
  const clone = temporaryFolder();
  for (const name of ["node_modules", "src", "bin"]) symlinkSync(join(root, name), join(clone, name));
  cpSync(join(root, example), join(clone, example), { recursive: true });
  const home = temporaryFolder();
  const env = {
    ...process.env,
    HOME: home,
    POOLHOUSE_LOG_LEVEL: "warn",
    PATH: `${join(root, "node_modules", ".bin")}:/usr/bin:${process.env["PATH"]}`,
  };
  assert.equal(startServer, "npm run example react-amplify\n");
  assert.match(readme, /that `npm start -- --tls dev` has started/);
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const command = `${scripts.start} --tls dev --port 0 --https-port 0`;
  const endpoint = await until(/^Poolhouse ready at (https:\S+) /m, command, clone, env);
  const trusting = trust!.replace("<the printed path>", "poolhouse-data/secrets/tls/ca.pem");
  await promisify(execFile)("/bin/bash", ["-e", "-c", trusting], { cwd: clone, env });
  const port = await freePort();
  const places = { POOLHOUSE_ENDPOINT: endpoint, PORT: String(port) };
  const url = await until(/^The page is at (\S+)$/m, startPage!, clone, { ...env, ...places });
  const context = await browse({}, [], env);
  try {
    const page = await context.newPage();
    await page.goto(url);
    const [, name, secret] =
      /sign in as `(.+?)` with the password `(.+?)`/.exec(readme) ??
      assert.fail("it says whom to sign in as");
    await enter(page, name!, secret!);
    await seen(page, "Welcome");
    await press(page, "Sign out");
    await seen(page, "Sign in");
    await press(page, "Go to the sign-in page");
    await page.waitForURL(`${endpoint}/*/login?*`);
    await enterThere(page);
    await seen(page, "Welcome");
  } finally {
    await context.close();
  }
});
