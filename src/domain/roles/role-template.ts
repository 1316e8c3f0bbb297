/**
 * Reads roles from a template: a list of roles with the members that IAM gives them, or the Resources of a CloudFormation
 * template ("AWS::IAM::Role", AWS CloudFormation Template Reference).
 */
import type { Config } from "../../config/config.ts";
import { closest } from "../../lib/closest.ts";
import { repeatedMember } from "../../lib/json-members.ts";
import { allowsWithout, parseTrustPolicy } from "../../policy/trust.ts";
import { conditionKey, conditionKeys } from "../iam/condition-keys.ts";
import { isKeyOfOthers } from "../iam/other-services.ts";
import { checkPolicy } from "../iam/policy-check.ts";
import {
  identityIssuer,
  openIdProviderArn,
  ownProvider,
  withoutScheme,
} from "../identity-pools/provider-names.ts";

/** A role as its author describes it. */
export interface RoleDefinition {
  readonly name: string;
  readonly path: string;
  readonly description: string;
  /** The trust policy as JSON. */
  readonly trust: string;
  /** Permission policies as JSON texts, by name. */
  readonly policies: Readonly<Record<string, string>>;
  readonly maxSessionSeconds: number;
}

const members = [
  "RoleName",
  "Path",
  "Description",
  "AssumeRolePolicyDocument",
  "Policies",
  "MaxSessionDuration",
] as const;

type Given = Readonly<Record<string, unknown>>;
type Installation = Pick<Config, "accountId" | "region" | "publicUrl">;

const isObject = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The roles of a template.
 * @param value the parsed file
 * @throws Error with a text for the template's author
 */
export function readTemplate(value: unknown, installation: Installation): RoleDefinition[] {
  const roles = given(value).map((role) => readRole(role, installation));
  if (roles.length === 0) throw new Error("The template has no roles.");
  const names = roles.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new Error(`The template has two roles of the name ${twice}.`);
  return roles;
}

/** The roles as they stand in the template. Resources of other types are left out. */
function given(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) throw new Error("A template is a list of roles, or has Resources.");
  const { Resources } = value;
  if (Resources === undefined) return [value];
  if (!isObject(Resources)) throw new Error("Resources must be an object.");
  return Object.entries(Resources).flatMap(([id, resource]) => {
    if (!isObject(resource) || resource["Type"] !== "AWS::IAM::Role") return [];
    const properties = isObject(resource["Properties"]) ? resource["Properties"] : {};
    // Without a name CloudFormation makes one of the resource's.
    return [{ RoleName: id, ...properties }];
  });
}

function readRole(value: unknown, installation: Installation): RoleDefinition {
  if (!isObject(value)) throw new Error("A role must be an object.");
  const name = value["RoleName"];
  if (name === undefined && value["Statement"] !== undefined)
    throw new Error(
      "This is a policy, not a role: a role has RoleName, AssumeRolePolicyDocument and Policies.",
    );
  if (name === undefined) throw new Error("A role needs a RoleName.");
  if (typeof name !== "string" || !/^[\w+=,.@-]{1,64}$/.test(name))
    throw new Error("RoleName must be 1 to 64 letters, digits or +=,.@-_");
  const fail = (problem: string): never => {
    throw new Error(`Role ${name}: ${problem}`);
  };
  const other = Object.keys(value).find((member) => !members.some((one) => one === member));
  if (other !== undefined) {
    const meant = closest(other, members);
    fail(`unknown member '${other}'.${meant === undefined ? "" : ` Did you mean '${meant}'?`}`);
  }
  const { Path: path = "/", Description: description = "", MaxSessionDuration: seconds = 3600 } = value;
  if (typeof path !== "string" || !/^\/(?:[\x21-\x7e]{1,510}\/)?$/.test(path))
    return fail("Path must begin and end with /.");
  if (typeof description !== "string" || description.length > 1000)
    return fail("Description must be a text of at most 1,000 characters.");
  if (!Number.isInteger(seconds) || Number(seconds) < 3600 || Number(seconds) > 43_200)
    return fail("MaxSessionDuration must be a number of seconds from 3600 to 43200.");
  const trust = text(value["AssumeRolePolicyDocument"]) ?? fail("AssumeRolePolicyDocument is missing.");
  checked(
    () => checkTrustPolicy(trust, installation),
    (problem) => fail(`AssumeRolePolicyDocument: ${problem}`),
  );
  return {
    name,
    path,
    description,
    trust,
    policies: readPolicies(value["Policies"] ?? [], installation, fail),
    maxSessionSeconds: Number(seconds),
  };
}

