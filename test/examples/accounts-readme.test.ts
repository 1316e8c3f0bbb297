/** The command of the README of examples/accounts: it starts, is kept, and goes on with what it has kept. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseEnv } from "node:util";
import { temporaryFolder } from "../kit/databases.ts";
import { newAddress, password } from "../kit/people.ts";

const root = join(import.meta.dirname, "..", "..");

const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill("SIGTERM");
});

async function start(folder: string): Promise<{ child: ChildProcess; url: string; poolhouse: string }> {
  const argv = [join(root, "tools", "example", "run.ts"), "accounts", "--keep", folder, "--port", "21000"];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  running.push(child);
  let output = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (!/^Ctrl-C ends it.*\n/m.test(output)) continue;
    const said =
      /^Open (\S+) {3}\(Poolhouse: (\S+)\)\nMessages .* are at \2\/inbox\nCtrl-C .*its data is in /m;
    const [, url, poolhouse] = said.exec(output) ?? assert.fail(output);
    return { child, url: url!, poolhouse: poolhouse! };
  }
  throw new Error(`it ended: ${output}`);
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
}

test("npm run example accounts, with a key of its own, and again with what it kept", async () => {
  assert.match(
    readFileSync(join(root, "examples", "accounts", "README.md"), "utf8"),
    /^npm run example accounts$/m,
  );
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  assert.equal(scripts["example"], "node tools/example/run.ts");

  const folder = temporaryFolder();
  const wanted = { name: "Ann", email: newAddress(), password };
  const create = async (url: string) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(new URL("/accounts", url), {
      method: "POST",
      headers,
      body: JSON.stringify(wanted),
    });
    assert.equal(answer.status, 201);
    return (await answer.json()) as { id: string };
  };
  const key = () => parseEnv(readFileSync(join(folder, "access-key.env"), "utf8"))["AWS_ACCESS_KEY_ID"];

  const first = await start(folder);
  const account = await create(first.url);
  const own = key();
  const secrets = readFileSync(join(folder, "poolhouse", "secrets", "root-access-key.json"), "utf8");
  assert.ok(own?.startsWith("AKIA") && !secrets.includes(own), "it is not the root key");
  await end(first.child);

  const second = await start(folder);
  assert.deepEqual([second.url, second.poolhouse, key()], [first.url, first.poolhouse, own]);
  assert.deepEqual(await create(second.url), account);
  await end(second.child);
});
