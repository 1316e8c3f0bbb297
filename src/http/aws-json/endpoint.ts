/**
 * POST / : target -> facts -> authenticate -> check -> authorize -> operation -> encode. Tables say which operation
 * runs and who may call it (operations.ts, src/wire); nothing else is reachable.
 */
import type { Ctx, Place } from "../../app.ts";
import { beginCall, noteInput, type RunningCall, recordedCall } from "../../domain/audit/call.ts";
import type { PolicyRequest } from "../../domain/iam/condition-keys.ts";
import type { Principal } from "../../domain/iam/principal.ts";
import { identityPoolArn } from "../../domain/identity-pools/load-identity-pool.ts";
import { authorizeAccessToken } from "../../domain/tokens/access-token.ts";
import { findPool, poolArn } from "../../domain/user-pools/load-pool.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import { undecidable } from "../../policy/policy.ts";
import { parseInput } from "../../wire/check.ts";
import { encodeOutput } from "../../wire/encode.ts";
import { identityPoolModel } from "../../wire/generated/identity-pools.ts";
import { userPoolModel } from "../../wire/generated/user-pools.ts";
import type { Authorization, Model, OperationTypes } from "../../wire/model.ts";
import { refuse } from "../../wire/refuse.ts";
import { authenticate, authorize } from "../authenticate.ts";
import { errorAnswer, type JsonAnswer } from "../json-errors.ts";
import { soleHeader } from "../signed-request.ts";
import { earlyRefusals } from "./early-refusals.ts";
import { notYet } from "./operation.ts";
import { identityPoolHandlers, userPoolHandlers } from "./operations.ts";

/** The untyped form of a handler; the compiler has already checked the tables against the operations' own types. */
type AnyHandler = (ctx: Ctx, input: unknown, signedIn?: unknown) => Promise<unknown>;

export interface Target {
  /** The service in the credential scope, and the prefix of IAM actions. */
  readonly service: "cognito-idp" | "cognito-identity";
  readonly name: string;
  readonly authorization: Authorization;
  /** Whether the model declares UserNotFoundException. */
  readonly declaresUserNotFound: boolean;
  readonly handler: AnyHandler | typeof notYet;
  /** The refusal of a call whose queue is full (early-refusals.ts); absent if it need not wait for one. */
  readonly refuseEarly: ((ctx: Ctx, input: never) => Refusal | Place | undefined) | undefined;
  readonly parse: (body: string) => unknown;
  readonly encode: (output: unknown) => string;
}

/**
 * The targets of one service, keyed by their X-Amz-Target: with the name of the service, as SDKs send it, and with that of its
 * package before it, as in the samples of the API reference and in clients that follow them.
 */
function targetsOf<Operations extends OperationTypes<Operations>>(
  [packageName, prefix]: readonly [packageName: string, prefix: string],
  service: Target["service"],
  model: Model<Operations>,
  handlers: Readonly<Record<keyof Operations & string, unknown>>,
): [string, Target][] {
  const names = Object.keys(handlers) as (keyof Operations & string)[];
  return names.flatMap((name): [string, Target][] => {
    const target: Target = {
      service,
      name,
      authorization: model.operations[name].authorization,
      declaresUserNotFound: model.operations[name].errors.includes("UserNotFoundException"),
      handler: handlers[name] as AnyHandler | typeof notYet,
      refuseEarly: earlyRefusals[name as keyof typeof earlyRefusals],
      parse: (body) => parseInput(model, name, body),
      encode: (output) => encodeOutput(model, name, output),
    };
    return [
      [`${prefix}.${name}`, target],
      [`${packageName}.${prefix}.${name}`, target],
    ];
  });
}

/** Every operation that can be called. */
const targets: ReadonlyMap<string, Target> = new Map([
  ...targetsOf(
    ["com.amazonaws.cognito.identity.idp.model", "AWSCognitoIdentityProviderService"],
    "cognito-idp",
    userPoolModel,
    userPoolHandlers,
  ),
  ...targetsOf(
    ["com.amazonaws.cognito.identity.model", "AWSCognitoIdentityService"],
    "cognito-identity",
    identityPoolModel,
    identityPoolHandlers,
  ),
]);

/** The operation that X-Amz-Target names, if it exists. */
export function findTarget(target: string | undefined): Target | undefined {
  return targets.get(target ?? "");
}

/** Answers one call; never throws. */
export async function answerCall(
  ctx: Ctx,
  request: WireRequest,
  target: Target | undefined,
): Promise<JsonAnswer> {
  try {
    if (target === undefined) return errorAnswer(ctx, new Refusal("UnknownOperationException", ""));
    if (target.refuseEarly !== undefined) return await answerIfRoom(ctx, request, target);
    return { status: 200, body: target.encode(await run(ctx, request, target)), headers: {} };
  } catch (error) {
    return errorAnswer(ctx, error);
  }
}

