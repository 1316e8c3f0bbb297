/**
 * Decides who may assume a role: its trust policy, the AssumeRolePolicyDocument ("AWS JSON policy elements: Principal"
 * and "Roles terms and concepts", IAM User Guide). Effects, conditions and variables are those of policy.ts.
 */
import { closest } from "../lib/closest.ts";
import { type Context, conditionsHold, factsOf } from "./conditions.ts";
import {
  type Actions,
  type Common,
  compileActions,
  type Given,
  includesAction,
  readCommon,
  readDocument,
  record,
  texts,
} from "./document.ts";
import type { Decision } from "./policy.ts";

/** A parsed trust policy. */
export interface TrustPolicy {
  readonly statements: readonly Statement[];
}

interface Statement extends Common {
  readonly actions: Actions;
  readonly principals: Principals;
  /** The condition keys that decide about it, in lower case. */
  readonly keys: readonly string[];
}

const TYPES = ["AWS", "Federated", "Service"] as const;
/** The kinds of callers that can assume roles. */
type CallerType = (typeof TYPES)[number];

/** Whom a statement is about. */
interface Principals {
  /** `"Principal": "*"`: callers of every type. */
  readonly everybody: boolean;
  /** `{"AWS": "*"}`. */
  readonly everyAws: boolean;
  /** Names by type; accounts as the ARN of their root. */
  readonly names: Readonly<Record<CallerType, ReadonlySet<string>>>;
}

/** Who asks for a role. */
export interface Caller {
  readonly type: CallerType;
  /**
   * All names of the caller. AWS: the account id or the ARN of its root, the ARN of the user, or of the assumed role
   * and its role. Federated: the provider's name (`cognito-identity.amazonaws.com`) or ARN. Service: its name.
   */
  readonly values: readonly string[];
}

/** The actions of STS that a trust policy can name. */
const ACTIONS = [
  "AssumeRole",
  "AssumeRoleWithWebIdentity",
  "AssumeRoleWithSAML",
  "TagSession",
  "SetSourceIdentity",
  "SetContext",
].map((name) => `sts:${name}`);

/**
 * Parses the trust policy of a role.
 * @throws Error with a text for its author if it is malformed, or names what could never assume a role
 */
export function parseTrustPolicy(json: string): TrustPolicy {
  const { variables, statements } = readDocument(json);
  return { statements: statements.map(({ given, name }) => parseStatement(given, { variables, name })) };
}

function parseStatement(
  given: Given,
  place: { readonly variables: boolean; readonly name: string },
): Statement {
  const { name } = place;
  if ("NotPrincipal" in given)
    throw new Error(
      `${name}: NotPrincipal is not accepted here: name who may assume the role, and deny others by conditions.`,
    );
  if ("Resource" in given || "NotResource" in given)
    throw new Error(`${name}: a trust policy names no resource; the role itself is the resource.`);
  if ("NotAction" in given) throw new Error(`${name}: a trust policy names its actions by Action.`);
  const common = readCommon(given, ["Principal", "Action"], place);
  if (given["Principal"] === undefined)
    throw new Error(`${name} needs a Principal: who may assume the role.`);
  if (given["Action"] === undefined) throw new Error(`${name} needs an Action.`);
  return {
    ...common,
    actions: parseActions(texts(given["Action"], "Action", name), name),
    principals: parsePrincipal(given["Principal"], name),
    keys: common.conditions.flatMap(({ keys }) => keys),
  };
}

function parseActions(patterns: readonly string[], name: string): Actions {
  const actions = compileActions(patterns, false, name);
  for (const pattern of patterns) {
    const alone = compileActions([pattern], false, name);
    const isOfSts = pattern.toLowerCase().startsWith("sts:");
    if (isOfSts && ACTIONS.some((action) => includesAction(alone, action.toLowerCase()))) continue;
    const meant = closest(pattern, ACTIONS);
    throw new Error(
      `${name}: '${pattern}' is no action of a trust policy (${ACTIONS.join(", ")}, sts:*).` +
        (meant === undefined ? "" : ` Did you mean '${meant}'?`),
    );
  }
  return actions;
}

function parsePrincipal(given: unknown, name: string): Principals {
  const names = { AWS: new Set<string>(), Federated: new Set<string>(), Service: new Set<string>() };
  if (given === "*") return { everybody: true, everyAws: true, names };
  if (typeof given === "string")
    throw new Error(
      `${name}: Principal must be "*" or an object, such as {"AWS": …}, {"Federated": …}, {"Service": …}.`,
    );
  const entries = Object.entries(record(given, `${name}: Principal`));
  if (entries.length === 0) throw new Error(`${name}: Principal names nobody.`);
  let everyAws = false;
  for (const [type, value] of entries) {
    const known = TYPES.find((one) => one === type);
    if (known === undefined) {
      const meant = closest(type, TYPES);
      throw new Error(
        `${name}: '${type}' is no type of principal (${TYPES.join(", ")}).` +
          (meant === undefined ? "" : ` Did you mean '${meant}'?`),
      );
    }
    for (const text of texts(value, `Principal.${known}`, name)) {
      if (known === "AWS" && text === "*") everyAws = true;
      else names[known].add(readName(known, text, name));
    }
  }
  return { everybody: false, everyAws, names };
}

