import assert from "node:assert/strict";
import { test } from "node:test";
import { foldHostName, hostKey, isHostName } from "../../src/lib/host-name.ts";

test("host names are folded to lower case and ASCII", () => {
  const rows: [string, string | undefined][] = [
    ["Login.Example.COM", "login.example.com"],
    ["login.example.com.", "login.example.com"],
    ["intranet", "intranet"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example", "xn--bcher-kva.example"],
    ["a-1.example", "a-1.example"],
    ["", undefined],
    [".", undefined],
    ["a..b", undefined],
    ["a.b..", undefined],
    ["-a.example", undefined],
    ["a_b.example", undefined],
    ["a b.example", undefined],
    ["a.example:80", undefined],
    ["a/b", undefined],
    ["127.0.0.1", undefined],
    ["127.1", undefined],
    ["a.1", undefined],
    ["a.0x1", undefined],
    ["[::1]", undefined],
    ["::1", undefined],
    ["a\0.example", undefined],
    [`${"a".repeat(63)}.example`, `${"a".repeat(63)}.example`],
    [`${"a".repeat(64)}.example`, undefined],
    [`${"a.".repeat(126)}b`, `${"a.".repeat(126)}b`],
    [`${"a.".repeat(127)}b`, undefined],
  ];
  for (const [given, expected] of rows) assert.equal(foldHostName(given), expected, given.slice(0, 40));
});

test("a folded name folds to itself", () => {
  for (const name of ["login.example.com", "xn--bcher-kva.example", "intranet"]) {
    assert.equal(isHostName(name), true);
    assert.equal(foldHostName(name), name);
    assert.equal(hostKey(`${name.toUpperCase()}.`), name);
  }
});
