/** Counters of guesses, on both databases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clearAttempts, countFailure, countInWindow, readLock } from "../../src/store/attempts.ts";
import { sweep } from "../../src/store/sweep.ts";
import { forEachDatabase } from "./databases.ts";

const attempt = { poolId: "us-east-1_A", subject: "ann", kind: "password" };
const rule = { free: 5, maxLockMs: 900_000, quietMs: 900_000 };

forEachDatabase((_name, open) => {
  test("a lock doubles from one second to a quarter of an hour, and guesses during it are not counted", async () => {
    const { db } = await open();
    let now = 1_800_000_000_000;
    const seconds: number[] = [];
    for (let guess = 1; guess <= 17; guess++) {
      assert.equal(await countFailure(db, attempt, { now, ...rule }), guess);
      const until = (await readLock(db, attempt))!;
      seconds.push(until === 0 ? 0 : (until - now) / 1000);
      if (until > now) assert.equal(await countFailure(db, attempt, { now: until - 1, ...rule }), undefined);
      now = Math.max(until, now);
    }
    assert.deepEqual(seconds, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    now += rule.maxLockMs + rule.quietMs;
    assert.equal(
      await countFailure(db, attempt, { now, ...rule }),
      1,
      "forgotten when it was quiet long enough",
    );
    await clearAttempts(db, attempt);
    assert.equal(await readLock(db, attempt), undefined);
  });

  test("of parallel failures each is counted, and only as many as the rule allows learn their result", async () => {
    const { db } = await open();
    const now = 1_800_000_000_000;
    const counts = await Promise.all(
      Array.from({ length: 40 }, () => countFailure(db, attempt, { now, ...rule })),
    );
    assert.deepEqual(counts.filter((count) => count !== undefined).sort(), [1, 2, 3, 4, 5]);
  });

  test("a window counts its own and begins anew", async () => {
    const { db } = await open();
    const window = { now: 1_800_000_000_000, windowMs: 3_600_000 };
    const counts = await Promise.all(Array.from({ length: 10 }, () => countInWindow(db, attempt, window)));
    assert.deepEqual(
      counts.toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    const later = { ...window, now: window.now + window.windowMs };
    assert.equal(await countInWindow(db, attempt, { ...window, now: later.now - 1 }), 11);
    assert.equal(await countInWindow(db, attempt, later), 1);
    await sweep(db, later.now + window.windowMs + 1);
    assert.equal(await readLock(db, attempt), undefined, "swept");
  });
});
