/** When a server gives memory back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdleLook } from "../../src/cli/idle-memory.ts";

const mebibyte = 2 ** 20;

/** A process whose CPU time and memory the test sets, and the look at it. */
function watched(resident: number, afterCollection: number) {
  const process = { cpuMs: 0, resident: resident * mebibyte, collections: 0 };
  const look = createIdleLook({
    cpuMs: () => process.cpuMs,
    resident: () => process.resident,
    collect: () => {
      process.collections += 1;
      process.cpuMs += 500;
      process.resident = afterCollection * mebibyte;
    },
  });
  return { process, look };
}

test("garbage is collected once a process has nothing to do, and again when there is more of it", () => {
  const { process, look } = watched(100, 80);
  process.cpuMs += 5_000;
  look();
  assert.equal(process.collections, 0, "it was busy");
  process.cpuMs += 100;
  look();
  assert.equal(process.collections, 1);
  look();
  process.cpuMs += 100;
  process.resident = 87 * mebibyte;
  look();
  assert.equal(process.collections, 1, "there is little to gain, and the collection itself is no work");
  process.cpuMs += 9_000;
  process.resident = 250 * mebibyte;
  look();
  assert.equal(process.collections, 1, "it was busy");
  look();
  assert.equal(process.collections, 2);
});

test("what was in use while garbage was collected is collected later, if the process has worked since", () => {
  const { process, look } = watched(100, 100);
  look();
  assert.equal(process.collections, 1);
  for (let turn = 0; turn < 25; turn += 1) {
    process.cpuMs += 100;
    look();
  }
  assert.equal(process.collections, 2);
});

test("memory that a collection does not give back is not asked for again", () => {
  const { process, look } = watched(300, 300);
  for (let turn = 0; turn < 5; turn += 1) look();
  assert.equal(process.collections, 1);
});
