/**
 * Decides what an IAM JSON policy allows ("IAM JSON policy elements reference" and "Policy evaluation logic", IAM User
 * Guide): the identity policies of our access keys, and of the roles that we issue credentials for.
 *
 * An explicit deny overrides an allow; without either, the answer is an implicit deny. What cannot be decided (an
 * unknown operator, an unknown fact, a value that is not a number, several values where one is expected) never allows
 * and always denies. If two policies must both allow (a session policy), each is evaluated separately.
 */
import { closest } from "../lib/closest.ts";
import {
  any,
  type Condition,
  type Context,
  conditionsHold,
  parseConditions,
  type Ternary,
} from "./conditions.ts";
import {
  compilePattern,
  type Facts,
  matchesPattern,
  namesUndecidable,
  type Pattern,
  undecidable,
  variablesOf,
} from "./patterns.ts";

export type { Context } from "./conditions.ts";
export { undecidable } from "./patterns.ts";

/** A parsed policy document. */
export type Policy = { variables: boolean; statements: readonly Statement[] };

type Statement = {
  effect: "Allow" | "Deny";
  action: { negated: boolean; patterns: readonly Pattern[] };
  resource: Match;
  conditions: readonly Condition[];
};

/** `negated` is for NotAction and NotResource. */
type Match = { negated: boolean; patterns: readonly string[] };

export type Decision = "allow" | "explicit-deny" | "implicit-deny";

/** The longest accepted document, in characters; IAM's own limit is 10,240 without white space. */
const MAX_LENGTH = 32_768;

/**
 * Parses a policy document.
 * @throws Error with a text for the policy's author if it is malformed. Members that IAM does not know are refused,
 * since an ignored one could be a restriction.
 */
export function parsePolicy(json: string): Policy {
  if (json.length > MAX_LENGTH) throw new Error(`A policy has at most ${MAX_LENGTH} characters.`);
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch {
    throw new Error("The policy is not valid JSON.");
  }
  const policy = record(document, "The policy");
  refuseOthers(policy, ["Version", "Id", "Statement"], "The policy");
  const version = policy["Version"] ?? "2008-10-17";
  if (version !== "2012-10-17" && version !== "2008-10-17") {
    throw new Error("Version must be 2012-10-17 or 2008-10-17.");
  }
  const given = policy["Statement"];
  const statements = Array.isArray(given) ? given : [given];
  if (given === undefined || statements.length === 0) throw new Error("A policy needs a Statement.");
  return { variables: version === "2012-10-17", statements: statements.map(parseStatement) };
}

const MEMBERS = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];

