/** CustomEmailSender: sends the pool's mail in place of the pool, by SMTP. */
import type { CustomEmailSenderTriggerHandler } from "aws-lambda";
import { createTransport } from "nodemailer";
import { decryptedCode } from "./code.ts";

const mail = createTransport(process.env["SMTP_URL"]!);

const subjects: Readonly<Record<string, string>> = {
  CustomEmailSender_AdminCreateUser: "Your temporary password",
  CustomEmailSender_ForgotPassword: "Your code for a new password",
};

export const handler: CustomEmailSenderTriggerHandler = async ({ triggerSource, request }) => {
  // The warning about a stolen account has no address and no code.
  if (triggerSource === "CustomEmailSender_AccountTakeOverNotification" || request.code === null) return;
  const code = await decryptedCode(request.code);
  await mail.sendMail({
    from: "Guests <guests@example.com>",
    to: request.userAttributes["email"]!,
    subject: subjects[triggerSource] ?? "Your code",
    text: `${subjects[triggerSource] ?? "Your code"}: ${code}\n`,
  });
};
