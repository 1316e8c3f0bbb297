/**
 * `npm run test:offline`: examples/api-authorizer on the Serverless Framework and serverless-offline, as its README has it. Not in
 * `npm test`: npm installs the 600 packages of both, from its cache or the registry.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { forOneServer } from "../kit/server.ts";
import { checkOrders, example, setUpOrders } from "./api-authorizer.ts";

const root = join(import.meta.dirname, "..", "..");

forOneServer("sqlite", "examples/api-authorizer by serverless-offline", (open) => {
  test("groups and scopes decide", async () => {
    const orders = await setUpOrders(await open());
    const folder = temporaryFolder();
    const isLeftOut = /[/\\](?:node_modules|build|\.env|\.serverless)$/;
    cpSync(example, folder, { recursive: true, filter: (path) => !isLeftOut.test(path) });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const lines = Object.entries(orders.settings).map(([name, value]) => `${name}='${value}'\n`);
    writeFileSync(join(folder, ".env"), lines.join(""));
    const ports = ["--httpPort", String(await freePort()), "--lambdaPort", String(await freePort())];
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = process.env;
    const child = spawn("npm", ["run", "offline", "--", ...ports], {
      cwd: folder,
      env: { ...env, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}` },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const ended = once(child, "exit");
    after(async () => {
      process.kill(-child.pid!, "SIGTERM");
      await ended;
    });
    child.stdout.resume();
    for await (const line of createInterface({ input: child.stderr })) {
      const [, origin] = /Server ready: (\S+)/.exec(line) ?? [];
      if (origin !== undefined) return checkOrders(origin, orders);
    }
    assert.fail("it has ended");
  });
});
