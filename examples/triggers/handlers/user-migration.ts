/** UserMigration: members of a former system, whose passwords are in a file, hashed by scrypt. */
import { scryptSync, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { UserMigrationTriggerHandler } from "aws-lambda";

type Members = Readonly<Record<string, { readonly salt: string; readonly hash: string }>>;
const members: Members = JSON.parse(readFileSync(new URL("former-members.json", import.meta.url), "utf8"));

export const handler: UserMigrationTriggerHandler = async (event) => {
  const email = event.userName.toLowerCase();
  const member = Object.hasOwn(members, email) ? members[email] : undefined;
  if (member === undefined) throw new Error("There is no such member");
  const isSignIn = event.triggerSource === "UserMigration_Authentication";
  const hash = Buffer.from(member.hash, "base64url");
  if (isSignIn && !timingSafeEqual(scryptSync(event.request.password, member.salt, 32), hash))
    throw new Error("This is not the password");
  event.response.userAttributes = { email, email_verified: "true" };
  event.response.finalUserStatus = isSignIn ? "CONFIRMED" : "RESET_REQUIRED";
  event.response.messageAction = "SUPPRESS";
  return event;
};
