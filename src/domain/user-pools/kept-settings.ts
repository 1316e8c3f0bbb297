/** Completes update requests with the omitted settings that omitted.ts keeps, and adapts other members accordingly. */
import type {
  UpdateUserPoolClientRequest,
  UpdateUserPoolRequest,
  UserPoolPolicyType,
  VerificationMessageTemplateType,
} from "../../wire/generated/user-pools.types.ts";
import type { Client, PoolDocument } from "./load-pool.ts";
import { updateUserPool, updateUserPoolClient, withKept } from "./omitted.ts";

export function keptPoolSettings(
  existing: PoolDocument,
  request: UpdateUserPoolRequest,
): UpdateUserPoolRequest {
  const { AdminCreateUserConfig, ...others } = existing;
  // The days are those of the password policy; only a request may name them by their older name.
  const { UnusedAccountValidityDays: _, ...config } = AdminCreateUserConfig ?? {};
  const completed = withKept(updateUserPool, request, { ...others, AdminCreateUserConfig: config });
  return {
    ...completed,
    Policies: withOlderDays(completed.Policies, request),
    VerificationMessageTemplate: verificationTemplate(existing, request),
    SmsVerificationMessage: request.SmsVerificationMessage,
    EmailVerificationMessage: request.EmailVerificationMessage,
    EmailVerificationSubject: request.EmailVerificationSubject,
  };
}

/**
 * The password policy. If the request omits it, UnusedAccountValidityDays replaces the days of the one that is kept; a
 * policy in the request has days of its own.
 */
function withOlderDays(
  policies: UserPoolPolicyType | undefined,
  { Policies, AdminCreateUserConfig }: UpdateUserPoolRequest,
): UserPoolPolicyType | undefined {
  if (!AdminCreateUserConfig?.UnusedAccountValidityDays || Policies?.PasswordPolicy !== undefined)
    return policies;
  const { TemporaryPasswordValidityDays: _, ...policy } = policies?.PasswordPolicy ?? {};
  return { ...policies, PasswordPolicy: policy };
}

/**
 * The verification template: a given one replaces all; otherwise the existing one with the changes of the older
 * members.
 */
function verificationTemplate(
  existing: PoolDocument,
  request: UpdateUserPoolRequest,
): VerificationMessageTemplateType {
  const kept = existing.VerificationMessageTemplate;
  return (
    request.VerificationMessageTemplate ?? {
      ...kept,
      SmsMessage: request.SmsVerificationMessage ?? kept?.SmsMessage,
      EmailMessage: request.EmailVerificationMessage ?? kept?.EmailMessage,
      EmailSubject: request.EmailVerificationSubject ?? kept?.EmailSubject,
    }
  );
}

export function keptClientSettings(
  client: Pick<Client, "document" | "name">,
  request: UpdateUserPoolClientRequest,
): UpdateUserPoolClientRequest & { ClientName: string } {
  const existing = { ...client.document, ClientName: client.name };
  const completed = withKept(updateUserPoolClient, request, existing);
  return {
    ...completed,
    ClientName: request.ClientName ?? client.name,
    ExplicitAuthFlows: keptFlows(completed, request),
  };
}

/**
 * The flows that are kept: rotation removes ALLOW_REFRESH_TOKEN_AUTH. If nothing else is left, the request is refused
 * later.
 */
function keptFlows(
  { ExplicitAuthFlows: flows, RefreshTokenRotation }: UpdateUserPoolClientRequest,
  request: UpdateUserPoolClientRequest,
): UpdateUserPoolClientRequest["ExplicitAuthFlows"] {
  if (request.ExplicitAuthFlows !== undefined || RefreshTokenRotation?.Feature !== "ENABLED") return flows;
  const others = flows?.filter((flow) => flow !== "ALLOW_REFRESH_TOKEN_AUTH") ?? [];
  return others.length === 0 ? flows : others;
}
