/** The details of refusals that are not public, as every room logs them. */
import type { Ctx } from "../app.ts";
import type { Refusal } from "../lib/refusal.ts";

/** Why something was refused, for the log alone; undefined if that says no more than the answer. */
export function hiddenFacts({
  detail,
  reason,
}: Refusal): { readonly detail: string; readonly reason: string | undefined } | undefined {
  return detail === undefined ? undefined : { detail, reason };
}

/** Logs the hidden facts of a refusal, for rooms whose requests have no line of their own. */
export function logRefusal({ log }: Pick<Ctx, "log">, refusal: Refusal): void {
  const facts = hiddenFacts(refusal);
  if (facts !== undefined) log.info({ ...facts, error: refusal.code }, "refused");
}
