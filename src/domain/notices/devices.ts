/** The notice of a device that is remembered from now on, and may replace the second factor. */
import type { Ctx } from "../../app.ts";
import type { Db } from "../../store/db.ts";
import { readFirstSeen } from "../../store/known-sources.ts";
import type { User } from "../../store/users.ts";
import { sourceOf } from "../credentials/subjects.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { sendsNotice } from "../user-pools/notice-tag.ts";
import { getsNotice, queueNotice } from "./queue.ts";

const name = "device-remembered";
/** How long a network is new. Milliseconds. */
const newMs = 60 * 60 * 1000;

/**
 * Queues the notice in the transaction that has a device remembered, unless the user came to this network only now: they
 * were told of the sign-in that the device belongs to, or have just signed up.
 * @param user as they were before the change
 */
export async function noticeRememberedDevice(tx: Db, ctx: Ctx, pool: Pool, user: User): Promise<void> {
  if (!getsNotice(ctx, pool, user, name) || (await isOfNewNetwork(tx, ctx, pool, user))) return;
  await queueNotice(tx, ctx, pool, user, name);
}

/** Whether the user has just become known at the network of this request, of which a pool with notices of new sign-ins tells. */
async function isOfNewNetwork(tx: Db, ctx: Ctx, pool: Pool, user: User): Promise<boolean> {
  // The networks of administrators and of back ends are not the user's.
  if (ctx.admin || ctx.network === undefined || !sendsNotice(pool, "new-sign-in")) return false;
  const since = await readFirstSeen(tx, sourceOf(ctx, user), ctx.now);
  return since !== undefined && ctx.now - since < newMs;
}
