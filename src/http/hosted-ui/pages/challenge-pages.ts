/** The challenge pages. State that a page needs again after an error is passed in its form. */
import { html } from "hono/html";
import type { ChallengePage } from "../../../domain/signin/challenge.ts";
import { codeLength } from "../../../domain/signin/challenges/code.ts";
import { challenges, isChallenge } from "../../../domain/signin/challenges.ts";
import type { Step } from "../../../domain/signin/steps.ts";
import { asksToRemember } from "../../../domain/users/browser-devices.ts";
import { typedAttributes } from "../kit/attributes.ts";
import {
  alert,
  backLink,
  codeField,
  form,
  hidden,
  nameChip,
  notice,
  type Problem,
  resendLine,
  submit,
} from "../kit/fields.ts";
import { codeOf, textOf } from "../kit/form.ts";
import type { Html } from "../kit/frame.ts";
import { answerPage } from "../kit/layout.ts";
import { linkTo, type Visit } from "../kit/visit.ts";
import type { Words } from "../words/en.ts";
import { customBody } from "./custom-challenge.ts";
import { anotherMethod, passkeyFailures } from "./login-pages.ts";
import { missingAttributes, newPasswordBody } from "./new-password.ts";
import { appSetUpBody, setUpBody } from "./set-up.ts";
import { type ChallengeView, choice, type Render, secondFactors, state, type Waiting } from "./waiting.ts";

/** How a page asks for the answer to a challenge, and what its form contains. */
interface PageOfChallenge {
  readonly render: Render;
  /** The category of the branding asset that is shown on the page. */
  readonly graphic?: string;
  /** The value for the member of ChallengeResponses that contains the proof. */
  readonly proof: (visit: Visit) => string;
  /** Further ChallengeResponses. */
  readonly more?: (visit: Visit, waiting: Waiting) => Readonly<Record<string, string>>;
  /** The form fields that a refusal can be about; `code` by default. */
  readonly fields?: (waiting: Waiting) => string[];
}

const answerOf = ({ form }: Visit) => form.get("answer") ?? "";
const typedCode = ({ form }: Visit) => codeOf(form);

/** THE table of challenge pages. */
const pages: Readonly<Record<ChallengePage, PageOfChallenge>> = {
  "first-factors": { render: chooseFactor, proof: answerOf },
  "second-factors": { render: chooseMfa, proof: answerOf },
  "code-by-email": {
    render: (visit, waiting, problem) => sentCode(visit, waiting, problem, "emailTitle"),
    graphic: "EMAIL_GRAPHIC",
    proof: typedCode,
  },
  "code-by-sms": {
    render: (visit, waiting, problem) => sentCode(visit, waiting, problem, "smsTitle"),
    graphic: "SMS_GRAPHIC",
    proof: typedCode,
  },
  "code-of-app": { render: appCode, graphic: "AUTH_APP_GRAPHIC", proof: typedCode },
  "set-up": {
    render: (visit, waiting, problem) =>
      waiting.parameters["secret"] === undefined
        ? setUpBody(visit, waiting, problem)
        : appSetUpBody(visit, waiting, problem),
    // The factor was set up before, by separate requests (challenge.ts).
    proof: () => "",
    more: ({ form }) => {
      const { email, phone_number: phone } = typedAttributes(form, ["email", "phone_number"]);
      return { ...(email && { EMAIL: email }), ...(phone && { PHONE_NUMBER: phone }) };
    },
    fields: () => ["code", "email", "phone_number"],
  },
  "new-password": {
    render: newPasswordBody,
    graphic: "PASSWORD_GRAPHIC",
    proof: ({ form }) => form.get("password") ?? "",
    more: ({ form }, waiting) => {
      const given = Object.entries(typedAttributes(form, missingAttributes(waiting)));
      return Object.fromEntries(given.map(([name, value]) => [`userAttributes.${name}`, value]));
    },
    fields: (waiting) => ["password", ...missingAttributes(waiting)],
  },
  passkey: {
    render: passkey,
    graphic: "PASSKEY_GRAPHIC",
    proof: ({ form }) => form.get("credential") ?? "",
  },
  custom: { render: customBody, proof: ({ form }) => textOf(form, "answer"), fields: () => ["answer"] },
};

/** Whether a string is the name of a challenge that has a page. */
export function hasPage(name: string): name is Step {
  return isChallenge(name) && challenges[name].page !== undefined;
}

function pageOf(name: Step): PageOfChallenge {
  const { page } = challenges[name];
  if (page === undefined) throw new TypeError(`${name} has no page`);
  return pages[page];
}

/** The ChallengeResponses from a page's form. */
export function responsesOf(visit: Visit, waiting: Waiting): Readonly<Record<string, string>> {
  const { proof, more } = pageOf(waiting.name);
  const { member } = challenges[waiting.name];
  return { ...(member !== undefined && { [member]: proof(visit) }), ...more?.(visit, waiting) };
}

