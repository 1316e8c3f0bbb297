import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../../src/lib/refusal.ts";
import { parseInput } from "../../src/wire/check.ts";
import { identityPoolModel } from "../../src/wire/generated/identity-pools.ts";
import { userPoolModel } from "../../src/wire/generated/user-pools.ts";
import type { UserPoolOperationName } from "../../src/wire/generated/user-pools.types.ts";

const POOL = "us-east-1_AbCdEfGhI";

function parse(name: UserPoolOperationName, body: unknown): unknown {
  return parseInput(userPoolModel, name, typeof body === "string" ? body : JSON.stringify(body));
}

function refusalOf(action: () => unknown): Refusal {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error;
  }
  return assert.fail("was accepted");
}

/** A map built by the parser has no prototype; deepEqual (loose) looks at entries only. */
function assertSame(actual: unknown, expected: unknown): void {
  assert.equal(JSON.stringify(actual), JSON.stringify(expected));
}

test("accepts real requests", () => {
  const signUp = {
    ClientId: "3n4b5urk1ft4fl3mg5e62d9ado",
    Username: "jane",
    Password: "Correct-Horse-1",
    UserAttributes: [{ Name: "email", Value: "jane@example.com" }],
  };
  assertSame(parse("SignUp", signUp), signUp);
  const typed = parseInput(userPoolModel, "InitiateAuth", '{"AuthFlow":"USER_SRP_AUTH","ClientId":"abc"}');
  assert.equal(typed.AuthFlow, "USER_SRP_AUTH");
  const pools = parseInput(identityPoolModel, "ListIdentityPools", '{"MaxResults":10}');
  assert.equal(pools.MaxResults, 10);
});

test("type errors are SerializationException, at the first one, before any constraint", () => {
  const cases: [UserPoolOperationName, unknown, string][] = [
    ["ListUserPools", "{", "Expected map or null"],
    ["ListUserPools", " ", "Expected map or null"],
    ["ListUserPools", "null", "Expected map or null"],
    ["ListUserPools", '"x"', "Expected map or null"],
    ["ListUserPools", "[]", "Start of list found where not expected"],
    ["ListUserPools", '{"MaxResults":1,}', "Expected map or null"],
    ["ListUserPools", { MaxResults: "1" }, "STRING_VALUE cannot be converted to Integer"],
    ["ListUserPools", { MaxResults: 1.5 }, "NUMBER_VALUE cannot be converted to Integer"],
    ["ListUserPools", { MaxResults: 2 ** 31 }, "NUMBER_VALUE cannot be converted to Integer"],
    ["ListUserPools", { MaxResults: [1] }, "Start of list found where not expected"],
    ["ListUserPools", { MaxResults: {} }, "Start of structure or map found where not expected."],
    ["ListUserPools", { MaxResults: 0, NextToken: 1 }, "NUMBER_VALUE can not be converted to a String"],
    ["ListUserPools", { NextToken: true }, "TRUE_VALUE can not be converted to a String"],
    ["SignUp", { UserAttributes: "x" }, "Expected list or null"],
    ["SignUp", { UserAttributes: {} }, "Start of structure or map found where not expected."],
    ["SignUp", { UserAttributes: ["x"] }, "Expected map or null"],
    ["SignUp", { ClientMetadata: [] }, "Start of list found where not expected"],
    ["SignUp", { ClientMetadata: { a: 1 } }, "NUMBER_VALUE can not be converted to a String"],
    ["SignUp", { ClientMetadata: "x" }, "Expected map or null"],
    ["AdminCreateUser", { ForceAliasCreation: "true" }, "STRING_VALUE can not be converted to a Boolean"],
    ["SetUICustomization", { ImageFile: "a$b=" }, "STRING_VALUE can not be converted to a Blob"],
    ["SetUICustomization", { ImageFile: "abc" }, "STRING_VALUE can not be converted to a Blob"],
    ["SignUp", '{"Username":"\\ud800"}', "Expected well-formed Unicode text"],
    ["SignUp", '{"ClientMetadata":{"\\udc00":"x"}}', "Expected well-formed Unicode text"],
    ["CompleteWebAuthnRegistration", '{"Credential":{"a":["\\ud800"]}}', "Expected well-formed Unicode text"],
    ["SignUp", '{"Username":"a\\u0000b"}', "Expected text without NUL characters"],
    [
      "CompleteWebAuthnRegistration",
      '{"Credential":1e999}',
      "NUMBER_VALUE can not be converted to a Document",
    ],
  ];
  for (const [name, body, message] of cases) {
    const refusal = refusalOf(() => parse(name, body));
    assert.deepEqual(
      [refusal.code, refusal.message],
      ["SerializationException", message],
      JSON.stringify(body),
    );
  }
});

