/** Who gives way when all there is of something is held. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Holding, Shares } from "../../src/lib/shares.ts";

interface Named extends Holding {
  readonly name: string;
}

/** Shares of `limit`, and the names of those who gave way, in their order. */
function shared(limit: number) {
  const gone: string[] = [];
  const shares = new Shares<Named>(limit);
  const make = (address: string, name = address, spare = false): Named => ({
    address,
    name,
    giveWay: () => gone.push(name),
    isSpare: () => spare,
  });
  return { shares, gone, make };
}

test("one address may hold all, and gives way to one that holds less, its least used first", () => {
  const { shares, gone, make } = shared(3);
  const [first, second, third] = ["first", "second", "third"].map((name) => make("a", name));
  for (const one of [first!, second!, third!]) assert.equal(shares.take(one, 1), true);
  assert.equal(shares.take(make("a", "fourth"), 1), false, "nobody else would have to give way");
  shares.touch(first!);
  assert.equal(shares.take(make("b"), 1), true);
  assert.deepEqual(gone, ["second"]);
  assert.equal(shares.take(make("b", "b2"), 1), false, "as many as the other");
  assert.equal(shares.take(make("c"), 1), true);
  assert.deepEqual(gone, ["second", "third"]);
  assert.equal(shares.total, 3);
});

test("what is spare goes first, and of an address that holds no less also where none holds more", () => {
  const { shares, gone, make } = shared(3);
  shares.take(make("a", "busy"), 1);
  shares.take(make("a", "spare", true), 1);
  shares.take(make("b", "b spare", true), 1);
  assert.equal(shares.take(make("a", "next"), 1), true);
  assert.deepEqual(gone, ["spare"], "its own rather than one of who holds less");
  assert.equal(shares.take(make("a", "another"), 1), false);
  assert.equal(shares.take(make("c"), 1), true);
  assert.equal(shares.take(make("d"), 1), true);
  assert.deepEqual(gone, ["spare", "busy", "b spare"]);
});

test("a holding that grows gives up all it held when it is refused", () => {
  const { shares, gone, make } = shared(100);
  const [large, small] = [make("a"), make("b")];
  assert.equal(shares.take(large, 60), true);
  assert.equal(shares.take(small, 40), true);
  assert.equal(shares.isFullFor("b", 10), false, "a holds more");
  assert.equal(shares.isFullFor("a", 1), true);
  assert.equal(shares.take(large, 1), false);
  assert.equal(shares.total, 40);
  assert.deepEqual(gone, [], "who asks is told by the answer");
});

test("whatever comes: never more than there is, and nobody gives way to who holds more", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const totals = new Map<string, number>();
  const held = new Map<Named, number>();
  const shares = new Shares<Named>(50);
  let asking: Named | undefined;
  const account = (one: Named, amount: number) => {
    totals.set(one.address, (totals.get(one.address) ?? 0) + amount);
    held.set(one, (held.get(one) ?? 0) + amount);
  };
  const forget = (one: Named) => {
    account(one, -(held.get(one) ?? 0));
    held.delete(one);
  };
  for (let turn = 0; turn < 20_000; turn++) {
    const known = [...held.keys()];
    const old = random(3) === 0 ? known[random(known.length || 1)] : undefined;
    if (old !== undefined && random(2) === 0) {
      shares.drop(old);
      forget(old);
      continue;
    }
    const address = `address ${random(6)}`;
    const one: Named = old ?? {
      address,
      name: "",
      giveWay: () => {
        const [its, asks] = [totals.get(address) ?? 0, totals.get(asking!.address) ?? 0];
        assert.ok(its > asks, `${its} gave way to ${asks}`);
        assert.equal(its, Math.max(...totals.values()), "it held most");
        forget(one);
      },
    };
    asking = one;
    const amount = 1 + random(9);
    account(one, amount);
    if (!shares.take(one, amount)) forget(one);
    assert.ok(shares.total <= 50);
    assert.equal(
      shares.total,
      [...held.values()].reduce((sum, value) => sum + value, 0),
    );
  }
});