/**
 * Throws an Error if a trust policy is malformed, tests what no request for a role has, or trusts the identities of every pool
 * ("Identity-provider controls for shared OIDC providers", IAM User Guide): whoever may create a pool would have the role.
 */
function checkTrustPolicy(json: string, installation: Installation): void {
  const { statements } = parseTrustPolicy(json);
  const pools = withoutScheme(identityIssuer(installation));
  const open = statements.findIndex((statement) =>
    allowsWithout(statement, {
      action: "sts:AssumeRoleWithWebIdentity",
      provider: { type: "Federated", values: [ownProvider, openIdProviderArn(installation, pools)] },
      // Servers may have another public URL than this command knows.
      isAsked: (key) => key === `${ownProvider}:aud` || key.endsWith("/identity:aud"),
    }),
  );
  if (open >= 0)
    throw new Error(
      `Statement ${open + 1}: the identities of every identity pool could have the role: it needs a condition with ` +
        `'${ownProvider}:aud', the id of the pool.`,
    );
  const twice = repeatedMember(json);
  if (twice !== undefined)
    throw new Error(
      `the member '${twice}' is there twice in one object, of which only the last would count.`,
    );
  const unknown = statements.flatMap(({ keys }) => keys).find((key) => !isTrustKey(key));
  if (unknown === undefined) return;
  const meant = closest(
    unknown,
    conditionKeys.map(({ name }) => name),
  );
  throw new Error(
    `no request for a role has the condition key '${unknown}'.` +
      (meant === undefined ? "" : ` Did you mean '${meant}'?`),
  );
}

/** Whether a request for a role can have a condition key. Other issuers' keys begin with their host and path. */
function isTrustKey(key: string): boolean {
  if (conditionKey(key) !== undefined || isKeyOfOthers(key)) return true;
  const issuer = key.slice(0, key.lastIndexOf(":"));
  return /[./]/.test(issuer) && issuer !== "cognito-identity.amazonaws.com";
}

/** A policy document as JSON. */
const text = (document: unknown): string | undefined => {
  if (isObject(document)) return JSON.stringify(document);
  return typeof document === "string" ? document : undefined;
};

function checked(check: () => unknown, fail: (problem: string) => never): void {
  try {
    check();
  } catch (error) {
    fail((error as Error).message);
  }
}

function readPolicies(
  value: unknown,
  installation: Installation,
  fail: (problem: string) => never,
): Record<string, string> {
  if (!Array.isArray(value)) return fail("Policies must be a list.");
  const policies: Record<string, string> = Object.create(null);
  for (const one of value as unknown[]) {
    const { PolicyName: name, PolicyDocument: document, ...others } = isObject(one) ? one : {};
    if (typeof name !== "string" || !/^[\w+=,.@-]{1,128}$/.test(name))
      return fail("each of Policies needs a PolicyName.");
    const json = text(document) ?? fail(`policy ${name}: PolicyDocument is missing.`);
    const [other] = Object.keys(others);
    if (other !== undefined) fail(`policy ${name}: unknown member '${other}'.`);
    if (name in policies) fail(`policy ${name}: given twice.`);
    checked(
      () => checkPolicy(json, installation),
      (problem) => fail(`policy ${name}: ${problem}`),
    );
    policies[name] = json;
  }
  return { ...policies };
}
