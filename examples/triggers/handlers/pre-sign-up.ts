/**
 * PreSignUp: who may sign up, by the domain of the e-mail address. There is no code to enter: the link of the first sign-in
 * proves the address.
 */
import type { PreSignUpTriggerHandler } from "aws-lambda";

const domains = (process.env["DOMAINS"] ?? "").split(",");

export const handler: PreSignUpTriggerHandler = async (event) => {
  const [, domain] = (event.request.userAttributes["email"] ?? "").toLowerCase().split("@");
  if (domain === undefined || !domains.includes(domain)) throw new Error("Only members can sign up");
  event.response.autoConfirmUser = true;
  return event;
};
