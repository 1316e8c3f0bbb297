/** A page for each thing that a sign-in may wait for. What the page must know again after a mistake rides in its form. */
import { html } from "hono/html";
import { asksToRemember } from "../../../domain/users/browser-devices.ts";
import { alert, backLink, codeField, form, hidden, type Problem, submit } from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import { answerPage } from "../kit/layout.ts";
import type { Visit } from "../kit/visit.ts";
import type { Words } from "../words/en.ts";
import { customBody } from "./custom-challenge.ts";
import { newPasswordBody } from "./new-password.ts";
import { appSetUpBody, setUpBody } from "./set-up.ts";
import { type ChallengeView, choice, type Render, secondFactors, state, type Waiting } from "./waiting.ts";

const pages: Readonly<Record<string, Render>> = {
  SELECT_CHALLENGE: chooseFactor,
  EMAIL_OTP: (visit, waiting, problem) =>
    sentCode(visit, waiting, { title: visit.words.enterCode.emailTitle, problem }),
  SMS_OTP: (visit, waiting, problem) =>
    sentCode(visit, waiting, { title: visit.words.enterCode.smsTitle, problem }),
  SMS_MFA: (visit, waiting, problem) =>
    sentCode(visit, waiting, { title: visit.words.enterCode.smsTitle, problem }),
  SOFTWARE_TOKEN_MFA: appCode,
  SELECT_MFA_TYPE: chooseMfa,
  MFA_SETUP: (visit, waiting, problem) =>
    waiting.parameters["secret"] === undefined
      ? setUpBody(visit, waiting, problem)
      : appSetUpBody(visit, waiting, problem),
  NEW_PASSWORD_REQUIRED: newPasswordBody,
  WEB_AUTHN: passkey,
  CUSTOM_CHALLENGE: customBody,
};

/** Categories of the images that a style may have for them. */
const graphics: Readonly<Record<string, string>> = {
  EMAIL_OTP: "EMAIL_GRAPHIC",
  SMS_OTP: "SMS_GRAPHIC",
  SMS_MFA: "SMS_GRAPHIC",
  SOFTWARE_TOKEN_MFA: "AUTH_APP_GRAPHIC",
  NEW_PASSWORD_REQUIRED: "PASSWORD_GRAPHIC",
  WEB_AUTHN: "PASSKEY_GRAPHIC",
};

export function hasPage(name: string): boolean {
  return Object.hasOwn(pages, name);
}

export function challengePage(visit: Visit, waiting: Waiting, problem?: Problem): Promise<Response> {
  const { title, body, otherWay } = challengeView(visit, waiting, problem);
  const { username } = waiting;
  const another = html`${hidden({ username })}<button class="quiet">${visit.words.common.anotherWay}</button>`;
  const whole = html`${alert(problem)}
${body}
${otherWay === true ? form(visit, "/login", another, "below") : ""}
${backLink(visit)}`;
  const isProblem = problem !== undefined;
  return answerPage(visit, { title, body: whole, isProblem, graphic: graphics[waiting.name] });
}

export const challengeView: Render = (visit, waiting, problem) =>
  pages[waiting.name]!(visit, waiting, problem);

/** The first factors that there are pages for, and that can be used at this one. */
export function shownFactors(
  visit: Pick<Visit, "passkeys">,
  available: readonly string[],
): (keyof Factors)[] {
  return (["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"] as const).filter(
    (one) => available.includes(one) && (one !== "WEB_AUTHN" || visit.passkeys),
  );
}

type Factors = Omit<Words["chooseFactor"], "title">;

function chooseFactor(visit: Visit, waiting: Waiting): ChallengeView {
  const { chooseFactor: words } = visit.words;
  const factors = shownFactors(visit, (waiting.parameters["available"] ?? "").split(","));
  const choices = factors.map((factor) => choice(factor, words[factor]));
  return {
    title: words.title,
    body: html`<p class="lead"><bdi>${waiting.username}</bdi></p>
${form(visit, "/challenge", html`${state(waiting)}${choices}`)}`,
  };
}

function chooseMfa(visit: Visit, waiting: Waiting): ChallengeView {
  const { chooseMfa: words } = visit.words;
  const choices = secondFactors(waiting.parameters["MFAS_CAN_CHOOSE"]).map((factor) =>
    choice(factor, words[factor]),
  );
  const body = html`<p class="lead">${words.intro}</p>
${form(visit, "/challenge", html`${state(waiting)}${choices}`)}`;
  return { title: words.title, body };
}

function sentCode(
  visit: Visit,
  waiting: Waiting,
  { title, problem }: { title: string; problem: Problem | undefined },
): ChallengeView {
  const { enterCode } = visit.words;
  const destination = waiting.parameters["CODE_DELIVERY_DESTINATION"] ?? "";
  const isFirst = Boolean(waiting.parameters["available"]);
  const body = html`<p class="lead">${enterCode.sentTo(destination)}</p>
${form(visit, "/challenge", html`${state(waiting)}${codeField(visit, problem)}${isFirst ? "" : rememberBox(visit)}${submit(enterCode.submit)}`)}`;
  // As a first factor the challenge says what it is one of.
  return { title, body, otherWay: isFirst };
}

/** On the page of a second factor, where users are asked whether it may be left out here from now on. */
function rememberBox({ pool, form, words }: Visit): Html | "" {
  if (!asksToRemember(pool)) return "";
  return html`<div class="check"><input type="checkbox" id="remember" name="remember" value="1"${form.has("remember") ? html` checked` : ""}>
<label for="remember">${words.enterCode.remember}</label></div>`;
}

function appCode(visit: Visit, waiting: Waiting, problem: Problem | undefined): ChallengeView {
  const { enterCode } = visit.words;
  const device = waiting.parameters["FRIENDLY_DEVICE_NAME"];
  const lead =
    device === undefined || device === "TOTP device" ? enterCode.fromAnyApp : enterCode.fromApp(device);
  const body = html`<p class="lead">${lead}</p>
${form(visit, "/challenge", html`${state(waiting)}${codeField(visit, problem)}${rememberBox(visit)}${submit(enterCode.submit)}`)}`;
  return { title: enterCode.appTitle, body };
}

/** The script asks the device and sends the form; without it there is only another way. */
function passkey(visit: Visit, waiting: Waiting): ChallengeView {
  const { passkey: words, common } = visit.words;
  const options = waiting.parameters["CREDENTIAL_REQUEST_OPTIONS"] ?? "{}";
  const inside = html`${state(waiting)}<input type="hidden" name="credential" data-passkey="${options}">
<button class="primary" hidden>${words.submit}</button>
<noscript><p class="note problem">${common.needsScript}</p></noscript>`;
  const other = html`${hidden({ username: waiting.username })}<button class="quiet">${common.anotherWay}</button>`;
  const body = html`<p class="lead">${words.intro}</p>
${form(visit, "/challenge", inside)}
${form(visit, "/login", other, "below")}`;
  return { title: words.title, body };
}
