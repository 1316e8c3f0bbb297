/** Pagination tokens. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { makePageToken, readPageToken } from "../../src/lib/page-token.ts";

const random = (length: number) => randomBytes(length);
const key = randomBytes(32);
const now = Date.UTC(2026, 10, 2);
const binding = "ListUsers:us-east-1_AbCdEfGhI:filter";

test("a page token gives its position back, for an hour, to the same request", () => {
  const token = makePageToken({ key, position: "zoë@example.com", binding, now, random });
  assert.match(token, /^[\w-]+$/);
  assert.ok(!Buffer.from(token, "base64url").includes("example"));
  assert.equal(readPageToken({ key, token, binding, now }), "zoë@example.com");
  assert.equal(readPageToken({ key, token, binding, now: now + 3_599_999 }), "zoë@example.com");
  assert.equal(readPageToken({ key, token, binding, now: now + 3_600_000 }), undefined);
  assert.equal(readPageToken({ key, token, binding: `${binding}2`, now }), undefined);
  assert.equal(readPageToken({ key: randomBytes(32), token, binding, now }), undefined);
  const short = makePageToken({ key, position: "", binding, now, random, lifetimeSeconds: 1 });
  assert.equal(readPageToken({ key, token: short, binding, now: now + 999 }), "");
  assert.equal(readPageToken({ key, token: short, binding, now: now + 1000 }), undefined);
});

test("altered and foreign page tokens are no tokens", () => {
  const token = makePageToken({ key, position: "p", binding, now, random });
  for (let i = 0; i < token.length; i++) {
    const other = token[i] === "A" ? "B" : "A";
    const altered = token.slice(0, i) + other + token.slice(i + 1);
    assert.equal(readPageToken({ key, token: altered, binding, now }), undefined, `character ${i}`);
  }
  for (const foreign of ["", "x", "=", `${token} `, `${token}=`, token.slice(1), "é"]) {
    assert.equal(readPageToken({ key, token: foreign, binding, now }), undefined, foreign);
  }
});
