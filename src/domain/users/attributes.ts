/**
 * How attributes of a user change: merging, deletion by an empty value, what must not change, and how a change of
 * address affects its verification ("Working with user attributes",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html). Pure.
 */
import type { AttributeType } from "../../wire/generated/user-pools.types.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type ContactAttribute, isContact } from "../messages/delivery.ts";
import { canWrite } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import {
  canonicalAttributes,
  checkAttributes,
  missingAttributes,
  schemaAttribute,
} from "../user-pools/schema.ts";
import { internalAttributes } from "../user-pools/standard-attributes.ts";
import { refuseAliasShapes } from "./username.ts";

export type Attributes = Readonly<Record<string, string>>;

export const contactAttributes = ["email", "phone_number"] as const satisfies readonly ContactAttribute[];

/** The wire's list as an object; if a name is repeated, the last one counts. An absent value becomes an empty one. */
export function attributesFrom(list: readonly AttributeType[] | undefined): Attributes {
  return Object.fromEntries((list ?? []).map(({ Name, Value }) => [Name, Value ?? ""]));
}

export function isVerified(attributes: Attributes, contact: ContactAttribute): boolean {
  return attributes[`${contact}_verified`] === "true";
}

/**
 * Refuses attributes that users may not write through this client; names that are not in the schema are refused later,
 * as unknown.
 */
export function assertWritable(pool: Pool, client: Client, names: readonly string[]): void {
  const known = names.filter((name) => schemaAttribute(pool, name) !== undefined);
  if (known.some((name) => !canWrite(pool, client, name))) {
    refuse("NotAuthorizedException", "A client attempted to write unauthorized attribute");
  }
}

/** The attributes that have a value. */
function withoutEmpty(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ""));
}

/**
 * The attributes after a change. An empty value deletes. A new e-mail address or phone number becomes unverified unless
 * the change says otherwise, which only administrators can. Throws InvalidParameterException.
 */
export function changeAttributes(pool: Pool, before: Attributes, given: Attributes): Attributes {
  const change = canonicalAttributes(pool, given);
  checkAttributes(pool, change, { required: false });
  checkPreferredUsername(pool, change);
  for (const name of Object.keys(change)) refuseImmutable(pool, name);
  const emptied = Object.keys(change).filter((name) => change[name] === "");
  const after = removeAttributes(pool, { ...before, ...change }, emptied);
  return settleVerified(after, before, change);
}

/** Removes attributes. Throws InvalidParameterException for unknown, immutable and required ones. */
export function deleteAttributes(pool: Pool, before: Attributes, names: readonly string[]): Attributes {
  const unknown = names.filter((name) => schemaAttribute(pool, name) === undefined);
  if (unknown.length > 0) {
    const lines = unknown.map((name) => `user.${name}: Attribute does not exist in the schema.\n`);
    refuse("InvalidParameterException", `Invalid user attributes: ${lines.join("")}`);
  }
  for (const name of names) refuseImmutable(pool, name);
  return settleVerified(removeAttributes(pool, before, names), before, {});
}

function removeAttributes(pool: Pool, attributes: Attributes, names: readonly string[]): Attributes {
  const required = names.find((name) => schemaAttribute(pool, name)?.Required === true);
  if (required !== undefined) {
    refuseFor("attributesMalformed", { violations: missingAttributes([required]), names: [required] });
  }
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** Immutable attributes can be set when a user is created, but not later. */
function refuseImmutable(pool: Pool, name: string): void {
  if (internalAttributes.has(name) || schemaAttribute(pool, name)?.Mutable === false) {
    refuse("InvalidParameterException", `user.${name}: Attribute cannot be updated.\n`);
  }
}

function settleVerified(after: Attributes, before: Attributes, change: Attributes): Attributes {
  const settled: Record<string, string> = { ...after };
  for (const contact of contactAttributes) {
    const flag = `${contact}_verified`;
    refuseUnfounded(contact, settled[contact], change[flag]);
    if (settled[contact] === undefined) delete settled[flag];
    else if (settled[contact] !== before[contact] && !change[flag]) settled[flag] = "false";
  }
  return settled;
}

/**
 * Refuses email_verified or phone_number_verified without the address: "You must provide a value for email when you
 * want to set email_verified to true" (AdminCreateUser).
 */
function refuseUnfounded(
  contact: ContactAttribute,
  value: string | undefined,
  flag: string | undefined,
): void {
  if (flag !== "true" || value) return;
  refuse("InvalidParameterException", `${contact} is required to set ${contact}_verified.`);
}

function checkPreferredUsername(pool: Pool, attributes: Attributes): void {
  const name = attributes["preferred_username"];
  if (!name || !pool.document.AliasAttributes?.includes("preferred_username")) return;
  refuseAliasShapes(pool, "preferred_username", name);
}

/** The attributes of a new user. Throws InvalidParameterException. */
export function firstAttributes(pool: Pool, given: Attributes, options: { required: boolean }): Attributes {
  const set = canonicalAttributes(pool, given);
  checkAttributes(pool, set, options);
  checkPreferredUsername(pool, set);
  for (const contact of contactAttributes) {
    refuseUnfounded(contact, set[contact], set[`${contact}_verified`]);
  }
  return withoutEmpty(set);
}

/**
 * Splits a user's own changes into those that must be verified first (UserAttributeUpdateSettings
 * .AttributesRequireVerificationBeforeUpdate) and those that are made at once.
 */
export function splitPending(
  pool: Pick<Pool, "document">,
  before: Attributes,
  change: Attributes,
): { now: Attributes; pending: Partial<Record<ContactAttribute, string>> } {
  const waiting =
    pool.document.UserAttributeUpdateSettings?.AttributesRequireVerificationBeforeUpdate?.filter(isContact) ??
    [];
  const now: Record<string, string> = { ...change };
  const pending: Partial<Record<ContactAttribute, string>> = {};
  for (const contact of waiting) {
    const value = change[contact];
    // An administrator, who may set "verified" in the same request, does not have to wait.
    if (value === undefined || value === "" || value === before[contact]) continue;
    if (change[`${contact}_verified`]?.toLowerCase() === "true") continue;
    pending[contact] = value;
    delete now[contact];
  }
  return { now, pending };
}
