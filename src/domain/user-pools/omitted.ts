/**
 * What becomes of a member that an update leaves out. AWS documents that it gets its default, and keeps some all the same;
 * here nothing that protects is weakened by what a request does not name. The updates work from these tables, and so do
 * their tests and docs/fidelity.md. A structure that is given is taken whole, unless `inside` says otherwise.
 */
import type {
  SetUserPoolMfaConfigRequest,
  UpdateUserPoolClientRequest,
  UpdateUserPoolRequest,
} from "../../wire/generated/user-pools.types.ts";

/**
 * How it is known: measured at AWS by direct calls; seen there through Cloud Control or Terraform's provider; documented;
 * inferred from one of these; or our own choice, where nobody has measured or it is worth a difference.
 */
type Source = "measured" | "Cloud Control" | "Terraform" | "documented" | "inferred" | "ours";

export interface Omission {
  /** The member stays as it is, gets its default, or the request is refused. */
  readonly omitted: "kept" | "reset" | "refused";
  readonly source: Source;
  /** The structure's own members are kept one by one, too: those that it does not name stay as they are. */
  readonly inside?: true;
  readonly note?: string;
}

export type Omissions<Request> = { readonly [Member in keyof Required<Request>]: Omission };

const required: Omission = { omitted: "refused", source: "documented" };
const keptByUs: Omission = { omitted: "kept", source: "ours" };
const resetAsDocumented: Omission = { omitted: "reset", source: "documented" };
const untilCleared =
  "A Terraform configuration that drops the block shows a difference until it is cleared so, in a call that names what else is reset when left out";
const inTheTemplate: Omission = {
  omitted: "kept",
  source: "inferred",
  note: "with VerificationMessageTemplate, which says the same and has precedence",
};

export const updateUserPool: Omissions<UpdateUserPoolRequest> = {
  UserPoolId: required,
  Policies: {
    omitted: "kept",
    source: "measured",
    inside: true,
    note: "a PasswordPolicy that is given has defaults for what it omits",
  },
  DeletionProtection: { omitted: "kept", source: "Cloud Control" },
  LambdaConfig: {
    ...keptByUs,
    note: `triggers protect. Cognito takes them away, as Terraform's provider expects: \`{}\` does so here. ${untilCleared}`,
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
    note: "also without AutoVerifiedAttributes, which are reset",
  },
  MfaConfiguration: { omitted: "kept", source: "measured", note: "OFF takes the factors away" },
  DeviceConfiguration: {
    ...keptByUs,
    note: `one that is given is taken whole; \`{}\` takes it away. ${untilCleared}`,
  },
  EmailConfiguration: { omitted: "kept", source: "inferred" },
  SmsConfiguration: {
    ...keptByUs,
    note: "`{}` takes it away, and is refused while codes by SMS are a factor. aws-cli and most SDKs do not send it, since SnsCallerArn is required: the SDK for JavaScript does, or a signed request of your own",
  },
  UserPoolTags: { omitted: "kept", source: "Terraform", note: "also those that mean nothing to Poolhouse" },
  AdminCreateUserConfig: {
    ...keptByUs,
    note: "one that is given without AllowAdminCreateUserOnly, `{}` too, sets that to false and so opens the pool to sign-up: Terraform leaves false out. Name it with every change of the others",
  },
  UserPoolAddOns: {
    ...keptByUs,
    note: "Cognito takes them away, as Terraform's provider expects: AdvancedSecurityMode OFF does so here",
  },
  AccountRecoverySetting: { omitted: "kept", source: "inferred", inside: true },
  PoolName: keptByUs,
  UserPoolTier: { omitted: "kept", source: "inferred" },
  KeyConfiguration: { omitted: "kept", source: "inferred" },
  IssuerConfiguration: { omitted: "kept", source: "inferred" },
  DcrConfiguration: { omitted: "kept", source: "documented" },
  AcrConfiguration: keptByUs,
};

const takenAway: Omission = { ...resetAsDocumented, note: "which takes a permission away" };

export const updateUserPoolClient: Omissions<UpdateUserPoolClientRequest> = {
  UserPoolId: required,
  ClientId: required,
  ClientName: keptByUs,
  RefreshTokenValidity: { omitted: "kept", source: "Cloud Control", note: "0 is the default" },
  AccessTokenValidity: keptByUs,
  IdTokenValidity: keptByUs,
  TokenValidityUnits: { omitted: "kept", source: "Terraform", inside: true },
  ReadAttributes: { ...keptByUs, note: "`[]` is every attribute" },
  WriteAttributes: { ...keptByUs, note: "`[]` is every attribute" },
  ExplicitAuthFlows: {
    ...keptByUs,
    note: "`[]` is the default; ALLOW_REFRESH_TOKEN_AUTH goes when RefreshTokenRotation is turned on",
  },
  SupportedIdentityProviders: keptByUs,
  CallbackURLs: takenAway,
  LogoutURLs: takenAway,
  DefaultRedirectURI: takenAway,
  AllowedOAuthFlows: takenAway,
  AllowedOAuthScopes: takenAway,
  AllowedOAuthFlowsUserPoolClient: takenAway,
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
    note: "beside a factor. With UserPoolId alone it becomes OFF (measured); beside WebAuthnConfiguration alone, mode and factors are kept (ours)",
  },
  WebAuthnConfiguration: { ...keptByUs, inside: true },
};

/** The request, completed by what it leaves out and the table keeps. */
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
