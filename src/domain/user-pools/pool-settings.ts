/**
 * Checks and completes the settings of CreateUserPool and UpdateUserPool: what is missing gets its default. What an
 * update omits but keeps was filled in before, by kept-settings.ts
 * (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPool.html).
 */
import type {
  AccountRecoverySettingType,
  AcrLevelConfigType,
  AdminCreateUserConfigType,
  LambdaConfigType,
  PasswordPolicyType,
  SignInPolicyType,
  UpdateUserPoolRequest,
  UserAttributeUpdateSettingsType,
  UserPoolPolicyType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { emailConfiguration, smsConfiguration, withMembers } from "./delivery-settings.ts";
import type { MfaFactors } from "./factor-rules.ts";
import type { PoolDocument } from "./load-pool.ts";
import { checkInvitation, verificationMessages } from "./message-templates.ts";
import { smsFactor } from "./mfa-config.ts";
import { checkTags } from "./tags.ts";

/** The members that creation and update have in common. */
export type PoolSettings = Omit<UpdateUserPoolRequest, "UserPoolId" | "PoolName" | "DcrConfiguration">;

/**
 * The part of the document that these settings determine.
 * @param options.factors the MFA factors set by SetUserPoolMfaConfig, of which all or none are kept
 * @param options.existing the document to be changed
 */
export function poolSettings(
  given: PoolSettings,
  options: { region: string; factors: MfaFactors; existing?: PoolDocument },
): Partial<PoolDocument> {
  const SmsConfiguration = smsConfiguration(given.SmsConfiguration, options.region);
  const MfaConfiguration = given.MfaConfiguration ?? "OFF";
  const SmsAuthenticationMessage = given.SmsAuthenticationMessage;
  const factors = {
    ...options.factors,
    ...smsFactor(MfaConfiguration, options.factors, { SmsConfiguration, SmsAuthenticationMessage }),
  };
  checkTags(given.UserPoolTags ?? {});
  const policies = checkPolicies(given.Policies, given.AdminCreateUserConfig);
  const auto = given.AutoVerifiedAttributes;
  return {
    Policies: policies,
    DeletionProtection: given.DeletionProtection ?? "INACTIVE",
    LambdaConfig: lambdaConfig(given.LambdaConfig),
    AutoVerifiedAttributes: auto === undefined || auto.length === 0 ? undefined : [...new Set(auto)],
    ...verificationMessages(given),
    SmsAuthenticationMessage,
    MfaConfiguration,
    ...factors,
    UserAttributeUpdateSettings: updateSettings(given.UserAttributeUpdateSettings, [
      ...(auto ?? []),
      ...(options.existing?.UserAttributeUpdateSettings?.AttributesRequireVerificationBeforeUpdate ?? []),
    ]),
    DeviceConfiguration: withMembers(given.DeviceConfiguration),
    EmailConfiguration: emailConfiguration(given.EmailConfiguration),
    SmsConfiguration,
    UserPoolTags: given.UserPoolTags ?? {},
    AdminCreateUserConfig: adminCreateUserConfig(given.AdminCreateUserConfig, policies),
    UserPoolAddOns: given.UserPoolAddOns,
    AccountRecoverySetting:
      accountRecovery(given.AccountRecoverySetting) ??
      (options.existing === undefined ? recoveryOfNewPools : undefined),
    UserPoolTier: given.UserPoolTier ?? "ESSENTIALS",
    KeyConfiguration: given.KeyConfiguration,
    IssuerConfiguration: given.IssuerConfiguration,
    AcrConfiguration: acrConfiguration(given.AcrConfiguration),
  };
}

const DEFAULT_TEMPORARY_DAYS = 7;

function checkPolicies(
  given: UserPoolPolicyType | undefined,
  adminConfig: AdminCreateUserConfigType | undefined,
): UserPoolPolicyType {
  const legacyDays = adminConfig?.UnusedAccountValidityDays || undefined;
  const days = given?.PasswordPolicy?.TemporaryPasswordValidityDays || undefined;
  if (legacyDays !== undefined && days !== undefined && legacyDays !== days)
    invalid(
      "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
    );
  return {
    PasswordPolicy: passwordPolicy(given?.PasswordPolicy, days ?? legacyDays ?? DEFAULT_TEMPORARY_DAYS),
    SignInPolicy: signInPolicy(given?.SignInPolicy),
  };
}

/** The password policy. Without one every kind of character is required; in a given policy, omitted kinds are not. */
function passwordPolicy(given: PasswordPolicyType | undefined, temporaryDays: number): PasswordPolicyType {
  const unset = given === undefined;
  return {
    MinimumLength: given?.MinimumLength ?? 8,
    RequireUppercase: given?.RequireUppercase ?? unset,
    RequireLowercase: given?.RequireLowercase ?? unset,
    RequireNumbers: given?.RequireNumbers ?? unset,
    RequireSymbols: given?.RequireSymbols ?? unset,
    PasswordHistorySize: given?.PasswordHistorySize || undefined,
    TemporaryPasswordValidityDays: temporaryDays,
  };
}

function signInPolicy(given: SignInPolicyType | undefined): SignInPolicyType {
  const factors = [...new Set(given?.AllowedFirstAuthFactors ?? ["PASSWORD" as const])];
  if (factors.includes("SOFTWARE_TOKEN"))
    invalid("SOFTWARE_TOKEN is not supported in AllowedFirstAuthFactors.");
  if (!factors.includes("PASSWORD")) invalid("AllowedFirstAuthFactors must include PASSWORD.");
  return { AllowedFirstAuthFactors: factors };
}

/**
 * The old and the new member for the token trigger: "If you also set an ARN in PreTokenGenerationConfig, its value must
 * be identical to PreTokenGeneration". Both are stored, so that readers of either find it.
 */
function lambdaConfig(given: LambdaConfigType | undefined): LambdaConfigType {
  const { PreTokenGeneration: legacy, PreTokenGenerationConfig: config } = given ?? {};
  if (legacy !== undefined && config !== undefined && legacy !== config.LambdaArn)
    invalid("The ARN of PreTokenGeneration and the LambdaArn of PreTokenGenerationConfig must be identical.");
  if ((given?.CustomSMSSender ?? given?.CustomEmailSender) !== undefined && given?.KMSKeyID === undefined)
    invalid("KMSKeyID is required for the triggers CustomSMSSender and CustomEmailSender.");
  // Messages name the key by this ARN; with an alias no handler could tell that the key is its own.
  if (given?.KMSKeyID !== undefined && !/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/.test(given.KMSKeyID))
    invalid("KMSKeyID must be the ARN of a KMS key.");
  const arn = legacy ?? config?.LambdaArn;
  if (arn === undefined) return { ...given };
  return {
    ...given,
    PreTokenGeneration: arn,
    PreTokenGenerationConfig: config ?? { LambdaVersion: "V1_0", LambdaArn: arn },
  };
}

/**
 * UserAttributeUpdateSettings: attributes must be auto-verified to require verification before an update, unless they
 * already do.
 */
function updateSettings(
  given: UserAttributeUpdateSettingsType | undefined,
  possible: readonly string[],
): UserAttributeUpdateSettingsType | undefined {
  const attributes = given?.AttributesRequireVerificationBeforeUpdate;
  const other = attributes?.find((name) => !possible.includes(name));
  if (other !== undefined)
    invalid(`AttributesRequireVerificationBeforeUpdate must be auto-verified attributes: ${other} is not.`);
  return attributes && { AttributesRequireVerificationBeforeUpdate: [...new Set(attributes)] };
}

function adminCreateUserConfig(
  given: AdminCreateUserConfigType | undefined,
  policies: UserPoolPolicyType,
): AdminCreateUserConfigType {
  const factors = policies.SignInPolicy?.AllowedFirstAuthFactors ?? [];
  checkInvitation(given?.InviteMessageTemplate, { passwordless: factors.length > 1 });
  return {
    AllowAdminCreateUserOnly: given?.AllowAdminCreateUserOnly ?? false,
    UnusedAccountValidityDays: policies.PasswordPolicy?.TemporaryPasswordValidityDays,
    InviteMessageTemplate: withMembers(given?.InviteMessageTemplate),
  };
}

/** Pools of before this default have none, and send codes to the phone first. */
const recoveryOfNewPools: AccountRecoverySettingType = {
  RecoveryMechanisms: [
    { Priority: 1, Name: "verified_email" },
    { Priority: 2, Name: "verified_phone_number" },
  ],
};

function accountRecovery(
  given: AccountRecoverySettingType | undefined,
): AccountRecoverySettingType | undefined {
  const mechanisms = given?.RecoveryMechanisms;
  if (mechanisms === undefined) return undefined;
  const names = new Set(mechanisms.map(({ Name }) => Name));
  if (names.has("admin_only") && mechanisms.length > 1)
    invalid("Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms.");
  if (names.size < mechanisms.length)
    invalid("Account Recovery Setting must not name a recovery mechanism twice.");
  if (new Set(mechanisms.map(({ Priority }) => Priority)).size < mechanisms.length)
    invalid("Account Recovery Setting must give each recovery mechanism a priority of its own.");
  return { RecoveryMechanisms: mechanisms };
}

const levels = ["Level1", "Level2", "Level3", "Level4"];

/** Checks: "Each name must be unique across all four levels, including any default names". */
function acrConfiguration(
  given: Record<string, AcrLevelConfigType> | undefined,
): Record<string, AcrLevelConfigType> | undefined {
  if (given === undefined) return undefined;
  const unknown = Object.keys(given).find((level) => !levels.includes(level));
  if (unknown !== undefined) invalid(`AcrConfiguration has no level ${unknown}, only ${levels.join(", ")}.`);
  const values = levels.map((level, index) => given[level]?.AcrValue ?? `urn:cognito:loa:${index + 1}`);
  const odd = values.find((value) => !/^[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]{1,2048}$/.test(value));
  if (odd !== undefined) invalid("An AcrValue may hold only characters that are valid in a URL or URN.");
  if (new Set(values).size < values.length) invalid("The AcrValue of each level must be unique.");
  return given;
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
