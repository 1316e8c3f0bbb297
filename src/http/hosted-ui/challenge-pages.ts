/** A page for each thing that a sign-in may wait for. What the page must know again after a mistake rides in its form. */
import { html } from "hono/html";
import { asksToRemember } from "../../domain/users/browser-devices.ts";
import { customBody } from "./custom-challenge.ts";
import { alert, backLink, errorOf, field, form, hidden, type Problem, submit } from "./fields.ts";
import { answerPage, type Html } from "./layout.ts";
import { newPasswordBody } from "./new-password.ts";
import { appSetUpBody, setUpBody } from "./set-up.ts";
import type { Visit } from "./visit.ts";
import type { Words } from "./words/en.ts";

/** What a sign-in waits for. */
export interface Waiting {
  readonly name: string;
  readonly session: string;
  /** As typed at the start. */
  readonly username: string;
  /** ChallengeParameters; `available` has the first factors, `secret` the key of an authenticator app. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ChallengeView {
  readonly title: string;
  readonly body: Html;
  /** The sign-in begins anew where that is another way. */
  readonly otherWay?: boolean;
}

/** Parameters that pages are made from; the user's attributes do not travel. Of a custom challenge all do. */
const carried = [
  "available",
  "secret",
  "CODE_DELIVERY_DESTINATION",
  "FRIENDLY_DEVICE_NAME",
  "MFAS_CAN_CHOOSE",
  "MFAS_CAN_SETUP",
  "requiredAttributes",
];

export type Render = (visit: Visit, waiting: Waiting, problem: Problem | undefined) => ChallengeView;

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

/** The fields by which a form comes back to what the sign-in waits for. */
export function state({ name, session, username, parameters }: Waiting): Html[] {
  const isCarried = (key: string) => name === "CUSTOM_CHALLENGE" || carried.includes(key);
  const kept = Object.entries(parameters).filter(([key, value]) => isCarried(key) && value !== "");
  return hidden({
    challenge: name,
    session,
    username,
    ...Object.fromEntries(kept.map(([key, value]) => [`parameter.${key}`, value])),
  });
}

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

export function choice(value: string, label: string): Html {
  return html`<button class="choice" name="answer" value="${value}">${label}</button>`;
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

/** A list of names as JSON, which has been through the browser. */
export function listed(json: string | undefined): string[] {
  try {
    const list: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

const seconds = ["SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"] as const;

/** Of a list that has been through the browser, the second factors that there are words and pages for. */
export function secondFactors(json: string | undefined): (typeof seconds)[number][] {
  return listed(json).flatMap((name) => seconds.filter((one) => one === name));
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

export function codeField(
  visit: Pick<Visit, "words">,
  problem: Problem | undefined,
  label = visit.words.fields.code,
  value?: string,
): Html {
  return field(visit, {
    name: "code",
    label,
    value,
    autocomplete: "one-time-code",
    inputmode: "numeric",
    error: errorOf(problem, "code"),
    focus: problem === undefined,
  });
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
