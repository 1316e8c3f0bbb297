/** Password rules, and the hasher. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPasswordHasher } from "../../src/domain/credentials/hash-queue.ts";
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

test("argon2id in PHC form, verified; nobody's password fits the dummy", async () => {
  const hasher = await createPasswordHasher({ concurrency: 1, capacity: 4 });
  const turn = { pool: "p", address: "a" };
  const phc = await hasher.hash("correct horse", turn);
  assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await hasher.verify(phc, "correct horse", turn), true);
  assert.equal(await hasher.verify(phc, "wrong horse", turn), false);
  assert.match(hasher.dummyHash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await hasher.verify(hasher.dummyHash, "", turn), false);
});
