/** What is nobody's business about a refusal, for the log: rule of all rooms that answer with one. */
import type { Ctx } from "../app.ts";
import type { Refusal } from "../lib/refusal.ts";

/** Logs why something was refused, where that says more than the answer. */
export function logRefusal({ log }: Pick<Ctx, "log">, { code, detail, reason }: Refusal): void {
  if (detail !== undefined) log.info({ detail, error: code, reason }, "refused");
}
