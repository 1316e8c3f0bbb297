import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addCustomAttributes, newSchema } from "../../src/domain/user-pools/define-schema.ts";
import {
  canonicalAttributes,
  checkAttributes,
  checkAttributeValue,
  isMutable,
  requiredAttributes,
  schemaAttribute,
} from "../../src/domain/user-pools/schema.ts";
import type { SchemaAttributeType } from "../../src/wire/generated/user-pools.types.ts";

const invalid = (message: string | RegExp) => ({ code: "InvalidParameterException", message });

function poolWith(...given: SchemaAttributeType[]) {
  return { document: { SchemaAttributes: newSchema(given) } };
}

describe("the schema of a new pool", () => {
  test("has the standard attributes with Cognito's constraints", () => {
    const schema = newSchema([]);
    assert.equal(schema.length, 21);
    assert.deepEqual(schema[0], {
      Name: "sub",
      AttributeDataType: "String",
      DeveloperOnlyAttribute: false,
      Mutable: false,
      Required: true,
      StringAttributeConstraints: { MinLength: "1", MaxLength: "2048" },
    });
    const byName = new Map(schema.map((attribute) => [attribute.Name, attribute]));
    assert.deepEqual(byName.get("birthdate")?.StringAttributeConstraints, {
      MinLength: "10",
      MaxLength: "10",
    });
    assert.deepEqual(byName.get("updated_at")?.NumberAttributeConstraints, { MinValue: "0" });
    assert.deepEqual(byName.get("email_verified"), {
      Name: "email_verified",
      AttributeDataType: "Boolean",
      DeveloperOnlyAttribute: false,
      Mutable: true,
      Required: false,
    });
  });

  test("adapts standard attributes and prefixes the caller's own", () => {
    const pool = poolWith(
      { Name: "email", Required: true, Mutable: false, StringAttributeConstraints: { MinLength: "5" } },
      {
        Name: "level",
        AttributeDataType: "Number",
        NumberAttributeConstraints: { MinValue: "1", MaxValue: "9" },
      },
      { Name: "internal", AttributeDataType: "String", DeveloperOnlyAttribute: true },
    );
    assert.deepEqual(schemaAttribute(pool, "email")?.StringAttributeConstraints, { MinLength: "5" });
    assert.equal(isMutable(pool, "email"), false);
    assert.deepEqual(requiredAttributes(pool), ["email"]);
    assert.deepEqual(schemaAttribute(pool, "custom:level"), {
      Name: "custom:level",
      AttributeDataType: "Number",
      DeveloperOnlyAttribute: false,
      Mutable: true,
      Required: false,
      NumberAttributeConstraints: { MinValue: "1", MaxValue: "9" },
    });
    assert.deepEqual(schemaAttribute(pool, "dev:custom:internal")?.StringAttributeConstraints, {});
    assert.equal(schemaAttribute(pool, "level"), undefined);
    assert.equal(isMutable(pool, "nothing"), false);
  });

  const refused: [string, SchemaAttributeType[], string | RegExp][] = [
    ["no type", [{ Name: "x" }], /^Invalid AttributeDataType input/],
    ["no name", [{ AttributeDataType: "String" }], /name/],
    [
      "required custom attribute",
      [{ Name: "x", AttributeDataType: "String", Required: true }],
      "Required custom attributes are not supported currently.",
    ],
    [
      "another type for a standard attribute",
      [{ Name: "family_name", AttributeDataType: "Number" }],
      "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute family_name",
    ],
    [
      "a developer-only standard attribute",
      [{ Name: "name", DeveloperOnlyAttribute: true }],
      /^You can not change/,
    ],
    ["a mutable sub", [{ Name: "sub", Mutable: true }], /sub/],
    [
      "an upper bound below the lower",
      [{ Name: "email", StringAttributeConstraints: { MinLength: "9", MaxLength: "2" } }],
      "user.email: Max length cannot be less than min length.",
    ],
    [
      "too great a length",
      [{ Name: "x", AttributeDataType: "String", StringAttributeConstraints: { MaxLength: "2049" } }],
      "user.custom:x: String attributes cannot have a length of more than 2048",
    ],
    [
      "a length that is no number",
      [{ Name: "x", AttributeDataType: "String", StringAttributeConstraints: { MinLength: "-1" } }],
      "Invalid StringAttributeConstraints for schema attribute custom:x",
    ],
    [
      "a length of a standard attribute that is no number",
      [{ Name: "email", StringAttributeConstraints: { MaxLength: "long" } }],
      "Invalid StringAttributeConstraints for schema attribute email",
    ],
    [
      "a bound that is no number",
      [{ Name: "updated_at", NumberAttributeConstraints: { MinValue: "1e3" } }],
      "Invalid NumberAttributeConstraints for schema attribute updated_at",
    ],
    [
      "a range upside down",
      [
        {
          Name: "x",
          AttributeDataType: "Number",
          NumberAttributeConstraints: { MinValue: "9007199254740993", MaxValue: "9007199254740992" },
        },
      ],
      "user.custom:x: Max value cannot be less than min value.",
    ],
    [
      "a name twice",
      [
        { Name: "x", AttributeDataType: "String" },
        { Name: "x", AttributeDataType: "Number" },
      ],
      "custom:x: Existing attribute already has name custom:x.",
    ],
    [
      "a developer-only name twice",
      [
        { Name: "x", AttributeDataType: "String", DeveloperOnlyAttribute: true },
        { Name: "x", AttributeDataType: "String", DeveloperOnlyAttribute: true },
      ],
      "custom:x: Existing attribute already has name dev:custom:x.",
    ],
    ["a standard name twice", [{ Name: "email" }, { Name: "email" }], /^email: Existing attribute/],
  ];
  for (const [name, schema, message] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => newSchema(schema), invalid(message)));
  }

  test("takes 50 custom attributes and no more", () => {
    const many = (count: number, from = 0) =>
      Array.from({ length: count }, (_, index) => ({
        Name: `a${from + index}`,
        AttributeDataType: "String" as const,
      }));
    const schema = addCustomAttributes(newSchema(many(25)), many(25, 25));
    assert.equal(schema.length, 71);
    assert.throws(() => addCustomAttributes(schema, many(1, 50)), invalid(/50/));
  });
});

