/** How the steps of sign-ins end: counted for /metrics, and told in an event of the user. */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { type Attempt, attempted, isLocked } from "../audit/attempt.ts";
import type { Outcome } from "./sign-in.ts";
import type { Proof } from "./steps.ts";

/**
 * Does the step and counts its end: `authenticated`, `challenge`, or the code it was refused with.
 * @param step a name from the tables of flows and challenges: whatever a caller makes up is "unknown"
 */
export async function counted(
  ctx: Ctx,
  step: string | undefined,
  work: (attempt: Attempt) => Promise<Outcome>,
): Promise<Outcome> {
  const { metrics } = ctx.app;
  try {
    const outcome = await attempted(ctx, "SignIn", work, ({ kind }) =>
      kind === "authenticated" ? "Pass" : "InProgress",
    );
    metrics.signIn(step ?? "unknown", outcome.kind);
    return outcome;
  } catch (error) {
    metrics.signIn(step ?? "unknown", error instanceof Refusal ? endOf(error) : "InternalErrorException");
    throw error;
  }
}

/** Cognito gives a locked account and a wrong password the same code; who watches must tell them apart. */
function endOf(refusal: Refusal): string {
  return isLocked(refusal) ? "locked" : refusal.code;
}

/** What was proven, as events tell it: they know of passwords, and of everything else. */
export function told(proven: readonly Proof[]): ("Password" | "Mfa")[] {
  return proven.map((proof) => (proof === "password" || proof === "new-password" ? "Password" : "Mfa"));
}
