/**
 * THE table of what happens to members that an update omits. AWS documents that they get their defaults, but keeps some
 * nonetheless; here nothing that protects is weakened by what a request does not name. The updates, their tests and
 * docs/fidelity.md use these tables. A structure that is given replaces the former one, unless `inside` says otherwise.
 */
import type {
  SetUserPoolMfaConfigRequest,
  UpdateUserPoolClientRequest,
  UpdateUserPoolRequest,
} from "../../wire/generated/user-pools.types.ts";

/**
 * How this is known: measured at AWS by direct calls; observed there through Cloud Control or Terraform's provider;
 * documented; inferred from one of these; or our own choice, where nobody has measured it or a difference is worth it.
 */
type Source = "measured" | "Cloud Control" | "Terraform" | "documented" | "inferred" | "ours";

export interface Omission {
  /** Whether the member is kept, reset to its default, or the request is refused. */
  readonly omitted: "kept" | "reset" | "refused";
  readonly source: Source;
  /** Whether the structure's own members are also kept individually if omitted. */
  readonly inside?: true;
  readonly note?: string;
}

export type Omissions<Request> = { readonly [Member in keyof Required<Request>]: Omission };

const required: Omission = { omitted: "refused", source: "documented" };
const keptByUs: Omission = { omitted: "kept", source: "ours" };
const resetAsDocumented: Omission = { omitted: "reset", source: "documented" };
const untilCleared =
  "A Terraform configuration that drops the block shows a difference until it is cleared this way, in a call that names everything else that would be reset if omitted";
const inTheTemplate: Omission = {
  omitted: "kept",
  source: "inferred",
  note: "together with VerificationMessageTemplate, which has the same content and takes precedence",
};

export const updateUserPool: Omissions<UpdateUserPoolRequest> = {
  UserPoolId: required,
  Policies: {
    omitted: "kept",
    source: "measured",
    inside: true,
    note: "a given PasswordPolicy has defaults for what it omits",
  },
  DeletionProtection: { omitted: "kept", source: "Cloud Control" },
  LambdaConfig: {
    ...keptByUs,
    note: `triggers protect. Cognito removes them, as Terraform's provider expects; here \`{}\` does. ${untilCleared}`,
  },
  AutoVerifiedAttributes: { omitted: "reset", source: "measured" },
  SmsVerificationMessage: inTheTemplate,
  EmailVerificationMessage: inTheTemplate,
  EmailVerificationSubject: inTheTemplate,
  VerificationMessageTemplate: { omitted: "kept", source: "inferred" },
  SmsAuthenticationMessage: resetAsDocumented,
  UserAttributeUpdateSettings: {
    omitted: "kept",
    source: "Terraform",
    note: "even without AutoVerifiedAttributes, which are reset",
  },
  MfaConfiguration: { omitted: "kept", source: "measured", note: "OFF removes the factors" },
  DeviceConfiguration: {
    ...keptByUs,
    note: `a given one replaces all; \`{}\` removes it. ${untilCleared}`,
  },
  EmailConfiguration: { omitted: "kept", source: "inferred" },
  SmsConfiguration: {
    ...keptByUs,
    note: "`{}` removes it, and is refused while SMS codes are a factor. aws-cli and most SDKs do not send it, since SnsCallerArn is required; the SDK for JavaScript does, or use your own signed request",
  },
  UserPoolTags: {
    omitted: "kept",
    source: "Terraform",
    note: "including those without a meaning for Poolhouse",
  },
  AdminCreateUserConfig: {
    ...keptByUs,
    note: "a given one without AllowAdminCreateUserOnly, even `{}`, sets that to false and thus opens the pool to sign-up, because Terraform omits false. Include it in every change of the others",
  },
  UserPoolAddOns: {
    ...keptByUs,
    note: "Cognito removes them, as Terraform's provider expects; here AdvancedSecurityMode OFF does",
  },
  AccountRecoverySetting: { omitted: "kept", source: "inferred", inside: true },
  PoolName: keptByUs,
  UserPoolTier: { omitted: "kept", source: "inferred" },
  KeyConfiguration: { omitted: "kept", source: "inferred" },
  IssuerConfiguration: { omitted: "kept", source: "inferred" },
  DcrConfiguration: { omitted: "kept", source: "documented" },
  AcrConfiguration: keptByUs,
};

const permissionRemoved: Omission = { ...resetAsDocumented, note: "which removes a permission" };

export const updateUserPoolClient: Omissions<UpdateUserPoolClientRequest> = {
  UserPoolId: required,
  ClientId: required,
  ClientName: keptByUs,
  RefreshTokenValidity: { omitted: "kept", source: "Cloud Control", note: "0 means the default" },
  AccessTokenValidity: keptByUs,
  IdTokenValidity: keptByUs,
  TokenValidityUnits: { omitted: "kept", source: "Terraform", inside: true },
  ReadAttributes: { ...keptByUs, note: "`[]` means every attribute" },
  WriteAttributes: { ...keptByUs, note: "`[]` means every attribute" },
  ExplicitAuthFlows: {
    ...keptByUs,
    note: "`[]` means the default flows; ALLOW_REFRESH_TOKEN_AUTH is removed when RefreshTokenRotation is turned on",
  },
  SupportedIdentityProviders: keptByUs,
  CallbackURLs: permissionRemoved,
  LogoutURLs: permissionRemoved,
  DefaultRedirectURI: permissionRemoved,
  AllowedOAuthFlows: permissionRemoved,
  AllowedOAuthScopes: permissionRemoved,
  AllowedOAuthFlowsUserPoolClient: permissionRemoved,
  AnalyticsConfiguration: resetAsDocumented,
  PreventUserExistenceErrors: keptByUs,
  EnableTokenRevocation: { omitted: "kept", source: "Cloud Control" },
  EnablePropagateAdditionalUserContextData: keptByUs,
  AuthSessionValidity: { omitted: "kept", source: "Cloud Control" },
  RefreshTokenRotation: keptByUs,
};

export const setUserPoolMfaConfig: Omissions<SetUserPoolMfaConfigRequest> = {
  UserPoolId: required,
  SmsMfaConfiguration: { omitted: "reset", source: "inferred" },
  SoftwareTokenMfaConfiguration: { omitted: "reset", source: "measured" },
  EmailMfaConfiguration: { omitted: "reset", source: "inferred" },
  MfaConfiguration: {
    omitted: "refused",
    source: "measured",
    note: "together with a factor. With only UserPoolId it becomes OFF (measured); with only WebAuthnConfiguration, mode and factors are kept (ours)",
  },
  WebAuthnConfiguration: { ...keptByUs, inside: true },
};

/** The request, completed with the omitted members that the table keeps. */
export function withKept<Request extends object>(
  table: Omissions<Request>,
  request: Request,
  existing: Partial<Request>,
): Request {
  const completed = { ...request };
  for (const member of Object.keys(table) as (keyof Request)[]) {
    const { omitted, inside } = table[member];
    if (omitted !== "kept" || existing[member] === undefined) continue;
    if (request[member] === undefined) completed[member] = existing[member];
    else if (inside) completed[member] = withKeptInside(request[member], existing[member]);
  }
  return completed;
}

function withKeptInside<Structure>(given: Structure, existing: Structure): Structure {
  const named = Object.entries(given as object).filter(([, value]) => value !== undefined);
  return { ...existing, ...Object.fromEntries(named) };
}
