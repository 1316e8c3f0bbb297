/** GetSigningKey, an operation of our own for the verifiers of signatures (docs/sigv4.md). */
import type { Ctx } from "../../app.ts";
import { beginCall, noteTarget, recordedCall } from "../../domain/audit/call.ts";
import type { Principal } from "../../domain/iam/principal.ts";
import { type PrincipalFacts, principalFacts } from "../../domain/iam/principal-facts.ts";
import {
  cacheSeconds,
  checkKeyScope,
  findSigningKey,
  type KeyRequest,
} from "../../domain/roles/signing-keys.ts";
import { toBase64 } from "../../lib/bytes.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import { undecidable } from "../../policy/policy.ts";
import { refuse } from "../../wire/refuse.ts";
import { authenticate, authorize } from "../authenticate.ts";
import type { JsonDoor } from "../json-door.ts";
import { errorAnswer, type JsonAnswer } from "../json-errors.ts";
import { soleHeader } from "../signed-request.ts";

const operation = "GetSigningKey";

export const signingKeysDoor: JsonDoor = (target) =>
  target === `Poolhouse.${operation}` ? { name: operation, answer: answerGetSigningKey } : undefined;

async function answerGetSigningKey(ctx: Ctx, request: WireRequest): Promise<JsonAnswer> {
  try {
    const principal = await authenticate(ctx, request, { service: "poolhouse", region: undefined });
    const running = beginCall(ctx, principal, operation);
    const body = await recordedCall(ctx, running, getSigningKey(running.ctx, principal, request));
    return { status: 200, body: JSON.stringify(body), headers: {} };
  } catch (error) {
    return errorAnswer(ctx, error);
  }
}

/** The answer, as it is on the wire. Times are epoch seconds. */
interface Answer {
  readonly SigningKey: string;
  readonly Principal: {
    readonly Arn: string;
    readonly UserId: string;
    readonly AccountId: string;
    readonly RoleArn?: string;
  };
  readonly Policies: readonly string[];
  readonly SessionPolicies?: readonly string[];
  readonly Facts: PrincipalFacts;
  readonly Identity?: {
    readonly IdentityId: string;
    readonly IdentityPoolId: string;
    readonly Amr: readonly string[];
  };
  readonly ExpiresAt?: number;
  readonly CacheSeconds: number;
}

async function getSigningKey(ctx: Ctx, caller: Principal, request: WireRequest): Promise<Answer> {
  const asked = parse(request.body);
  noteTarget(ctx, { target: asked.accessKeyId });
  checkKeyScope(ctx, asked);
  noteTarget(ctx, { details: { service: asked.service, region: asked.region } });
  const { region, accountId } = ctx.config;
  await authorize(ctx, caller, {
    action: `poolhouse:${operation}`,
    resource: `arn:aws:poolhouse:${region}:${accountId}:signing-key/${asked.service}`,
    input: {},
    header: (name) => soleHeader(request, name),
    resourceTags: async () => undecidable,
  });
  const { signingKey, principal, expiresAt } = await findSigningKey(ctx, asked);
  const { session, arn, policies } = principal;
  const identity = session?.identity;
  return {
    SigningKey: toBase64(signingKey),
    Principal: {
      Arn: arn,
      UserId: session?.userId ?? principal.accessKeyId,
      AccountId: accountId,
      ...(session !== undefined && { RoleArn: session.roleArn }),
    },
    Policies: policies,
    ...(session?.policies !== undefined && { SessionPolicies: session.policies }),
    Facts: await principalFacts(ctx, principal),
    ...(identity !== undefined && {
      Identity: { IdentityId: identity.sub, IdentityPoolId: identity.aud, Amr: identity.amr },
    }),
    ...(expiresAt !== undefined && { ExpiresAt: expiresAt / 1000 }),
    CacheSeconds: cacheSeconds,
  };
}

function parse(body: Uint8Array): KeyRequest {
  const given = objectOf(body);
  const textAt = (name: string): string | undefined => {
    const value = given[name] ?? undefined;
    return value === undefined || typeof value === "string" ? value : malformed();
  };
  const needed = (name: string): string =>
    textAt(name) || refuse("InvalidParameterException", `${name} is required.`);
  return {
    accessKeyId: needed("AccessKeyId"),
    securityToken: textAt("SecurityToken"),
    date: needed("Date"),
    region: needed("Region"),
    service: needed("Service"),
  };
}

function objectOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>;
  } catch {
    // Answered below.
  }
  return malformed();
}

const malformed = (): never =>
  refuse("SerializationException", "The request is not of the form of this operation.");
