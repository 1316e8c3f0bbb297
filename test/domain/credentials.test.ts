/** Password rules, and the queue that hashes wait in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createFairQueue, createPasswordHasher } from "../../src/domain/credentials/hash-queue.ts";
import { checkPassword } from "../../src/domain/credentials/password.ts";
import type { PasswordPolicyType } from "../../src/wire/generated/user-pools.types.ts";

const pool = (PasswordPolicy?: PasswordPolicyType) => ({
  document: PasswordPolicy === undefined ? {} : { Policies: { PasswordPolicy } },
});

test("a password is told the first rule it breaks", () => {
  const cases: [string, string | undefined][] = [
    ["Ab1!", "Password not long enough"],
    ["abcdefg1!", "Password must have uppercase characters"],
    ["ABCDEFG1!", "Password must have lowercase characters"],
    ["Abcdefgh!", "Password must have numeric characters"],
    ["Abcdefgh1", "Password must have symbol characters"],
    ["Abcdefg1!", undefined],
    [`Abcdefg1!${"x".repeat(248)}`, "Password is too long"],
  ];
  for (const [password, reason] of cases) {
    const check = () => checkPassword(pool(), password, "user");
    if (reason === undefined) check();
    else
      assert.throws(check, {
        code: "InvalidPasswordException",
        message: `Password did not conform with policy: ${reason}`,
      });
  }
  assert.throws(() => checkPassword(pool(), "Ab1!", "admin"), {
    message: "Password did not conform with password policy: Password not long enough",
  });
});

test("every symbol that Cognito lists counts as one", () => {
  const policy = { MinimumLength: 6, RequireSymbols: true };
  for (const symbol of "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-")
    checkPassword(pool(policy), `aaaaaa${symbol}`, "user");
  assert.throws(() => checkPassword(pool(policy), "aaaaaaß", "user"), { code: "InvalidPasswordException" });
});

/** A job that ends when it is told to. */
function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("pools take turns, and addresses take turns in a pool", async () => {
  const enter = createFairQueue({ concurrency: 1, capacity: 100 });
  const order: string[] = [];
  const first = gate();
  const jobs = [enter({ pool: "p1", address: "a" }, () => first.opened)];
  const add = (pool: string, address: string, name: string) =>
    jobs.push(
      enter({ pool, address }, async () => {
        order.push(name);
      }),
    );
  for (let index = 1; index <= 3; index++) add("p1", "a", `p1a${index}`);
  add("p1", "b", "p1b1");
  add("p2", "a", "p2a1");
  await settle();
  first.open();
  await Promise.all(jobs);
  assert.deepEqual(order, ["p1a1", "p2a1", "p1b1", "p1a2", "p1a3"]);
});

test("never more at once than allowed, and who finds the queue full is told at once", async () => {
  const enter = createFairQueue({ concurrency: 2, capacity: 4 });
  const held = gate();
  let running = 0;
  let most = 0;
  const job = async () => {
    running += 1;
    most = Math.max(most, running);
    await held.opened;
    running -= 1;
  };
  const jobs = ["a", "b", "a", "a", "b", "b"].map((address) => enter({ pool: "p", address }, job));
  await settle();
  await assert.rejects(enter({ pool: "p", address: "c" }, job), { code: "TooManyRequestsException" });
  held.open();
  await Promise.all(jobs);
  assert.equal(most, 2);
});

test("an address may not hold more than half of the places", async () => {
  const enter = createFairQueue({ concurrency: 1, capacity: 4 });
  const held = gate();
  const jobs = Array.from({ length: 3 }, () => enter({ pool: "p", address: "a" }, () => held.opened));
  await settle();
  await assert.rejects(
    enter({ pool: "p", address: "a" }, () => held.opened),
    { code: "TooManyRequestsException" },
  );
  jobs.push(enter({ pool: "p", address: "b" }, () => held.opened));
  held.open();
  await Promise.all(jobs);
});

test("a failed job frees its place", async () => {
  const enter = createFairQueue({ concurrency: 1, capacity: 4 });
  const turn = { pool: "p", address: "a" };
  await assert.rejects(
    enter(turn, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await enter(turn, async () => 7), 7);
});

test("argon2id in PHC form, verified; nobody's password fits nobody", async () => {
  const hasher = await createPasswordHasher({ concurrency: 1, capacity: 4 });
  const turn = { pool: "p", address: "a" };
  const phc = await hasher.hash("correct horse", turn);
  assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await hasher.verify(phc, "correct horse", turn), true);
  assert.equal(await hasher.verify(phc, "wrong horse", turn), false);
  assert.match(hasher.nobody, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await hasher.verify(hasher.nobody, "", turn), false);
});
