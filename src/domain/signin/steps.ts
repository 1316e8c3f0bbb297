/** What a sign-in has to prove next: a pure table, the only place that says so. */
import type { UserStatus } from "../../store/users.ts";
import { areTwo, type SecondFactor } from "../mfa/factors.ts";

/** Flows that begin with a user proving who they are. Refreshing is no sign-in. */
export type Flow =
  | "USER_SRP_AUTH"
  | "USER_PASSWORD_AUTH"
  | "ADMIN_USER_PASSWORD_AUTH"
  | "ADMIN_NO_SRP_AUTH"
  | "USER_AUTH"
  | "CUSTOM_AUTH"
  /** The hosted pages, which ask for whatever the pool allows. */
  | "HOSTED_AUTH";

/** First factors that USER_AUTH lets the user choose. */
export type FirstFactor = "PASSWORD" | "PASSWORD_SRP" | "EMAIL_OTP" | "SMS_OTP" | "WEB_AUTHN";

/** What a sign-in waits for: ChallengeNames of the wire. */
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

/** What a challenge is for: to choose, to prove a factor (the first, a second one, or either), to set something up. */
export type ChallengeKind = "choice" | "first" | "second" | "either" | "set-up" | "custom" | "device";

/**
 * What was proven in this sign-in, in the order of proving. A passkey is `verified` where the authenticator has verified
 * its user and the pool takes that for two factors; `custom` is what the pool's triggers have found to be enough.
 */
export type Proof =
  | "password"
  | "new-password"
  | "sms"
  | "email"
  | "software-token"
  | "passkey"
  | "verified-passkey"
  | "custom"
  | "device";

export interface Facts {
  readonly flow: Flow;
  readonly proven: readonly Proof[];
  /** The factor that the user chose where there was a choice; PASSWORD_SRP where CUSTOM_AUTH begins with it. */
  readonly chosen: FirstFactor | SecondFactor | undefined;
  readonly status: UserStatus;
  readonly mfa: {
    /** Pool or user demand a second factor. */
    readonly demanded: boolean;
    /** Those that this user can prove; none: one must be set up. */
    readonly usable: readonly SecondFactor[];
    /** The one to ask for without a choice. */
    readonly ask: SecondFactor | undefined;
    /** The one that is being set up, by a code sent to it. */
    readonly enrolling: SecondFactor | undefined;
  };
  /** The device that the client named, if it still is the user's. */
  readonly device:
    | {
        /** Its proof stands for the second factor. */
        readonly replacesMfa: boolean;
      }
    | undefined;
}

interface Row {
  readonly required: (facts: Facts) => boolean;
  readonly step: (facts: Facts) => Step;
}

/** In the order of the chain (AWS: "Authentication flows"). The first row that is still required says the step. */
const rows: readonly Row[] = [
  { required: (facts) => facts.proven.length === 0, step: firstStep },
  {
    required: ({ flow, proven }) => flow === "CUSTOM_AUTH" && !proven.includes("custom"),
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
];

/** What this sign-in still has to prove, or `done`. */
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
};

/** Flows in which the user chooses the first factor. */
export function isChoice(flow: Flow): boolean {
  return flow === "USER_AUTH" || flow === "HOSTED_AUTH";
}

const firstFactors: readonly string[] = ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"];

export function isFirstFactor(name: string | undefined): name is FirstFactor {
  return name !== undefined && firstFactors.includes(name);
}

function firstStep({ flow, chosen }: Facts): Step {
  if (isChoice(flow) && isFirstFactor(chosen)) return chosen;
  return flow === "CUSTOM_AUTH" && chosen === "PASSWORD_SRP" ? "PASSWORD_VERIFIER" : firstSteps[flow];
}

function secondStep({ chosen, mfa }: Facts): Step {
  if (mfa.enrolling !== undefined) return mfa.enrolling;
  if (mfa.usable.length === 0) return "MFA_SETUP";
  const choice = mfa.usable.find((factor) => factor === chosen);
  return choice ?? mfa.ask ?? "SELECT_MFA_TYPE";
}
