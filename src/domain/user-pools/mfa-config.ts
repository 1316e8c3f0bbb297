/**
 * The MFA factors that a pool offers, and whether it requires one. SetUserPoolMfaConfig sets all factors;
 * CreateUserPool and UpdateUserPool can also turn on SMS. All of them end here
 * (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SetUserPoolMfaConfig.html).
 */
import type {
  SetUserPoolMfaConfigRequest,
  SmsConfigurationType,
  UserPoolMfaType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { smsConfiguration } from "./delivery-settings.ts";
import { checkFactors, type MfaFactors, mfaFactors, secondFactors } from "./factor-rules.ts";
import type { PoolDocument } from "./load-pool.ts";
import { setUserPoolMfaConfig, withKept } from "./omitted.ts";

/**
 * SMS MFA after CreateUserPool or UpdateUserPool: turned on if MFA is required and nothing else offers it; otherwise
 * unchanged, with the new settings.
 */
export function smsFactor(
  mode: UserPoolMfaType,
  existing: MfaFactors,
  given: {
    SmsConfiguration: SmsConfigurationType | undefined;
    SmsAuthenticationMessage: string | undefined;
  },
): MfaFactors {
  const turnsOn =
    mode !== "OFF" && secondFactors(existing).length === 0 && given.SmsConfiguration !== undefined;
  return { SmsMfaConfiguration: existing.SmsMfaConfiguration !== undefined || turnsOn ? given : undefined };
}

/** The document after SetUserPoolMfaConfig. Throws InvalidParameterException. */
export function withMfaConfig(
  document: PoolDocument,
  request: SetUserPoolMfaConfigRequest,
  region: string,
): PoolDocument {
  const { MfaConfiguration: mode = "OFF", WebAuthnConfiguration: passkeys } = request;
  const namesFactor = Object.values(mfaFactors(request)).some((factor) => factor !== undefined);
  // A member's presence decides, not its content.
  if (mode === "OFF" && namesFactor)
    refuse(
      "InvalidParameterException",
      "Invalid MFA configuration given, can't turn off MFA and configure an MFA together",
    );
  const isAboutPasskeysOnly =
    passkeys !== undefined && !namesFactor && request.MfaConfiguration === undefined;
  const next: PoolDocument = {
    ...document,
    ...(isAboutPasskeysOnly ? {} : { ...givenFactors(document, request, region), MfaConfiguration: mode }),
    WebAuthnConfiguration: webAuthn(document, request),
  };
  const withoutFactor =
    passkeys === undefined
      ? "Invalid MFA configuration given, can't turn on MFA without configuring an MFA"
      : "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.";
  checkFactors(next, { before: document, withoutFactor });
  return next;
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
  // SMS MFA and the pool share one SMS configuration and one message, whichever operation sets them.
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

/**
 * WebAuthnConfiguration: kept by a request that is only about MFA, since without their relying party passkeys would
 * stop working.
 */
function webAuthn(
  document: PoolDocument,
  request: SetUserPoolMfaConfigRequest,
): PoolDocument["WebAuthnConfiguration"] {
  const { WebAuthnConfiguration: given } = request;
  if (given === undefined) return document.WebAuthnConfiguration;
  const settings = withKept(setUserPoolMfaConfig, request, document).WebAuthnConfiguration ?? {};
  const isMulti = settings.FactorConfiguration === "MULTI_FACTOR_WITH_USER_VERIFICATION";
  const verification =
    isMulti && given.UserVerification === undefined ? "required" : settings.UserVerification;
  const { RelyingPartyId: id } = settings;
  const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
  if (id !== undefined && !new RegExp(`^${label}(?:\\.${label})*$`).test(id))
    refuse("InvalidParameterException", "RelyingPartyId must be a domain name.");
  if (isMulti && verification !== "required")
    refuse(
      "InvalidParameterException",
      "UserVerification must be required when FactorConfiguration is MULTI_FACTOR_WITH_USER_VERIFICATION.",
    );
  return { ...settings, UserVerification: verification ?? "preferred" };
}