test("a malformed body is never quoted, not even in the detail", () => {
  const refusal = refusalOf(() => parse("SignUp", '{"Password":"hunter2-secret'));
  assert.doesNotMatch(`${refusal.message} ${refusal.detail}`, /hunter2/);
});

test("nesting deeper than 64 is refused wherever it stands, brackets inside text do not count", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    for (const member of ["Credential", "Unknown"]) {
      const deep = (levels: number) => `{"${member}":${open.repeat(levels)}1${close.repeat(levels)}}`;
      assert.equal(
        refusalOf(() => parse("CompleteWebAuthnRegistration", deep(64))).code,
        "SerializationException",
      );
      assert.equal(
        refusalOf(() => parse("CompleteWebAuthnRegistration", deep(63))).code,
        "InvalidParameterException",
      );
    }
  }
  assert.equal(refusalOf(() => parse("SignUp", "[".repeat(1_000_000))).code, "SerializationException");
  const text = { AccessToken: "a.b.c", Credential: { a: `\\"${"[{".repeat(500)}` } };
  assertSame(parse("CompleteWebAuthnRegistration", text), text);
});

test("null is absent, in members, maps and lists; an empty body is an empty object", () => {
  assertSame(
    parse("SignUp", {
      ClientId: "c",
      Username: "u",
      SecretHash: null,
      ClientMetadata: { a: null, b: "1" },
      UserAttributes: [null, { Name: "email", Value: null }, null],
    }),
    { ClientId: "c", Username: "u", UserAttributes: [{ Name: "email" }], ClientMetadata: { b: "1" } },
  );
  assert.match(
    refusalOf(() => parse("ListUserPools", "")).message,
    /^1 validation error detected: Value null at 'max/,
  );
});

test("unknown members are dropped and a required member with a default is filled in", () => {
  assertSame(parse("DescribeUserPool", { UserPoolId: POOL, Foo: { bar: 1 } }), { UserPoolId: POOL });
  const pool = parseInput(identityPoolModel, "CreateIdentityPool", '{"IdentityPoolName":"x"}');
  assert.equal(pool.AllowUnauthenticatedIdentities, false);
});

test("__proto__ keys pollute nothing", () => {
  const body = `{"__proto__":{"polluted":1},"ClientId":"c","Username":"u",
    "ClientMetadata":{"__proto__":"entry","constructor":"entry"}}`;
  const input = parseInput(userPoolModel, "SignUp", body);
  assert.equal(Object.getPrototypeOf(input), Object.prototype);
  assert.equal(Object.getPrototypeOf(input.ClientMetadata), null);
  assert.deepEqual(Object.keys(input.ClientMetadata ?? {}), ["__proto__", "constructor"]);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);

  const credential =
    '{"AccessToken":"a","Credential":{"__proto__":{"polluted":1},"a":{"__proto__":2,"b":[{"__proto__":3}]}}}';
  const { Credential } = parseInput(userPoolModel, "CompleteWebAuthnRegistration", credential);
  assert.equal(JSON.stringify(Credential), '{"a":{"b":[{}]}}');
});

test("a repeated key counts once, the last", () => {
  assertSame(parse("DescribeUserPool", `{"UserPoolId":"x","UserPoolId":"${POOL}"}`), { UserPoolId: POOL });
});
