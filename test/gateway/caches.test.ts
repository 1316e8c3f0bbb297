/** What caches between the gateway and a browser may keep of an application's answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../kit/ask.ts";
import { startFront } from "./front.ts";

/** What an application says, and what the client of a route gets that asks for somebody known. */
const cases: readonly (readonly [said: readonly string[], kept: string])[] = [
  [[], "private, no-cache"],
  [["no-store"], "private, no-store"],
  [["private, max-age=60"], "private, max-age=60"],
  [["public, max-age=60, S-MaxAge=600, immutable"], "private, max-age=60, immutable"],
  [["max-age=60", "PUBLIC"], "private, max-age=60"],
  [['private="x-mine, x-yours", no-cache="set-cookie, x-mine"'], 'private, no-cache="set-cookie, x-mine"'],
  [['max-age=60, "public'], "private, no-cache"],
  [["max-age = 60"], "private, no-cache"],
  [[" , "], "private, no-cache"],
];

test("what only somebody known may see is kept by no cache of several users; what is public as the application says", async () => {
  let said: readonly string[] = [];
  const front = await startFront((_incoming, outgoing) => {
    outgoing.setHeader("surrogate-control", "max-age=60");
    outgoing.setHeader("x-accel-expires", "60");
    outgoing.setHeader("cdn-cache-control", "max-age=60");
    outgoing.setHeader("my-cdn-cache-control", "max-age=60");
    if (said.length > 0) outgoing.setHeader("cache-control", said);
    outgoing.end("x");
  });
  const asked = async (path: string, headers: Record<string, string> = {}) =>
    (await ask(`${front.origin}${path}`, { headers })).headers;
  const { cookie } = front;
  const ofOthers = ["surrogate-control", "x-accel-expires", "cdn-cache-control", "my-cdn-cache-control"];
  for (const [says, kept] of cases) {
    said = says;
    const protectedOne = await asked("/x", { cookie });
    assert.equal(protectedOne.get("cache-control"), kept, says.join());
    assert.deepEqual(
      ofOthers.filter((name) => protectedOne.has(name)),
      [],
    );
    const open = await asked("/public/x");
    assert.equal(open.get("cache-control"), says.length === 0 ? null : says.join(", ").trim());
    assert.equal(open.get("surrogate-control"), "max-age=60");
  }
  // A public page may greet somebody: where it does not say for whom it is, it is theirs.
  said = [];
  assert.equal((await asked("/public/x", { cookie })).get("cache-control"), "private, no-cache");
  said = ["public, max-age=60"];
  assert.equal((await asked("/public/x", { cookie })).get("cache-control"), "public, max-age=60");
});
