/** UUIDs: their forms, versions and order. */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import { isUuid, uuid4, uuid4Of, uuid7, uuid7Floor } from "../../src/lib/uuid.ts";

test("a UUID is told by its form, in either case and of any version", () => {
  for (const text of [randomUUID(), randomUUID().toUpperCase(), uuid7(0, randomBytes), uuid7Floor(0)])
    assert.ok(isUuid(text), text);
  const one = randomUUID();
  for (const text of [
    "",
    `${one} `,
    `${one}\n`,
    one.slice(1),
    one.replaceAll("-", ""),
    one.replace(/./, "g"),
  ])
    assert.ok(!isUuid(text), JSON.stringify(text));
});

test("version and variant stand in the bits of RFC 9562, all else is what the bytes say", () => {
  assert.equal(uuid4Of(new Uint8Array(16)), "00000000-0000-4000-8000-000000000000");
  assert.equal(uuid4Of(new Uint8Array(16).fill(0xff)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  const bytes = Uint8Array.from({ length: 32 }, (_, at) => at);
  assert.equal(uuid4Of(bytes), "00010203-0405-4607-8809-0a0b0c0d0e0f");
  assert.equal(bytes[6], 6, "the bytes themselves stay as they are");
  assert.equal(
    uuid4((length) => bytes.subarray(0, length)),
    uuid4Of(bytes),
  );
  assert.match(uuid7(1, randomBytes), /^00000000-0001-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("as text, UUIDs of version 7 are in order of time", () => {
  const at = Date.UTC(2030, 0, 1);
  const ids = [at, at + 1, at + 1_000].map((time) => uuid7(time, randomBytes));
  assert.deepEqual(ids.toSorted(), ids);
  assert.ok(uuid7Floor(at) <= ids[0]! && ids[0]! < uuid7Floor(at + 1));
});
