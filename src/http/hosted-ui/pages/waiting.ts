/** What a sign-in waits for, as its pages tell it to the browser and hear it back. */
import { html } from "hono/html";
import { isSecondFactor, type SecondFactor } from "../../../domain/mfa/factors.ts";
import { hidden, type Problem } from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import type { Visit } from "../kit/visit.ts";

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

export function choice(value: string, label: string): Html {
  return html`<button class="choice" name="answer" value="${value}">${label}</button>`;
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

/** Of a list that has been through the browser, the second factors that there are words and pages for. */
export function secondFactors(json: string | undefined): SecondFactor[] {
  return listed(json).filter(isSecondFactor);
}
