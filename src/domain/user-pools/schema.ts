/**
 * The schema of a pool: what its attributes may contain. Attributes are text on the wire; the schema gives each a type
 * and bounds, and says whether it may change
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html).
 */
import { isMailAddress } from "../../lib/mail-address.ts";
import type { SchemaAttributeType } from "../../wire/generated/user-pools.types.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import type { Pool } from "./load-pool.ts";
import { internalAttributes } from "./standard-attributes.ts";

type WithSchema = Pick<Pool, "document">;

/** "The value of an attribute can be up to 2048 characters", whatever the schema says. */
const LONGEST_VALUE = 2048;

/** The attribute of this name, including a `custom:` or `dev:` prefix. */
export function schemaAttribute(pool: WithSchema, name: string): SchemaAttributeType | undefined {
  return pool.document.SchemaAttributes?.find((attribute) => attribute.Name === name);
}

/** Whether the attribute may change once it has a value; false for an unknown attribute. */
export function isMutable(pool: WithSchema, name: string): boolean {
  return schemaAttribute(pool, name)?.Mutable === true;
}

/** Names of the attributes that every user must have, except `sub`, which every user has. */
export function requiredAttributes(pool: WithSchema): string[] {
  return (pool.document.SchemaAttributes ?? [])
    .filter((attribute) => attribute.Required === true && attribute.Name !== "sub")
    .map((attribute) => attribute.Name ?? "");
}

/**
 * The attributes in their stored spelling: booleans are lower case, because many programs send Python's `True`, and
 * everything that reads `email_verified` compares it with `true`.
 */
export function canonicalAttributes(
  pool: WithSchema,
  attributes: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries(attributes).map(([name, value]): [string, string] => [
    name,
    schemaAttribute(pool, name)?.AttributeDataType === "Boolean" ? value.toLowerCase() : value,
  ]);
  return Object.fromEntries(entries);
}

const MOST_VIOLATIONS = 100;

/**
 * Refuses values that do not fit the schema, all at once and in Cognito's words; `required` also checks for required
 * attributes (when a user is created). An empty value means that the attribute is absent. Throws
 * InvalidParameterException.
 */
export function checkAttributes(
  pool: WithSchema,
  attributes: Readonly<Record<string, string>>,
  options: { required: boolean },
): void {
  const violations: { readonly name: string; readonly violation: string }[] = [];
  const missing: string[] = [];
  for (const [name, value] of Object.entries(attributes)) {
    if (internalAttributes.has(name)) {
      refuse("InvalidParameterException", `Cannot modify the non-mutable attribute ${name}`);
    }
    const attribute = schemaAttribute(pool, name);
    const violation =
      attribute === undefined
        ? "Attribute does not exist in the schema."
        : value === ""
          ? undefined
          : checkAttributeValue(attribute, name, value);
    if (violation !== undefined) violations.push({ name, violation });
  }
  if (options.required) {
    missing.push(...requiredAttributes(pool).filter((name) => !attributes[name]));
  }
  if (violations.length + missing.length > 0) {
    // Keeps the answer small whatever was sent.
    const shown = violations.slice(0, MOST_VIOLATIONS);
    const lines = shown.map(({ name, violation }) => `${name}: ${violation}\n`).join("");
    refuseFor("attributesMalformed", {
      violations: lines + missingAttributes(missing),
      names: [...shown.map(({ name }) => name), ...missing],
    });
  }
  checkContacts(attributes);
}

/** Names in Cognito's sentence about required attributes, where they differ from those of the schema. */
const namesWhenMissing: Readonly<Record<string, string>> = {
  name: "name.formatted",
  given_name: "name.givenName",
  family_name: "name.familyName",
  middle_name: "name.middleName",
  nickname: "nickName",
  email: "emails",
  phone_number: "phoneNumbers",
  address: "addresses",
};

/** Cognito's sentence about required attributes that are missing. */
export function missingAttributes(names: readonly string[]): string {
  return names
    .map((name) => namesWhenMissing[name] ?? name)
    .map((name) => `${name}: The attribute ${name} is required`)
    .join(", ");
}

/** What is wrong with a value, in Cognito's words; undefined if it is fine. */
export function checkAttributeValue(
  schema: SchemaAttributeType,
  name: string,
  value: string,
): string | undefined {
  switch (schema.AttributeDataType) {
    case "Number":
      return checkNumber(schema, value);
    case "Boolean":
      return value === "true" || value === "false" ? undefined : "Invalid boolean value";
    case "DateTime":
      return isDateTime(value) ? undefined : "Invalid date time value";
    default:
      return checkText(schema, value) ?? (name === "birthdate" ? checkBirthdate(value) : undefined);
  }
}

function checkText(schema: SchemaAttributeType, value: string): string | undefined {
  const { MinLength, MaxLength } = schema.StringAttributeConstraints ?? {};
  const length = [...value].length;
  const longest = Math.min(LONGEST_VALUE, MaxLength === undefined ? LONGEST_VALUE : Number(MaxLength));
  if (length > longest) return `String must be no longer than ${longest} characters`;
  if (MinLength !== undefined && length < Number(MinLength))
    return `String must be no shorter than ${MinLength} characters`;
  return undefined;
}

const NUMBER = /^[+-]?\d{1,400}(?:\.\d{1,400})?$/;

function checkNumber(schema: SchemaAttributeType, value: string): string | undefined {
  if (!NUMBER.test(value)) return "Invalid number value";
  const { MinValue, MaxValue } = schema.NumberAttributeConstraints ?? {};
  if (MinValue !== undefined && isLess(value, MinValue))
    return `Number must be no less than the minimum value of ${MinValue}`;
  if (MaxValue !== undefined && isLess(MaxValue, value))
    return `Number must be no more than the maximum value of ${MaxValue}`;
  return undefined;
}

/** Compares whole numbers exactly: bounds may be as large as 2^1023, beyond the precision of a double. */
export function isLess(a: string, b: string): boolean {
  const whole = /^[+-]?\d+$/;
  if (!whole.test(a) || !whole.test(b)) return Number(a) < Number(b);
  return BigInt(a.replace(/^\+/, "")) < BigInt(b.replace(/^\+/, ""));
}

/** ISO 8601 as written by XML Schema and JSON libraries, or epoch seconds. */
const DATE_TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

function isDateTime(value: string): boolean {
  if (/^-?\d{1,15}$/.test(value)) return true;
  return DATE_TIME.test(value) && isDay(value.slice(0, 10)) && !Number.isNaN(Date.parse(value));
}

/** "Value must be a valid 10 character date in the format YYYY-MM-DD"; OpenID Connect allows the year 0000. */
function checkBirthdate(value: string): string | undefined {
  const day = value.startsWith("0000-") ? `2000${value.slice(4)}` : value;
  return isDay(day) ? undefined : "Invalid date, must be YYYY-MM-DD";
}

function isDay(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

/** E.164: "Phone numbers must start with a plus (+) sign, followed immediately by the country code". */
const PHONE_NUMBER = /^\+[1-9]\d{1,14}$/;

export function isPhoneNumber(text: string): boolean {
  return PHONE_NUMBER.test(text);
}

function checkContacts(attributes: Readonly<Record<string, string>>): void {
  const { email, phone_number: phoneNumber } = attributes;
  if (email && !isMailAddress(email)) refuseFor("emailMalformed");
  if (phoneNumber && !isPhoneNumber(phoneNumber)) refuseFor("phoneMalformed");
}
