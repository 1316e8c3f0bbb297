/** Counts how the steps of sign-ins end, for /metrics. */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Outcome } from "./sign-in.ts";

/**
 * Does the step and counts its end: `authenticated`, `challenge`, or the code it was refused with.
 * @param step a name from the tables of flows and challenges: whatever a caller makes up is "unknown"
 */
export async function counted(
  ctx: Ctx,
  step: string | undefined,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  const { metrics } = ctx.app;
  try {
    const outcome = await work();
    metrics.signIn(step ?? "unknown", outcome.kind);
    return outcome;
  } catch (error) {
    metrics.signIn(step ?? "unknown", error instanceof Refusal ? endOf(error) : "InternalErrorException");
    throw error;
  }
}

/** Cognito gives a locked account and a wrong password the same code; who watches must tell them apart. */
function endOf(refusal: Refusal): string {
  return refusal.message === "Password attempts exceeded" ? "locked" : refusal.code;
}
