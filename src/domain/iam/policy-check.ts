/**
 * Finds mistakes in a policy when it is written: everything that names our services must mean something, because a
 * misspelled restriction restricts nothing. Statements only about other services are not checked, nor are the parts of
 * a mixed statement that concern them.
 */
import type { Config } from "../../config/config.ts";
import { closest } from "../../lib/closest.ts";
import { repeatedMember } from "../../lib/json-members.ts";
import { readOperator } from "../../policy/conditions.ts";
import { baseOf, isComparable, operatorNames, readsVariables } from "../../policy/operators.ts";
import { compilePattern, matchesPattern, variablesOf } from "../../policy/patterns.ts";
import { parsePolicy } from "../../policy/policy.ts";
import { ownActions, permissions, servedInPart } from "./actions.ts";
import { conditionKey, conditionKeys, type KeyType } from "./condition-keys.ts";
import { isKeyOfOthers } from "./other-services.ts";

type Given = Readonly<Record<string, unknown>>;
/** The account and region of the settings, where all resources are. */
type Installation = Readonly<Pick<Config, "accountId" | "region">>;

/** Throws an Error, with a line for each mistake, unless everything about our services is known and can apply here. */
export function checkPolicy(json: string, installation: Installation): void {
  parsePolicy(json);
  const twice = repeatedMember(json);
  if (twice !== undefined)
    throw new Error(
      `The policy has the member '${twice}' twice in one object, of which only the last would count.`,
    );
  const policy = JSON.parse(json) as Given;
  const variables = policy["Version"] === "2012-10-17";
  const problems = [policy["Statement"]]
    .flat()
    .flatMap((statement, index) =>
      problemsOf(statement as Given, variables, installation).map(
        (problem) => `Statement ${index + 1}: ${problem}`,
      ),
    );
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

function problemsOf(statement: Given, variables: boolean, installation: Installation): string[] {
  const negated = statement["NotAction"] !== undefined;
  const actions = texts(statement["Action"] ?? statement["NotAction"]);
  const services = actions.map(servicesOf);
  const wrong = actions.flatMap((action) => wrongAction(action) ?? []);
  if (!negated && services.every(({ own }) => own.length === 0)) return wrong;
  const ours = !negated && services.every(({ others }) => !others);
  const about = negated ? Object.keys(ownActions) : services.flatMap(({ own }) => own);
  // Requests to STS have the keys of identity providers and of the role, which are other services' elsewhere.
  const ownKeysOnly = ours && !services.some(({ own }) => own.includes("sts"));
  const scope: Scope = {
    ours,
    installation,
    about: new Set(about),
    arns: new Set([
      ...about.flatMap((one) => arnServices[one]!),
      ...(actions.some(isAboutWebAcls) ? ["wafv2"] : []),
    ]),
    allows: statement["Effect"] === "Allow" && statement["Resource"] !== undefined,
  };
  return [
    ...wrong,
    ...texts(statement["Resource"] ?? statement["NotResource"]).flatMap(
      (resource) => wrongResource(resource, scope) ?? [],
    ),
    ...wrongConditions((statement["Condition"] ?? {}) as Given, ownKeysOnly),
    ...wrongVariables(statement, variables, ownKeysOnly),
  ];
}

/**
 * What a policy says with a meaning that its author may not expect, a line for each: ForAllValues also holds if the
 * request has no such key, so an Allow with it allows such requests, unless Null requires the key.
 */
export function policyWarnings(json: string): string[] {
  const statements = [(JSON.parse(json) as Given)["Statement"]].flat() as Given[];
  return statements.flatMap((statement, index) => {
    const block = Object.entries((statement["Condition"] ?? {}) as Readonly<Record<string, Given>>);
    const required = block
      .filter(([spelled]) => spelled === "Null")
      .flatMap(([, keys]) => Object.entries(keys))
      .filter(([, value]) => texts(value).every((one) => String(one).toLowerCase() === "false"))
      .map(([key]) => key.toLowerCase());
    const open = block
      .filter(([spelled]) => statement["Effect"] === "Allow" && spelled.startsWith("ForAllValues:"))
      .flatMap(([spelled, keys]) => Object.keys(keys).map((key) => [spelled, key] as const))
      .filter(([, key]) => !required.includes(key.toLowerCase()));
    return open.map(
      ([spelled, key]) =>
        `Statement ${index + 1}: ${spelled} also allows requests without '${key}'. ` +
        `If it must be there, add "Null": {"${key}": "false"}.`,
    );
  });
}

/** Whether a policy allows changing pools or clients but grants none of Poolhouse's own permissions. */
export function lacksOwnPermissions(json: string): boolean {
  const statements = [(JSON.parse(json) as Given)["Statement"]].flat() as Given[];
  const allows = (service: string, names: readonly string[]) =>
    statements.some((statement) => {
      if (statement["Effect"] !== "Allow") return false;
      const patterns = texts(statement["Action"] ?? statement["NotAction"]);
      const named = (name: string) => patterns.some((pattern) => fits(pattern, `${service}:${name}`));
      return names.some((name) => named(name) === (statement["Action"] !== undefined));
    });
  const changes = ["CreateUserPool", "UpdateUserPool", "TagResource", "CreateUserPoolClient"];
  return allows("cognito-idp", changes) && !allows("poolhouse", Object.keys(permissions));
}

/** What a statement applies to. */
interface Scope {
  readonly installation: Installation;
  /** Our services that it names. */
  readonly about: ReadonlySet<string>;
  /** The services that appear in the ARNs of its resources. */
  readonly arns: ReadonlySet<string>;
  /** Whether it only names our services. */
  readonly ours: boolean;
  /** Whether it is an Allow, in which a resource that does not exist does no harm. */
  readonly allows: boolean;
}

const texts = (value: unknown) => [value].flat() as string[];
const quoted = (name: string | undefined) => (name === undefined ? "" : ` Did you mean '${name}'?`);

function fits(pattern: string, text: string): boolean {
  return matchesPattern(compilePattern(pattern.toLowerCase()), text.toLowerCase());
}

/** Our services that an action pattern matches, and whether it may match others. */
function servicesOf(action: string): { own: string[]; others: boolean } {
  const [service = "", name = ""] = action.split(":");
  const own = Object.keys(ownActions).filter((one) => fits(service, one) && mayMean(one, name));
  const inPart = own.some((one) => servedInPart[one] !== undefined) && /[*?]/.test(name);
  return { own, others: own.length === 0 || /[*?]/.test(service) || inPart };
}

/** Whether an action's name is of those that a service has here, or resembles one. */
function mayMean(service: string, name: string): boolean {
  const others = servedInPart[service];
  if (others === undefined || name === "") return true;
  const known = ownActions[service]!;
  if (known.some((one) => fits(name, one))) return true;
  return !others.some((one) => fits(name, one)) && closest(name, known) !== undefined;
}

function wrongAction(action: string): string | undefined {
  if (action === "*") return undefined;
  const [service = "", name = ""] = action.split(":");
  const { own } = servicesOf(action);
  if (own.length === 0) return oddService(action, service, name);
  const known = own.flatMap((one) => ownActions[one]!);
  if (known.some((one) => fits(name, one))) return undefined;
  const meant = closest(name, known);
  const verb = /[*?]/.test(name) ? "matches" : "is";
  return `'${action}' ${verb} no action of ${own.join(", ")}.${quoted(meant && `${own.length === 1 ? own[0] : service}:${meant}`)}`;
}

/** Reports a service that is not ours but looks like a misspelling of one. */
function oddService(action: string, service: string, name: string): string | undefined {
  if (servedInPart[service.toLowerCase()] !== undefined) return undefined;
  const names = Object.keys(ownActions);
  const like = closest(service, names);
  // Short names resemble each other (sns, sqs, sts): then the action's name has to say whose it is.
  const near =
    like === undefined ||
    like.length > 4 ||
    (/\w/.test(name) && ownActions[like]!.some((one) => fits(name, one)))
      ? like
      : undefined;
  if (near === undefined && !/^cognito(?!-sync$)/i.test(service)) return undefined;
  const meant = near ?? names.find((one) => ownActions[one]!.some((known) => fits(name, known)));
  return `'${action}': no service here is called '${service}' (${names.join(", ")}).${quoted(meant && `${meant}:${name}`)}`;
}

/** The form of a service's resources after the account, and the service in their ARNs. */
const resources: Readonly<Record<string, readonly [string, RegExp]>> = {
  "cognito-idp": ["userpool/<id>", /^userpool\/[\w*?-]+$/],
  "cognito-identity": ["identitypool/<id>", /^identitypool\/[\w:*?-]+$/],
  poolhouse: ["signing-key/<service>", /^signing-key\/[\w*?-]+$/],
  lambda: ["function:<name>", /^function:[\w*?-]+(?::[\w$*?-]+)?$/],
};

/** The services in the ARNs of the resources, by the service of the action. */
const arnServices: Readonly<Record<string, readonly string[]>> = {
  "cognito-idp": ["cognito-idp"],
  poolhouse: ["cognito-idp", "poolhouse"],
  "cognito-identity": ["cognito-identity"],
  lambda: ["lambda"],
  "execute-api": ["execute-api"],
  sts: ["iam", "sts"],
};

/** Whether an action associates web ACLs with pools; these are then resources of it, too. */
function isAboutWebAcls(action: string): boolean {
  return ownActions["cognito-idp"]!.some(
    (name) => /WebACL/.test(name) && fits(action, `cognito-idp:${name}`),
  );
}

/**
 * ARNs below a pool, where AWS has no resources either. Tools write them next to the pool's ARN, and they allow nothing
 * more.
 */
const belowPool = /^userpool\/[\w*?-]+\/(?:\*|client\/[\w+*?-]+)$/;

function wrongResource(
  resource: string,
  { about, arns, ours, allows, installation }: Scope,
): string | undefined {
  if (resource === "*" || !resource.startsWith("arn:")) return undefined;
  const place = `resource '${resource}'`;
  // A variable may hold anything, and contains colons itself.
  const [, partition = "", service = "", region = "", account = "", ...rest] = resource
    .replace(/\$\{[^{}]*\}/g, "*")
    .split(":");
  // A wildcard may span colons.
  if (rest.length === 0)
    return resource.includes("*") || resource.includes("${")
      ? undefined
      : `${place} has fewer than six parts.`;
  const named = service.includes("*") || service.includes("?") ? undefined : resources[service];
  if (named === undefined || !arns.has(service)) {
    if (fitsAny(service, [...arns]) || !ours) return undefined;
    const meant = closest(service, [...arns]);
    return `${place} is none of ${[...about].join(", ")}.${quoted(meant)}`;
  }
  if (!ours && servedInPart[service] !== undefined) return undefined;
  if (!fits(partition, "aws")) return `${place}: the partition is 'aws', not '${partition}'.`;
  if (!/^[a-z0-9*?-]+$/.test(region)) return `${place}: '${region}' is no region.`;
  if (!/^(?:\d{12}|[\d?]*\*[\d*?]*|[\d?]{12})$/.test(account))
    return `${place}: '${account}' is no account, which has 12 digits.`;
  const foreign = elsewhere(region, account, installation);
  if (foreign) return `${place}: ${foreign}, so it would never match.`;
  const [shape, pattern] = named;
  const id = rest.join(":");
  if (service === "cognito-idp" && belowPool.test(id))
    return allows
      ? undefined
      : `${place} would never match: what is below a pool is no resource of its own, the pool is (${shape}).`;
  return pattern.test(id) || /^[\w*?-]*[*?]/.test(id)
    ? undefined
    : `${place} must end in ${shape}, not '${id}'.`;
}

/** The part of an ARN that belongs to another installation, so that no resource here matches it. */
function elsewhere(region: string, account: string, installation: Installation): string | undefined {
  const others = [
    ...(fits(account, installation.accountId)
      ? []
      : [`account ${account} is not this installation's (${installation.accountId})`]),
    ...(fits(region, installation.region)
      ? []
      : [`region ${region} is not this installation's (${installation.region})`]),
  ];
  return others.length === 0 ? undefined : others.join(" and ");
}

const fitsAny = (pattern: string, services: readonly string[]) => services.some((one) => fits(pattern, one));

/** The operators that can compare values of a type; Null applies to all. */
const operatorsFor: Readonly<Record<KeyType, RegExp>> = {
  text: /^(?:String|Numeric)/,
  ARN: /^(?:Arn|String)/,
  truth: /^(?:Bool|String)/,
  time: /^(?:Date|Numeric)/,
  address: /^IpAddress$/,
};

function wrongConditions(block: Given, ours: boolean): string[] {
  return Object.entries(block).flatMap(([spelled, keys]) => {
    const { operator } = readOperator(spelled);
    if (operator === undefined) {
      const [quantifier, name] = spelled.includes(":") ? spelled.split(":") : ["", spelled];
      const meant = closest(name!, operatorNames);
      const whole = meant === undefined ? undefined : quantifier === "" ? meant : `${quantifier}:${meant}`;
      return [`'${spelled}' is no condition operator.${quoted(whole === spelled ? undefined : whole)}`];
    }
    const entries = Object.entries(keys as Given);
    if (entries.length === 0) return [`the operator ${spelled} has no condition key.`];
    return entries.flatMap(([key, value]) =>
      isTheirs(key, ours) ? [] : (wrongCondition(spelled, operator, key, texts(value).map(String)) ?? []),
    );
  });
}

/** Whether a key belongs to another service, in a statement that is not only about ours. */
function isTheirs(key: string, ours: boolean): boolean {
  return !ours && conditionKey(key) === undefined && isKeyOfOthers(key);
}

function wrongCondition(
  spelled: string,
  operator: string,
  key: string,
  values: readonly string[],
): string | undefined {
  const known = conditionKey(key);
  if (known === undefined) return unknownKey(key);
  const oddTag = wrongTag(key);
  if (oddTag !== undefined) return oddTag;
  if (values.length === 0) return `the condition key '${key}' of ${spelled} has no values.`;
  const [positive] = baseOf(operator);
  if (positive !== "Null" && !operatorsFor[known.type].test(positive))
    return `${spelled} cannot be used with '${key}', which is ${known.type === "ARN" || known.type === "address" ? "an" : "a"} ${known.type}.`;
  const reads = readsVariables(operator);
  const odd = values.find((value) => !(reads && value.includes("${")) && !isComparable(operator, value));
  return odd === undefined
    ? undefined
    : `${spelled} cannot compare '${key}' with '${odd}'${odd.includes("${") && !reads ? ": it reads no variables" : comparable(positive)}.`;
}

/** The kind of value that an operator compares with, if it is not plain text. */
function comparable(operator: string): string {
  if (operator === "Bool" || operator === "Null") return ": use true or false";
  return operator === "IpAddress" ? ": it needs an address or a CIDR range" : "";
}

/**
 * Reports a tag key that no tag can have (AWS allows letters, digits, spaces and these characters); patterns have no
 * effect in it.
 */
function wrongTag(key: string): string | undefined {
  const tag = key.slice(key.indexOf("/") + 1);
  if (!key.includes("/") || (/^[\p{L}\p{Z}\p{N}_.:/=+@-]+$/u.test(tag) && tag.trim() === tag))
    return undefined;
  return (
    `no tag has the key '${tag}' of '${key}': there are letters, digits, _.:/=+-@ and blanks between them. ` +
    "Wildcards and variables are not read there."
  );
}

function unknownKey(key: string): string {
  if (/^aws:(?:Resource|Request|Principal)Tag\/?$/i.test(key))
    return `the condition key '${key}' needs the key of a tag: '${key.replace(/\/$/, "")}/<key>'.`;
  const [start = "", tag] = key.split(/(?<=\/)/);
  // A key of another service is not a misspelling of one of ours.
  const service = isKeyOfOthers(key) ? `${key.split(":")[0]!.toLowerCase()}:` : "";
  const names = conditionKeys.map(({ name }) => name).filter((name) => name.startsWith(service));
  const meant = closest(start, names);
  return (
    `no request to our services has the condition key '${key}'.${quoted(meant && meant + (tag ?? ""))}` +
    (meant === undefined ? " Keys of other services belong into statements for their actions." : "")
  );
}

function wrongVariables(statement: Given, variables: boolean, ours: boolean): string[] {
  const conditions = Object.values((statement["Condition"] ?? {}) as Record<string, Given>);
  const all = [
    ...texts(statement["Resource"] ?? statement["NotResource"]),
    ...conditions.flatMap((keys) => Object.values(keys).flatMap((value) => texts(value).map(String))),
  ];
  const named = all.flatMap(variablesOf);
  if (named.length === 0) return [];
  if (!variables) return ['variables are read only in policies with "Version": "2012-10-17".'];
  return [...new Set(named)].flatMap((key) => {
    if (isTheirs(key, ours)) return [];
    const problem = conditionKey(key) === undefined ? unknownKey(key) : wrongTag(key);
    return problem === undefined ? [] : [`a variable: ${problem}`];
  });
}
