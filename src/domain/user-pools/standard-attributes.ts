/**
 * The standard attributes of every pool, with the constraints that DescribeUserPool returns for them
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html#cognito-user-pools-standard-attributes).
 */
import type { SchemaAttributeType } from "../../wire/generated/user-pools.types.ts";

function text(Name: string, MinLength = "0", MaxLength = "2048"): SchemaAttributeType {
  return { ...common(Name, "String"), StringAttributeConstraints: { MinLength, MaxLength } };
}

function common(Name: string, AttributeDataType: "String" | "Boolean" | "Number"): SchemaAttributeType {
  return { Name, AttributeDataType, DeveloperOnlyAttribute: false, Mutable: true, Required: false };
}

/** In the order of AWS's example of CreateUserPool. */
export const standardAttributes: readonly SchemaAttributeType[] = [
  { ...text("sub", "1"), Mutable: false, Required: true },
  text("name"),
  text("given_name"),
  text("family_name"),
  text("middle_name"),
  text("nickname"),
  text("preferred_username"),
  text("profile"),
  text("picture"),
  text("website"),
  text("email"),
  common("email_verified", "Boolean"),
  text("gender"),
  text("birthdate", "10", "10"),
  text("zoneinfo"),
  text("locale"),
  text("phone_number"),
  common("phone_number_verified", "Boolean"),
  text("address"),
  { ...common("updated_at", "Number"), NumberAttributeConstraints: { MinValue: "0" } },
  { ...common("identities", "String"), StringAttributeConstraints: {} },
];

const names: ReadonlySet<string> = new Set(standardAttributes.map((attribute) => attribute.Name ?? ""));

export function isStandardAttribute(name: string): boolean {
  return names.has(name);
}

/** Attributes that only Poolhouse writes: the subject, and links to accounts at other providers. */
export const internalAttributes: ReadonlySet<string> = new Set(["sub", "identities"]);

/** Attributes that administrators may set but users may not, since they would vouch for themselves. */
export const verifiedAttributes: ReadonlySet<string> = new Set(["email_verified", "phone_number_verified"]);
