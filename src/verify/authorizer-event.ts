/**
 * What API Gateway sends to a Lambda authorizer: TOKEN and REQUEST of REST APIs, REQUEST of WebSocket APIs, and the payloads
 * 1.0 and 2.0 of HTTP APIs ("Input to an API Gateway Lambda authorizer", "Control access to HTTP APIs with AWS Lambda
 * authorizers", Amazon API Gateway Developer Guide).
 */
import { TokenError } from "./token-error.ts";
import { bearerToken } from "./verifier.ts";

type Named<Value> = { readonly [name: string]: Value | undefined } | null;

/** The members that are read; the types of `@types/aws-lambda` fit. */
export interface AuthorizerEvent {
  readonly type?: string;
  readonly methodArn?: string;
  /** In payload 2.0 in place of `methodArn`. */
  readonly routeArn?: string;
  readonly authorizationToken?: string;
  readonly headers?: Named<string>;
  readonly multiValueHeaders?: Named<readonly string[]>;
  readonly queryStringParameters?: Named<string>;
  readonly path?: string;
  readonly rawPath?: string;
}

/** What is asked for. */
export interface Target {
  /** `arn:aws:execute-api:<region>:<account>:<API>/<stage>/<method>/<path>`. */
  readonly arn: string;
  /** The ARN as far as the stage: of all methods and paths. */
  readonly stageArn: string;
  readonly method: string;
  /** The path that was asked for, in each way in which the event has it. */
  readonly paths: readonly string[];
}

const form = /^(arn:[^:]+:execute-api:[^:]*:[^:]*:[^:/]+\/([^/]+))\/([^/]+)(\/.*)?$/s;

/** @throws TypeError if it is no event of an authorizer */
export function targetOf(event: AuthorizerEvent): Target {
  const arn = event.routeArn ?? event.methodArn;
  const [, stageArn, stage, method, path = "/"] = form.exec(typeof arn === "string" ? arn : "") ?? [];
  if (arn === undefined || stageArn === undefined || method === undefined)
    throw new TypeError(
      "This is no event of an API Gateway authorizer: it has neither methodArn nor routeArn.",
    );
  const asked = event.rawPath ?? event.path ?? path;
  // With a stage that has a name, HTTP APIs have it in the path.
  const isBelow = asked.startsWith(`/${stage}/`);
  return { arn, stageArn, method, paths: [path, isBelow ? asked.slice(stage!.length + 1) : asked] };
}

export interface TokenPlace {
  /** The header with the token, in requests that come with all their headers: `Authorization` by default. */
  readonly header?: string;
  /**
   * The parameter of the query with the token, such as for WebSockets, to which browsers cannot add a header. By default
   * none: URLs with tokens end up in logs.
   */
  readonly query?: string;
}

/**
 * The token of an event, with `Bearer` before it or by itself, as Cognito's own authorizers take it.
 * @throws TokenError `missing`; `malformed` if there are two
 */
export function tokenOf(event: AuthorizerEvent, { header = "authorization", query }: TokenPlace): string {
  if (event.type === "TOKEN") return tokenIn(event.authorizationToken);
  const sent = [
    ...named(event.headers, header),
    ...(query === undefined ? [] : [event.queryStringParameters?.[query] ?? []].flat()),
  ];
  const repeated = named(event.multiValueHeaders, header).flat();
  if (sent.length > 1 || repeated.length > 1)
    throw new TokenError("malformed", "The request has more than one token.");
  return tokenIn(sent[0]);
}

/** The values of a header, whose name may be written in capital letters. */
const named = <Value>(headers: Named<Value> | undefined, name: string): Value[] =>
  Object.entries(headers ?? {}).flatMap(([one, value]) =>
    one.toLowerCase() === name.toLowerCase() && value !== undefined ? [value] : [],
  );

function tokenIn(value: string | undefined): string {
  const token = bearerToken(value) ?? /^[\w-]+\.[\w-]+\.[\w-]+$/.exec(value ?? "")?.[0];
  if (token === undefined) throw new TokenError("missing", "No token was sent.");
  return token;
}
