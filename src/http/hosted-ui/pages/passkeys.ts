/**
 * /passkeys/add: a signed-in user creates a passkey and returns to the application ("passkeys/add", Amazon Cognito
 * Developer Guide).
 */

import { html } from "hono/html";
import type { SignedInBrowser } from "../../../domain/grants/browser-session.ts";
import { returnLocation } from "../../../domain/grants/page-request.ts";
import { mostPasskeys, type PublicKeyCredentialCreationOptionsJSON } from "../../../domain/mfa/webauthn.ts";
import { completePasskey, passkeysOf, startPasskey } from "../../../domain/users/passkeys.ts";
import type { Passkey } from "../../../store/passkeys.ts";
import { isRefusedFor } from "../../../wire/refuse.ts";
import { alert, form, hidden, notice, type Problem, submit } from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import { answerPage } from "../kit/layout.ts";
import { shownName } from "../kit/names.ts";
import { problemOf, shownRefusal, wordOf } from "../kit/sentences.ts";
import { linkTo, type PasskeyVisit, passkeyQuery, redirect } from "../kit/visit.ts";
import { signedIn } from "./login.ts";

export function showPasskeys(visit: PasskeyVisit): Promise<Response> {
  return withUser(visit, (browser) => passkeysPage(visit, browser, {}));
}

/** POST: the button requests the options for the device; the device's result is then posted here. */
export function postPasskey(visit: PasskeyVisit): Promise<Response> {
  return withUser(visit, async (browser) => {
    const { ctx, pool, words, form: sent } = visit;
    const page = visit.page.origin;
    const made = sent.get("credential");
    try {
      if (made === undefined) return await makePage(visit, await startPasskey(ctx, pool, browser.user, page));
      await completePasskey(ctx, pool, browser.user, { credential: parsed(made), page });
      return await passkeysPage(visit, browser, { notice: words.addPasskey.done });
    } catch (error) {
      return passkeysPage(visit, browser, { problem: problemWith(visit, error) });
    }
  });
}

/** Sends users who have not signed in, or not recently, through a sign-in first that leads back here. */
async function withUser(
  visit: PasskeyVisit,
  answer: (browser: SignedInBrowser) => Promise<Response>,
): Promise<Response> {
  const { c, root, query, words } = visit;
  const { title, off } = words.addPasskey;
  if (!visit.passkeys)
    return answerPage(visit, { title, body: html`<p class="lead">${off}</p>${backToApp(visit)}` });
  const browser = await signedIn(visit);
  return browser === undefined
    ? redirect(c, `${root}/login?${passkeyQuery(query, "sign-in")}`)
    : answer(browser);
}

/** The problem to show for any fault in what the device has created: the user can only try again. */
function problemWith(visit: PasskeyVisit, error: unknown): Problem {
  const { ctx, words } = visit;
  const { addPasskey } = words;
  const refusal = shownRefusal(ctx, error);
  if (isRefusedFor(refusal, "tooManyPasskeys")) return { text: addPasskey.tooMany(mostPasskeys) };
  const isOwn = ["general", "passkeyHere"].includes(wordOf(refusal));
  return isOwn ? { text: addPasskey.notAdded } : problemOf(refusal, visit, []);
}

interface PasskeysView {
  readonly notice?: string;
  readonly problem?: Problem;
}

async function passkeysPage(
  visit: PasskeyVisit,
  { user }: SignedInBrowser,
  view: PasskeysView,
): Promise<Response> {
  const { ctx, words } = visit;
  const { addPasskey, continueAs } = words;
  const passkeys = await passkeysOf(ctx, user, { after: undefined, limit: mostPasskeys });
  const isDone = view.notice !== undefined;
  const another = `${linkTo({ ...visit, query: passkeyQuery(visit.query, "sign-in") }, "/login")}&prompt=login`;
  const body = html`${notice(view.notice)}${alert(view.problem)}
<p class="lead">${continueAs.signedInAs(shownName(visit.pool, user))} ${isDone ? "" : addPasskey.intro}</p>
${listOf(visit, passkeys)}
${isDone ? backToApp(visit, "primary") : makeForm(visit, submit(addPasskey.submit))}
${isDone ? makeForm(visit, html`<button class="quiet">${addPasskey.another}</button>`, "below") : backToApp(visit)}
<p class="foot"><a href="${another}">${continueAs.another}</a></p>`;
  const title = isDone ? addPasskey.doneTitle : addPasskey.title;
  return answerPage(visit, { title, body, isProblem: view.problem !== undefined });
}

/** Nothing can be created without script; the button is then hidden, as it would do nothing. */
function makeForm(visit: PasskeyVisit, button: Html, style = ""): Html {
  const { needsScript, unsupported } = visit.words.addPasskey;
  return html`<noscript><p class="note problem">${needsScript}</p></noscript>
<p class="note problem" data-without-passkeys hidden>${unsupported}</p>
<div data-with-passkeys hidden>${form(visit, "/passkeys/add", html`${hidden({ make: "1" })}${button}`, style)}</div>`;
}

function listOf({ words }: PasskeyVisit, passkeys: readonly Passkey[]): Html | "" {
  if (passkeys.length === 0) return "";
  const day = new Intl.DateTimeFormat(words.language.code, { dateStyle: "medium", timeZone: "UTC" });
  const items = passkeys
    .toSorted((a, b) => a.createdAt - b.createdAt)
    .map(({ name, createdAt }) => html`<li><bdi>${name}</bdi> <span>${day.format(createdAt)}</span></li>`);
  return html`<h2 class="heading">${words.addPasskey.yours}</h2><ul class="list">${items}</ul>`;
}

function backToApp(visit: PasskeyVisit, style = "quiet"): Html {
  return html`<p class="below"><a class="button ${style}" href="${returnLocation(visit.request)}">${visit.words.addPasskey.back(visit.app)}</a></p>`;
}

/** The page on which the script asks the device at once, and posts its result. */
function makePage(visit: PasskeyVisit, options: PublicKeyCredentialCreationOptionsJSON): Promise<Response> {
  const { addPasskey, passkey, common } = visit.words;
  const inside = html`<input type="hidden" name="credential" data-passkey-make="${JSON.stringify(options)}">
<p class="note problem" role="alert" data-failed="InvalidStateError" hidden>${addPasskey.already}</p>
<p class="note problem" role="alert" data-failed="SecurityError" hidden>${addPasskey.unsupported}</p>
<p class="note problem" role="alert" data-failed="" hidden>${addPasskey.canceled}</p>
<button class="primary" hidden>${common.continue}</button>
<noscript><p class="note problem">${addPasskey.needsScript}</p></noscript>`;
  const body = html`<p class="lead">${passkey.intro}</p>
${form(visit, "/passkeys/add", inside)}
${backToApp(visit)}`;
  return answerPage(visit, { title: addPasskey.title, body });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
