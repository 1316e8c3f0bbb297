/** PreAuthentication: keeps addresses out that are on a list. */
import type { PreAuthenticationTriggerHandler } from "aws-lambda";

const blocked = (process.env["BLOCKED"] ?? "").split(",");

export const handler: PreAuthenticationTriggerHandler = async (event) => {
  const { email } = event.request.userAttributes;
  if (email !== undefined && blocked.includes(email.toLowerCase()))
    throw new Error("This account is on hold");
  return event;
};
