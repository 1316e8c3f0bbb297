/** POST /challenge: answers what the sign-in waits for. */
import { resendCode } from "../../../domain/signin/respond.ts";
import { verifyBySession } from "../../../domain/signin/set-up-by-session.ts";
import type { Step } from "../../../domain/signin/steps.ts";
import { isRefusedFor } from "../../../wire/refuse.ts";
import { codeOf, textOf } from "../kit/form.ts";
import { isOver, problemOf, shownRefusal } from "../kit/sentences.ts";
import type { Visit } from "../kit/visit.ts";
import { challengePage, fieldsOf, hasPage, responsesOf } from "./challenge-pages.ts";
import { follow, respond, withKey } from "./follow.ts";
import { loginPage } from "./login-pages.ts";
import type { Waiting } from "./waiting.ts";

export async function postChallenge(visit: Visit): Promise<Response> {
  const { words, form } = visit;
  const name = textOf(form, "challenge");
  if (!hasPage(name)) return loginPage(visit, { problem: { text: words.errors.general } });
  const waiting = waitingOf(visit, name);
  try {
    return await (form.has("resend") ? sendAnother(visit, waiting) : answer(visit, waiting));
  } catch (error) {
    const refusal = shownRefusal(visit.ctx, error);
    const { username } = waiting;
    if (isOver(refusal)) return loginPage(visit, { username, problem: { text: words.errors.sessionEnded } });
    // Its functions decide how often an answer may be wrong; by then the sign-in is used up.
    if (name === "CUSTOM_CHALLENGE" && isRefusedFor(refusal, "wrongPassword"))
      return loginPage(visit, { username, problem: { text: words.errors.wrongSignIn } });
    // One passkey answer, right or wrong, ends the sign-in.
    if (name === "WEB_AUTHN") return loginPage(visit, { username, problem: { text: words.errors.passkey } });
    return challengePage(visit, waiting, problemOf(refusal, visit, fieldsOf(waiting)));
  }
}

/** The waiting sign-in, from the hidden fields of the form. */
function waitingOf({ form }: Visit, name: Step): Waiting {
  const prefix = "parameter.";
  const parameters = [...form].filter(([name]) => name.startsWith(prefix));
  return {
    name,
    session: textOf(form, "session"),
    username: textOf(form, "username"),
    parameters: Object.fromEntries(parameters.map(([name, value]) => [name.slice(prefix.length), value])),
  };
}

/** Sends another code, and shows the page again. */
async function sendAnother(visit: Visit, waiting: Waiting): Promise<Response> {
  const { ctx, pool, client, page, words } = visit;
  const { name, username, session, parameters } = waiting;
  const request = { pool, client, page, challenge: name, responses: { USERNAME: username } };
  const outcome = await resendCode(ctx, { ...request, session: session || undefined });
  if (outcome.kind !== "challenge") return follow(visit, outcome, username);
  const next = { ...parameters, ...outcome.parameters };
  const sent = words.confirm.resent(next["CODE_DELIVERY_DESTINATION"] ?? "");
  return challengePage(
    visit,
    { ...waiting, session: outcome.session ?? "", parameters: next },
    undefined,
    sent,
  );
}

async function answer(visit: Visit, waiting: Waiting): Promise<Response> {
  const { name, session, username } = waiting;
  if (name === "MFA_SETUP") return answerSetUp(visit, waiting);
  const responses = responsesOf(visit, waiting);
  return follow(visit, await respond(visit, name, { session, username, responses }), username);
}

/**
 * Answers MFA_SETUP: an address, to which a code is sent, or an authenticator app, first its key and then its first
 * code.
 */
async function answerSetUp(visit: Visit, waiting: Waiting): Promise<Response> {
  const { ctx, form } = visit;
  const { session, username, parameters } = waiting;
  const responses = responsesOf(visit, waiting);
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
