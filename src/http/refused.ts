/** Logs the details of refusals that are not public, for all rooms. */
import type { Ctx } from "../app.ts";
import type { Refusal } from "../lib/refusal.ts";

/** Logs why something was refused, if that says more than the answer. */
export function logRefusal({ log }: Pick<Ctx, "log">, { code, detail, reason }: Refusal): void {
  if (detail !== undefined) log.info({ detail, error: code, reason }, "refused");
}
