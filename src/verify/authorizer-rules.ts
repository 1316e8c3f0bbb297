/** Who may call which method of an API, by a table, and the policy that says so to API Gateway. */
import { type Access, accessNames, assertAccess, checkAccess } from "./access.ts";
import type { Target } from "./authorizer-event.ts";
import { assertKnown, type Names } from "./known-options.ts";
import { TokenError } from "./token-error.ts";
import type { VerifiedToken } from "./verifier.ts";

/** What some requests need beyond a valid token. A request that several rules are about must satisfy all of them. */
export interface AuthorizerRule extends Access {
  /** Such as `GET` (which stands for HEAD, too); all by default. */
  readonly methods?: readonly string[];
  /**
   * As API Gateway writes the path of a resource, such as `/orders`, `/orders/{id}`, or `/admin/{proxy+}`, which stands for
   * `/admin` and all below it. `{id}` also stands for none and for several segments, as `*` does in policies.
   */
  readonly path: string;
}

interface Statement {
  Action: "execute-api:Invoke";
  Effect: "Allow" | "Deny";
  Resource: string | string[];
}

/** An IAM policy ("Output from an API Gateway Lambda authorizer", Amazon API Gateway Developer Guide). */
export interface PolicyDocument {
  Version: "2012-10-17";
  Statement: Statement[];
}

interface CompiledRule {
  readonly access: Access;
  readonly methods: readonly string[];
  readonly fits: RegExp;
  /** The paths in a policy, without the slash that they begin with. */
  readonly resources: readonly string[];
}

export type CompiledRules = readonly CompiledRule[];

const segment = /^(?:\{[\w.-]+\}|[\w.~@:=,-]+)$/;
const proxy = /\/\{[\w.-]+\+\}$/;

/** The methods that API Gateway knows. `*` in their place would stand for the beginning of a path, too. */
const everyMethod = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

const names: Names<AuthorizerRule> = { ...accessNames, methods: true, path: true };

/** @throws TypeError if a rule cannot be meant */
export function compileRules(rules: readonly AuthorizerRule[]): CompiledRules {
  return rules.map((rule) => {
    const { methods = everyMethod, path, scopes = [], groups = [] } = rule;
    assertKnown(rule, names);
    checkAccess({ scopes, groups });
    const isProxy = proxy.test(path);
    const segments = path.replace(proxy, "").replace(/\/$/, "").split("/").slice(1);
    if (!path.startsWith("/") || !segments.every((one) => segment.test(one)))
      throw new TypeError(`The path ${path} of a rule is none of a resource, such as /orders/{id}.`);
    if (methods.length === 0 || !methods.every((one) => everyMethod.includes(one)))
      throw new TypeError(`The methods of the rule for ${path} must be some of ${everyMethod.join(", ")}.`);
    if (scopes.length + groups.length === 0)
      throw new TypeError(`The rule for ${path} asks for neither groups nor scopes.`);
    const source = segments
      .map((one) => `/${one.startsWith("{") ? ".*" : one.replaceAll(".", "\\.")}`)
      .join("");
    const plain = segments.map((one) => (one.startsWith("{") ? "*" : one)).join("/");
    return {
      access: { scopes, groups },
      methods: methods.includes("GET") ? [...new Set([...methods, "HEAD"])] : methods,
      fits: new RegExp(`^${source}${isProxy ? "(?:/.*)?" : "/?"}$`, "is"),
      resources: plain === "" ? [isProxy ? "*" : ""] : [plain, `${plain}/${isProxy ? "*" : ""}`],
    };
  });
}

/**
 * Paths that the application behind may take for another one than was compared: percent-encoded letters, digits, slashes,
 * dots and the like, empty and dot segments, backslashes, parameters of segments.
 */
const unclear =
  /\/\/|\/\.{1,2}(?:\/|$)|[\\;]|%(?:[01][\da-f]|2[5c-f]|3[\dabd]|4[\da-f]|5[\dacf]|6[1-9a-f]|7[\daef])/i;

const lacks = (token: VerifiedToken, { access }: CompiledRule): boolean => {
  try {
    assertAccess(token, access);
    return false;
  } catch (error) {
    if (error instanceof TokenError) return true;
    throw error;
  }
};

/** Whether a rule is about what is asked for. A method that no rule can name is taken for any. */
const isAbout = ({ methods, fits }: CompiledRule, { method, paths }: Target): boolean =>
  (methods.includes(method) || !everyMethod.includes(method)) && paths.some((path) => fits.test(path));

/** Whether a token is enough for what is asked for. The case of letters in a path makes no difference. */
export function isAllowed(rules: CompiledRules, token: VerifiedToken, target: Target): boolean {
  if (rules.length === 0) return true;
  if (target.paths.some((path) => unclear.test(path))) return false;
  return rules.every((rule) => !isAbout(rule, target) || !lacks(token, rule));
}

/** The longest resource that API Gateway takes. Characters. */
const longest = 512;

/** What a policy would take for more than itself. */
const hasWildcard = ({ arn, stageArn }: Target) => /[*?]|\$\{/.test(arn.slice(stageArn.length));

/**
 * The policy for a token. API Gateway keeps it for the token, also for other requests of the stage: so it denies whatever
 * the token is not enough for, and allows the rest.
 */
export function stagePolicy(rules: CompiledRules, token: VerifiedToken, target: Target): PolicyDocument {
  const { stageArn } = target;
  const denied = rules
    .filter((rule) => lacks(token, rule))
    .flatMap(({ methods, resources }) =>
      methods.flatMap((method) => resources.map((path) => `${stageArn}/${method}/${path}`)),
    );
  if (!isAllowed(rules, token, target)) denied.push(ownResource(target));
  const allow = statement("Allow", `${stageArn}/*`);
  return policy(denied.length === 0 ? [allow] : [allow, statement("Deny", denied)]);
}

/** The policy for one request alone. Where API Gateway keeps it, it denies all others. */
export function methodPolicy(rules: CompiledRules, token: VerifiedToken, target: Target): PolicyDocument {
  const isClear = !hasWildcard(target) && target.arn.length <= longest;
  if (isClear && isAllowed(rules, token, target)) return policy([statement("Allow", target.arn)]);
  return policy([statement("Deny", ownResource(target))]);
}

/** The policy that denies everything in the stage. */
export const denyAll = ({ stageArn }: Target): PolicyDocument => policy([statement("Deny", `${stageArn}/*`)]);

const ownResource = ({ arn, stageArn }: Target) => (arn.length <= longest ? arn : `${stageArn}/*`);

const policy = (statements: Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

const statement = (Effect: Statement["Effect"], Resource: Statement["Resource"]): Statement => ({
  Action: "execute-api:Invoke",
  Effect,
  Resource,
});