/** Answers a call that needs no signature, unless it would not get into the queue that it waits for. Throws its refusals. */
async function answerIfRoom(ctx: Ctx, request: WireRequest, target: Target): Promise<JsonAnswer> {
  const input = parseInputOf(target, request);
  const place = target.refuseEarly?.(ctx, input as never);
  if (place instanceof Refusal) return errorAnswer(ctx, place);
  try {
    return { status: 200, body: target.encode(await operate(ctx, target, input)), headers: {} };
  } finally {
    place?.leave();
  }
}

async function run(ctx: Ctx, request: WireRequest, target: Target): Promise<unknown> {
  // Operations without IAM authorization ignore signatures: SDKs with credentials may send one anyway.
  const signs = target.authorization === "iam" && target.name !== "GetClientToken";
  if (!signs) return operate(ctx, target, parseInputOf(target, request));
  const { region } = ctx.config;
  const principal = await authenticate(ctx, request, { service: target.service, region });
  const running = beginCall(ctx, principal, target.name);
  return recordedCall(ctx, running, runAs(principal, running, request, target));
}

/**
 * Runs a call on behalf of a principal, if policies allow it. Permissions besides that for the operation are checked by
 * the operation itself, through `ctx.authorize`.
 */
async function runAs(
  principal: Principal,
  { ctx, call }: RunningCall,
  request: WireRequest,
  target: Target,
): Promise<unknown> {
  const input = parseInputOf(target, request);
  noteInput(call, input);
  const asked = policyRequest(ctx, request, target, input);
  await authorize(ctx, principal, asked);
  const permitting: Ctx = {
    ...ctx,
    authorize: (permission, resource, facts) =>
      authorize(ctx, principal, { ...asked, action: `poolhouse:${permission}`, resource, facts }),
  };
  return operate(permitting, target, input);
}

type AnyInput = Readonly<Record<string, unknown>>;

function parseInputOf(target: Target, request: WireRequest): AnyInput {
  return target.parse(bodyText(request.body)) as AnyInput;
}

async function operate(ctx: Ctx, target: Target, input: AnyInput): Promise<unknown> {
  const { handler } = target;
  if (handler === notYet) {
    return refuse(
      "UnsupportedOperationException",
      `${target.name} is not supported by this release of Poolhouse.`,
    );
  }
  // Where a Session may replace the token, the operation verifies it.
  const bySession = target.authorization === "access-token-or-session" && input["Session"] !== undefined;
  if (target.authorization.startsWith("access-token") && !bySession) {
    const signedIn = await authorizeAccessToken(ctx, accessToken(input), {
      mayNameMissingUser: target.declaresUserNotFound,
    });
    return handler(ctx, input, signedIn);
  }
  return handler(ctx, input);
}

/** The properties of a call that policies can test. */
function policyRequest(ctx: Ctx, request: WireRequest, target: Target, input: AnyInput): PolicyRequest {
  const resource = resourceOf(ctx, input);
  return {
    action: `${target.service}:${target.name}`,
    resource,
    input,
    header: (name) => soleHeader(request, name),
    resourceTags: () => tagsOf(ctx, target.name, resource),
  };
}

/**
 * The resource's tags, for policy conditions. Undefined for operations that create or list resources, which have none
 * yet; `undecidable` unless the resource is an existing pool.
 */
async function tagsOf(
  ctx: Ctx,
  operation: string,
  resource: string,
): Promise<Readonly<Record<string, string>> | typeof undecidable | undefined> {
  if (resource === "*") return /^(?:Create|List)/.test(operation) ? undefined : undecidable;
  const poolId = /:userpool\/([^/:]+)$/.exec(resource)?.[1];
  if (poolId === undefined || resource !== poolArn(ctx.config, poolId)) return undecidable;
  const pool = await findPool(ctx, poolId);
  return pool === undefined ? undecidable : (pool.document.UserPoolTags ?? {});
}

/** What a policy's Resource is matched against: the pool, the tagged resource, or everything. */
function resourceOf(ctx: Ctx, input: Readonly<Record<string, unknown>>): string {
  const { UserPoolId, IdentityPoolId, ResourceArn } = input;
  if (typeof UserPoolId === "string") return poolArn(ctx.config, UserPoolId);
  if (typeof IdentityPoolId === "string") return identityPoolArn(ctx.config, IdentityPoolId);
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
