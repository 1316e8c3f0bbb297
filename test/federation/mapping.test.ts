/** Claims as attributes: the rules of mapping, by themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  mapClaims,
  newAttributes,
  refreshedAttributes,
  verifiedEmail,
} from "../../src/domain/federation/mapping.ts";
import type { Client, Pool } from "../../src/domain/user-pools/load-pool.ts";
import { standardAttributes } from "../../src/domain/user-pools/standard-attributes.ts";
import type { SchemaAttributeType } from "../../src/wire/generated/user-pools.types.ts";

const oidc = { type: "OIDC", mapping: { "custom:a": "a" } } as const;
const saml = { ...oidc, type: "SAML" } as const;

test("a value of any type becomes text", () => {
  for (const [value, text] of [
    ["x", "x"],
    [7, "7"],
    [0, "0"],
    [true, "true"],
    [false, "false"],
    [{ street: "1 Main" }, '{"street":"1 Main"}'],
    [[], undefined],
    ["", undefined],
    [null, undefined],
    [undefined, undefined],
  ] as const)
    assert.equal(mapClaims(oidc, { a: value })["custom:a"], text, JSON.stringify(value));
});

test("several values: form-encoded in brackets for OpenID and social providers, as they are for SAML", () => {
  const several = { a: ["staff", "a b,c&d=é", "x.y-z*_"] };
  assert.equal(mapClaims(oidc, several)["custom:a"], "[staff,a+b%2Cc%26d%3D%C3%A9,x.y-z*_]");
  assert.equal(mapClaims({ ...oidc, type: "Google" }, { a: ["one"] })["custom:a"], "[one]");
  assert.equal(mapClaims(saml, several)["custom:a"], "[staff, a b,c&d=é, x.y-z*_]");
  assert.equal(mapClaims(saml, { a: ["one"] })["custom:a"], "one");
});

test("what is not the provider's own claim, and the username, map to nothing", () => {
  const mapping = { username: "sub", name: "toString", email: "mail" };
  assert.deepEqual(mapClaims({ type: "OIDC", mapping }, { sub: "1" }), {});
});

test("that an address is verified counts only for the address that came along", () => {
  const mapping = { email: "email", email_verified: "email_verified", phone_number_verified: "phone_ok" };
  const of = { type: "OIDC", mapping } as const;
  assert.deepEqual(mapClaims(of, { email_verified: true, phone_ok: true }), {});
  assert.deepEqual(mapClaims(of, { email: "a@b.example", email_verified: true }), {
    email: "a@b.example",
    email_verified: "true",
  });
});

test("an e-mail address is verified if the provider says so, in whatever claims it has for that", () => {
  const plain = { type: "OIDC", mapping: {} } as const;
  const named = { type: "SAML", mapping: { email: "mail", email_verified: "ok" } } as const;
  const email = "ann@example.com";
  assert.equal(verifiedEmail(plain, { email, email_verified: true }), email);
  assert.equal(verifiedEmail(plain, { email, email_verified: "true" }), email);
  for (const email_verified of [undefined, null, false, "false", "1", 1, "yes", {}, [true]])
    assert.equal(verifiedEmail(plain, { email, email_verified }), undefined, JSON.stringify(email_verified));
  assert.equal(verifiedEmail(named, { mail: email, ok: "true" }), email);
  assert.equal(verifiedEmail(named, { email, email_verified: "true" }), undefined);
});

const custom = (Name: string, more: Partial<SchemaAttributeType> = {}): SchemaAttributeType => ({
  ...{ Name: `custom:${Name}`, AttributeDataType: "String", Mutable: true, Required: false },
  ...{ DeveloperOnlyAttribute: false, StringAttributeConstraints: {} },
  ...more,
});

function poolWith(required: readonly string[] = []): Pool {
  const SchemaAttributes = [
    ...standardAttributes.map((one) => ({ ...one, Required: one.Required || required.includes(one.Name!) })),
    custom("a"),
    custom("fixed", { Mutable: false }),
    custom("hidden", { DeveloperOnlyAttribute: true }),
  ];
  return { id: "us-east-1_x", document: { SchemaAttributes } } as unknown as Pool;
}
const clientWith = (WriteAttributes?: string[]) => ({ document: { WriteAttributes } }) as unknown as Client;
const invalid = (message: string | RegExp) => (thrown: { code?: string; message: string }) => {
  assert.equal(thrown.code, "InvalidParameterException");
  if (typeof message === "string") assert.equal(thrown.message, message);
  else assert.match(thrown.message, message);
  return true;
};

test("a new user has an unverified address unless the provider says otherwise, and all that the pool requires", () => {
  const pool = poolWith(["email", "name"]);
  const of = (mapped: Record<string, string>) => newAttributes(pool, clientWith(), mapped);
  assert.deepEqual(of({ email: "a@b.example", name: "Ann" }), {
    ...{ email: "a@b.example", email_verified: "false", name: "Ann" },
  });
  assert.equal(of({ email: "a@b.example", email_verified: "True", name: "Ann" })["email_verified"], "true");
  assert.throws(() => of({ phone_number: "+15550001111" }), invalid("attributes required: [name, email]"));
  assert.throws(() => of({ email: "no address", name: "Ann" }), invalid("Invalid email address format."));
  const long = { email: "a@b.example", name: "x".repeat(2049) };
  assert.throws(() => of(long), invalid(/name: String must be no longer than 2048 characters/));
  assert.throws(() => of({ ...long, name: "Ann", "custom:none": "1" }), invalid(/custom:none/));
  assert.throws(
    () => of({ ...long, name: "Ann", identities: "[]" }),
    (thrown: { code?: string }) => thrown.code === "NotAuthorizedException",
  );
});

test("only what the client may write is written", () => {
  const pool = poolWith();
  const client = clientWith(["name"]);
  assert.deepEqual(newAttributes(pool, client, { name: "Ann" }), { name: "Ann" });
  for (const mapped of [{ email: "a@b.example" }, { "custom:a": "1" }, { "custom:hidden": "1" }])
    for (const write of [
      () => newAttributes(pool, client, mapped as Record<string, string>),
      () =>
        refreshedAttributes(pool, client, mapped as Record<string, string>, mapped as Record<string, string>),
    ])
      assert.throws(write, (thrown: { code?: string }) => thrown.code === "NotAuthorizedException");
});

test("a later sign-in writes every mapped attribute, and leaves the others", () => {
  const pool = poolWith(["email"]);
  const refreshed = (before: Record<string, string>, mapped: Record<string, string>) =>
    refreshedAttributes(pool, clientWith(), before, mapped);
  const before = {
    email: "a@b.example",
    email_verified: "true",
    name: "Ann",
    "custom:fixed": "1",
    identities: "[]",
  };
  assert.deepEqual(refreshed(before, { name: "Anna", "custom:a": "2" }), {
    ...before,
    ...{ name: "Anna", "custom:a": "2" },
  });
  assert.deepEqual(refreshed(before, { email: "a@b.example" }), before, "the same address stays verified");
  assert.equal(refreshed(before, { email: "c@d.example" })["email_verified"], "false");
  assert.equal(refreshed(before, { email: "c@d.example", email_verified: "true" })["email_verified"], "true");
  assert.equal(
    refreshed(before, { email: "a@b.example", email_verified: "false" })["email_verified"],
    "false",
  );
  assert.deepEqual(refreshed(before, { "custom:fixed": "1" }), before, "nothing changes");
  assert.throws(
    () => refreshed(before, { "custom:fixed": "2" }),
    invalid("user.custom:fixed: Attribute cannot be updated.\n"),
  );
});