const account = /^\d{12}$/;
/** The account's root, a user, a role; or a session of a role or a federated user. */
const awsArn =
  /^arn:aws[a-z-]*:(?:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)|sts::\d{12}:(?:assumed-role\/[\w+=,.@-]+\/[\w+=,.@-]+|federated-user\/[\w+=,.@-]+))$/;
const providerArn = /^arn:aws[a-z-]*:iam::\d{12}:(?:oidc|saml)-provider\/\S+$/;
const domain = /^[\w-]+(?:\.[\w-]+)+$/;

/** A name of a principal in the form in which it is compared. */
function readName(type: CallerType, text: string, name: string): string {
  if (/[*?]/.test(text))
    throw new Error(
      `${name}: principal '${text}': wildcards are not read in names of principals; only "AWS": "*" stands for all.`,
    );
  const fits =
    type === "AWS"
      ? account.test(text) || awsArn.test(text)
      : domain.test(text) || (type === "Federated" && providerArn.test(text));
  if (fits) return comparable(text);
  const forms = {
    AWS: "an account id, or the ARN of an account's root, a user, a role or an assumed role",
    Federated: "cognito-identity.amazonaws.com, another provider's name, or the ARN of a provider",
    Service: "the name of a service, such as lambda.amazonaws.com",
  };
  throw new Error(`${name}: principal '${text}' is not ${forms[type]}.`);
}

/** Accounts are named by their id or by the ARN of their root, which means the same. */
function comparable(text: string): string {
  return account.test(text) ? `arn:aws:iam::${text}:root` : text;
}

/** Whether a statement allows an action to a provider without a condition with a certain key. @param isAsked of a key in lower case */
export function allowsWithout(
  { effect, actions, principals, keys }: TrustPolicy["statements"][number],
  {
    action,
    provider,
    isAsked,
  }: { readonly action: string; readonly provider: Caller; readonly isAsked: (key: string) => boolean },
): boolean {
  const allows = effect === "Allow" && includesAction(actions, action.toLowerCase());
  return allows && names(principals, effect, provider) && !keys.some(isAsked);
}

/** The condition keys, in lower case, that decide about an action of STS. */
export function trustKeysAsked({ statements }: TrustPolicy, action: string): ReadonlySet<string> {
  const folded = action.toLowerCase();
  const asking = statements.filter(({ actions }) => includesAction(actions, folded));
  return new Set(asking.flatMap(({ keys }) => keys));
}

/**
 * Decides whether a caller may assume a role. An allow that names only the caller's account delegates to it: the
 * caller's own policy must allow the action on the role, too, which is to be evaluated besides.
 *
 * @param request.action `sts:AssumeRole`, `sts:AssumeRoleWithWebIdentity`, `sts:TagSession` …
 * @param request.context the condition keys, those of the provider with its prefix:
 * `cognito-identity.amazonaws.com:aud`
 */
export function evaluateTrust(
  { statements }: TrustPolicy,
  {
    action,
    principal,
    context,
  }: { readonly action: string; readonly principal: Caller; readonly context: Context },
): Decision {
  const folded = action.toLowerCase();
  const facts = factsOf(context);
  let decision: Decision = "implicit-deny";
  for (const { effect, actions, principals, conditions } of statements) {
    if (!includesAction(actions, folded) || !names(principals, effect, principal)) continue;
    const holds = conditionsHold(conditions, facts);
    if (holds === false) continue;
    if (effect === "Deny") return "explicit-deny";
    if (holds === true) decision = "allow";
  }
  return decision;
}

/**
 * Whether a caller could assume a role, as far as is known now: some statement allows it whose conditions do not fail,
 * though they may be undecided. A statement that denies it does not count.
 * @param request as for evaluateTrust; keys that only a request will have are `undecidable` in the context
 */
export function couldTrust(
  { statements }: TrustPolicy,
  request: { readonly action: string; readonly principal: Caller; readonly context: Context },
): boolean {
  const facts = factsOf(request.context);
  return statements.some(
    ({ effect, actions, principals, conditions }) =>
      effect === "Allow" &&
      includesAction(actions, request.action.toLowerCase()) &&
      names(principals, effect, request.principal) &&
      conditionsHold(conditions, facts) !== false,
  );
}

/**
 * Whether a statement is about a caller. IAM treats `{"AWS": "*"}` like `"*"`; here it denies everybody, too, but
 * allows only callers of AWS, since that is what its author wrote.
 */
function names({ everybody, everyAws, names }: Principals, effect: string, caller: Caller): boolean {
  if (everybody || (everyAws && (effect === "Deny" || caller.type === "AWS"))) return true;
  const listed = names[caller.type];
  return caller.values.some((value) => listed.has(comparable(value)));
}
