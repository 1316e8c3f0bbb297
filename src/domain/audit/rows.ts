/** How many rows the calls of one user may add in an hour, where nothing else limits them. */
import type { Ctx } from "../../app.ts";
import type { LimitName } from "../../config/limits.ts";
import { countInWindow } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";
import { refuse } from "../../wire/refuse.ts";

const hour = 60 * 60 * 1000;

/** Counts one more. Throws TooManyRequestsException. */
export async function countRow(
  db: Db,
  ctx: Pick<Ctx, "now" | "config">,
  user: { readonly poolId: string; readonly id: string },
  limit: Extract<LimitName, "credential-changes" | "authorization-codes">,
): Promise<void> {
  const attempt = { poolId: user.poolId, subject: user.id, tag: "", kind: limit };
  const count = await countInWindow(db, attempt, { now: ctx.now, windowMs: hour });
  if (count > ctx.config.limits[limit]) refuse("TooManyRequestsException", "Rate exceeded", limit);
}
