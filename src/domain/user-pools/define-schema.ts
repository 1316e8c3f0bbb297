/**
 * Builds schemas: the standard attributes as CreateUserPool adapts them, and custom attributes added then or later.
 * "You can't remove or change a custom attribute", and standard ones are fixed once the pool exists
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html#user-pool-settings-custom-attributes).
 */
import type { SchemaAttributeType } from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { isLess } from "./schema.ts";
import {
  internalAttributes,
  isStandardAttribute,
  standardAttributes,
  verifiedAttributes,
} from "./standard-attributes.ts";

/** "Custom attributes per user pool: 50" ("Quotas in Amazon Cognito"). */
const MOST_CUSTOM_ATTRIBUTES = 50;
const LONGEST_TEXT = 2048;

/** The schema of a new pool. Throws InvalidParameterException. */
export function newSchema(given: readonly SchemaAttributeType[]): SchemaAttributeType[] {
  const changed = new Map<string, SchemaAttributeType>();
  const custom: SchemaAttributeType[] = [];
  for (const attribute of given) {
    const name = nameOf(attribute);
    // As with Cognito, a schema cannot change whether addresses are verified: these names make custom attributes.
    if (!isStandardAttribute(name) || verifiedAttributes.has(name)) {
      custom.push(attribute);
      continue;
    }
    if (changed.has(name)) duplicate(name);
    changed.set(name, attribute);
  }
  const standard = standardAttributes.map((attribute) =>
    adaptStandard(attribute, changed.get(attribute.Name ?? "")),
  );
  return addCustomAttributes(standard, custom);
}

/** A schema with custom attributes added. Throws InvalidParameterException. */
export function addCustomAttributes(
  schema: readonly SchemaAttributeType[],
  added: readonly SchemaAttributeType[],
): SchemaAttributeType[] {
  const result = [...schema];
  for (const given of added) {
    const attribute = customAttribute(given);
    if (result.some(({ Name }) => Name === attribute.Name))
      duplicate(`custom:${nameOf(given)}`, attribute.Name);
    result.push(attribute);
  }
  const custom = result.filter(({ Name }) => !isStandardAttribute(Name ?? "")).length;
  if (custom > MOST_CUSTOM_ATTRIBUTES)
    invalid(`The number of custom attributes cannot exceed ${MOST_CUSTOM_ATTRIBUTES}.`);
  return result;
}

function adaptStandard(
  standard: SchemaAttributeType,
  given: SchemaAttributeType | undefined,
): SchemaAttributeType {
  if (given === undefined) return standard;
  const name = standard.Name ?? "";
  const otherType =
    given.AttributeDataType !== undefined && given.AttributeDataType !== standard.AttributeDataType;
  if (otherType || given.DeveloperOnlyAttribute === true)
    invalid(
      `You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute ${name}`,
    );
  const adapted = {
    ...standard,
    Mutable: given.Mutable ?? standard.Mutable,
    Required: given.Required ?? standard.Required,
    ...constraints(name, { ...given, AttributeDataType: standard.AttributeDataType }, standard),
  };
  if (
    internalAttributes.has(name) &&
    (adapted.Mutable !== standard.Mutable || adapted.Required !== standard.Required)
  )
    invalid(`You can not change Mutable or Required for standard schema attribute ${name}`);
  return adapted;
}

function customAttribute(given: SchemaAttributeType): SchemaAttributeType {
  const developerOnly = given.DeveloperOnlyAttribute === true;
  const name = `${developerOnly ? "dev:custom:" : "custom:"}${nameOf(given)}`;
  if (given.AttributeDataType === undefined)
    invalid("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.");
  if (given.Required === true) invalid("Required custom attributes are not supported currently.");
  return {
    Name: name,
    AttributeDataType: given.AttributeDataType,
    DeveloperOnlyAttribute: developerOnly,
    Mutable: given.Mutable ?? true,
    Required: false,
    ...constraints(name, given, undefined),
  };
}

/** The checked constraints of the attribute's own type; those of another type are dropped, as by AWS. */
function constraints(
  name: string,
  given: SchemaAttributeType,
  standard: SchemaAttributeType | undefined,
): Pick<SchemaAttributeType, "StringAttributeConstraints" | "NumberAttributeConstraints"> {
  if (given.AttributeDataType === "String") {
    const bounds = given.StringAttributeConstraints ?? standard?.StringAttributeConstraints ?? {};
    checkLengths(name, bounds.MinLength, bounds.MaxLength);
    return { StringAttributeConstraints: bounds };
  }
  if (given.AttributeDataType === "Number") {
    const bounds = given.NumberAttributeConstraints ?? standard?.NumberAttributeConstraints ?? {};
    checkRange(name, bounds.MinValue, bounds.MaxValue);
    return { NumberAttributeConstraints: bounds };
  }
  return {};
}

function checkLengths(name: string, least: string | undefined, most: string | undefined): void {
  for (const [member, value] of Object.entries({ MinLength: least, MaxLength: most })) {
    if (value === undefined) continue;
    if (!/^\d{1,10}$/.test(value)) malformedConstraints("String", name, member);
    if (Number(value) > LONGEST_TEXT)
      invalid(`user.${name}: String attributes cannot have a length of more than ${LONGEST_TEXT}`);
  }
  if (least !== undefined && most !== undefined && Number(most) < Number(least))
    invalid(`user.${name}: Max length cannot be less than min length.`);
}

function checkRange(name: string, least: string | undefined, most: string | undefined): void {
  for (const [member, value] of Object.entries({ MinValue: least, MaxValue: most })) {
    // 2^1023 has 308 digits.
    if (value !== undefined && !/^[+-]?\d{1,308}(?:\.\d{1,308})?$/.test(value))
      malformedConstraints("Number", name, member);
  }
  if (least !== undefined && most !== undefined && isLess(most, least))
    invalid(`user.${name}: Max value cannot be less than min value.`);
}

function nameOf(attribute: SchemaAttributeType): string {
  return attribute.Name ?? invalid("The name of a schema attribute is required.");
}

/** @param existing the name with all its prefixes, if it has others */
function duplicate(name: string, existing = name): never {
  return invalid(`${name}: Existing attribute already has name ${existing}.`);
}

/** Refuses a bound that is not a number, in the words that emulators took from Cognito. */
function malformedConstraints(type: "String" | "Number", name: string, member: string): never {
  return refuse(
    "InvalidParameterException",
    `Invalid ${type}AttributeConstraints for schema attribute ${name}`,
    member,
  );
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
