/** Sealing, page tokens, the ListUsers filter, the secret hash and the bytes helpers. */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import * as bytes from "../../src/lib/bytes.ts";
import { open, SealError, seal, sealedKeyId, unwrapKey, wrapKey } from "../../src/lib/seal.ts";

const random = (length: number) => randomBytes(length);
const dataKey = randomBytes(32);
const dataKeyId = "k1";
const associated = "user_credentials:srp_verifier:42";

test("sealed values open, name their key and cost 34 bytes and the id", () => {
  for (const text of ["", "x", "a secret €".repeat(100)]) {
    const plaintext = bytes.utf8(text);
    const sealed = seal({ dataKeyId, dataKey, associated, plaintext, random });
    assert.equal(sealed.length, plaintext.length + 34 + 2);
    assert.equal(sealedKeyId(sealed), dataKeyId);
    assert.equal(open({ dataKey, associated, sealed }).toString("utf8"), text);
    assert.notDeepEqual(seal({ dataKeyId, dataKey, associated, plaintext, random }), sealed);
  }
});

test("any altered bit, another place, another key: SealError", () => {
  const sealed = seal({ dataKeyId, dataKey, associated, plaintext: bytes.utf8("secret"), random });
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const altered = Buffer.from(sealed);
    altered[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => open({ dataKey, associated, sealed: altered }), SealError, `bit ${bit}`);
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => open({ dataKey, associated, sealed: sealed.subarray(0, length) }), SealError);
  }
  assert.throws(
    () => open({ dataKey, associated, sealed: Buffer.concat([sealed, Buffer.alloc(1)]) }),
    SealError,
  );
  assert.throws(() => open({ dataKey, associated: `${associated}3`, sealed }), SealError);
  assert.throws(() => open({ dataKey: randomBytes(32), associated, sealed }), SealError);
  assert.throws(() => sealedKeyId(new Uint8Array(0)), SealError);
  assert.throws(
    () => seal({ dataKeyId, dataKey: randomBytes(16), associated, plaintext: sealed, random }),
    /32 bytes/,
  );
  assert.throws(() => seal({ dataKeyId: "", dataKey, associated, plaintext: sealed, random }), /1 to 255/);
});

test("data keys are wrapped under the master key for their own id and nothing else", () => {
  const masterKey = randomBytes(32);
  const wrapped = wrapKey({ masterKey, dataKeyId, dataKey, random });
  assert.deepEqual(unwrapKey({ masterKey, dataKeyId, wrapped }), dataKey);
  assert.throws(() => unwrapKey({ masterKey: randomBytes(32), dataKeyId, wrapped }), SealError);
  assert.throws(() => unwrapKey({ masterKey, dataKeyId: "k2", wrapped }), SealError);
  assert.throws(() => open({ dataKey: masterKey, associated: "data key", sealed: wrapped }), SealError);
  const value = seal({ dataKeyId, dataKey: masterKey, associated: "data key", plaintext: dataKey, random });
  assert.throws(() => unwrapKey({ masterKey, dataKeyId, wrapped: value }), SealError);
});

test("spellings of bytes are strict", () => {
  assert.deepEqual(bytes.fromHex("00fF"), Buffer.from([0, 255]));
  for (const bad of ["0", "0g", " 00", "00\n"]) assert.equal(bytes.fromHex(bad), undefined);
  assert.deepEqual(bytes.fromBase64("+/8="), Buffer.from([0xfb, 0xff]));
  for (const bad of ["+/8", "-_8=", "+/9=", "+/8= "]) assert.equal(bytes.fromBase64(bad), undefined);
  assert.deepEqual(bytes.fromBase64url("-_8"), Buffer.from([0xfb, 0xff]));
  for (const bad of ["-_8=", "+/8", "-_9", "-_8\n"]) assert.equal(bytes.fromBase64url(bad), undefined);
  const part = Buffer.from("xhix").subarray(1, 3);
  assert.equal(bytes.toBase64url(new Uint8Array(part)), bytes.toBase64url(part));
  assert.equal(bytes.toHex(part), "6869");
});

test("comparisons and HMAC", () => {
  assert.equal(bytes.equalText("abc", "abc"), true);
  assert.equal(bytes.equalText("abc", "abcd"), false);
  assert.equal(bytes.equalText("é", "e"), false);
  assert.equal(bytes.equalBytes(bytes.utf8("a"), bytes.utf8("ab")), false);
  assert.equal(bytes.equalBytes(bytes.utf8("ab"), bytes.utf8("ab")), true);
  assert.deepEqual(bytes.hmacSha256("k", "a", "b"), createHmac("sha256", "k").update("ab").digest());
});
