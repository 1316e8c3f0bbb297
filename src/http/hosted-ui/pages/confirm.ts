/** /confirmUser and /resendcode: confirms a new account by a code, typed in or behind a link. */
import { html } from "hono/html";
import { sendsLink } from "../../../domain/messages/compose.ts";
import { type Delivery, maskDestination } from "../../../domain/messages/delivery.ts";
import { confirmedSession, readSignUpSession } from "../../../domain/signin/after-sign-up.ts";
import { startSignIn } from "../../../domain/signin/start.ts";
import { confirmSignUp, resendConfirmationCode } from "../../../domain/signup/confirm.ts";
import { flowAtPages } from "../../../domain/user-pools/client-tags.ts";
import { Refusal } from "../../../lib/refusal.ts";
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
import type { Html } from "../kit/frame.ts";
import { answerPage } from "../kit/layout.ts";
import { isKnownName, nameField, typedName } from "../kit/names.ts";
import { missing, problemOf, shownRefusal, wordOf } from "../kit/sentences.ts";
import { type BareVisit, linkTo, type Visit } from "../kit/visit.ts";
import { follow } from "./follow.ts";
import { loginPage } from "./login-pages.ts";
import { checked } from "./wire-checks.ts";

export interface ConfirmView {
  readonly username: string;
  /** How the account is confirmed: a code to type, a link that was sent, or the button that such a link leads to. */
  readonly by: ConfirmationMethod;
  /** The Session of a sign-up in this browser; together with the code it signs the user in. */
  readonly session?: string | undefined;
  /** Where the code was sent, masked. */
  readonly destination?: string | undefined;
  readonly code?: string | undefined;
  readonly problem?: Problem | undefined;
  readonly notice?: string | undefined;
}

type ConfirmationMethod = "code" | "link" | "button";

/** Opened from the sign-in page, or through a link in a message. */
type Visiting = Visit | BareVisit;

/** How an account is confirmed. @param delivery where the code was sent, if known */
export function confirmationMethod(
  { pool }: Pick<Visit, "pool">,
  delivery?: Pick<Delivery, "medium">,
): ConfirmationMethod {
  const texts = pool.document.AutoVerifiedAttributes?.includes("phone_number") === true;
  return sendsLink(pool.document, delivery?.medium ?? (texts ? "SMS" : "EMAIL")) ? "link" : "code";
}

/**
 * A link in a message names the user and the code. Nothing happens until the button is pressed: programs that scan mail
 * open its links.
 */
export function showConfirm(visit: Visiting): Promise<Response> {
  const parameters = new URLSearchParams(visit.query);
  const username = parameters.get("user_name") ?? "";
  const code = parameters.get("confirmation_code") ?? undefined;
  const by = username !== "" && code ? "button" : confirmationMethod(visit);
  return confirmPage(visit, { username, code, by });
}

export async function postConfirm(visit: Visiting): Promise<Response> {
  const { ctx, pool, client, form: typed, words } = visit;
  const view = typedView(visit);
  const { username, code = "" } = view;
  if (code === "")
    return confirmPage(visit, {
      ...view,
      by: "code",
      problem: missing(visit, "code"),
    });
  try {
    checked("ConfirmSignUp", { ClientId: client.id, Username: username, ConfirmationCode: code });
    const confirmed = await confirmSignUp(ctx, pool, client, { username, code, forceAliasCreation: false });
    if (visit.request === undefined) return await donePage(visit);
    const signedUp = openSession(visit, typed.get("session"));
    const at = { pool, client };
    const session =
      signedUp && (await confirmedSession(ctx, at, { ...confirmed, signedUp, flow: "HOSTED_AUTH" }));
    if (!session) return loginPage(visit, { username, notice: words.confirm.done });
    const start = { pool, client, flow: "HOSTED_AUTH", session, entry: "pages", page: visit.page } as const;
    return await follow(
      visit,
      await startSignIn(ctx, { ...start, parameters: { USERNAME: username } }),
      username,
    );
  } catch (error) {
    const refusal = shownRefusal(ctx, error);
    const problem = problemOf(refusal, visit, ["code", "username"]);
    if (wordOf(refusal) === "alreadyConfirmed" && visit.request !== undefined)
      return loginPage(visit, { username, notice: problem.text });
    if (view.by !== "button") return confirmPage(visit, { ...view, problem });
    const text = problem.field === "code" ? words.confirm.badLink : problem.text;
    return confirmPage(visit, { ...view, by: confirmationMethod(visit), code: undefined, problem: { text } });
  }
}

