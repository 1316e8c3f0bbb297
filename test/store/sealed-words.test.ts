/** Words that are sealed together come back from the same place alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openWords, sealWords } from "../../src/store/keys/sealed-words.ts";
import { openDatabase } from "../../src/store/open.ts";

const log = { info: () => {}, warn: () => {}, error: () => {} };
const place = "sign_ins:test:token";

async function sealers() {
  const opened = await Promise.all([1, 2].map(() => openDatabase({ url: ":memory:", log })));
  const close = () => Promise.all(opened.map((one) => one.close()));
  return { sealer: opened[0]!.db.sealer, other: opened[1]!.db.sealer, close };
}

test("words come back in their order, numbers as text", async () => {
  const { sealer, close } = await sealers();
  const sealed = sealWords(sealer, place, ["us-east-1_AbCdEfGhI", "", 1_900_000_000_000]);
  assert.deepEqual(openWords(sealer, place, sealed), ["us-east-1_AbCdEfGhI", "", "1900000000000"]);
  await close();
});

test("nothing comes back from another place, another installation, or what was altered or made up", async () => {
  const { sealer, other, close } = await sealers();
  const sealed = sealWords(sealer, place, ["a", "b"]);
  const altered = Uint8Array.from(sealed, (byte, at) => (at === sealed.length - 1 ? byte ^ 1 : byte));
  assert.equal(openWords(sealer, "sign_ins:other:token", sealed), undefined);
  assert.equal(openWords(other, place, sealed), undefined);
  for (const bytes of [altered, sealed.subarray(1), new Uint8Array(), new Uint8Array(64), undefined])
    assert.equal(openWords(sealer, place, bytes), undefined);
  await close();
});

test("a word with a slash would come back as two, and is not sealed", async () => {
  const { sealer, close } = await sealers();
  assert.throws(() => sealWords(sealer, place, ["a/b"]), /slash/);
  await close();
});
