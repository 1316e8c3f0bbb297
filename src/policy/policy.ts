/**
 * Decides what an IAM JSON policy allows ("IAM JSON policy elements reference" and "Policy evaluation logic", IAM User
 * Guide): policies of identities, that is of access keys and roles, and of sessions.
 *
 * An explicit deny overrides an allow; without either, the answer is an implicit deny. What cannot be decided (an
 * unknown operator, an unknown fact, a value that is not a number or no ARN, several values where one is expected, a comparison
 * that would take too long) never allows and always denies. A policy is compiled when it is parsed, and may be kept and evaluated as often as one likes.
 */
import { type Context, conditionsHold, factsOf } from "./conditions.ts";
import {
  type Actions,
  type Common,
  compileActions,
  type Given,
  includesAction,
  readCommon,
  readDocument,
  texts,
} from "./document.ts";
import type { Ternary } from "./operators.ts";
import {
  comparePattern,
  compileTemplate,
  type Facts,
  fillPattern,
  foldCase,
  foldPattern,
  keysOf,
  type Template,
} from "./patterns.ts";

export type { Context } from "./conditions.ts";
export { undecidable } from "./patterns.ts";

/** A parsed policy document. */
export interface Policy {
  readonly statements: readonly Statement[];
}

interface Statement extends Common {
  readonly actions: Actions;
  readonly resources: Resources;
  /** The condition keys that decide about it, in lower case. */
  readonly keys: readonly string[];
}

/** `negated` is for NotResource. */
interface Resources {
  readonly negated: boolean;
  readonly patterns: readonly Template[];
}

export type Decision = "allow" | "explicit-deny" | "implicit-deny";

/** A request to be decided about. */
export interface Asked {
  /** `service:Operation`, compared case-insensitively. */
  readonly action: string;
  /** The ARN, compared case-sensitively; "*" for operations without a specific resource. */
  readonly resource: string;
  /** Compares the resource without regard to the case of ASCII letters, for services to which they are the same. */
  readonly ignoreCase?: boolean;
  /** The condition keys of the request, whose names are compared case-insensitively. */
  readonly context: Context;
}

/**
 * Parses a policy document.
 * @throws Error with a text for the policy's author if it is malformed. Members that IAM does not know are refused,
 * since an ignored one could be a restriction.
 */
export function parsePolicy(json: string): Policy {
  const { variables, statements } = readDocument(json);
  return { statements: statements.map(({ given, name }) => parseStatement(given, { variables, name })) };
}

