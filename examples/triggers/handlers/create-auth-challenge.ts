/** CreateAuthChallenge: sends the link. What is in it stays with the pool, and is never sent to the application. */
import { randomBytes } from "node:crypto";
import type { CreateAuthChallengeTriggerHandler } from "aws-lambda";
import { createTransport } from "nodemailer";

const mail = createTransport(process.env["SMTP_URL"]!);
const minutes = 10;

export const handler: CreateAuthChallengeTriggerHandler = async (event) => {
  const { userAttributes, userNotFound } = event.request;
  const secret = randomBytes(32).toString("base64url");
  event.response.publicChallengeParameters = { minutes: String(minutes) };
  event.response.privateChallengeParameters = {
    secret,
    expiresAt: String(Date.now() + minutes * 60_000),
  };
  if (userNotFound) return event;
  const link = new URL("/link", process.env["APP_URL"]);
  link.searchParams.set("secret", secret);
  await mail.sendMail({
    from: "Members <members@example.com>",
    to: userAttributes["email"]!,
    subject: "Your link to sign in",
    text: `Open this link in the browser in which you asked for it:\n\n${link.href}\n\nIt is valid for ${minutes} minutes, once.\n`,
  });
  return event;
};
