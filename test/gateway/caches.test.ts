/** What caches may keep of an application's answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../kit/ask.ts";
import { startFront } from "./front.ts";

test("what is meant for one user is asked for anew, unless the application says how long it keeps", async () => {
  for (const said of [undefined, "public, max-age=60"]) {
    const { origin, cookie } = await startFront((_incoming, outgoing) => {
      if (said !== undefined) outgoing.setHeader("cache-control", said);
      outgoing.end("fine");
    });
    const kept = async (path: string, headers = {}) =>
      (await ask(`${origin}${path}`, { headers })).headers.get("cache-control");
    assert.equal(await kept("/x", { cookie }), said ?? "private, no-cache");
    assert.equal(await kept("/public/x"), said ?? null);
  }
});