function parseStatement(
  given: Given,
  place: { readonly variables: boolean; readonly name: string },
): Statement {
  const { name, variables } = place;
  if ("Principal" in given || "NotPrincipal" in given) {
    throw new Error(`${name}: an identity-based policy names no principal.`);
  }
  const common = readCommon(given, ["Action", "NotAction", "Resource", "NotResource"], place);
  const action = oneOf(given, "Action", name);
  const actions = compileActions(action.patterns, action.negated, name);
  const resource = oneOf(given, "Resource", name);
  for (const pattern of resource.patterns) {
    if (!/^(?:\*|arn:.+|\*:.+|\$\{.+)$/s.test(pattern)) {
      throw new Error(`${name}: resource '${pattern}' must be an ARN or "*".`);
    }
  }
  const patterns = resource.patterns.map((pattern) => compileTemplate(pattern, variables));
  return {
    ...common,
    actions,
    resources: { negated: resource.negated, patterns },
    keys: [...patterns.flatMap(keysOf), ...common.conditions.flatMap(({ keys }) => keys)],
  };
}

function oneOf(statement: Given, member: "Action" | "Resource", name: string) {
  const plain = statement[member];
  const not = statement[`Not${member}`];
  if ((plain === undefined) === (not === undefined)) {
    throw new Error(`${name} needs either ${member} or Not${member}.`);
  }
  return { negated: not !== undefined, patterns: texts(plain ?? not, member, name) };
}

/**
 * The condition keys, in lower case, that decide about an action: those in the conditions and variables of statements
 * that match it. The values of other keys need not be found.
 */
export function keysAsked(policies: readonly Policy[], action: string): ReadonlySet<string> {
  const asked = new Set<string>();
  const folded = action.toLowerCase();
  for (const { statements } of policies)
    for (const { actions, keys } of statements)
      if (keys.length > 0 && includesAction(actions, folded)) for (const key of keys) asked.add(key);
  return asked;
}

/** Evaluates one request against all policies of a principal. */
export function evaluate(policies: readonly Policy[], asked: Asked): Decision {
  return evaluateFacts(policies, readAsked(asked));
}

/** A request whose action is in lower case, and whose context has been read. */
interface Read {
  readonly action: string;
  readonly resource: string;
  readonly ignoreCase: boolean;
  readonly facts: Facts;
}

function readAsked({ action, resource, context, ignoreCase = false }: Asked): Read {
  return {
    action: action.toLowerCase(),
    resource: ignoreCase ? foldCase(resource) : resource,
    ignoreCase,
    facts: factsOf(context),
  };
}

function evaluateFacts(policies: readonly Policy[], request: Read): Decision {
  let decision: Decision = "implicit-deny";
  for (const { statements } of policies) {
    for (const statement of statements) {
      // Another Allow changes nothing.
      if (statement.effect === "Allow" && decision === "allow") continue;
      const holds = applies(statement, request);
      if (holds !== true && !(holds === "unknown" && statement.effect === "Deny")) continue;
      if (statement.effect === "Deny") return "explicit-deny";
      decision = "allow";
    }
  }
  return decision;
}

function applies(statement: Statement, request: Read): Ternary {
  if (!includesAction(statement.actions, request.action)) return false;
  const reached = reaches(statement, request);
  if (reached === false) return false;
  const holds = conditionsHold(statement.conditions, request.facts);
  return holds === true ? reached : holds;
}

/** Whether the statement applies to the resource. */
function reaches({ effect, resources }: Statement, { resource, ignoreCase, facts }: Read): Ternary {
  let covered: Ternary = false;
  let open = false;
  for (const template of resources.patterns) {
    const pattern = fillPattern(template, facts);
    if (typeof pattern === "string") {
      open = true;
      if (pattern === "unknown" && covered === false) covered = "unknown";
      continue;
    }
    const fits = comparePattern(ignoreCase ? foldPattern(pattern) : pattern, resource);
    if (fits === true || covered === false) covered = fits;
  }
  if (!resources.negated) return covered;
  // NotResource with a variable without a value excludes nothing, which must not widen an Allow.
  if (effect === "Allow" && open) return false;
  return covered === "unknown" ? "unknown" : !covered;
}

/** The kinds of policies that limit a principal, by their name in IAM's error messages. */
type Kind = "identity-based policy" | "permissions boundary" | "session policy";

export type Verdict =
  | { readonly decision: "allow" }
  | { readonly decision: "explicit-deny" | "implicit-deny"; readonly by: Kind };

/** The policies of a principal. Without a list there is no restriction of its kind; an empty list allows nothing. */
interface PolicySets {
  /** The policies of the access key or role. */
  readonly identity: readonly Policy[];
  readonly boundary?: readonly Policy[] | undefined;
  /** The policies given when the session began. */
  readonly session?: readonly Policy[] | undefined;
}

/**
 * Evaluates a request against every kind of policy that the principal has. Each kind must allow it, so that a session
 * policy or a boundary never widens what the identity may; an explicit deny of any of them wins.
 */
export function evaluateAll(sets: PolicySets, asked: Asked): Verdict {
  const request = readAsked(asked);
  const kinds: readonly [Kind, readonly Policy[] | undefined][] = [
    ["identity-based policy", sets.identity],
    ["permissions boundary", sets.boundary],
    ["session policy", sets.session],
  ];
  let lacking: Kind | undefined;
  for (const [by, policies] of kinds) {
    if (policies === undefined) continue;
    const decision = evaluateFacts(policies, request);
    if (decision === "explicit-deny") return { decision, by };
    if (decision === "implicit-deny") lacking ??= by;
  }
  return lacking === undefined ? { decision: "allow" } : { decision: "implicit-deny", by: lacking };
}

/** Why a request is denied, as the end of IAM's error messages ("Troubleshoot access denied error messages"). */
export function reasonOf({ decision, by }: Exclude<Verdict, { decision: "allow" }>, action: string): string {
  if (decision === "implicit-deny") return `because no ${by} allows the ${action} action`;
  return `with an explicit deny in ${by === "identity-based policy" ? "an" : "a"} ${by}`;
}