/** The form fields of a page that a refusal can be about. */
export function fieldsOf(waiting: Waiting): string[] {
  return pageOf(waiting.name).fields?.(waiting) ?? ["code"];
}

/** @param news what has just happened, such as that another code was sent */
export function challengePage(
  visit: Visit,
  waiting: Waiting,
  problem?: Problem,
  news?: string,
): Promise<Response> {
  const { title, body, otherWay } = challengeView(visit, waiting, problem);
  const whole = html`${notice(news)}${alert(problem)}
${body}
${otherWay === true ? anotherMethod(visit, waiting.username) : ""}
${backLink(visit)}`;
  const isProblem = problem !== undefined;
  return answerPage(visit, { title, body: whole, isProblem, graphic: pageOf(waiting.name).graphic });
}

/** Title and body of the page for a waiting sign-in. */
export const challengeView: Render = (visit, waiting, problem) =>
  pageOf(waiting.name).render(visit, waiting, problem);

/** The available first factors that have a page and can be used by this visitor. */
export function shownFactors(visit: Pick<Visit, "passkeys">, available: readonly string[]): ShownFactor[] {
  return (["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"] as const).filter(
    (one) => available.includes(one) && (one !== "WEB_AUTHN" || visit.passkeys),
  );
}

export type ShownFactor = keyof Omit<Words["chooseFactor"], "title">;

function chooseFactor(visit: Visit, waiting: Waiting): ChallengeView {
  const { chooseFactor: words } = visit.words;
  const factors = shownFactors(visit, (waiting.parameters["available"] ?? "").split(","));
  const choices = factors.map((factor) => choice(factor, words[factor]));
  return {
    title: words.title,
    body: html`${nameChip(visit, waiting.username, linkTo(visit, "/login"))}
${form(visit, "/challenge", html`${state(waiting)}${choices}`)}`,
  };
}

function chooseMfa(visit: Visit, waiting: Waiting): ChallengeView {
  const { chooseMfa: words } = visit.words;
  const { parameters } = waiting;
  const choices = secondFactors(parameters["MFAS_CAN_CHOOSE"]).map((factor) =>
    choice(factor, words[factor], parameters[`destination.${factor}`]),
  );
  const body = html`<p class="lead">${words.intro}</p>
${form(visit, "/challenge", html`${state(waiting)}${choices}`)}`;
  return { title: words.title, body };
}

function sentCode(
  visit: Visit,
  waiting: Waiting,
  problem: Problem | undefined,
  title: "emailTitle" | "smsTitle",
): ChallengeView {
  const { enterCode, confirm } = visit.words;
  const destination = waiting.parameters["CODE_DELIVERY_DESTINATION"] ?? "";
  const isFirst = Boolean(waiting.parameters["available"]);
  const code = codeField(visit, { problem, digits: codeLength(isFirst) });
  const again = resendLine(confirm.notReceived, confirm.resend, problem === undefined);
  const body = html`<p class="lead">${enterCode.sentTo(destination)}</p>
${form(visit, "/challenge", html`${state(waiting)}${code}${isFirst ? "" : rememberBox(visit)}${submit(enterCode.submit)}`)}
${form(visit, "/challenge", html`${state(waiting)}${hidden({ resend: "1" })}${again}`)}`;
  // Only as a first factor, where there may be others to choose from.
  return { title: enterCode[title], body, otherWay: isFirst };
}

/**
 * The checkbox "remember this device", if users are asked whether to skip the second factor in this browser from now
 * on.
 */
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
${form(visit, "/challenge", html`${state(waiting)}${codeField(visit, { problem, digits: 6 })}${rememberBox(visit)}${submit(enterCode.submit)}`)}`;
  return { title: enterCode.appTitle, body };
}

/**
 * The passkey page: the script asks the browser and submits the form; without script, only another factor can be
 * chosen.
 */
function passkey(visit: Visit, waiting: Waiting): ChallengeView {
  const { passkey: words, common } = visit.words;
  const options = waiting.parameters["CREDENTIAL_REQUEST_OPTIONS"] ?? "{}";
  const inside = html`${state(waiting)}<input type="hidden" name="credential" data-passkey="${options}">
${passkeyFailures(visit)}
<p class="note problem" data-without-passkeys hidden>${words.unsupported}</p>
<button class="primary" hidden>${words.submit}</button>
<noscript><p class="note problem">${common.needsScript}</p></noscript>`;
  const body = html`<p class="lead">${words.intro}</p>
${form(visit, "/challenge", inside)}
${anotherMethod(visit, waiting.username)}`;
  return { title: words.title, body };
}
