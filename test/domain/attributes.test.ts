import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PoolDocument } from "../../src/domain/user-pools/load-pool.ts";
import { standardAttributes } from "../../src/domain/user-pools/standard-attributes.ts";
import {
  changeAttributes,
  deleteAttributes,
  firstAttributes,
  splitPending,
} from "../../src/domain/users/attributes.ts";
import { planUpdate } from "../../src/domain/users/update-attributes.ts";
import { nameNewUser } from "../../src/domain/users/username.ts";
import type { User } from "../../src/store/users.ts";

function poolWith(document: Partial<PoolDocument> = {}) {
  const required = standardAttributes.map((one) =>
    one.Name === "nickname" ? { ...one, Required: true } : one,
  );
  const SchemaAttributes = [
    ...required,
    { Name: "custom:fixed", AttributeDataType: "String" as const, Mutable: false },
    { Name: "custom:count", AttributeDataType: "Number" as const, Mutable: true },
  ];
  return {
    id: "us-east-1_Test",
    version: 1,
    name: "test",
    document: { SchemaAttributes, ...document },
    fakeSecret: Buffer.alloc(32),
    createdAt: 0,
    updatedAt: 0,
  };
}

const before = { nickname: "al", email: "a@b.example", email_verified: "true", "custom:fixed": "x" };
const refused = (pattern: RegExp) => ({ code: "InvalidParameterException", message: pattern });

describe("changes of attributes", () => {
  const pool = poolWith();

  test("merge, and delete by an empty value", () => {
    assert.deepEqual(changeAttributes(pool, before, { name: "Al", email: "" }), {
      nickname: "al",
      name: "Al",
      "custom:fixed": "x",
    });
  });

  test("a new address is not verified, an old one stays so, an administrator may say so", () => {
    assert.equal(changeAttributes(pool, before, { email: "c@d.example" })["email_verified"], "false");
    assert.equal(changeAttributes(pool, before, { email: before.email })["email_verified"], "true");
    const vouched = changeAttributes(pool, before, { email: "c@d.example", email_verified: "True" });
    assert.equal(vouched["email_verified"], "true");
    assert.throws(
      () => changeAttributes(pool, before, { phone_number_verified: "true" }),
      refused(/phone_number/),
    );
  });

  test("what may not change", () => {
    assert.throws(() => changeAttributes(pool, before, { sub: "x" }), refused(/sub/));
    assert.throws(
      () => changeAttributes(pool, before, { "custom:fixed": "y" }),
      refused(/^user\.custom:fixed: Attribute cannot be updated\.\n$/),
    );
    assert.throws(
      () => changeAttributes(pool, before, { nickname: "" }),
      refused(/nickName: The attribute nickName is required$/),
    );
    assert.throws(
      () => changeAttributes(pool, before, { favorite: "z" }),
      refused(
        /^Attributes did not conform to the schema: favorite: Attribute does not exist in the schema\.\n$/,
      ),
    );
    assert.throws(
      () => changeAttributes(pool, before, { email: "nonsense" }),
      refused(/^Invalid email address format\.$/),
    );
    assert.throws(
      () => changeAttributes(pool, before, { phone_number: "123" }),
      refused(/^Invalid phone number format\.$/),
    );
    assert.throws(() => changeAttributes(pool, before, { "custom:count": "many" }), refused(/custom:count/));
  });

  test("deletion takes the verification along, and names every unknown attribute", () => {
    assert.deepEqual(deleteAttributes(pool, before, ["email"]), { nickname: "al", "custom:fixed": "x" });
    assert.throws(
      () => deleteAttributes(pool, before, ["a", "custom:b", "email"]),
      refused(
        /^Invalid user attributes: user\.a: Attribute does not exist in the schema\.\nuser\.custom:b: Attribute does not exist in the schema\.\n$/,
      ),
    );
    assert.throws(() => deleteAttributes(pool, before, ["nickname"]), refused(/required/));
    assert.throws(() => deleteAttributes(pool, before, ["sub"]), refused(/sub/));
  });

  test("first attributes may set what later is immutable, and administrators may leave required ones out", () => {
    assert.deepEqual(firstAttributes(pool, { "custom:fixed": "y", name: "" }, { required: false }), {
      "custom:fixed": "y",
    });
    assert.throws(
      () => firstAttributes(pool, { "custom:fixed": "y" }, { required: true }),
      refused(/nickName/),
    );
    assert.throws(
      () => firstAttributes(pool, { email_verified: "true" }, { required: false }),
      refused(/email/),
    );
  });
});

