/** /confirmUser and /resendcode: the code that a new account waits for. */
import { html } from "hono/html";
import { maskDestination } from "../../domain/messages/delivery.ts";
import { confirmedSession, readSignUpSession } from "../../domain/signin/after-sign-up.ts";
import { startSignIn } from "../../domain/signin/start.ts";
import { confirmSignUp, resendConfirmationCode } from "../../domain/signup/confirm.ts";
import { Refusal } from "../../lib/refusal.ts";
import { codeField } from "./challenge-pages.ts";
import { alert, backLink, errorOf, field, form, hidden, notice, type Problem, submit } from "./fields.ts";
import { follow } from "./follow.ts";
import { codeOf, textOf } from "./form.ts";
import { answerPage } from "./layout.ts";
import { loginPage } from "./login-pages.ts";
import { typedName } from "./names.ts";
import { isRefusal, problemOf } from "./sentences.ts";
import type { BareVisit, Visit } from "./visit.ts";
import { checked } from "./wire-checks.ts";

export interface ConfirmView {
  readonly username: string;
  /** Of a sign-up in this browser: with the code it signs in. */
  readonly session?: string | undefined;
  /** Masked. */
  readonly destination?: string | undefined;
  readonly code?: string | undefined;
  readonly problem?: Problem | undefined;
  readonly notice?: string | undefined;
}

/** Opened from the sign-in page, or by a link in a message. */
type Visiting = Visit | BareVisit;

/** A link that was sent names the user and the code; nothing is done before the button is pressed. */
export function showConfirm(visit: Visiting): Promise<Response> {
  const parameters = new URLSearchParams(visit.query);
  return confirmPage(visit, {
    username: parameters.get("user_name") ?? "",
    code: parameters.get("confirmation_code") ?? undefined,
  });
}

export async function postConfirm(visit: Visiting): Promise<Response> {
  const { ctx, pool, client, form: typed, words } = visit;
  const view = typedView(visit);
  const { username, code = "" } = view;
  if (code === "")
    return confirmPage(visit, { ...view, problem: { field: "code", text: words.errors.missing } });
  try {
    checked("ConfirmSignUp", { ClientId: client.id, Username: username, ConfirmationCode: code });
    const confirmed = await confirmSignUp(ctx, pool, client, { username, code, forceAliasCreation: false });
    if (visit.request === undefined) return await donePage(visit);
    const signedUp = openSession(visit, typed.get("session"));
    const door = { pool, client };
    const session =
      signedUp && (await confirmedSession(ctx, door, { ...confirmed, signedUp, flow: "HOSTED_AUTH" }));
    if (!session) return loginPage(visit, { username, notice: words.confirm.done });
    const start = { pool, client, flow: "HOSTED_AUTH", session, door: "pages", page: visit.page } as const;
    return await follow(
      visit,
      await startSignIn(ctx, { ...start, parameters: { USERNAME: username } }),
      username,
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const problem = problemOf(error, words, ["code", "username"]);
    if (problem.text === words.errors.alreadyConfirmed && visit.request !== undefined)
      return loginPage(visit, { username, notice: problem.text });
    return confirmPage(visit, { ...view, problem });
  }
}

/** Where there is nowhere to go on to. */
function donePage(visit: BareVisit): Promise<Response> {
  const { doneTitle, doneElsewhere } = visit.words.confirm;
  return answerPage(visit, { title: doneTitle, body: html`<p class="lead">${doneElsewhere}</p>` });
}

/** Whose sign-up this browser has made; undefined: none that still counts. */
function openSession({ ctx, pool, client }: Visiting, session: string | undefined): string | undefined {
  try {
    return readSignUpSession(ctx, { pool, client }, session || undefined);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function typedView(visit: Visiting): ConfirmView {
  const { form: typed } = visit;
  return {
    username: typedName(visit),
    code: codeOf(typed),
    session: textOf(typed, "session") || undefined,
    destination: textOf(typed, "destination") || undefined,
  };
}

export async function postResend(visit: Visiting): Promise<Response> {
  const { ctx, pool, client, words } = visit;
  const view = { ...typedView(visit), code: undefined };
  const { username } = view;
  try {
    checked("ResendConfirmationCode", { ClientId: client.id, Username: username });
    const delivery = await resendConfirmationCode(ctx, pool, client, username);
    const destination = maskDestination(delivery);
    return confirmPage(visit, { ...view, destination, notice: words.confirm.resent(destination) });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return confirmPage(visit, { ...view, problem: problemOf(error, words, ["username"]) });
  }
}

export function confirmPage(visit: Visiting, view: ConfirmView): Promise<Response> {
  const { words } = visit;
  const { username, session, destination, problem } = view;
  const { confirm } = words;
  const known = hidden({ ...(session && { session }), ...(destination && { destination }) });
  const name = field(visit, {
    name: "username",
    label: words.fields.username,
    value: username,
    autocomplete: "username",
    error: errorOf(problem, "username"),
    readonly: username !== "" && problem?.field !== "username",
  });
  const inside = html`${known}${name}${codeField(visit, problem, words.fields.code, view.code)}${submit(confirm.submit)}`;
  const again = html`${known}${hidden({ username })}<p class="foot">${confirm.notReceived} <button class="link">${confirm.resend}</button></p>`;
  const body = html`${notice(view.notice)}${alert(problem)}
<p class="lead">${destination === undefined ? confirm.sent : confirm.sentTo(destination)}</p>
${form(visit, "/confirmUser", inside)}
${username === "" ? "" : form(visit, "/resendcode", again)}
${visit.request === undefined ? "" : backLink(visit)}`;
  return answerPage(visit, { title: confirm.title, body, isProblem: problem !== undefined });
}
