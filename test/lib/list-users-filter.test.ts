/** The ListUsers filter and the secret hash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListUsersFilter } from "../../src/lib/list-users-filter.ts";
import { secretHash, secretHashFits } from "../../src/lib/secret-hash.ts";

test("ListUsers filters", () => {
  const cases: [string, string, string, string][] = [
    ['name = "Reddy"', "name", "=", "Reddy"],
    ['email^="a"', "email", "^=", "a"],
    ['"email" ^= "x"', "email", "^=", "x"],
    ['  "cognito:user_status"="CONFIRMED"', "cognito:user_status", "=", "CONFIRMED"],
    ['"given name" = "x"', "given name", "=", "x"],
    ['  cognito:user_status="CONFIRMED"  ', "cognito:user_status", "=", "CONFIRMED"],
    ['family_name = ""', "family_name", "=", ""],
    [String.raw`given_name = "Jo \"x\" \\ y\z"`, "given_name", "=", String.raw`Jo "x" \ y\z`],
    ['name ^= "a = \\"b\\""', "name", "^=", 'a = "b"'],
    ['custom:x = "é\n"', "custom:x", "=", "é\n"],
  ];
  for (const [text, attribute, operator, value] of cases) {
    assert.deepEqual(parseListUsersFilter(text), { attribute, operator, value }, text);
  }
  for (const empty of [undefined, "", "  "]) assert.equal(parseListUsersFilter(empty), undefined);
  for (const bad of [
    "name",
    "name = Reddy",
    'name == "a"',
    'name != "a"',
    'name = "a" and sub = "b"',
    'name = "a',
    String.raw`name = "a\"`,
    '= "a"',
    'name = "a"b"',
    "name = 'a'",
    '"" = "a"',
    '"name = "a"',
    'name" = "a"',
    "'name' = \"a\"",
    String.raw`"na\"me" = "a"`,
    '"name" "a"',
    'name ^ = "a"',
    'name =^ "a"',
    'name = "a" "b"',
    'given name = "a"',
    '"name" = "a" OR "name" = "b"',
    `"${"n".repeat(50_000)}`,
    `name = "${'\\"'.repeat(50_000)}`,
  ]) {
    assert.throws(
      () => parseListUsersFilter(bad),
      { message: "Error while parsing filter." },
      bad.slice(0, 40),
    );
  }
});

test("the secret hash", () => {
  // printf 'alice1example23456789' | openssl dgst -sha256 -hmac 'a-client-secret' -binary | base64
  const expected = "D72hDXeBmJs3P9fuOPgcU+GagKexq7gRdjPKYztCk8w=";
  assert.equal(secretHash("a-client-secret", "alice", "1example23456789"), expected);
  assert.ok(secretHashFits(expected, ["old", "a-client-secret"], "alice", "1example23456789"));
  assert.ok(!secretHashFits(expected, ["old"], "alice", "1example23456789"));
  assert.ok(!secretHashFits(expected, [], "alice", "1example23456789"));
  assert.ok(!secretHashFits("", ["a-client-secret"], "alice", "1example23456789"));
});
