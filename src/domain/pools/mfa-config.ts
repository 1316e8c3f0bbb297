/**
 * Which MFA factors a pool offers and whether it demands one. Factors are set by SetUserPoolMfaConfig alone, except
 * SMS, which CreateUserPool and UpdateUserPool can turn on too; both ways end here
 * (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SetUserPoolMfaConfig.html).
 */
import type {
  SetUserPoolMfaConfigRequest,
  SmsConfigurationType,
  UserPoolMfaType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { smsConfiguration } from "./delivery.ts";
import type { PoolDocument } from "./settings.ts";

/** The factors; one that is absent is off. Present e-mail MFA without members uses the default message. */
export type MfaFactors = Pick<
  PoolDocument,
  "SmsMfaConfiguration" | "SoftwareTokenMfaConfiguration" | "EmailMfaConfiguration"
>;

/** The factors a document has, and nothing else of it. */
export function mfaFactors(document: PoolDocument): MfaFactors {
  const { SmsMfaConfiguration, SoftwareTokenMfaConfiguration, EmailMfaConfiguration } = document;
  return { SmsMfaConfiguration, SoftwareTokenMfaConfiguration, EmailMfaConfiguration };
}

function hasFactor(factors: MfaFactors): boolean {
  return (
    factors.SmsMfaConfiguration !== undefined ||
    factors.EmailMfaConfiguration !== undefined ||
    factors.SoftwareTokenMfaConfiguration?.Enabled === true
  );
}

/** MFA that nobody could complete locks everybody out, so it is refused. */
export function checkMfaMode(mode: UserPoolMfaType, factors: MfaFactors, message: string): void {
  if (mode !== "OFF" && !hasFactor(factors)) refuse("InvalidParameterException", message);
}

/**
 * SMS MFA as CreateUserPool and UpdateUserPool leave it: turned on when MFA is demanded and nothing else offers it,
 * gone when the pool cannot send SMS any more, else as it was with the new settings.
 */
export function smsFactor(
  mode: UserPoolMfaType,
  existing: MfaFactors,
  given: {
    SmsConfiguration: SmsConfigurationType | undefined;
    SmsAuthenticationMessage: string | undefined;
  },
): MfaFactors {
  const wanted = existing.SmsMfaConfiguration !== undefined || (mode !== "OFF" && !hasFactor(existing));
  const possible = given.SmsConfiguration !== undefined;
  return { SmsMfaConfiguration: wanted && possible ? given : undefined };
}

/** The document after SetUserPoolMfaConfig. Throws InvalidParameterException. */
export function withMfaConfig(
  document: PoolDocument,
  request: SetUserPoolMfaConfigRequest,
  region: string,
): PoolDocument {
  const { UserPoolId: _, ...settings } = request;
  if (Object.values(settings).every((value) => value === undefined))
    refuse(
      "InvalidParameterException",
      "At least one of [SmsMfaConfiguration] or [SoftwareTokenMfaConfiguration] must be provided.",
    );
  const next: PoolDocument = {
    ...document,
    ...(isPasskeysOnly(request) ? {} : givenFactors(document, request, region)),
    MfaConfiguration: request.MfaConfiguration ?? document.MfaConfiguration ?? "OFF",
    WebAuthnConfiguration: webAuthn(document, request),
  };
  checkMfaMode(
    next.MfaConfiguration ?? "OFF",
    next,
    "Invalid MFA configuration given, can't turn on MFA without configuring an MFA",
  );
  return next;
}

/** A request about passkeys alone leaves MFA as it is; every other one gives all factors, and those omitted are off. */
function isPasskeysOnly(request: SetUserPoolMfaConfigRequest): boolean {
  return (
    request.SmsMfaConfiguration === undefined &&
    request.SoftwareTokenMfaConfiguration === undefined &&
    request.EmailMfaConfiguration === undefined &&
    request.MfaConfiguration === undefined
  );
}

function givenFactors(
  document: PoolDocument,
  request: SetUserPoolMfaConfigRequest,
  region: string,
): Partial<PoolDocument> {
  const { SoftwareTokenMfaConfiguration, EmailMfaConfiguration, SmsMfaConfiguration: sms } = request;
  const others = {
    SoftwareTokenMfaConfiguration: SoftwareTokenMfaConfiguration && {
      Enabled: SoftwareTokenMfaConfiguration.Enabled ?? false,
    },
    EmailMfaConfiguration,
  };
  if (sms === undefined) return { ...others, SmsMfaConfiguration: undefined };
  // SMS MFA and the pool share one way to send SMS and one message, whichever operation sets them.
  const SmsConfiguration = smsConfiguration(sms.SmsConfiguration, region) ?? document.SmsConfiguration;
  const SmsAuthenticationMessage = sms.SmsAuthenticationMessage ?? document.SmsAuthenticationMessage;
  if (SmsConfiguration === undefined)
    refuse("InvalidParameterException", "[SmsConfiguration] is a required member of [SmsMfaConfiguration].");
  return {
    ...others,
    SmsConfiguration,
    SmsAuthenticationMessage,
    SmsMfaConfiguration: { SmsConfiguration, SmsAuthenticationMessage },
  };
}

/** Passkeys survive a request that is only about MFA: without their relying party they could not be used again. */
function webAuthn(
  document: PoolDocument,
  request: SetUserPoolMfaConfigRequest,
): PoolDocument["WebAuthnConfiguration"] {
  const given = request.WebAuthnConfiguration;
  if (given === undefined) return document.WebAuthnConfiguration;
  const { RelyingPartyId: id, UserVerification = "preferred" } = given;
  const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
  if (id !== undefined && !new RegExp(`^${label}(?:\\.${label})*$`).test(id))
    refuse("InvalidParameterException", "RelyingPartyId must be a domain name.");
  if (given.FactorConfiguration === "MULTI_FACTOR_WITH_USER_VERIFICATION" && UserVerification !== "required")
    refuse(
      "InvalidParameterException",
      "UserVerification must be required when FactorConfiguration is MULTI_FACTOR_WITH_USER_VERIFICATION.",
    );
  return { ...given, UserVerification };
}
