/**
 * POST / : target -> facts -> authenticate -> check -> authorize -> operation -> encode. Which operation runs, and who
 * may call it, stands in tables (operations.ts, src/wire); nothing else is reachable.
 */
import type { Ctx } from "../../app.ts";
import { poolArn } from "../../domain/pools/settings.ts";
import { authorizeAccessToken } from "../../domain/tokens/access-token.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import { parseInput } from "../../wire/check.ts";
import { encodeOutput } from "../../wire/encode.ts";
import { identityPoolModel } from "../../wire/generated/identity-pools.ts";
import type { IdentityPoolOperationName } from "../../wire/generated/identity-pools.types.ts";
import { userPoolModel } from "../../wire/generated/user-pools.ts";
import type { UserPoolOperationName } from "../../wire/generated/user-pools.types.ts";
import type { Authorization } from "../../wire/model.ts";
import { refuse } from "../../wire/refuse.ts";
import { authenticate, authorize } from "./authenticate.ts";
import { errorAnswer, type JsonAnswer } from "./errors.ts";
import { notYet } from "./operation.ts";
import { identityPoolHandlers, userPoolHandlers } from "./operations.ts";

/** A handler as the endpoint sees it, once the tables have been type-checked against the operations' own types. */
type AnyHandler = (ctx: Ctx, input: unknown, signedIn?: unknown) => Promise<unknown>;

export interface Target {
  /** Of the credential scope, and the prefix of IAM actions. */
  readonly service: "cognito-idp" | "cognito-identity";
  readonly name: string;
  readonly authorization: Authorization;
  readonly handler: AnyHandler | typeof notYet;
  readonly parse: (body: string) => unknown;
  readonly encode: (output: unknown) => string;
}

/** The operation that X-Amz-Target names; undefined when there is none of that name. */
export function findTarget(target: string | undefined): Target | undefined {
  const [service, name, ...rest] = (target ?? "").split(".");
  if (name === undefined || rest.length > 0) return undefined;
  if (service === "AWSCognitoIdentityProviderService" && Object.hasOwn(userPoolHandlers, name)) {
    const operation = name as UserPoolOperationName;
    return {
      service: "cognito-idp",
      name,
      authorization: userPoolModel.operations[operation].authorization,
      handler: userPoolHandlers[operation] as AnyHandler | typeof notYet,
      parse: (body) => parseInput(userPoolModel, operation, body),
      encode: (output) => encodeOutput(userPoolModel, operation, output),
    };
  }
  if (service === "AWSCognitoIdentityService" && Object.hasOwn(identityPoolHandlers, name)) {
    const operation = name as IdentityPoolOperationName;
    return {
      service: "cognito-identity",
      name,
      authorization: identityPoolModel.operations[operation].authorization,
      handler: identityPoolHandlers[operation] as AnyHandler | typeof notYet,
      parse: (body) => parseInput(identityPoolModel, operation, body),
      encode: (output) => encodeOutput(identityPoolModel, operation, output),
    };
  }
  return undefined;
}

/** Answers one call; never throws. */
export async function answerCall(
  ctx: Ctx,
  request: WireRequest,
  target: Target | undefined,
): Promise<JsonAnswer> {
  try {
    if (target === undefined) return errorAnswer(ctx, new Refusal("UnknownOperationException", ""));
    return { status: 200, body: target.encode(await run(ctx, request, target)), headers: {} };
  } catch (error) {
    return errorAnswer(ctx, error);
  }
}

async function run(ctx: Ctx, request: WireRequest, target: Target): Promise<unknown> {
  // Operations without IAM authorization ignore a signature: SDKs that have credentials may send one.
  const signs = target.authorization === "iam" && target.name !== "GetClientToken";
  const principal = signs ? await authenticate(ctx, request, target.service) : undefined;
  const input = target.parse(bodyText(request.body)) as Readonly<Record<string, unknown>>;
  if (principal) authorize(ctx, principal, `${target.service}:${target.name}`, resourceOf(ctx, input));
  const { handler } = target;
  if (handler === notYet) {
    return refuse(
      "UnsupportedOperationException",
      `${target.name} is not supported by this release of Poolhouse.`,
    );
  }
  if (target.authorization === "access-token") {
    return handler(ctx, input, await authorizeAccessToken(ctx, accessToken(input)));
  }
  return handler(ctx, input);
}

/** What a policy's Resource is compared with: the pool, the tagged resource, or everything. */
function resourceOf(ctx: Ctx, input: Readonly<Record<string, unknown>>): string {
  const { UserPoolId, IdentityPoolId, ResourceArn } = input;
  if (typeof UserPoolId === "string") return poolArn(ctx.config, UserPoolId);
  if (typeof IdentityPoolId === "string") {
    return `arn:aws:cognito-identity:${ctx.config.region}:${ctx.config.accountId}:identitypool/${IdentityPoolId}`;
  }
  return typeof ResourceArn === "string" ? ResourceArn : "*";
}

function accessToken(input: Readonly<Record<string, unknown>>): string {
  const token = input["AccessToken"];
  return typeof token === "string" ? token : refuse("NotAuthorizedException", "Invalid Access Token");
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function bodyText(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch {
    return refuse("SerializationException", "The request body is not valid UTF-8.");
  }
}
