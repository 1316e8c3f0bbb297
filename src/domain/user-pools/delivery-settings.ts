/** How a pool sends messages. Stored as AWS expects it; Poolhouse itself sends by the server's configuration. */

import { parseMailAddress } from "../../lib/mail-address.ts";
import type { EmailConfigurationType, SmsConfigurationType } from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";

/** A structure without its empty members; undefined if nothing is left ("A null value indicates …"). */
export function withMembers<T extends object>(given: T | undefined): T | undefined {
  return given !== undefined && Object.values(given).some((value) => value !== undefined) ? given : undefined;
}

/**
 * EmailConfiguration, by default COGNITO_DEFAULT; "if you [specify DEVELOPER], provide the ARN"
 * (EmailConfigurationType).
 */
export function emailConfiguration(given: EmailConfigurationType | undefined): EmailConfigurationType {
  const account = given?.EmailSendingAccount ?? "COGNITO_DEFAULT";
  if (account === "DEVELOPER" && given?.SourceArn === undefined)
    invalid("SourceArn is required when EmailSendingAccount is DEVELOPER.");
  if (given?.From !== undefined && parseMailAddress(given.From) === undefined)
    invalid("From must be an email address, or a name with an email address in angle brackets.");
  return { ...given, EmailSendingAccount: account };
}

/** SmsConfiguration: "Provide either the Amazon SNS configuration (SnsCallerArn) or [EumsSms], but not both." */
export function smsConfiguration(
  given: SmsConfigurationType | undefined,
  region: string,
): SmsConfigurationType | undefined {
  const config = withMembers(given);
  if (config === undefined) return undefined;
  if ((config.SnsCallerArn === undefined) === (config.EumsSms === undefined))
    invalid("SmsConfiguration must have either SnsCallerArn or EumsSms.");
  return config.SnsCallerArn === undefined ? config : { ...config, SnsRegion: config.SnsRegion ?? region };
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
