/**
 * Which first factors, MFA modes and second factors of a pool can be combined. Every operation that changes one of them
 * checks the whole document, so that no sequence of calls leads to what a single call could not set.
 */
import { refuse } from "../../wire/refuse.ts";
import type { PoolDocument } from "./load-pool.ts";

/** The second factors; one that is absent is off. E-mail MFA without members uses the default message. */
export type MfaFactors = Pick<
  PoolDocument,
  "SmsMfaConfiguration" | "SoftwareTokenMfaConfiguration" | "EmailMfaConfiguration"
>;

export const noFactors: MfaFactors = {
  SmsMfaConfiguration: undefined,
  SoftwareTokenMfaConfiguration: undefined,
  EmailMfaConfiguration: undefined,
};

/** The MFA factors of a document, without anything else. */
export function mfaFactors(document: PoolDocument): MfaFactors {
  const { SmsMfaConfiguration, SoftwareTokenMfaConfiguration, EmailMfaConfiguration } = document;
  return { SmsMfaConfiguration, SoftwareTokenMfaConfiguration, EmailMfaConfiguration };
}

/** Whether a pool has turned the factor with this setting on. */
export function isFactorOn(factors: MfaFactors, name: keyof MfaFactors): boolean {
  return name === "SoftwareTokenMfaConfiguration"
    ? factors[name]?.Enabled === true
    : factors[name] !== undefined;
}

/** The members of `MfaFactors` that are turned on. */
export function secondFactors(factors: MfaFactors): (keyof MfaFactors)[] {
  return (Object.keys(noFactors) as (keyof MfaFactors)[]).filter((name) => isFactorOn(factors, name));
}

/** The settings of a document that the rules apply to. */
function factorSettings(document: PoolDocument) {
  return {
    mode: document.MfaConfiguration ?? "OFF",
    first: (document.Policies?.SignInPolicy?.AllowedFirstAuthFactors ?? ["PASSWORD"]).toSorted(),
    second: secondFactors(document),
    sendsSms: document.SmsConfiguration !== undefined,
    passkeysAreTwo:
      document.WebAuthnConfiguration?.FactorConfiguration === "MULTI_FACTOR_WITH_USER_VERIFICATION",
  };
}

type FactorSettings = ReturnType<typeof factorSettings>;

export const smsIsMissing =
  "SMS configuration and Auto verification for phone_number are required when MFA is required/optional";

/** The rules in the order in which they are checked, with Cognito's messages. */
const rules: readonly { readonly breaks: (of: FactorSettings) => boolean; readonly message: string }[] = [
  {
    breaks: ({ first, sendsSms }) => first.includes("SMS_OTP") && !sendsSms,
    message: "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration",
  },
  {
    breaks: ({ second, sendsSms }) => second.includes("SmsMfaConfiguration") && !sendsSms,
    message: smsIsMissing,
  },
  {
    breaks: ({ mode, first }) => mode === "ON" && (first.includes("EMAIL_OTP") || first.includes("SMS_OTP")),
    message: "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled",
  },
  {
    breaks: ({ mode, first, passkeysAreTwo }) =>
      mode === "ON" && first.includes("WEB_AUTHN") && !passkeysAreTwo,
    message:
      "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor",
  },
];

/**
 * Throws InvalidParameterException if a document violates a rule. Settings that have not changed are not checked: a
 * pool from before the rules can still be changed in other respects.
 * @param options.withoutFactor the message for MFA that nobody could complete, which each operation words differently
 */
export function checkFactors(
  document: PoolDocument,
  options: { withoutFactor: string; before?: PoolDocument },
): void {
  const next = factorSettings(document);
  const { before, withoutFactor } = options;
  if (before !== undefined && JSON.stringify(factorSettings(before)) === JSON.stringify(next)) return;
  if (next.mode !== "OFF" && next.second.length === 0) refuse("InvalidParameterException", withoutFactor);
  const broken = rules.find(({ breaks }) => breaks(next));
  if (broken !== undefined) refuse("InvalidParameterException", broken.message);
}
