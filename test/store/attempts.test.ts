/** Counters of guesses, on both databases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Attempt,
  attemptAt,
  clearKinds,
  countInWindow,
  settleAttempt,
} from "../../src/store/attempts.ts";
import type { Db } from "../../src/store/db.ts";
import { keptSources, readCallerState, rememberSource } from "../../src/store/known-sources.ts";
import { sweep } from "../../src/store/sweep.ts";
import { insertPool } from "../../src/store/user-pools.ts";
import { forEachDatabase, type Open } from "../kit/databases.ts";

const attempt = { poolId: "us-east-1_A", subject: "ann", tag: "", kind: "password" };

/** A database with the pool, which the sweep comes to. */
async function withPool(open: Open): Promise<Db> {
  const { db } = await open();
  const { poolId } = attempt;
  const times = { createdAt: 1, updatedAt: 1 };
  await insertPool(db, {
    poolId,
    version: 1,
    name: "pool",
    document: {},
    fakeSecret: new Uint8Array(32),
    ...times,
  });
  return db;
}

const readLock = async (db: Db, of = attempt) =>
  (await attemptAt(db, of).select("locked_until").executeTakeFirst())?.locked_until;

const readCount = async (db: Db, of: Attempt = attempt) =>
  (await attemptAt(db, of).select("count").executeTakeFirst())?.count;

const rule = { free: 5, maxLockMs: 900_000, quietMs: 900_000 };
const startOfTime = 1_800_000_000_000;

/** Whether a wrong guess, and a right one, at this time is told its result. */
const fail = (db: Db, now: number, of: Attempt = attempt, free = rule.free) =>
  settleAttempt(db, of, { now, ...rule, free }, false);
const succeed = (db: Db, now: number, of: Attempt = attempt) => settleAttempt(db, of, { now, ...rule }, true);

forEachDatabase((_name, open) => {
  test("a lock doubles from one second to a quarter of an hour, and guesses during it are not counted", async () => {
    const db = await withPool(open);
    let now = startOfTime;
    const seconds: number[] = [];
    for (let guess = 1; guess <= 17; guess++) {
      assert.equal(await fail(db, now), true);
      assert.equal(await readCount(db), guess);
      const until = (await readLock(db, attempt))!;
      seconds.push(until === 0 ? 0 : (until - now) / 1000);
      if (until > now) {
        assert.equal(await fail(db, until - 1), false);
        assert.equal(await succeed(db, until - 1), false, "a right one is not told either");
        assert.equal(await readCount(db), guess);
      }
      now = Math.max(until, now);
    }
    assert.deepEqual(seconds, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    now += rule.maxLockMs + rule.quietMs;
    await fail(db, now);
    assert.equal(await readCount(db), 1, "forgotten when it was quiet long enough");
    assert.equal(await succeed(db, now), true);
    assert.equal((await readCount(db)) ?? 0, 0, "forgotten after a success");
    for (let guess = 1; guess <= 5; guess++) assert.equal(await fail(db, now), true);
    assert.equal(await fail(db, now), false, "and counted anew");
  });

  test("of parallel guesses only as many as the rule allows learn their result, the right one among them", async () => {
    const db = await withPool(open);
    for (const last of ["wrong", "right"] as const) {
      const now = startOfTime;
      const of = { ...attempt, kind: `password ${last}` };
      const guesses = Array.from({ length: 40 }, () => fail(db, now, of));
      guesses.push(last === "right" ? succeed(db, now, of) : fail(db, now, of));
      const told = await Promise.all(guesses);
      assert.deepEqual([told.filter(Boolean).length, told.at(-1)], [5, false], last);
    }
  });

  test("a window counts its own and begins anew", async () => {
    const db = await withPool(open);
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

  test("a subject that shares a slot with another starts counting anew, even while the other is locked", async () => {
    const db = await withPool(open);
    const now = startOfTime;
    const [mine, theirs] = ["mine", "theirs"].map((tag) => ({ ...attempt, subject: "name/1a", tag }));
    for (let guess = 1; guess <= 5; guess++) await fail(db, now, mine);
    assert.equal(await fail(db, now, mine), false, "locked");
    assert.equal(await readLock(db, theirs), undefined, "the other's lock is not seen");
    assert.equal(await fail(db, now, theirs), true);
    assert.equal(await readCount(db, theirs), 1);
    assert.equal(await readLock(db, mine), undefined);
    const window = { now, windowMs: 1_000 };
    assert.equal(await countInWindow(db, { ...theirs!, kind: "resend" }, window), 1);
    assert.equal(await countInWindow(db, { ...theirs!, kind: "resend" }, window), 2);
    assert.equal(await countInWindow(db, { ...mine!, kind: "resend" }, window), 1);
    const rows = await db.kysely.selectFrom("attempts").select("tag").execute();
    assert.deepEqual(rows.map((row) => row.tag).toSorted(), ["mine", "theirs"], "one row a slot and kind");
  });

  test("any number of free failures makes one small statement, and each lock its own step", async () => {
    const db = await withPool(open);
    const now = startOfTime;
    for (let guess = 1; guess <= 3; guess++) assert.equal(await fail(db, now, attempt, 999_999_999), true);
    assert.equal(await readLock(db), 0);
    await clearKinds(db, attempt.poolId, attempt.subject, "password");
    assert.equal(await fail(db, now, attempt, 1), true);
    assert.equal(await readLock(db), now + 1_000, "locked by the first");
  });

  test("a reset forgets the failures of strangers and of every source, and nothing else", async () => {
    const db = await withPool(open);
    const now = 1_800_000_000_000;
    for (const kind of ["password", "password@home", "forgot-password"]) {
      await countInWindow(db, { ...attempt, kind }, { now, windowMs: 1_000 });
    }
    await countInWindow(db, { ...attempt, subject: "bob" }, { now, windowMs: 1_000 });
    await clearKinds(db, attempt.poolId, "ann", "password");
    const rows = await db.kysely
      .selectFrom("attempts")
      .select(["subject", "kind"])
      .orderBy("subject")
      .execute();
    assert.deepEqual(rows, [
      { subject: "ann", kind: "forgot-password" },
      { subject: "bob", kind: "password" },
    ]);
  });

  test("a user is known from the latest sources, for a while", async () => {
    const db = await withPool(open);
    const now = 1_800_000_000_000;
    const at = (source: string) => ({ poolId: attempt.poolId, userId: "ann", source });
    const seen = async (source: string, when = now) => {
      const where = { source: at(source), strangers: attempt, own: attempt, address: attempt };
      return (await readCallerState(db, where, when)).seenAt;
    };
    for (let place = 0; place <= keptSources; place++)
      await rememberSource(db, at(`place ${place}`), now + place);
    assert.equal(await seen("place 0"), undefined, "the oldest made room");
    assert.equal(await seen("place 1"), now + 1);
    await rememberSource(db, at("place 1"), now + 100);
    await rememberSource(db, at("place x"), now + 101);
    assert.equal(await seen("place 2"), undefined);
    assert.equal(await seen("place 1"), now + 100, "seen again, kept longer");
    const lapsed = now + 91 * 24 * 60 * 60 * 1000;
    assert.equal(await seen("place x", lapsed), undefined);
    await sweep(db, lapsed);
    assert.deepEqual(await db.kysely.selectFrom("known_sources").selectAll().execute(), []);
  });
});