function parseStatement(given: unknown, index: number): Statement {
  const name = `Statement ${index + 1}`;
  const statement = record(given, name);
  if ("Principal" in statement || "NotPrincipal" in statement) {
    throw new Error(`${name}: an identity-based policy names no principal.`);
  }
  refuseOthers(statement, MEMBERS, name);
  if (statement["Sid"] !== undefined && typeof statement["Sid"] !== "string") {
    throw new Error(`${name}: Sid must be a string.`);
  }
  const effect = statement["Effect"];
  if (effect !== "Allow" && effect !== "Deny") throw new Error(`${name}: Effect must be Allow or Deny.`);
  const action = parseMatch(statement, "Action", name);
  for (const pattern of action.patterns) {
    if (pattern !== "*" && !/^[\w*?-]+:[\w*?]+$/.test(pattern)) {
      throw new Error(`${name}: '${pattern}' is no action; it has the form service:Action.`);
    }
  }
  const resource = parseMatch(statement, "Resource", name);
  for (const pattern of resource.patterns) {
    if (!/^(?:\*|arn:.+|\*:.+|\$\{.+)$/s.test(pattern)) {
      throw new Error(`${name}: resource '${pattern}' must be an ARN or "*".`);
    }
  }
  const patterns = action.patterns.map((pattern) => compilePattern(pattern.toLowerCase(), undefined)!);
  return {
    effect,
    action: { negated: action.negated, patterns },
    resource,
    conditions: parseConditions(statement["Condition"], name),
  };
}

function parseMatch(statement: Record<string, unknown>, member: "Action" | "Resource", name: string): Match {
  const plain = statement[member];
  const not = statement[`Not${member}`];
  if ((plain === undefined) === (not === undefined)) {
    throw new Error(`${name} needs either ${member} or Not${member}.`);
  }
  const patterns = [plain ?? not].flat();
  if (patterns.length === 0 || !patterns.every((pattern) => typeof pattern === "string" && pattern !== "")) {
    throw new Error(`${name}: ${member} must be a string or a list of strings.`);
  }
  return { negated: not !== undefined, patterns: patterns as string[] };
}

/**
 * The condition keys, in lower case, that decide about an action: those in the conditions and variables of statements
 * that match it. The values of other keys need not be found.
 */
export function keysAsked(policies: readonly Policy[], action: string): ReadonlySet<string> {
  const asked = new Set<string>();
  for (const { variables, statements } of policies) {
    for (const { action: match, resource, conditions } of statements) {
      if (!names(match, action)) continue;
      for (const { key } of conditions) asked.add(key);
      const texts = [...resource.patterns, ...conditions.flatMap(({ values }) => values)];
      if (variables) for (const key of texts.flatMap(variablesOf)) asked.add(key);
    }
  }
  return asked;
}

/**
 * Evaluates one request against all policies of a principal.
 *
 * @param request.action `service:Operation`, compared case-insensitively
 * @param request.resource the ARN, compared case-sensitively; "*" for operations without a specific resource
 * @param request.context the condition keys of the request, whose names are compared case-insensitively
 */
export function evaluate(
  policies: readonly Policy[],
  request: { action: string; resource: string; context: Context },
): Decision {
  const context = new Map<string, readonly string[] | typeof undecidable>();
  for (const [key, value] of Object.entries(request.context)) {
    if (value === undecidable) context.set(key.toLowerCase(), undecidable);
    else if (value !== undefined) context.set(key.toLowerCase(), [value].flat().map(String));
  }
  let decision: Decision = "implicit-deny";
  for (const policy of policies) {
    for (const statement of policy.statements) {
      const holds = applies(statement, policy.variables, request, context);
      if (holds !== true && !(holds === "unknown" && statement.effect === "Deny")) continue;
      if (statement.effect === "Deny") return "explicit-deny";
      decision = "allow";
    }
  }
  return decision;
}

function applies(
  statement: Statement,
  variables: boolean,
  request: { action: string; resource: string },
  context: Facts,
): Ternary {
  if (!names(statement.action, request.action)) return false;
  const reached = reaches(statement, variables ? context : undefined, request.resource);
  if (reached === false) return false;
  const holds = conditionsHold(statement.conditions, context, variables);
  return holds === true ? reached : holds;
}

function names({ negated, patterns }: Statement["action"], action: string): boolean {
  const text = action.toLowerCase();
  return patterns.some((pattern) => matchesPattern(pattern, text)) !== negated;
}

/** Whether the statement applies to the resource. */
function reaches(
  { effect, resource: match }: Statement,
  variables: Facts | undefined,
  resource: string,
): Ternary {
  const compiled = match.patterns.map((text) => ({ text, pattern: compilePattern(text, variables) }));
  const covered = any(
    compiled.map(({ text, pattern }) => {
      if (pattern !== undefined) return matchesPattern(pattern, resource);
      return namesUndecidable(text, variables) ? "unknown" : false;
    }),
  );
  if (!match.negated) return covered;
  // NotResource with a variable without a value excludes nothing, which must not widen an Allow.
  if (effect === "Allow" && compiled.some(({ pattern }) => pattern === undefined)) return false;
  return covered === "unknown" ? "unknown" : !covered;
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${name} must be a JSON object.`);
  }
  return value as Record<string, unknown>;
}

function refuseOthers(value: Record<string, unknown>, known: readonly string[], name: string): void {
  const other = Object.keys(value).find((member) => !known.includes(member));
  if (other === undefined) return;
  const meant = closest(other, known);
  throw new Error(
    `${name} has an unknown member '${other}'.${meant === undefined ? "" : ` Did you mean '${meant}'?`}`,
  );
}
