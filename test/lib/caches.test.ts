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
