/**
 * Budgets of text messages, which cost money: somebody who owns expensive numbers, or is paid for calls to them, has
 * them sent as many codes as possible (SMS pumping, toll fraud). Each pool has a budget per hour, and so has each range of
 * numbers in it; the setting sms-countries lists the countries that get any. Users at networks where they are known
 * have budgets of their own, which strangers cannot use up (docs/decisions/0023-phone-numbers.md).
 */
import type { Ctx } from "../../app.ts";
import { isAmong, type PhoneFacts, phoneFacts } from "../../lib/phone-number.ts";
import { type Attempt, countInWindow } from "../../store/attempts.ts";
import type { Db } from "../../store/db.ts";
import { attemptOf, slotOf } from "./subjects.ts";

const hour = 60 * 60 * 1000;

export type TextLimit = "texts-per-prefix" | "texts-per-pool";

/**
 * Reads what the budgets depend on, before the transaction that counts; undefined for an e-mail address, which may begin
 * with `+` as well.
 */
export async function textTo(destination: string | undefined): Promise<PhoneFacts | undefined> {
  return destination === undefined || destination.includes("@") ? undefined : phoneFacts(destination);
}

/**
 * Counts a text message. Returns why it must not be sent; undefined if it may. Texts that are refused silently count
 * apart by range, so that a used-up range does not reveal whose number is in it.
 */
export async function countText(
  tx: Db,
  ctx: Ctx,
  poolId: string,
  text: PhoneFacts,
  { silent, known }: { readonly silent: boolean; readonly known: boolean },
): Promise<TextLimit | "sms-countries" | undefined> {
  const who = known ? "known-" : "";
  const range = slotOf(ctx, { id: poolId }, "range", text.range);
  const counters: Readonly<Record<TextLimit, Attempt>> = {
    "texts-per-prefix": attemptOf(range, `${silent ? "silent-" : ""}${who}texts-per-prefix`),
    "texts-per-pool": { poolId, subject: "pool", tag: "", kind: `${who}texts-per-pool` },
  };
  // The work is equal whether or not the country gets texts: names that nobody has have made-up numbers.
  const allowed = isAmong(text, ctx.config.smsCountries);
  for (const limit of Object.keys(counters) as TextLimit[]) {
    const window = { now: ctx.now, windowMs: hour, by: allowed ? 1 : 0 } as const;
    const count = await countInWindow(tx, counters[limit], window);
    const most = ctx.config.limits[limit];
    ctx.app.metrics.textBudget(limit, Math.min(1, count / most));
    if (count > most) return limit;
  }
  return allowed ? undefined : "sms-countries";
}
