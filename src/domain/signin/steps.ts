/**
 * signin: the state machine of a sign-in over a persisted row. Rooms of `challenges/` prove one thing each and never
 * call one another; each returns to the dispatcher (proceed.ts), and the table of this file alone says what comes next.
 * Tokens come only after every step this sign-in requires is proven in this very row.
 */
import type { UserStatus } from "../../store/users.ts";

/** Flows that begin with a user proving who they are. Refreshing is no sign-in. */
export type Flow = "USER_SRP_AUTH" | "USER_PASSWORD_AUTH" | "ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH";

/** What a sign-in waits for; all but PASSWORD, which comes with the first request, are ChallengeNames of the wire. */
export type Step = "PASSWORD" | "PASSWORD_VERIFIER" | "NEW_PASSWORD_REQUIRED" | "MFA";

/** What was proven so far in this row. */
export type Proof = "password" | "new-password" | "mfa";

export interface Facts {
  readonly flow: Flow;
  readonly proven: readonly Proof[];
  readonly status: UserStatus;
  /** Whether pool and user demand a second factor. */
  readonly mfaRequired: boolean;
}

interface Row {
  readonly step: Step;
  readonly proof: Proof;
  readonly required: (facts: Facts) => boolean;
}

const usesSrp = (facts: Facts) => facts.flow === "USER_SRP_AUTH";

/** In the order of the chain (AWS: "Authentication flows"). The first required and unproven row is next. */
const rows: readonly Row[] = [
  { step: "PASSWORD_VERIFIER", proof: "password", required: usesSrp },
  { step: "PASSWORD", proof: "password", required: (facts) => !usesSrp(facts) },
  {
    step: "NEW_PASSWORD_REQUIRED",
    proof: "new-password",
    required: (facts) => facts.status === "FORCE_CHANGE_PASSWORD",
  },
  { step: "MFA", proof: "mfa", required: (facts) => facts.mfaRequired },
];

/** What this sign-in still has to prove, or `done`. */
export function nextStep(facts: Facts): Step | "done" {
  return rows.find((row) => row.required(facts) && !facts.proven.includes(row.proof))?.step ?? "done";
}
