import assert from "node:assert/strict";
import { test } from "node:test";
import { CacheKind, Caches } from "../../src/lib/caches.ts";

test("each server has a map of its own for each kind of cache", () => {
  const [sizes, names] = [new CacheKind<number>(10), new CacheKind<string>(10)];
  const [one, other] = [new Caches(), new Caches()];
  one.of(sizes).set("a", 1);
  one.of(names).set("a", "A");
  assert.equal(one.of(sizes).get("a"), 1);
  assert.equal(one.of(names).get("a"), "A");
  assert.equal(other.of(sizes).get("a"), undefined);
});

test("beyond its capacity a cache forgets what was set first", () => {
  const kind = new CacheKind<number>(2);
  const cache = new Caches().of(kind);
  for (const [at, key] of ["a", "b", "a", "c"].entries()) cache.set(key, at);
  assert.deepEqual(
    [...cache],
    [
      ["a", 2],
      ["c", 3],
    ],
  );
});

test("a cache goes on forgetting in that order, whatever is removed or set anew meanwhile", () => {
  const capacity = 50;
  const cache = new Caches().of(new CacheKind<number>(capacity));
  const expected: [string, number][] = [];
  const remove = (key: string) => {
    const at = expected.findIndex(([known]) => known === key);
    if (at >= 0) expected.splice(at, 1);
  };
  for (let turn = 0; turn < 5_000; turn++) {
    // All keys in another order each time, for 7919 is a prime.
    const key = `${(turn * 7919 + Math.floor(turn / 120)) % 120}`;
    remove(key);
    if (turn % 1_500 === 1_499) {
      cache.clear();
      expected.length = 0;
    } else if (turn % 5 === 0) cache.delete(key);
    else {
      cache.set(key, turn);
      expected.push([key, turn]);
      if (expected.length > capacity) expected.shift();
    }
    assert.deepEqual([...cache], expected);
  }
});
