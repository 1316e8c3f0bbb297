import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { checkPassword } from "../../src/domain/credentials/password.ts";
import { newCode, refuseCode } from "../../src/domain/users/codes.ts";
import { newSub } from "../../src/domain/users/new-user.ts";
import { temporaryPassword } from "../../src/domain/users/temporary-password.ts";
import { countWrongCode, judgeCode, replaceCode, takeCode } from "../../src/store/codes.ts";
import { forEachDatabase } from "../kit/databases.ts";

const random = (bytes: number) => randomBytes(bytes);

test("codes have six digits, leading zeros included", () => {
  assert.equal(
    newCode(() => Buffer.from([0, 0, 0, 7])),
    "000007",
  );
  for (let turn = 0; turn < 1_000; turn++) assert.match(newCode(random), /^\d{6}$/);
});

test("draws that would favour small codes are thrown away", () => {
  const draws = [Buffer.from("ffffffff", "hex"), Buffer.from("fffbf3c0", "hex"), Buffer.from([0, 0, 0, 1])];
  // 4294000000 is the last multiple of a million below 2^32: 0xfff13d80 and above are unfair.
  assert.equal(
    newCode(() => draws.shift() ?? Buffer.alloc(4)),
    "000001",
  );
});

test("a sub is a UUID of version 4", () => {
  for (let turn = 0; turn < 100; turn++) {
    assert.match(newSub(random), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test("temporary passwords fit the policy", () => {
  for (const MinimumLength of [6, 8, 40, 99]) {
    const PasswordPolicy = {
      MinimumLength,
      RequireUppercase: true,
      RequireLowercase: true,
      RequireNumbers: true,
      RequireSymbols: true,
    };
    const pool = { document: { Policies: { PasswordPolicy } } };
    for (let turn = 0; turn < 50; turn++) checkPassword(pool, temporaryPassword(random, pool), "admin");
  }
});

test("a client that hides users tells a wrong code from none to nobody", () => {
  assert.throws(() => refuseCode("wrong", true), { code: "CodeMismatchException" });
  assert.throws(() => refuseCode("none", true), { code: "CodeMismatchException" });
  assert.throws(() => refuseCode("none", false), { code: "ExpiredCodeException" });
  assert.throws(() => refuseCode("late", true), { code: "ExpiredCodeException" });
});

forEachDatabase((_name, open) => {
  const place = { poolId: "p_1", userId: "u", purpose: "sign-up" };
  const rule = { now: 1_000, maxAttempts: 3, known: false };
  const issued = { code: "123456", destination: "email:a@b.c", now: 0, expiresAt: 2_000 };

  test("of parallel takers one gets the code", async () => {
    const { db } = await open();
    await replaceCode(db, place, issued);
    const taken = await Promise.all(Array.from({ length: 20 }, () => takeCode(db, place, "123456", rule)));
    assert.deepEqual(
      taken.filter((one) => one !== undefined),
      ["email:a@b.c"],
    );
  });

  test("a code is bound to user, purpose and pool, and a new one replaces it", async () => {
    const { db } = await open();
    await replaceCode(db, place, issued);
    for (const other of [{ userId: "v" }, { purpose: "forgot-password" }, { poolId: "p_2" }]) {
      assert.equal(await takeCode(db, { ...place, ...other }, "123456", rule), undefined);
    }
    await replaceCode(db, place, { ...issued, code: "654321" });
    assert.equal((await judgeCode(db, place, "123456", rule)).state, "wrong");
    assert.equal((await judgeCode(db, place, "654321", rule)).state, "right");
  });

  test("late codes and exhausted ones are no good", async () => {
    const { db } = await open();
    await replaceCode(db, place, issued);
    assert.equal((await judgeCode(db, place, "123456", { ...rule, now: 2_000 })).state, "late");
    assert.equal((await judgeCode(db, place, "000000", { ...rule, now: 2_000 })).state, "none");
    assert.equal(await takeCode(db, place, "123456", { ...rule, now: 2_000 }), undefined);
    const counted = await Promise.all(Array.from({ length: 10 }, () => countWrongCode(db, place, rule)));
    assert.equal(counted.filter(Boolean).length, 3);
    assert.equal((await judgeCode(db, place, "123456", rule)).state, "none");
    assert.equal(await takeCode(db, place, "123456", rule), undefined);
    const owner = { ...rule, known: true };
    assert.equal((await judgeCode(db, place, "123456", owner)).state, "right", "not spent by strangers");
    assert.equal(await countWrongCode(db, place, owner), true);
    assert.equal(await takeCode(db, place, "123456", owner), "email:a@b.c");
  });
});