describe("values", () => {
  const text = (MinLength?: string, MaxLength?: string): SchemaAttributeType => ({
    AttributeDataType: "String",
    StringAttributeConstraints: { MinLength, MaxLength },
  });
  const number = (MinValue?: string, MaxValue?: string): SchemaAttributeType => ({
    AttributeDataType: "Number",
    NumberAttributeConstraints: { MinValue, MaxValue },
  });
  const rows: [SchemaAttributeType, string, string, boolean][] = [
    [text("2", "3"), "custom:x", "a", false],
    [text("2", "3"), "custom:x", "🦆🦆", true],
    [text("2", "3"), "custom:x", "abcd", false],
    [text(), "custom:x", "x".repeat(2048), true],
    [text(), "custom:x", "x".repeat(2049), false],
    [number("1", "10"), "custom:x", "10", true],
    [number("1", "10"), "custom:x", "11", false],
    [number("1", "10"), "custom:x", "0", false],
    [number(), "custom:x", "-1.5", true],
    [number(), "custom:x", "1e3", false],
    [number(), "custom:x", "", false],
    [number(), "custom:x", "abc", false],
    [number("0", "9007199254740992"), "custom:x", "9007199254740993", false],
    [{ AttributeDataType: "Boolean" }, "custom:x", "true", true],
    [{ AttributeDataType: "Boolean" }, "custom:x", "yes", false],
    [{ AttributeDataType: "DateTime" }, "custom:x", "2026-11-21T07:00:00Z", true],
    [{ AttributeDataType: "DateTime" }, "custom:x", "2026-11-21", true],
    [{ AttributeDataType: "DateTime" }, "custom:x", "1700000000", true],
    [{ AttributeDataType: "DateTime" }, "custom:x", "2026-02-31T07:00:00Z", false],
    [{ AttributeDataType: "DateTime" }, "custom:x", "yesterday", false],
    [text("10", "10"), "birthdate", "2000-02-29", true],
    [text("10", "10"), "birthdate", "0000-02-29", true],
    [text("10", "10"), "birthdate", "2001-02-29", false],
    [text("10", "10"), "birthdate", "29.02.2000", false],
    [text("10", "10"), "birthdate", "2000-2-29", false],
  ];
  for (const [schema, name, value, fits] of rows) {
    test(`${fits ? "takes" : "refuses"} ${schema.AttributeDataType} ${name} ${JSON.stringify(value.slice(0, 30))}`, () =>
      assert.equal(checkAttributeValue(schema, name, value) === undefined, fits));
  }
});

describe("a user's attributes", () => {
  const pool = poolWith(
    { Name: "email", Required: true },
    { Name: "given_name", Required: true },
    { Name: "code", AttributeDataType: "String", StringAttributeConstraints: { MaxLength: "2" } },
    { Name: "member", AttributeDataType: "Boolean" },
  );

  test("all violations are told together, in Cognito's form", () => {
    assert.throws(
      () => checkAttributes(pool, { favorite: "x", "custom:code": "abc", email: "" }, { required: true }),
      invalid(
        "Attributes did not conform to the schema: favorite: Attribute does not exist in the schema.\n" +
          "custom:code: String must be no longer than 2 characters\n" +
          "name.givenName: The attribute name.givenName is required, emails: The attribute emails is required",
      ),
    );
  });

  test("required attributes are asked for only when the caller says so", () => {
    checkAttributes(pool, { "custom:code": "ab" }, { required: false });
    checkAttributes(pool, { email: "a@example.com", given_name: "A" }, { required: true });
  });

  test("an empty value is an absent one", () => {
    checkAttributes(pool, { birthdate: "", "custom:code": "", phone_number: "" }, { required: false });
  });

  for (const name of ["sub", "identities"]) {
    test(`nobody sets ${name}`, () =>
      assert.throws(
        () => checkAttributes(pool, { [name]: "x" }, { required: false }),
        invalid(`Cannot modify the non-mutable attribute ${name}`),
      ));
  }

  for (const email of ["a", "a@", "@b", "a@b@c", "a b@c", "<a@b>", "a@b\u0000c", "a@b\nc"]) {
    test(`${JSON.stringify(email)} is no e-mail address`, () =>
      assert.throws(
        () => checkAttributes(pool, { email }, { required: false }),
        invalid("Invalid email address format."),
      ));
  }

  for (const phone_number of ["12025550100", "+1 202", "+0123456", "+", "+1234567890123456", "+1202x"]) {
    test(`${phone_number} is no phone number`, () =>
      assert.throws(
        () => checkAttributes(pool, { phone_number }, { required: false }),
        invalid("Invalid phone number format."),
      ));
  }

  test("good contacts pass", () => {
    checkAttributes(
      pool,
      { email: "jürgen+tag@exämple.com", phone_number: "+12025550100" },
      { required: false },
    );
  });

  test("booleans have one spelling", () => {
    assert.deepEqual(
      canonicalAttributes(pool, { email_verified: "True", "custom:member": "FALSE", name: "True" }),
      {
        email_verified: "true",
        "custom:member": "false",
        name: "True",
      },
    );
  });
});
