/** What the first program of each example says if Poolhouse is not running: in a sentence, and nothing is left behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";

const examples = join(import.meta.dirname, "..", "..", "examples");

// Its port stays taken, so that no other server gets it, but it closes every connection.
const closing = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
await once(closing, "listening");
const nobody = `http://127.0.0.1:${(closing.address() as AddressInfo).port}`;
after(() => closing.close());

for (const file of globSync(["*/setup.ts", "walk/walk.ts"], { cwd: examples })) {
  test(`examples/${file} says that no server answers`, async () => {
    const cwd = temporaryFolder();
    const env = {
      ...compileCache,
      PATH: process.env["PATH"],
      ...{ AWS_ENDPOINT_URL: nobody, POOLHOUSE_ENDPOINT: nobody, AWS_REGION: "us-east-1" },
      ...{
        AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY: "none",
        USER_POOL_ID: "us-east-1_NOBODYS01",
      },
    };
    const child = spawn(process.execPath, [join(examples, file)], { cwd, env });
    const [said, exit] = await Promise.all([
      text(child.stderr),
      new Promise((done) => child.once("exit", done)),
    ]);
    assert.match(
      said,
      /^No server answers at http:\/\/127\.0\.0\.1:\d+ \(\w+\): [A-Z_]+\. Is Poolhouse running there\?\n$/,
    );
    assert.equal(exit, 1);
    assert.deepEqual(readdirSync(cwd), []);
  });
}
