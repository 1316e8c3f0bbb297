/** Maps the domain's refusals to the sentences of the pages. A refusal without a reason gets a general one. */
import type { Ctx } from "../../../app.ts";
import { RedirectedRefusal } from "../../../domain/grants/authorization-request.ts";
import type { Pool } from "../../../domain/user-pools/load-pool.ts";
import { Refusal } from "../../../lib/refusal.ts";
import type { Reason } from "../../../wire/reasons.ts";
import { isRefusedFor } from "../../../wire/refuse.ts";
import { logRefusal } from "../../refused.ts";
import type { Words } from "../words/en.ts";
import type { Problem } from "./fields.ts";
import { type NameKind, nameKind } from "./names.ts";
import type { Visit } from "./visit.ts";

type Errors = Words["errors"];

interface ErrorWord {
  readonly word: keyof Errors;
  /** Fields that the error may belong to; it is shown at the first of them that the form contains. */
  readonly fields?: readonly string[];
}

const ended = { word: "sessionEnded" } as const;
const notAvailable = { word: "notAvailable" } as const;
const wrongCode = { word: "wrongCode", fields: ["code"] } as const;
const userNotFound = { word: "userNotFound", fields: ["username"] } as const;
const nameTaken = { word: "nameTaken", fields: ["username"] } as const;
const addressTaken = { word: "addressTaken" } as const;
const emailTaken = { word: "addressTaken", fields: ["email", "username"] } as const;
const phoneTaken = { word: "addressTaken", fields: ["phone_number", "username"] } as const;
const badEmail = { word: "badEmail", fields: ["email", "username"] } as const;
const badPhone = { word: "badPhone", fields: ["phone_number", "username"] } as const;
const password = ["password"] as const;

/** The sentence for every reason: a new reason without one does not compile. */
const byReason: Readonly<Record<Reason, ErrorWord>> = {
  wrongPassword: { word: "wrongPassword", fields: password },
  locked: { word: "locked" },
  disabled: { word: "disabled" },
  notConfirmed: notAvailable,
  resetRequired: { word: "general" },
  noSuchUser: userNotFound,
  nameOrClientUnknown: userNotFound,
  codeWrong: wrongCode,
  challengeCodeWrong: wrongCode,
  codeExpired: { word: "expiredCode", fields: ["code"] },
  tokenCodeWrong: wrongCode,
  tooMany: { word: "tooMany" },
  attemptsExceeded: { word: "tooManyMessages" },
  requestsExceeded: { word: "tooMany" },
  notDelivered: { word: "notDelivered" },
  triggerUnavailable: notAvailable,
  // Shown in the function's own words.
  triggerRefused: { word: "general" },
  triggerUnrecognizable: notAvailable,
  triggerUnreadable: notAvailable,
  passkeysOff: notAvailable,
  passkeysWithoutDomain: notAvailable,
  tooManyPasskeys: { word: "tooManyMessages" },
  temporaryPasswordExpired: { word: "temporaryExpired" },
  sessionInvalid: ended,
  sessionExpired: ended,
  sessionUsed: ended,
  sessionMissing: ended,
  parameterMissing: { word: "missing", fields: ["code", "password", "username", "answer"] },
  factorGone: ended,
  tokenFactorGone: ended,
  tokenFactorOff: ended,
  tokenUsed: { word: "usedCode", fields: ["code"] },
  passkeyInvalid: { word: "passkeyHere" },
  passwordShort: { word: "shortPassword", fields: password },
  passwordLong: { word: "longPassword", fields: password },
  passwordWithoutUppercase: { word: "needsUppercase", fields: password },
  passwordWithoutLowercase: { word: "needsLowercase", fields: password },
  passwordWithoutNumber: { word: "needsNumber", fields: password },
  passwordWithoutSymbol: { word: "needsSymbol", fields: password },
  passwordUsedBefore: { word: "usedPassword", fields: password },
  passwordMissing: { word: "general" },
  nameTaken,
  accountTaken: nameTaken,
  emailTaken,
  phoneTaken,
  preferredNameTaken: nameTaken,
  nameAliasTaken: addressTaken,
  emailAliasTaken: emailTaken,
  phoneAliasTaken: phoneTaken,
  preferredNameAliasTaken: addressTaken,
  emailMalformed: badEmail,
  phoneMalformed: badPhone,
  nameNoEmail: { word: "badEmail", fields: ["username"] },
  nameNoPhone: { word: "badPhone", fields: ["username"] },
  nameNoAddress: { word: "badName", fields: ["username"] },
  nameOfProvider: { word: "badName", fields: ["username"] },
  nameIsAlias: { word: "nameIsAddress", fields: ["username"] },
  preferredNameIsAlias: { word: "general" },
  attributesMalformed: { word: "general" },
  inputMalformed: { word: "general" },
  inputInvalid: { word: "general" },
  noSignUp: { word: "noSignUp" },
  confirmedBefore: { word: "alreadyConfirmed" },
  statusForbidsConfirmation: { word: "general" },
  alreadyConfirmed: { word: "alreadyConfirmed" },
  recoveryByAdministrator: { word: "noRecovery" },
  stateForbidsRecovery: { word: "notResettable" },
  nothingToRecoverBy: { word: "notResettable" },
};

