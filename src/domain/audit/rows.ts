/** Limits how many rows the calls of one user or browser can add in an hour, where nothing else does. */
import type { Ctx } from "../../app.ts";
import type { LimitName } from "../../config/limits.ts";
import { clearKinds, countInWindow } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";

const hour = 60 * 60 * 1000;

type RowLimit = Extract<LimitName, "credential-changes" | "authorization-codes">;

/** Counts one more and returns the number in this hour. */
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

/** Resets the count for a user who has recovered the account: an intruder may have used it up. */
export function forgetChanges(tx: Db, poolId: string, userId: string): Promise<void> {
  return clearKinds(tx, poolId, userId, "credential-changes" satisfies RowLimit);
}
