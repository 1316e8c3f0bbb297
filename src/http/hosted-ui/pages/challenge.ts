/** POST /challenge: answers what the sign-in waits for. */
import { verifyBySession } from "../../../domain/signin/challenges/mfa-setup.ts";
import { typedAttributes } from "../kit/attributes.ts";
import { codeOf, textOf } from "../kit/form.ts";
import { isOver, isRefusal, problemOf } from "../kit/sentences.ts";
import type { Visit } from "../kit/visit.ts";
import { challengePage, hasPage } from "./challenge-pages.ts";
import { follow, respond, withKey } from "./follow.ts";
import { loginPage } from "./login-pages.ts";
import { missingAttributes } from "./new-password.ts";
import type { Waiting } from "./waiting.ts";

type Responses = Record<string, string>;

/** What each page's form brings, as ChallengeResponses. */
const answers: Readonly<Record<string, (visit: Visit, waiting: Waiting) => Responses>> = {
  SELECT_CHALLENGE: choiceOf,
  SELECT_MFA_TYPE: choiceOf,
  EMAIL_OTP: ({ form }) => ({ EMAIL_OTP_CODE: codeOf(form) }),
  SMS_OTP: ({ form }) => ({ SMS_OTP_CODE: codeOf(form) }),
  SMS_MFA: ({ form }) => ({ SMS_MFA_CODE: codeOf(form) }),
  SOFTWARE_TOKEN_MFA: ({ form }) => ({ SOFTWARE_TOKEN_MFA_CODE: codeOf(form) }),
  WEB_AUTHN: ({ form }) => ({ CREDENTIAL: form.get("credential") ?? "" }),
  NEW_PASSWORD_REQUIRED: newPassword,
  CUSTOM_CHALLENGE: ({ form }) => ({ ANSWER: textOf(form, "answer") }),
};

const fieldsOf: Readonly<Record<string, (waiting: Waiting) => string[]>> = {
  NEW_PASSWORD_REQUIRED: (waiting) => ["password", ...missingAttributes(waiting)],
  MFA_SETUP: () => ["code", "email", "phone_number"],
  CUSTOM_CHALLENGE: () => ["answer"],
};

function choiceOf({ form }: Visit): Responses {
  return { ANSWER: form.get("answer") ?? "" };
}

function newPassword({ form }: Visit, waiting: Waiting): Responses {
  const given = Object.entries(typedAttributes(form, missingAttributes(waiting)));
  const attributes = given.map(([name, value]) => [`userAttributes.${name}`, value]);
  return { NEW_PASSWORD: form.get("password") ?? "", ...Object.fromEntries(attributes) };
}

function setUp({ form }: Visit): Responses {
  const { email, phone_number: phone } = typedAttributes(form, ["email", "phone_number"]);
  return { ...(email && { EMAIL: email }), ...(phone && { PHONE_NUMBER: phone }) };
}

export async function postChallenge(visit: Visit): Promise<Response> {
  const waiting = waitingOf(visit);
  const { words } = visit;
  if (!hasPage(waiting.name)) return loginPage(visit, { problem: { text: words.errors.general } });
  try {
    return await answer(visit, waiting);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { username } = waiting;
    if (isOver(error)) return loginPage(visit, { username, problem: { text: words.errors.sessionEnded } });
    // One answer of a passkey, right or wrong, ends the sign-in.
    if (waiting.name === "WEB_AUTHN")
      return loginPage(visit, { username, problem: { text: words.errors.passkey } });
    const fields = fieldsOf[waiting.name]?.(waiting) ?? ["code"];
    return challengePage(visit, waiting, problemOf(error, words, fields));
  }
}

/** What the form came from, as the page before has written it down. */
function waitingOf({ form }: Visit): Waiting {
  const prefix = "parameter.";
  const parameters = [...form].filter(([name]) => name.startsWith(prefix));
  return {
    name: textOf(form, "challenge"),
    session: textOf(form, "session"),
    username: textOf(form, "username"),
    parameters: Object.fromEntries(parameters.map(([name, value]) => [name.slice(prefix.length), value])),
  };
}

async function answer(visit: Visit, waiting: Waiting): Promise<Response> {
  const { name, session, username } = waiting;
  if (name === "MFA_SETUP") return answerSetUp(visit, waiting);
  const responses = answers[name]!(visit, waiting);
  return follow(visit, await respond(visit, name, { session, username, responses }), username);
}

/** The key of an authenticator app first, then its code; or an address, to which a code goes. */
async function answerSetUp(visit: Visit, waiting: Waiting): Promise<Response> {
  const { ctx, form } = visit;
  const { session, username, parameters } = waiting;
  const responses = setUp(visit);
  if (Object.keys(responses).length > 0)
    return follow(visit, await respond(visit, "MFA_SETUP", { session, username, responses }), username);
  const { secret } = parameters;
  if (secret !== undefined) {
    const verified = await verifyBySession(ctx, session, { code: codeOf(form), name: "" });
    return follow(
      visit,
      await respond(visit, "MFA_SETUP", { session: verified, username, responses: {} }),
      username,
    );
  }
  if (form.get("answer") !== "SOFTWARE_TOKEN_MFA") return challengePage(visit, waiting);
  return challengePage(visit, await withKey(visit, waiting));
}
