/**
 * Message templates of a pool. The placeholders of verification messages are patterns of the model; here is what
 * patterns do not say (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-message-customizations.html).
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
 * The verification template and the three older members that say the same. They are kept equal, the template wins:
 * DescribeUserPool prints both, and programs of either age read their own.
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
 * An invitation names the user and carries the temporary password. "If your users don't have passwords, you can omit
 * the placeholder" (AdminCreateUserConfigType).
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
