/**
 * How many answers a browser's sign-in is good for in an hour, since a cookie is enough to get another one. A new sign-in
 * starts a new count, so that somebody with a copy of the cookie cannot lock the user out.
 */
import type { Ctx } from "../../app.ts";
import type { Db } from "../../store/db.ts";
import { countRow } from "../audit/rows.ts";
import { type AuthorizationRequest, RedirectedRefusal } from "./authorization-request.ts";
import type { SignedInBrowser } from "./browser-session.ts";

const kind = "authorization-codes";

/** Counts an answer. Returns whether the sign-in is good for it. */
export async function countAnswer(
  db: Db,
  ctx: Ctx,
  { pool }: Pick<AuthorizationRequest, "pool">,
  browser: SignedInBrowser,
): Promise<boolean> {
  const count = await countRow(db, ctx, { poolId: pool.id, subject: browser.hash, kind });
  return count <= ctx.config.limits[kind];
}

/** Throws temporarily_unavailable, on which prompt=none waits. */
export function refuseUsedUp(request: AuthorizationRequest): never {
  throw new RedirectedRefusal("temporarily_unavailable", "Too many requests for one sign-in.", request);
}

/** Whether an error means that the sign-in is used up, and the user must sign in again. */
export function isUsedUp(error: unknown): boolean {
  return error instanceof RedirectedRefusal && error.code === "temporarily_unavailable";
}