/** The page if there is no application to return to. */
function donePage(visit: BareVisit): Promise<Response> {
  const { doneTitle, doneElsewhere } = visit.words.confirm;
  return answerPage(visit, { title: doneTitle, body: html`<p class="lead">${doneElsewhere}</p>` });
}

/** The Session of a sign-up in this browser, if it is still valid, and a sign-in can continue from it. */
function openSession({ ctx, pool, client }: Visiting, session: string | undefined): string | undefined {
  if (flowAtPages(pool, client) !== "HOSTED_AUTH") return undefined;
  try {
    return readSignUpSession(ctx, { pool, client }, session || undefined);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function typedView(visit: Visiting): ConfirmView {
  const { form: typed } = visit;
  const by = typed.get("by");
  return {
    username: typedName(visit),
    by: by === "link" || by === "button" ? by : "code",
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
    const by = confirmationMethod(visit, delivery);
    const sent = by === "link" ? words.confirm.linkResent : words.confirm.resent;
    return confirmPage(visit, { ...view, by, destination, notice: sent(destination) });
  } catch (error) {
    const refusal = shownRefusal(ctx, error);
    return confirmPage(visit, { ...view, problem: problemOf(refusal, visit, ["username"]) });
  }
}

export function confirmPage(visit: Visiting, view: ConfirmView): Promise<Response> {
  const { confirm } = visit.words;
  const { by, problem } = view;
  const body = html`${notice(view.notice)}${alert(problem)}
<p class="lead">${leadOf(visit, view)}</p>
${by === "link" ? "" : form(visit, "/confirmUser", confirmFields(visit, view))}
${resendForm(visit, view)}
${visit.request === undefined ? "" : backLink(visit)}`;
  return answerPage(visit, { title: confirm.title, body, isProblem: problem !== undefined });
}

function leadOf({ words: { confirm } }: Visiting, { by, destination }: ConfirmView): string {
  if (by === "button") return confirm.byButton;
  if (by === "link") return destination === undefined ? confirm.linkSent : confirm.linkSentTo(destination);
  return destination === undefined ? confirm.sent : confirm.sentTo(destination);
}

/** Hidden fields that carry the view from one of these pages to the next. */
function known({ by, session, destination }: ConfirmView): Html[] {
  return hidden({ by, ...(session && { session }), ...(destination && { destination }) });
}

function confirmFields(visit: Visiting, view: ConfirmView): Html {
  const { confirm } = visit.words;
  const { username, code = "", problem } = view;
  if (view.by === "button") return html`${known(view)}${hidden({ username, code })}${submit(confirm.submit)}`;
  return html`${known(view)}${nameOf(visit, view)}${codeField(visit, { problem, digits: 6, value: code })}${submit(confirm.submit)}`;
}

function nameOf(visit: Visiting, { username, problem, session }: ConfirmView): Html | Html[] {
  if (username === "" || problem?.field === "username")
    return nameField(visit, { value: username, error: errorOf(problem, "username") });
  if (!isKnownName(visit.pool, username)) return hidden({ username });
  const start = session === undefined ? "/login" : "/signup";
  return identity(visit, username, visit.request === undefined ? undefined : linkTo(visit, start));
}

/** The form to send the code again. It asks for the name where there is no field for a code. */
function resendForm(visit: Visiting, view: ConfirmView): Html | "" {
  const { confirm } = visit.words;
  const { by, username, problem } = view;
  const asksName = by === "link" && (username === "" || problem?.field === "username");
  if (asksName)
    return form(
      visit,
      "/resendcode",
      html`${known(view)}${nameOf(visit, view)}${submit(confirm.linkResend)}`,
    );
  if (username === "") return "";
  const sent = view.destination !== undefined && problem === undefined;
  const line =
    by === "code"
      ? resendLine(confirm.notReceived, confirm.resend, sent)
      : resendLine(confirm.linkNotReceived, confirm.linkResend, sent);
  const inside = html`${known(view)}${hidden({ username })}${line}`;
  return by === "button" ? "" : form(visit, "/resendcode", inside);
}
