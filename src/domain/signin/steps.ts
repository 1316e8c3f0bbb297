/** The pure table of what a sign-in has to prove next, and the only place that decides it. */
import type { UserStatus } from "../../store/users.ts";
import type { SecondFactor } from "../mfa/factors.ts";
import { areTwo, type Proof } from "../mfa/proofs.ts";

/** The flows in which a user proves who they are. Refreshing tokens is not one of them. */
export type Flow =
  | "USER_SRP_AUTH"
  | "USER_PASSWORD_AUTH"
  | "ADMIN_USER_PASSWORD_AUTH"
  | "ADMIN_NO_SRP_AUTH"
  | "USER_AUTH"
  | "CUSTOM_AUTH"
  /** The hosted pages, which ask for whatever the pool allows. */
  | "HOSTED_AUTH"
  /** The hosted pages of a client whose users answer the challenges of the pool's functions there. */
  | "HOSTED_CUSTOM_AUTH";

/** The first factors that users can choose in USER_AUTH. */
export type FirstFactor = "PASSWORD" | "PASSWORD_SRP" | "EMAIL_OTP" | "SMS_OTP" | "WEB_AUTHN";

/** What a sign-in can wait for, by ChallengeName. */
export type Step =
  | "SELECT_CHALLENGE"
  | FirstFactor
  | "PASSWORD_VERIFIER"
  | "CUSTOM_CHALLENGE"
  | "NEW_PASSWORD_REQUIRED"
  | "SELECT_MFA_TYPE"
  | "MFA_SETUP"
  | SecondFactor
  | "DEVICE_SRP_AUTH"
  | "DEVICE_PASSWORD_VERIFIER";

/**
 * The purpose of a challenge: to choose, to prove a factor (the first, the second, or either), to set something up, to
 * answer the pool's triggers, or to prove a device.
 */
export type ChallengeKind = "choice" | "first" | "second" | "either" | "set-up" | "custom" | "device";

export interface Facts {
  readonly flow: Flow;
  readonly proven: readonly Proof[];
  /** The factor that the user chose, if there was a choice; the password if the triggers of CUSTOM_AUTH ask for it. */
  readonly chosen: FirstFactor | SecondFactor | undefined;
  readonly status: UserStatus;
  readonly mfa: {
    /** Whether the pool or the user requires a second factor. */
    readonly demanded: boolean;
    /** The second factors that the user can prove; if empty, one must be set up. */
    readonly usable: readonly SecondFactor[];
    /** The second factor to ask for without offering a choice. */
    readonly ask: SecondFactor | undefined;
    /** The second factor that is being set up, by a code sent to it. */
    readonly enrolling: SecondFactor | undefined;
  };
  /** The device that the client named, if it is still the user's. */
  readonly device:
    | {
        /** Whether proving the device replaces the second factor. */
        readonly replacesMfa: boolean;
      }
    | undefined;
}

interface Row {
  readonly required: (facts: Facts) => boolean;
  readonly step: (facts: Facts) => Step;
}

/**
 * The steps of a sign-in, in order ("Authentication flows"). The first row that is still required determines the next
 * step.
 */
const rows: readonly Row[] = [
  { required: (facts) => facts.proven.length === 0, step: firstStep },
  {
    required: (facts) => lacksCustom(facts) && !facts.proven.includes("password"),
    step: () => "CUSTOM_CHALLENGE",
  },
  {
    required: ({ status, proven }) => status === "FORCE_CHANGE_PASSWORD" && !proven.includes("new-password"),
    step: () => "NEW_PASSWORD_REQUIRED",
  },
  {
    required: (facts) => facts.mfa.demanded && facts.device?.replacesMfa !== true && !areTwo(facts.proven),
    step: secondStep,
  },
  {
    required: ({ device, proven }) => device !== undefined && !proven.includes("device"),
    step: () => "DEVICE_SRP_AUTH",
  },
  // After a password, the pool's triggers are asked once everything else is proven.
  { required: lacksCustom, step: () => "CUSTOM_CHALLENGE" },
];

function lacksCustom({ flow, proven }: Facts): boolean {
  return isCustom(flow) && !proven.includes("custom");
}

/** The next step of a sign-in, or `done` if everything is proven. */
export function nextStep(facts: Facts): Step | "done" {
  return rows.find((row) => row.required(facts))?.step(facts) ?? "done";
}

const firstSteps: Readonly<Record<Flow, Step>> = {
  USER_SRP_AUTH: "PASSWORD_VERIFIER",
  USER_PASSWORD_AUTH: "PASSWORD",
  ADMIN_USER_PASSWORD_AUTH: "PASSWORD",
  ADMIN_NO_SRP_AUTH: "PASSWORD",
  USER_AUTH: "SELECT_CHALLENGE",
  CUSTOM_AUTH: "CUSTOM_CHALLENGE",
  HOSTED_AUTH: "SELECT_CHALLENGE",
  HOSTED_CUSTOM_AUTH: "CUSTOM_CHALLENGE",
};

/** Whether the sign-in takes place at the hosted pages: it can only be continued there. */
export function isAtPages(flow: Flow): boolean {
  return flow === "HOSTED_AUTH" || flow === "HOSTED_CUSTOM_AUTH";
}

/** Whether the pool's functions define challenges in a flow. */
export function isCustom(flow: Flow): boolean {
  return flow === "CUSTOM_AUTH" || flow === "HOSTED_CUSTOM_AUTH";
}

/** Whether the user chooses the first factor in a flow. */
export function isChoice(flow: Flow): boolean {
  return flow === "USER_AUTH" || flow === "HOSTED_AUTH";
}

const firstFactors: readonly string[] = ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"];

export function isFirstFactor(name: string | undefined): name is FirstFactor {
  return name !== undefined && firstFactors.includes(name);
}

function firstStep({ flow, chosen }: Facts): Step {
  if (isChoice(flow) && isFirstFactor(chosen)) return chosen;
  if (isCustom(flow) && chosen === "PASSWORD_SRP") return "PASSWORD_VERIFIER";
  return isCustom(flow) && chosen === "PASSWORD" ? "PASSWORD" : firstSteps[flow];
}

function secondStep({ chosen, mfa }: Facts): Step {
  if (mfa.enrolling !== undefined) return mfa.enrolling;
  if (mfa.usable.length === 0) return "MFA_SETUP";
  const choice = mfa.usable.find((factor) => factor === chosen);
  return choice ?? mfa.ask ?? "SELECT_MFA_TYPE";
}
