import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeOutput } from "../../src/wire/encode.ts";
import { identityPoolModel } from "../../src/wire/generated/identity-pools.ts";
import { userPoolModel } from "../../src/wire/generated/user-pools.ts";

test("only declared members leave the house", () => {
  const row = {
    Username: "jane",
    UserStatus: "CONFIRMED",
    Enabled: true,
    UserCreateDate: new Date(1_689_980_857_949),
    UserLastModifiedDate: 1_689_980_857.5,
    UserAttributes: [{ Name: "email", Value: "j@example.com", secret: "x" }, undefined, null],
    PreferredMfaSetting: undefined,
    MFAOptions: null,
    passwordHash: "$argon2id$…",
  };
  assert.equal(
    encodeOutput(userPoolModel, "AdminGetUser", row),
    '{"Username":"jane","UserAttributes":[{"Name":"email","Value":"j@example.com"}],' +
      '"UserCreateDate":1689980857.949,"UserLastModifiedDate":1689980857.5,"Enabled":true,"UserStatus":"CONFIRMED"}',
  );
});

test("an operation without an answer answers {}", () => {
  assert.equal(encodeOutput(userPoolModel, "AdminDeleteUser", { secret: 1 }), "{}");
  assert.equal(encodeOutput(userPoolModel, "SetUserSettings", {}), "{}");
});

test("maps keep every key, whatever it is called", () => {
  const Roles = JSON.parse('{"__proto__":"a","authenticated":"b","unauthenticated":null}');
  assert.equal(
    encodeOutput(identityPoolModel, "GetIdentityPoolRoles", { Roles }),
    '{"Roles":{"__proto__":"a","authenticated":"b"}}',
  );
});

test("documents pass through and blobs become base64", () => {
  const options = { challenge: "abc", nested: { list: [1, null, true] } };
  assert.equal(
    encodeOutput(userPoolModel, "StartWebAuthnRegistration", { CredentialCreationOptions: options }),
    JSON.stringify({ CredentialCreationOptions: options }),
  );
  const Assets = [
    { Category: "PAGE_HEADER_LOGO", ColorMode: "DARK", Extension: "PNG", Bytes: new Uint8Array([1, 2]) },
  ];
  assert.match(
    encodeOutput(userPoolModel, "DescribeManagedLoginBranding", { ManagedLoginBranding: { Assets } }),
    /"Bytes":"AQI="/,
  );
});

test("a value of the wrong type is our defect, told without the value", () => {
  for (const [value, shape] of [
    [{ Username: { secret: 1 } }, "UsernameType"],
    [{ UserCreateDate: new Date(Number.NaN) }, "DateType"],
    [{ UserCreateDate: Number.POSITIVE_INFINITY }, "DateType"],
    [{ UserAttributes: { secret: 1 } }, "AttributeListType"],
    [{ Enabled: "true" }, "BooleanType"],
    [undefined, "AdminGetUserResponse"],
  ] as const) {
    assert.throws(() => encodeOutput(userPoolModel, "AdminGetUser", value), {
      name: "TypeError",
      message: new RegExp(`^${shape} cannot be encoded from (a list|\\w+)$`),
    });
  }
});
