/** Which role an identity's credentials are for: a table of mappings, tokens and wishes, worked out from the documents. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseRole } from "../../src/domain/identities/choose-role.ts";
import type { VerifiedLogin } from "../../src/domain/identities/login.ts";
import { principalTags } from "../../src/domain/identities/principal-tags.ts";
import type { IdentityPoolDocument } from "../../src/domain/identity-pools/load-identity-pool.ts";
import { Refusal } from "../../src/lib/refusal.ts";
import type { MappingRule, RoleMapping } from "../../src/wire/generated/identity-pools.types.ts";

const arn = (name: string) => `arn:aws:iam::000000000000:role/${name}`;
const config = { publicUrl: "https://id.example.com" };
const provider = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Aa1";
const key = `${provider}:client`;
const Roles = { authenticated: arn("all"), unauthenticated: arn("guests") };

function login(claims: Record<string, unknown>, more: Partial<VerifiedLogin> = {}): VerifiedLogin {
  return { provider, subject: "s", mapping: key, clientId: "client", claims, ...more };
}

const token = (AmbiguousRoleResolution: "Deny" | "AuthenticatedRole"): RoleMapping => ({
  Type: "Token",
  AmbiguousRoleResolution,
});
const rule = (
  Claim: string,
  MatchType: MappingRule["MatchType"],
  Value: string,
  role: string,
): MappingRule => ({
  ...{ Claim, MatchType, Value },
  RoleARN: arn(role),
});
const rules = (
  AmbiguousRoleResolution: "Deny" | "AuthenticatedRole",
  ...Rules: MappingRule[]
): RoleMapping => ({
  ...{ Type: "Rules", AmbiguousRoleResolution },
  RulesConfiguration: { Rules },
});

const byGroup = rules(
  "Deny",
  rule("cognito:groups", "Contains", "admin", "admins"),
  rule("department", "Equals", "it", "it"),
  rule("level", "StartsWith", "1", "low"),
  rule("guest", "NotEqual", "true", "members"),
);
const groups = (...names: string[]) => ({ "cognito:roles": names.map(arn) });

/** A mapping × the claims of a token × CustomRoleArn → the role, or the error. */
const table: readonly (readonly [RoleMapping | undefined, object, string | undefined, string])[] = [
  // Without a mapping: the role of all; no other may be wished.
  [undefined, {}, undefined, "all"],
  [undefined, groups("x"), undefined, "all"],
  [undefined, {}, "all", "all"],
  [undefined, {}, "other", "denied"],
  [undefined, groups("other"), "other", "denied"],
  // By token: the preferred role, or the only one.
  [token("Deny"), { ...groups("a", "b"), "cognito:preferred_role": arn("a") }, undefined, "a"],
  [token("Deny"), groups("a"), undefined, "a"],
  [token("Deny"), groups("a", "b"), undefined, "denied"],
  [token("AuthenticatedRole"), groups("a", "b"), undefined, "all"],
  [token("Deny"), {}, undefined, "denied"],
  [token("AuthenticatedRole"), {}, undefined, "all"],
  [token("Deny"), groups(), undefined, "denied"],
  // CustomRoleArn must be one of cognito:roles, whatever is preferred; the role of all is none of them.
  [token("Deny"), { ...groups("a", "b"), "cognito:preferred_role": arn("a") }, "b", "b"],
  [token("Deny"), groups("a", "b"), "b", "b"],
  [token("Deny"), groups("a"), "c", "denied"],
  [token("AuthenticatedRole"), groups("a"), "c", "denied"],
  [token("AuthenticatedRole"), {}, "all", "denied"],
  // Claims of other types name no roles.
  [token("Deny"), { "cognito:roles": arn("a") }, undefined, "denied"],
  [token("Deny"), { "cognito:roles": { 0: arn("a") } }, undefined, "denied"],
  [token("Deny"), { "cognito:preferred_role": [arn("a")] }, undefined, "denied"],
  // Rules: the first that matches.
  [byGroup, { "cognito:groups": ["admins"] }, undefined, "admins"],
  [byGroup, { "cognito:groups": ["staff", "sysadmin"] }, undefined, "admins"],
  [byGroup, { "cognito:groups": ["staff"], department: "it" }, undefined, "it"],
  [byGroup, { "cognito:groups": ["admin"], department: "it" }, undefined, "admins"],
  [byGroup, { department: "IT" }, undefined, "denied"],
  [byGroup, { department: "it " }, undefined, "denied"],
  [byGroup, { department: ["hr", "it"] }, undefined, "it"],
  [byGroup, { level: "12" }, undefined, "low"],
  [byGroup, { level: 12 }, undefined, "low"],
  [byGroup, { level: 21 }, undefined, "denied"],
  [byGroup, { level: ["21", "1"] }, undefined, "low"],
  // NotEqual needs the claim.
  [byGroup, { guest: "false" }, undefined, "members"],
  [byGroup, { guest: false }, undefined, "members"],
  [byGroup, { guest: "true" }, undefined, "denied"],
  [byGroup, { guest: true }, undefined, "denied"],
  [byGroup, { guest: null }, undefined, "denied"],
  [byGroup, { guest: ["true", "x"] }, undefined, "denied"],
  [byGroup, {}, undefined, "denied"],
  [{ ...byGroup, AmbiguousRoleResolution: "AuthenticatedRole" }, {}, undefined, "all"],
  // CustomRoleArn chooses among all that match, and among them alone.
  [byGroup, { "cognito:groups": ["admin"], department: "it" }, "it", "it"],
  [byGroup, { "cognito:groups": ["admin"], department: "it" }, "low", "denied"],
  [byGroup, { department: "it" }, "admins", "denied"],
  [{ ...byGroup, AmbiguousRoleResolution: "AuthenticatedRole" }, { department: "it" }, "all", "denied"],
  // What is inherited by every object is no claim.
  [rules("Deny", rule("constructor", "Contains", "Object", "odd")), {}, undefined, "denied"],
  [rules("Deny", rule("toString", "NotEqual", "x", "odd")), {}, undefined, "denied"],
  [rules("Deny", rule("__proto__", "NotEqual", "x", "odd")), {}, undefined, "denied"],
];

