/** The pages of /login: name and password, the password alone, and continuing as the user who is already signed in. */
import { html } from "hono/html";
import { passkeyOptions } from "../../../domain/signin/by-passkey.ts";
import { allowsFirst } from "../../../domain/signin/first-factors.ts";
import { customAtPages } from "../../../domain/user-pools/client-tags.ts";
import {
  alert,
  errorOf,
  field,
  form,
  hidden,
  identity,
  notice,
  type Problem,
  submit,
} from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import { icon } from "../kit/icons.ts";
import { answerPage } from "../kit/layout.ts";
import { nameField } from "../kit/names.ts";
import { linkTo, type Visit } from "../kit/visit.ts";
import { offersRecovery, offersSignUp } from "./offers.ts";
import { divider, providerParts } from "./providers.ts";

export interface LoginView {
  readonly username?: string | undefined;
  readonly problem?: Problem | undefined;
  readonly notice?: string | undefined;
}

/** Whether a password is the only way to begin a sign-in, so that it is asked for at once. */
export function isPasswordOnly({ pool, client }: Visit): boolean {
  const custom = customAtPages(pool, client);
  if (custom !== undefined) return custom === "after-password";
  return !(["EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"] as const).some((factor) => allowsFirst(pool, factor));
}

export async function loginPage(visit: Visit, view: LoginView): Promise<Response> {
  const { words, app } = visit;
  const { problem } = view;
  const { offers, shown, first, fills } = await providerParts(visit, problem);
  // The focus would take what is before it out of sight.
  const focus = problem === undefined && !(first && fills);
  const own = offers.ownUsers ? await ownUsersForm(visit, view, focus) : "";
  const parts = (first ? [shown, own] : [own, shown]).filter((part) => part !== "");
  const body = html`${notice(view.notice)}${alert(problem)}
${parts.length === 0 && problem === undefined ? html`<p class="lead">${words.errors.notAvailable}</p>` : ""}
${parts.length === 2 ? html`${parts[0]}${divider(visit)}${parts[1]}` : parts}
${signUpLine(visit)}`;
  return answerPage(visit, { title: words.signIn.title(app), body, isProblem: problem !== undefined });
}

/**
 * Where the pool's own users begin: the form for the name, maybe with the password, and the one for passkeys.
 * @param focus whether the first empty field has the focus
 */
async function ownUsersForm(visit: Visit, view: LoginView, focus: boolean): Promise<Html> {
  const { words, passkeys } = visit;
  const { username = "", problem } = view;
  const withPassword = isPasswordOnly(visit);
  const toPassword = withPassword && username !== "" && problem?.field !== "username";
  const passwordField = () =>
    field(visit, {
      name: "password",
      label: words.fields.password,
      type: "password",
      autocomplete: "current-password",
      error: errorOf(problem, "password"),
      focus: toPassword && focus,
      aside: forgotLink(visit),
    });
  const inside = html`${nameField(visit, { value: username, error: errorOf(problem, "username"), focus: !toPassword && focus, webauthn: passkeys })}
${withPassword ? passwordField() : ""}
${submit(withPassword ? words.signIn.submit : words.common.continue)}`;
  return html`${form(visit, "/login", inside)}
${passkeys ? await passkeyForm(visit) : ""}`;
}

/**
 * The form for passkeys, shown by the script: it has the browser offer them in the name field, asks for one when the
 * button is pressed, and submits the one chosen.
 */
async function passkeyForm(visit: Visit): Promise<Html | ""> {
  const { ctx, pool, client, page } = visit;
  const options = await passkeyOptions(ctx, { pool, client, page });
  if (options === undefined) return "";
  const inside = html`<input type="hidden" name="credential" data-passkey-autofill="${JSON.stringify(options)}">
${passkeyFailures(visit)}
<button class="quiet">${icon("passkey")}${visit.words.signIn.passkey}</button>`;
  return html`<div data-with-passkeys hidden>${form(visit, "/login", inside, "below")}</div>`;
}

function forgotLink(visit: Visit): Html | undefined {
  if (!offersRecovery(visit.pool)) return undefined;
  return html`<a href="${linkTo(visit, "/forgotPassword")}">${visit.words.signIn.forgot}</a>`;
}

function signUpLine(visit: Visit): Html | "" {
  if (!offersSignUp(visit)) return "";
  const { noAccount, signUp } = visit.words.signIn;
  return html`<p class="foot">${noAccount} <a href="${linkTo(visit, "/signup")}">${signUp}</a></p>`;
}

/** Asks a user who has given a name for the password; starts the sign-in over with both. */
export function passwordPage(visit: Visit, username: string, problem?: Problem): Promise<Response> {
  const { words } = visit;
  const inside = html`${hidden({ second: "1" })}
${identity(visit, username, linkTo(visit, "/login"))}
${field(visit, {
  name: "password",
  label: words.fields.password,
  type: "password",
  autocomplete: "current-password",
  error: errorOf(problem, "password"),
  focus: problem === undefined,
  aside: forgotLink(visit),
})}
${submit(words.signIn.submit)}`;
  const body = html`${alert(problem)}
${form(visit, "/login", inside)}
${otherWays(visit, username)}`;
  return answerPage(visit, { title: words.enterPassword.title, body, isProblem: problem !== undefined });
}

/** A form that starts over without a password, which offers all available factors. */
function otherWays(visit: Visit, username: string): Html {
  const { words } = visit;
  const back = html`<p class="foot"><a href="${linkTo(visit, "/login")}">${words.common.backToSignIn}</a></p>`;
  if (isPasswordOnly(visit)) return back;
  return html`${anotherMethod(visit, username)}${back}`;
}

/** A form that starts over with a choice of methods. */
export function anotherMethod(visit: Visit, username: string): Html {
  const inside = html`${hidden({ username, choose: "1" })}<button class="quiet">${visit.words.common.anotherWay}</button>`;
  return form(visit, "/login", inside, "below");
}

/** What the script shows if the browser gives no passkey. */
export function passkeyFailures({ words }: Visit): Html {
  return html`<p class="note problem" role="alert" data-failed="SecurityError" hidden>${words.passkey.unsupported}</p>
<p class="note problem" role="alert" data-failed="" hidden>${words.errors.passkeyHere}</p>`;
}

const longestOnButton = 20;

export function continuePage(visit: Visit, name: string): Promise<Response> {
  const { words } = visit;
  // A long name would wrap inside the button; the sentence above already shows it.
  const label = [...name].length > longestOnButton ? words.common.continue : words.continueAs.submit(name);
  const inside = html`${hidden({ continue: "1" })}${submit(label)}`;
  const other = html`${hidden({ another: "1" })}<button class="quiet">${words.continueAs.another}</button>`;
  const body = html`<p class="lead">${words.continueAs.signedInAs(name)}</p>
${form(visit, "/login", inside)}
${form(visit, "/login", other, "below")}`;
  return answerPage(visit, { title: words.continueAs.title, body });
}
