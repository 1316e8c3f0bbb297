/**
 * Which first factors, MFA modes and second factors of a pool go together. Asked of the whole document by each operation
 * that changes one of them, so that no order of calls leads to what one call could not set.
 */
import { refuse } from "../../wire/refuse.ts";
import type { PoolDocument } from "./load-pool.ts";

/** The second factors; one that is absent is off. Present e-mail MFA without members uses the default message. */
export type MfaFactors = Pick<
  PoolDocument,
  "SmsMfaConfiguration" | "SoftwareTokenMfaConfiguration" | "EmailMfaConfiguration"
>;

export const noFactors: MfaFactors = {
  SmsMfaConfiguration: undefined,
  SoftwareTokenMfaConfiguration: undefined,
  EmailMfaConfiguration: undefined,
};

/** The factors a document has, and nothing else of it. */
export function mfaFactors(document: PoolDocument): MfaFactors {
  const { SmsMfaConfiguration, SoftwareTokenMfaConfiguration, EmailMfaConfiguration } = document;
  return { SmsMfaConfiguration, SoftwareTokenMfaConfiguration, EmailMfaConfiguration };
}

/** Members of `MfaFactors` that are turned on. */
export function secondFactors(factors: MfaFactors): (keyof MfaFactors)[] {
  const isOn = (name: keyof MfaFactors) =>
    name === "SoftwareTokenMfaConfiguration" ? factors[name]?.Enabled === true : factors[name] !== undefined;
  return (Object.keys(noFactors) as (keyof MfaFactors)[]).filter(isOn);
}

/** What of a document the rules are about. */
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

/** In the order in which they are asked; with Cognito's texts. */
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
 * Throws InvalidParameterException for a document that breaks a rule. One that stands as it did before is not looked at:
 * a pool of before the rules can still be changed in all else.
 * @param options.withoutFactor what is said of MFA that nobody could complete, which each operation words differently
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