function outcome(document: Partial<IdentityPoolDocument>, logins: VerifiedLogin[], wanted?: string): string {
  try {
    const pool = { document: { AllowUnauthenticatedIdentities: true, ...document } };
    return chooseRole(config, pool, logins, wanted).replace(/^.*\//, "");
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error.code === "NotAuthorizedException" ? "denied" : error.code;
  }
}

test("the role of an identity with a login", () => {
  for (const [mapping, claims, wanted, expected] of table) {
    const RoleMappings = mapping && { [key]: mapping };
    const found = outcome({ Roles, RoleMappings }, [login({ ...claims })], wanted && arn(wanted));
    assert.equal(found, expected, JSON.stringify([mapping, claims, wanted]));
  }
});

test("mappings name their provider in either form, and count for their client alone", () => {
  const mapping = token("Deny");
  const claims = groups("a");
  const of = (name: string) => outcome({ Roles, RoleMappings: { [name]: mapping } }, [login(claims)]);
  assert.equal(of(key), "a");
  assert.equal(of("id.example.com/us-east-1_Aa1:client"), "a");
  assert.equal(of(`${provider}:another`), "all");
  assert.equal(of(provider), "all");
  assert.equal(of("cognito-idp.us-east-1.amazonaws.com/us-east-1_Bb2:client"), "all");
});

test("guests have the role of guests, and wish for none", () => {
  assert.equal(outcome({ Roles }, []), "guests");
  assert.equal(outcome({ Roles }, [], arn("guests")), "denied");
  assert.equal(outcome({}, []), "InvalidIdentityPoolConfigurationException");
  assert.equal(outcome({}, [login({})]), "InvalidIdentityPoolConfigurationException");
  assert.equal(
    outcome({ Roles: { authenticated: arn("all") } }, []),
    "InvalidIdentityPoolConfigurationException",
  );
});

test("principal tags are claims of the first login that has a map", () => {
  const tags = (map: object, claims: object) =>
    principalTags(
      { document: { AllowUnauthenticatedIdentities: false, PrincipalTags: { [provider]: map } } },
      [login({}, { provider: "accounts.google.com" }), login({ ...claims })],
    );
  assert.deepEqual(tags({ UseDefaults: true }, { sub: "forged", aud: "forged" }), {
    username: "s",
    client: "client",
  });
  assert.deepEqual(tags({ PrincipalTags: { team: "dept" } }, { dept: "it" }), { team: "it" });
  assert.deepEqual(tags({ PrincipalTags: { team: "dept" } }, { dept: ["it"] }), {});
  assert.deepEqual(tags({ PrincipalTags: { level: "level" } }, { level: 3 }), { level: "3" });
  assert.deepEqual(tags({ PrincipalTags: { odd: "constructor" } }, {}), {});
  for (const bad of ["x".repeat(257), "semi;colon", "line\nbreak"])
    assert.throws(() => tags({ PrincipalTags: { team: "dept" } }, { dept: bad }), Refusal);
});
