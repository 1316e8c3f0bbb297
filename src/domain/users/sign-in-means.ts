/** What a user signs in with or recovers by; every change of it is recorded in the audit log. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { User, UserChange } from "../../store/users.ts";
import { contactAttributes } from "./attributes.ts";

/** Aliases, addresses that codes are sent to, and whether these are verified. */
const attributes = [...contactAttributes, "preferred_username"] as const;

type Means = Pick<User, "attributes" | "mfa" | "status" | "enabled">;

/** What changed, as details of an audit event: names of attributes and factors, never values; undefined if nothing did. */
export function changedMeans(
  before: Means,
  after: Means,
): { readonly attributes?: readonly string[]; readonly factors?: readonly string[] } | undefined {
  const differs = (name: string) => before.attributes[name] !== after.attributes[name];
  const changed = attributes.filter((name) => differs(name) || differs(`${name}_verified`));
  const mfa = !isDeepStrictEqual(before.mfa, after.mfa);
  const access = before.status !== after.status || before.enabled !== after.enabled;
  if (changed.length === 0 && !mfa && !access) return undefined;
  return {
    ...(changed.length > 0 && { attributes: changed }),
    ...(mfa && { factors: after.mfa.enabled }),
  };
}

/** Whether a change gives the user nothing that they did not have before. */
export function onlyTakesAway(before: Means, after: Means): boolean {
  const isKept = (name: string) =>
    after.attributes[name] === before.attributes[name] || after.attributes[name] === undefined;
  const { mfa } = after;
  return (
    attributes.every((name) => isKept(name) && isKept(`${name}_verified`)) &&
    mfa.enabled.every((factor) => before.mfa.enabled.includes(factor)) &&
    (mfa.preferred === undefined || mfa.preferred === before.mfa.preferred) &&
    (mfa.softwareToken === undefined || mfa.softwareToken === before.mfa.softwareToken) &&
    after.status === before.status &&
    after.enabled === before.enabled
  );
}

/** Whether a change leaves the user as they are. */
export function changesNothing(user: User, change: UserChange): boolean {
  return (Object.keys(change) as (keyof UserChange)[]).every((member) =>
    isDeepStrictEqual(user[member], change[member]),
  );
}
