/** What the domain refuses, in the words of the pages. What stands in no table is told in general terms. */
import { RedirectedRefusal } from "../../domain/grants/authorization-request.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Problem } from "./fields.ts";
import type { Words } from "./words/en.ts";

type Errors = Words["errors"];

interface Told {
  readonly word: keyof Errors;
  /** The field to look at, if the form has one of these; the first of them that it has. */
  readonly fields?: readonly string[];
}

const byCode: Readonly<Record<string, Told>> = {
  CodeMismatchException: { word: "wrongCode", fields: ["code"] },
  EnableSoftwareTokenMFAException: { word: "wrongCode", fields: ["code"] },
  ExpiredCodeException: { word: "expiredCode", fields: ["code"] },
  UserNotFoundException: { word: "userNotFound", fields: ["username"] },
  UsernameExistsException: { word: "nameTaken", fields: ["username"] },
  AliasExistsException: { word: "addressTaken" },
  InvalidPasswordException: { word: "badPassword", fields: ["password"] },
  PasswordHistoryPolicyViolationException: { word: "usedPassword", fields: ["password"] },
  TooManyRequestsException: { word: "tooMany" },
  LimitExceededException: { word: "tooManyMessages" },
  CodeDeliveryFailureException: { word: "notDelivered" },
  MFAMethodNotFoundException: { word: "sessionEnded" },
  SoftwareTokenMFANotFoundException: { word: "sessionEnded" },
  UserNotConfirmedException: { word: "notAvailable" },
  UnexpectedLambdaException: { word: "notAvailable" },
  WebAuthnNotEnabledException: { word: "notAvailable" },
  WebAuthnConfigurationMissingException: { word: "notAvailable" },
};

/** By the beginning of the message, where one code says several things. */
const byMessage: readonly (readonly [start: string, told: Told])[] = [
  ["Incorrect username or password", { word: "wrongPassword", fields: ["password"] }],
  ["User is disabled", { word: "disabled" }],
  ["Password attempts exceeded", { word: "locked" }],
  ["Temporary password has expired", { word: "temporaryExpired" }],
  ["Invalid session for the user", { word: "sessionEnded" }],
  ["Missing required parameter Session", { word: "sessionEnded" }],
  ["Missing required parameter", { word: "missing", fields: ["code", "password", "username", "answer"] }],
  ["Your software token has already been used", { word: "usedCode", fields: ["code"] }],
  [
    "Password did not conform with policy: Password not long",
    { word: "shortPassword", fields: ["password"] },
  ],
  ["Password did not conform with policy: Password is too", { word: "longPassword", fields: ["password"] }],
  [
    "Password did not conform with policy: Password must have upper",
    { word: "needsUppercase", fields: ["password"] },
  ],
  [
    "Password did not conform with policy: Password must have lower",
    { word: "needsLowercase", fields: ["password"] },
  ],
  [
    "Password did not conform with policy: Password must have numeric",
    { word: "needsNumber", fields: ["password"] },
  ],
  [
    "Password did not conform with policy: Password must have symbol",
    { word: "needsSymbol", fields: ["password"] },
  ],
  ["An account with the given email", { word: "addressTaken", fields: ["email", "username"] }],
  ["An account with the given phone_number", { word: "addressTaken", fields: ["phone_number", "username"] }],
  ["Invalid email address format", { word: "badEmail", fields: ["email", "username"] }],
  ["Username should be an email", { word: "badEmail", fields: ["username"] }],
  ["Invalid phone number format", { word: "badPhone", fields: ["phone_number", "username"] }],
  ["Username should be a phone number", { word: "badPhone", fields: ["username"] }],
  ["Username should be either", { word: "badName", fields: ["username"] }],
  ["Username cannot be of", { word: "nameIsAddress", fields: ["username"] }],
  ["SignUp is not permitted", { word: "noSignUp" }],
  ["Contact administrator to reset", { word: "noRecovery" }],
  ["User password cannot be reset", { word: "notResettable" }],
  ["Cannot reset password", { word: "notResettable" }],
  ["User cannot be confirmed. Current status is CONFIRMED", { word: "alreadyConfirmed" }],
  ["User is already confirmed", { word: "alreadyConfirmed" }],
  ["Credential data is not valid", { word: "passkeyHere" }],
];

/** @param fields names of those that the form has */
export function problemOf(error: unknown, words: Words, fields: readonly string[]): Problem {
  if (!isRefusal(error)) throw error;
  const { word, fields: meant = [] } = toldOf(error, fields);
  return { text: words.errors[word], field: meant.find((name) => fields.includes(name)) };
}

function toldOf({ code, message }: Refusal, fields: readonly string[]): Told {
  const said = byMessage.find(([start]) => message.startsWith(start));
  if (said !== undefined) return said[1];
  // "Attributes did not conform to the schema: email: …", or the model's "Value at 'username' failed …".
  const named = fields.find(
    (name) =>
      message.includes(` ${name}: `) ||
      message.includes(`\n${name}: `) ||
      message.includes(`Value at '${name}'`),
  );
  if (named !== undefined) return { word: named === "username" ? "badName" : "badValue", fields: [named] };
  return Object.hasOwn(byCode, code) ? byCode[code]! : { word: "general" };
}

/** Whether the sign-in is over, so that it can only begin again. */
export function isOver(error: unknown): boolean {
  if (!(error instanceof Refusal)) return false;
  if (/^(?:Invalid session for the user|Missing required parameter Session)/.test(error.message)) return true;
  return ["MFAMethodNotFoundException", "SoftwareTokenMFANotFoundException"].includes(error.code);
}

/**
 * What is refused to somebody who did as the pages say is told to them. What is refused to the client is for the client;
 * anything else is a defect of ours.
 */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Refusal && !(error instanceof RedirectedRefusal);
}
