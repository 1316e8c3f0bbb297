/** MFA_SETUP: a second factor for users who need one and have none. */
import { html } from "hono/html";
import { codeField, errorOf, field, form, type Problem, submit } from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import { qrCode } from "../kit/qr.ts";
import type { Visit } from "../kit/visit.ts";
import { type ChallengeView, choice, secondFactors, state, type Waiting } from "./waiting.ts";

/** A choice of the factors to set up, or the form if there is only one. */
export function setUpBody(visit: Visit, waiting: Waiting, problem: Problem | undefined): ChallengeView {
  const { setUp: words } = visit.words;
  const chosen = visit.form.get("answer");
  const possible = secondFactors(waiting.parameters["MFAS_CAN_SETUP"]);
  const [only] = possible;
  const shown = possible.length === 1 ? only : possible.find((factor) => factor === chosen);
  if (shown === "EMAIL_OTP" || shown === "SMS_MFA")
    return addressBody(visit, waiting, { factor: shown, problem });
  const choices = possible.map((factor) => choice(factor, words[factor]));
  const body = html`<p class="lead">${words.chooseIntro}</p>
${form(visit, "/challenge", html`${state(waiting)}${choices}`)}`;
  return { title: words.chooseTitle, body };
}

function addressBody(
  visit: Visit,
  waiting: Waiting,
  { factor, problem }: { factor: "EMAIL_OTP" | "SMS_MFA"; problem: Problem | undefined },
): ChallengeView {
  const { setUp: words, fields } = visit.words;
  const isEmail = factor === "EMAIL_OTP";
  const name = isEmail ? "email" : "phone_number";
  const address = field(visit, {
    name,
    label: isEmail ? fields.email : fields.phone,
    type: isEmail ? "email" : "tel",
    autocomplete: isEmail ? "email" : "tel",
    value: visit.form.get(name),
    hint: isEmail ? undefined : fields.phoneHint,
    error: errorOf(problem, name),
    focus: problem === undefined,
  });
  const answer = html`<input type="hidden" name="answer" value="${factor}">`;
  return {
    title: isEmail ? words.emailTitle : words.smsTitle,
    body: form(visit, "/challenge", html`${state(waiting)}${answer}${address}${submit(words.sendCode)}`),
  };
}

/** The key of an authenticator app, to scan or to type, and the field for the first code. */
export function appSetUpBody(visit: Visit, waiting: Waiting, problem: Problem | undefined): ChallengeView {
  const { setUp: words } = visit.words;
  const secret = waiting.parameters["secret"] ?? "";
  const spaced = secret.replace(/.{4}(?=.)/g, "$& ");
  const body = html`<p class="lead">${words.scan}</p>
${qrPicture(keyUri(visit, waiting, secret), words.qrLabel)}
<p class="key"><span>${words.orKey}</span> <code dir="ltr">${spaced}</code></p>
${form(visit, "/challenge", html`${state(waiting)}${codeField(visit, { problem, digits: 6, label: words.thenCode })}${submit(visit.words.common.continue)}`)}`;
  return { title: words.appTitle, body };
}

/** The key as an otpauth URI (https://github.com/google/google-authenticator/wiki/Key-Uri-Format). */
function keyUri({ app }: Visit, { username }: Waiting, secret: string): string {
  const issuer = encodeURIComponent(app);
  return `otpauth://totp/${issuer}:${encodeURIComponent(username)}?secret=${secret}&issuer=${issuer}`;
}

/**
 * The longest URI shown as a picture: name and key come back in the form, which anybody may fill with more than fits.
 */
const longestInPicture = 1_000;

/** The least width of the picture, in pixels. */
const leastWidth = 240;

function qrPicture(text: string, label: string): Html | "" {
  if (text.length > longestInPicture) return "";
  const { size, path } = qrCode(text);
  // Whole pixels per module: blurred edges are hard to read for cameras.
  const width = size * Math.ceil(leastWidth / size);
  return html`<svg class="qr" role="img" aria-label="${label}" width="${width}" height="${width}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path d="${path}"/></svg>`;
}
