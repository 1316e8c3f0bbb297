/**
 * Reuse of names that another pool gave up less than a year ago (store/retired-names.ts explains why they are
 * reserved).
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { NameRetired } from "../../store/retired-names.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { poolArn } from "./load-pool.ts";

/**
 * Resolves if the caller may give a pool the retired name in `error`. Throws InvalidParameterException if not, and
 * rethrows any other error.
 */
export async function authorizeReuse(ctx: Ctx, error: unknown, poolId: string): Promise<void> {
  if (!(error instanceof NameRetired)) throw error;
  const resource = poolArn(ctx.config, poolId);
  const permitted = await ctx.authorize("ReuseName", resource).then(
    () => true,
    (reason: unknown) => {
      if (reason instanceof Refusal && reason.code === "AccessDeniedException") return false;
      throw reason;
    },
  );
  if (!permitted) return refuseRetired(error, resource);
  noteTarget(ctx, { details: { formerPool: error.retired.poolId } });
}

function refuseRetired({ retired: { kind, name, freeAt } }: NameRetired, resource: string): never {
  const day = new Date(freeAt).toISOString().slice(0, 10);
  return refuse(
    "InvalidParameterException",
    `The ${kind === "client" ? "client id" : kind} ${name} belonged to another user pool; it is free for others from ` +
      `${day} on, or once an operator releases it (poolhouse names release ${kind} ${name}). Access keys whose policy ` +
      `permits poolhouse:ReuseName on ${resource} may take it at once.`,
  );
}
