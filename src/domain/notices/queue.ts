/**
 * notices: what the owner of an account is told of by e-mail. This file puts a notice into the outbox, in the
 * transaction of what it reports; docs/notices.md says what owners of accounts get.
 */
import type { Ctx } from "../../app.ts";
import { deviceTypeOf } from "../../lib/device-type.ts";
import { countInWindow } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";
import type { NoticeName } from "../../store/schema/schema.ts";
import { searchKey, type User } from "../../store/users.ts";
import { kindOf } from "../audit/call.ts";
import { attemptOf, slotOf } from "../credentials/subjects.ts";
import { messageLanguage } from "../messages/language.ts";
import { composeNotice, type NoticeFacts } from "../messages/notices.ts";
import { newMessage, queueMessage } from "../messages/queue.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { sendsNotice } from "../user-pools/notice-tag.ts";

const hour = 60 * 60 * 1000;
/** How long a notice is tried. Milliseconds. */
const lifetimeMs = 24 * hour;

/** The address that notices about the user go to: the e-mail address, if it is verified. */
function noticeAddress({ attributes }: Pick<User, "attributes">): string | undefined {
  return attributes["email_verified"] === "true" ? attributes["email"] : undefined;
}

/**
 * Whether the user would get this notice: the pool sends it, there is a sender of e-mail, and the user has a verified
 * address. Asks nothing of the database.
 */
export function getsNotice(
  { app }: Pick<Ctx, "app">,
  pool: Pool,
  user: Pick<User, "attributes">,
  name: NoticeName,
): boolean {
  const sends = sendsNotice(pool, name) && app.senders.of(pool.id, "EMAIL").kind !== "none";
  return sends && noticeAddress(user) !== undefined;
}

/**
 * Queues a notice to the user's verified address in the caller's transaction; does nothing if the user would not get
 * it, or if the address has had its share of this hour. The message belongs to no user, so that deleting the account does
 * not take it back.
 * @param user as they were before the change
 */
export async function queueNotice(
  tx: Db,
  ctx: Ctx,
  pool: Pool,
  user: Pick<User, "attributes">,
  name: NoticeName,
): Promise<void> {
  const destination = noticeAddress(user);
  if (destination === undefined || !getsNotice(ctx, pool, user, name)) return;
  if (!(await isWithinShare(tx, ctx, pool, destination))) return;
  const composed = composeNotice(name, factsOf(ctx, pool, user));
  const notice = newMessage(ctx, pool, {
    userId: undefined,
    delivery: { medium: "EMAIL", destination },
    kind: `notice:${name}`,
    composed,
    code: undefined,
    lifetimeMs,
    by: "worker",
  });
  await queueMessage(tx, notice);
}

/** Counts a notice, in a counter that messages with codes do not share. */
async function isWithinShare(tx: Db, ctx: Ctx, pool: Pool, destination: string): Promise<boolean> {
  const limit = "notices-per-destination";
  const slot = slotOf(ctx, pool, "destination", searchKey(destination));
  const count = await countInWindow(tx, attemptOf(slot, limit), { now: ctx.now, windowMs: hour });
  return count <= ctx.config.limits[limit];
}

/** An administrator's own address and program are nobody else's business, and say nothing about the user. */
function factsOf(ctx: Ctx, pool: Pool, user: Pick<User, "attributes">): NoticeFacts {
  const { now: at, audited, userAddress: address } = ctx;
  const byAdministrator = audited !== undefined && kindOf(audited.operation) === "change";
  const language = messageLanguage(ctx, pool, user);
  if (byAdministrator) return { at, byAdministrator, language };
  const program = audited === undefined && ctx.userAgent ? deviceTypeOf(ctx.userAgent) : undefined;
  return { at, byAdministrator, address, program, language };
}
