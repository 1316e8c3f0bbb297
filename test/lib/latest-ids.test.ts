/** Ids under keys, of which each has so many at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LatestIds } from "../../src/lib/latest-ids.ts";

const time = { now: 0, until: 10 };

test("beyond the share of a key the oldest is one too many", () => {
  const ids = new LatestIds(100);
  const add = (id: string, own: string) => ids.add(id, [[own, 2] as const, ["all", 3] as const], time);
  assert.deepEqual([add("a1", "a"), add("a2", "a"), add("a3", "a")], [undefined, undefined, "a1"]);
  assert.deepEqual([add("b1", "b"), add("c1", "c"), add("a4", "a")], [undefined, "a2", "a3"]);
  assert.equal(ids.size, 3);
});

test("what is forgotten, or is past its time, takes no place", () => {
  const ids = new LatestIds(100);
  const share = [["k", 1]] as const;
  assert.equal(ids.add("a", share, time), undefined);
  ids.forget("a");
  assert.equal(ids.add("b", share, time), undefined);
  assert.equal(ids.add("c", share, { now: 10, until: 20 }), undefined);
  ids.forget("unknown");
  assert.equal(ids.size, 1);
});

test("an id that is added again is not counted twice", () => {
  const ids = new LatestIds(100);
  const share = [["k", 1]] as const;
  assert.equal(ids.add("a", share, time), undefined);
  assert.equal(ids.add("a", share, time), undefined);
  assert.equal(ids.size, 1);
});

test("it never holds more than it may", () => {
  const ids = new LatestIds(5);
  for (let one = 0; one < 50; one++) {
    ids.add(String(one), [[`key ${one}`, 10]], time);
    assert.ok(ids.size <= 5);
  }
});
