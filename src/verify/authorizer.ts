/**
 * Lambda authorizers of Amazon API Gateway, and middleware for Express, Fastify and Hono, on top of the verifier of tokens:
 * `import { createAuthorizer } from "poolhouse/authorizer"`.
 */
import { type Access, accessNames, assertAccess, checkAccess } from "./access.ts";
import { type AuthorizerEvent, type Target, type TokenPlace, targetOf, tokenOf } from "./authorizer-event.ts";
import {
  type AuthorizerRule,
  type CompiledRules,
  compileRules,
  denyAll,
  isAllowed,
  methodPolicy,
  type PolicyDocument,
  stagePolicy,
} from "./authorizer-rules.ts";
import { assertKnown, type Names } from "./known-options.ts";
import { TokenError } from "./token-error.ts";
import type { VerifiedToken, Verifier } from "./verifier.ts";

export type { AuthorizerEvent } from "./authorizer-event.ts";
export type { AuthorizerRule, PolicyDocument } from "./authorizer-rules.ts";
export { authOf, forExpress, forFastify, forHono } from "./middleware.ts";

/** What a function behind an authorizer is told: API Gateway passes on nothing but texts, numbers and truth values. */
export type AuthorizerContext = Record<string, string | number | boolean>;

/** The options of an authorizer: scopes and groups that every request needs, and what some need beyond them. */
export interface AuthorizerOptions extends Access, TokenPlace {
  readonly rules?: readonly AuthorizerRule[];
  /**
   * What a policy is about: the whole `stage` by default, so that it is right for whatever request API Gateway keeps it for.
   * `method`: the request alone, for authorizers whose results are not kept (a TTL of 0).
   */
  readonly resource?: "stage" | "method";
  /** The claims that are passed on; all by default. */
  readonly claims?: readonly string[];
  /** The API key of the usage plan that the user's calls count for (`apiKeySource: AUTHORIZER`). */
  readonly usageIdentifierKey?: (token: VerifiedToken) => string | undefined;
  /** Is told why a request is refused, for a log. The answer does not say it. */
  readonly onRefused?: (error: TokenError) => void;
}

const names: Names<AuthorizerOptions> = {
  ...{ ...accessNames, header: true, query: true, rules: true, resource: true, claims: true },
  ...{ usageIdentifierKey: true, onRefused: true },
};

/** @throws TypeError if the options cannot be meant */
function compile(options: AuthorizerOptions): CompiledRules {
  const { scopes = [], groups = [], resource = "stage", rules = [] } = options;
  assertKnown(options, names);
  checkAccess({ scopes, groups });
  if (resource !== "stage" && resource !== "method") throw new TypeError("resource must be stage or method.");
  return compileRules(rules);
}

/** The answer of an authorizer with a policy. */
export interface PolicyAnswer {
  principalId: string;
  policyDocument: PolicyDocument;
  context: AuthorizerContext;
  usageIdentifierKey?: string;
}

/** The simple answer of an HTTP API's authorizer (payload 2.0). */
export interface SimpleAnswer {
  isAuthorized: boolean;
  context: AuthorizerContext;
}

/**
 * An authorizer that answers with a policy: for REST APIs (TOKEN and REQUEST), WebSocket APIs (`$connect`), and HTTP APIs
 * of either payload. It throws the error that API Gateway answers with 401 if the token does not count, and denies (403) if
 * it lacks a group or scope. While nobody can tell, since the issuer does not answer, it throws TokenError `unavailable`, which
 * API Gateway answers with 500: a client would take 401 for the end of its session.
 * @throws TypeError if the options cannot be meant
 */
export function createAuthorizer(
  verifier: Verifier,
  options: AuthorizerOptions = {},
): (event: AuthorizerEvent) => Promise<PolicyAnswer> {
  const rules = compile(options);
  const policyFor = options.resource === "method" ? methodPolicy : stagePolicy;
  return async (event) => {
    const target = targetOf(event);
    const token = await judge(verifier, options, event);
    if (token === undefined) return { principalId: "refused", policyDocument: denyAll(target), context: {} };
    const key = options.usageIdentifierKey?.(token);
    return {
      principalId: token.subject,
      policyDocument: policyFor(rules, token, target),
      context: contextOf(token, options),
      ...(key !== undefined && { usageIdentifierKey: key }),
    };
  };
}

/**
 * An authorizer of an HTTP API with the payload 2.0 and simple responses. As `createAuthorizer`, but that API Gateway keeps
 * its answer for the token (`resultTtlInSeconds`), whatever is asked for: with rules, let it keep none, or add `$context.routeKey`
 * to the identity sources.
 * @throws TypeError if the options cannot be meant
 */
export function createSimpleAuthorizer(
  verifier: Verifier,
  options: Omit<AuthorizerOptions, "resource" | "usageIdentifierKey"> = {},
): (event: AuthorizerEvent) => Promise<SimpleAnswer> {
  const rules = compile(options);
  return async (event) => {
    const target: Target = targetOf(event);
    const token = await judge(verifier, options, event);
    if (token === undefined || !isAllowed(rules, token, target)) return { isAuthorized: false, context: {} };
    return { isAuthorized: true, context: contextOf(token, options) };
  };
}

/** The token of a request, with what every request needs; undefined if it lacks a group or scope. */
async function judge(
  verifier: Verifier,
  options: AuthorizerOptions,
  event: AuthorizerEvent,
): Promise<VerifiedToken | undefined> {
  try {
    const token = await verifier.verify(tokenOf(event, options));
    assertAccess(token, options);
    return token;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    options.onRefused?.(error);
    // API Gateway knows it by these very words.
    if (error.status === 401) throw new Error("Unauthorized", { cause: error });
    if (error.status === 403) return undefined;
    throw error;
  }
}

/** The claims as Cognito's own authorizers pass them on, by their names; lists are joined by commas, objects left out. */
function contextOf({ claims }: VerifiedToken, { claims: chosen }: AuthorizerOptions): AuthorizerContext {
  const isPlain = (value: unknown): value is string | number | boolean =>
    ["string", "number", "boolean"].includes(typeof value);
  return Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]): [string, string | number | boolean][] => {
      if (chosen !== undefined && !chosen.includes(name)) return [];
      if (isPlain(value)) return [[name, value]];
      return Array.isArray(value) && value.every(isPlain) ? [[name, value.join(",")]] : [];
    }),
  );
}
