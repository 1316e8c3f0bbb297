/** How many rows the calls of one user or browser may add in an hour, where nothing else limits them. */
import type { Ctx } from "../../app.ts";
import type { LimitName } from "../../config/limits.ts";
import { clearKinds, countInWindow } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";

const hour = 60 * 60 * 1000;

type RowLimit = Extract<LimitName, "credential-changes" | "authorization-codes">;

/** Counts one more, and says how many there were in this hour. */
export function countRow(
  db: Db,
  ctx: Pick<Ctx, "now">,
  counter: {
    readonly poolId: string;
    readonly subject: string;
    readonly kind: RowLimit | `${RowLimit}:${string}`;
  },
): Promise<number> {
  return countInWindow(db, { ...counter, tag: "" }, { now: ctx.now, windowMs: hour });
}

/** A user who has the account back begins anew: whoever had it in between may have used up what they may change. */
export function forgetChanges(tx: Db, poolId: string, userId: string): Promise<void> {
  return clearKinds(tx, poolId, userId, "credential-changes" satisfies RowLimit);
}
