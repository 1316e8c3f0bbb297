/** Requests to update, completed by what they leave out and omitted.ts keeps; and what then follows for other members. */
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
  // Days are those of the password policy; only a request may name them by their older name.
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

/** UnusedAccountValidityDays changes a password policy that is kept; one that is given says so itself. */
function withOlderDays(
  policies: UserPoolPolicyType | undefined,
  { Policies, AdminCreateUserConfig }: UpdateUserPoolRequest,
): UserPoolPolicyType | undefined {
  if (!AdminCreateUserConfig?.UnusedAccountValidityDays || Policies?.PasswordPolicy !== undefined)
    return policies;
  const { TemporaryPasswordValidityDays: _, ...policy } = policies?.PasswordPolicy ?? {};
  return { ...policies, PasswordPolicy: policy };
}

/** A template that is given is the whole; else the one there is, with what the older members change in it. */
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

/** Rotation takes ALLOW_REFRESH_TOKEN_AUTH out of flows that are kept. Where nothing else is left it is refused later. */
function keptFlows(
  { ExplicitAuthFlows: flows, RefreshTokenRotation }: UpdateUserPoolClientRequest,
  request: UpdateUserPoolClientRequest,
): UpdateUserPoolClientRequest["ExplicitAuthFlows"] {
  if (request.ExplicitAuthFlows !== undefined || RefreshTokenRotation?.Feature !== "ENABLED") return flows;
  const others = flows?.filter((flow) => flow !== "ALLOW_REFRESH_TOKEN_AUTH") ?? [];
  return others.length === 0 ? flows : others;
}
