/** /forgotPassword and /confirmForgotPassword: sets a new password by a code sent to the account's address. */
import { html } from "hono/html";
import { maskDestination } from "../../../domain/messages/delivery.ts";
import { confirmForgotPassword, forgotPassword } from "../../../domain/users/recovery.ts";
import {
  alert,
  backLink,
  codeField,
  errorOf,
  form,
  hidden,
  identity,
  notice,
  type Problem,
  resendLine,
  submit,
} from "../kit/fields.ts";
import { codeOf, textOf } from "../kit/form.ts";
import { answerPage } from "../kit/layout.ts";
import { nameField, typedName } from "../kit/names.ts";
import { missing, problemOf, shownRefusal } from "../kit/sentences.ts";
import { linkTo, type Visit } from "../kit/visit.ts";
import { loginPage } from "./login-pages.ts";
import { newPasswordField } from "./new-password.ts";
import { checked } from "./wire-checks.ts";

export interface ResetView {
  readonly username: string;
  readonly destination?: string | undefined;
  readonly code?: string | undefined;
  readonly problem?: Problem | undefined;
  readonly notice?: string | undefined;
}

export function showForgot(visit: Visit): Promise<Response> {
  return forgotPage(visit, visit.request.loginHint ?? "");
}

export async function postForgot(visit: Visit): Promise<Response> {
  const { ctx, pool, client } = visit;
  const username = typedName(visit);
  if (username === "") return forgotPage(visit, "", missing(visit, "username"));
  try {
    checked("ForgotPassword", { ClientId: client.id, Username: username });
    const delivery = await forgotPassword(ctx, pool, client, username);
    return await resetPage(visit, { username, destination: maskDestination(delivery) });
  } catch (error) {
    const refusal = shownRefusal(ctx, error);
    return forgotPage(visit, username, problemOf(refusal, visit, ["username"]));
  }
}

/** The page for users who already have a code. */
export function showReset(visit: Visit): Promise<Response> {
  return resetPage(visit, { username: visit.request.loginHint ?? "" });
}

export async function postReset(visit: Visit): Promise<Response> {
  const { ctx, pool, client, form: typed, words } = visit;
  const username = typedName(visit);
  const code = codeOf(typed);
  const password = typed.get("password") ?? "";
  const destination = textOf(typed, "destination") || undefined;
  const view: ResetView = { username, code, destination };
  const empty = Object.entries({ username, code, password }).find(([, value]) => value === "");
  if (empty !== undefined) return resetPage(visit, { ...view, problem: missing(visit, empty[0]) });
  try {
    const input = { ClientId: client.id, Username: username, ConfirmationCode: code, Password: password };
    checked("ConfirmForgotPassword", input);
    await confirmForgotPassword(ctx, pool, client, { username, code, password });
    return await loginPage(visit, { username, notice: words.forgot.done });
  } catch (error) {
    const refusal = shownRefusal(ctx, error);
    return resetPage(visit, {
      ...view,
      problem: problemOf(refusal, visit, ["code", "password", "username"]),
    });
  }
}

function forgotPage(visit: Visit, username: string, problem?: Problem): Promise<Response> {
  const { forgot: words } = visit.words;
  const name = nameField(visit, {
    value: username,
    error: errorOf(problem, "username"),
    focus: problem === undefined,
  });
  const body = html`${alert(problem)}
<p class="lead">${words.intro}</p>
${form(visit, "/forgotPassword", html`${name}${submit(words.submit)}`)}
${backLink(visit)}`;
  return answerPage(visit, { title: words.title, body, isProblem: problem !== undefined });
}

/** The page for code and new password; identical whether the user exists or not. */
export function resetPage(visit: Visit, view: ResetView): Promise<Response> {
  const { forgot: words, confirm } = visit.words;
  const { username, destination, problem } = view;
  const name =
    username === "" || problem?.field === "username"
      ? nameField(visit, { value: username, error: errorOf(problem, "username") })
      : identity(visit, username, linkTo(visit, "/forgotPassword"));
  const inside = html`${destination === undefined ? "" : hidden({ destination })}${name}
${codeField(visit, { problem, digits: 6, value: view.code })}
${newPasswordField(visit, problem)}
${submit(words.submitNew)}`;
  const sent = destination !== undefined && problem === undefined;
  const again = html`${hidden({ username })}${resendLine(confirm.notReceived, confirm.resend, sent)}`;
  const body = html`${notice(view.notice)}${alert(problem)}
${destination === undefined ? "" : html`<p class="lead">${words.sentTo(destination)}</p>`}
${form(visit, "/confirmForgotPassword", inside)}
${username === "" ? "" : form(visit, "/forgotPassword", again)}
${backLink(visit)}`;
  return answerPage(visit, { title: words.confirmTitle, body, isProblem: problem !== undefined });
}
