/** The state of a waiting sign-in, which its pages pass through the browser in hidden fields. */
import { html } from "hono/html";
import { isSecondFactor, type SecondFactor } from "../../../domain/mfa/factors.ts";
import type { Step } from "../../../domain/signin/steps.ts";
import { hidden, type Problem } from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import { type Icon, icon } from "../kit/icons.ts";
import type { Visit } from "../kit/visit.ts";

/** A waiting sign-in: its challenge, and what is needed to answer it. */
export interface Waiting {
  readonly name: Step;
  readonly session: string;
  /** The username as entered at the start. */
  readonly username: string;
  /** ChallengeParameters; `available` lists the first factors, `secret` is the key of an authenticator app. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ChallengeView {
  readonly title: string;
  readonly body: Html;
  /** Whether the page offers to start over with another factor. */
  readonly otherWay?: boolean;
}

/**
 * The challenge parameters that pages need, and that forms pass on; the user's attributes are left out. For a custom
 * challenge, all are passed on.
 */
const carried = [
  "available",
  "secret",
  "CODE_DELIVERY_DESTINATION",
  "FRIENDLY_DEVICE_NAME",
  "MFAS_CAN_CHOOSE",
  "MFAS_CAN_SETUP",
  "requiredAttributes",
  "destination.SMS_MFA",
  "destination.EMAIL_OTP",
];

export type Render = (visit: Visit, waiting: Waiting, problem: Problem | undefined) => ChallengeView;

/** The hidden fields in which a form passes on the sign-in's state. */
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

const icons: Readonly<Record<string, Icon>> = {
  PASSWORD: "key",
  WEB_AUTHN: "passkey",
  SOFTWARE_TOKEN_MFA: "app",
  SMS_MFA: "message",
  SMS_OTP: "message",
  EMAIL_OTP: "mail",
};

/** A button that chooses a factor. @param destination where its codes are sent, masked */
export function choice(factor: string, label: string, destination?: string): Html {
  const to = destination === undefined ? "" : html`<bdi class="to">${destination}</bdi>`;
  return html`<button class="choice" name="answer" value="${factor}">${icon(icons[factor] ?? "key")}<span class="name">${label}${to}</span></button>`;
}

/** Parses a JSON list of names from the browser; malformed input gives an empty list. */
export function listed(json: string | undefined): string[] {
  try {
    const list: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** The second factors in a JSON list from the browser. */
export function secondFactors(json: string | undefined): SecondFactor[] {
  return listed(json).filter(isSecondFactor);
}