/**
 * The problem to show for a refusal: its text and the form field it belongs to.
 * @param fields the names of the form's fields
 */
export function problemOf(error: Refusal, visit: Named, fields: readonly string[]): Problem {
  const { word, fields: meant = [] } = errorWordOf(error, fields);
  const field = meant.find((name) => fields.includes(name));
  // In the words of the pool's function.
  if (isRefusedFor(error, "triggerRefused")) return { text: error.message, field };
  if (word === "missing") return missing(visit, field);
  return { text: visit.words.errors[wordIn(visit.pool, word)], field };
}

/** What the sentences depend on. */
type Named = Pick<Visit, "words" | "pool">;

const missingWords: Readonly<Record<string, keyof Errors>> = {
  password: "missingPassword",
  code: "missingCode",
  email: "missingEmail",
  phone_number: "missingPhone",
};

const missingNames: Readonly<Record<NameKind, keyof Errors>> = {
  username: "missingUsername",
  email: "missingEmail",
  phone: "missingPhone",
  several: "missing",
};

/** The problem of a required field that is empty. */
export function missing({ words, pool }: Named, field: string | undefined): Problem {
  const word = field === "username" ? missingNames[nameKind(pool)] : missingWords[field ?? ""];
  return { field, text: words.errors[word ?? "missing"] };
}

const wrongPasswords: Readonly<Record<NameKind, keyof Errors>> = {
  username: "wrongPassword",
  email: "wrongEmail",
  phone: "wrongPhone",
  several: "wrongSignIn",
};

/** The sentence that calls a user's name what it is in this pool. */
function wordIn(pool: Pool, word: keyof Errors): keyof Errors {
  if (word === "wrongPassword") return wrongPasswords[nameKind(pool)];
  return word === "badName" && pool.document.UsernameAttributes?.length ? "badValue" : word;
}

/** The key of the sentence for a refusal on a form without any of the fields. */
export function wordOf(error: Refusal): keyof Errors {
  return errorWordOf(error, []).word;
}

function errorWordOf({ reason, names }: Refusal, fields: readonly string[]): ErrorWord {
  // An error about a field is shown at that field.
  const named = fields.find((name) => names.includes(name));
  if (named !== undefined) return { word: named === "username" ? "badName" : "badValue", fields: [named] };
  return reason !== undefined && Object.hasOwn(byReason, reason)
    ? byReason[reason as Reason]
    : { word: "general" };
}

/** Whether the sign-in has ended and can only start over. */
export function isOver(error: Refusal): boolean {
  return wordOf(error) === "sessionEnded";
}

/**
 * The refusal to show to the user; its detail is logged. Rethrows anything else: a refusal that concerns the client is
 * redirected to the client, and other errors are bugs.
 */
export function shownRefusal(ctx: Ctx, error: unknown): Refusal {
  if (!(error instanceof Refusal) || error instanceof RedirectedRefusal) throw error;
  logRefusal(ctx, error);
  return error;
}