describe("values that wait for verification", () => {
  const pool = poolWith({
    AutoVerifiedAttributes: ["email"],
    UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email"] },
  });
  const user: User = {
    poolId: pool.id,
    id: "u",
    username: "al",
    version: 1,
    status: "CONFIRMED",
    enabled: true,
    signOuts: 0,
    attributes: before,
    pendingAttributes: {},
    mfa: { enabled: [] },
    createdAt: 0,
    updatedAt: 0,
  };

  test("only what is new, and not what an administrator vouches for", () => {
    assert.deepEqual(splitPending(pool, before, { email: "n@e.example", name: "N" }), {
      now: { name: "N" },
      pending: { email: "n@e.example" },
    });
    assert.deepEqual(splitPending(pool, before, { email: before.email }).pending, {});
    assert.deepEqual(splitPending(pool, before, { email: "" }).pending, {});
    assert.deepEqual(
      splitPending(pool, before, { email: "n@e.example", email_verified: "true" }).pending,
      {},
    );
  });

  test("the old value stays, a code goes to the new one", () => {
    const { change, deliveries } = planUpdate(pool, user, { email: "n@e.example" });
    assert.equal(change.attributes?.["email"], before.email);
    assert.equal(change.attributes?.["email_verified"], "true");
    assert.deepEqual(change.pendingAttributes, { email: "n@e.example" });
    assert.deepEqual(
      deliveries.map((one) => one.destination),
      ["n@e.example"],
    );
    assert.throws(() => planUpdate(pool, user, { email: "nonsense" }), refused(/email/));
  });

  test("a later change of mind forgets what waited", () => {
    const waiting = { ...user, pendingAttributes: { email: "n@e.example" } };
    assert.deepEqual(planUpdate(pool, waiting, { email: before.email }).change.pendingAttributes, {});
    assert.deepEqual(planUpdate(pool, waiting, { name: "x" }).change.pendingAttributes, {
      email: "n@e.example",
    });
  });
});

describe("names of new users", () => {
  test("plain", () => {
    const named = nameNewUser(poolWith(), "al@b.example", {}, "sub");
    assert.deepEqual(named, { username: "al@b.example", attributes: {} });
  });

  test("UsernameAttributes: the name becomes the attribute, the sub the username", () => {
    const pool = poolWith({ UsernameAttributes: ["email", "phone_number"] });
    assert.deepEqual(nameNewUser(pool, "al@b.example", { name: "Al" }, "sub"), {
      username: "sub",
      attributes: { name: "Al", email: "al@b.example" },
    });
    assert.deepEqual(nameNewUser(pool, "+4912345", {}, "sub").attributes, { phone_number: "+4912345" });
    assert.throws(() => nameNewUser(pool, "al", {}, "sub"), refused(/either an email or a phone number\.$/));
    const email = poolWith({ UsernameAttributes: ["email"] });
    assert.throws(
      () => nameNewUser(email, "+4912345", {}, "sub"),
      refused(/^Username should be an email\.$/),
    );
    assert.throws(() => nameNewUser(email, "a@b.example", { email: "c@d.example" }, "sub"), refused(/email/));
  });

  test("AliasAttributes: a name of an alias's shape is refused", () => {
    const pool = poolWith({ AliasAttributes: ["email"] });
    assert.throws(
      () => nameNewUser(pool, "al@b.example", {}, "sub"),
      refused(/^Username cannot be of email format, since user pool is configured for email alias\.$/),
    );
    assert.equal(nameNewUser(pool, "+4912345", {}, "sub").username, "+4912345");
  });
});
