/**
 * Checks message templates of a pool. The model's patterns cover the placeholders of verification messages; this covers
 * what patterns cannot express
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-message-customizations.html).
 */
import type {
  MessageTemplateType,
  UpdateUserPoolRequest,
  VerificationMessageTemplateType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";

type Legacy = Pick<
  UpdateUserPoolRequest,
  "SmsVerificationMessage" | "EmailVerificationMessage" | "EmailVerificationSubject"
>;

/**
 * The verification template and the three older members with the same content. They are kept equal, and the template
 * wins: DescribeUserPool returns both, for programs old and new.
 */
export function verificationMessages(
  request: Legacy & { VerificationMessageTemplate?: VerificationMessageTemplateType | undefined },
): Legacy & { VerificationMessageTemplate: VerificationMessageTemplateType } {
  const given = request.VerificationMessageTemplate;
  const sms = given?.SmsMessage ?? request.SmsVerificationMessage;
  const email = given?.EmailMessage ?? request.EmailVerificationMessage;
  const subject = given?.EmailSubject ?? request.EmailVerificationSubject;
  return {
    SmsVerificationMessage: sms,
    EmailVerificationMessage: email,
    EmailVerificationSubject: subject,
    VerificationMessageTemplate: {
      SmsMessage: sms,
      EmailMessage: email,
      EmailSubject: subject,
      EmailMessageByLink: given?.EmailMessageByLink,
      EmailSubjectByLink: given?.EmailSubjectByLink,
      DefaultEmailOption: given?.DefaultEmailOption ?? "CONFIRM_WITH_CODE",
    },
  };
}

/**
 * Checks an invitation: it must contain the username and the temporary password. "If your users don't have passwords,
 * you can omit the placeholder" (AdminCreateUserConfigType).
 */
export function checkInvitation(
  template: MessageTemplateType | undefined,
  options: { passwordless: boolean },
): void {
  for (const member of ["EmailMessage", "SMSMessage"] as const) {
    const text = template?.[member];
    if (text === undefined) continue;
    if (!text.includes("{username}")) missing(member, "{username}");
    if (!text.includes("{####}") && !options.passwordless) missing(member, "{####}");
  }
}

function missing(member: string, placeholder: string): never {
  return refuse(
    "InvalidParameterException",
    `The ${member} of InviteMessageTemplate must contain the placeholder ${placeholder}.`,
  );
}
