/**
 * One-time codes: one live code per user and purpose, stored as an HMAC. A row count decides that a code is used only
 * once.
 */

import type { Db } from "./db.ts";
import { affected } from "./engine/transaction.ts";

export interface CodePlace {
  readonly poolId: string;
  /** The user id, or a slot shared by names that do not exist. */
  readonly userId: string;
  readonly purpose: string;
}

/**
 * Whose wrong guesses at a code are counted, and how many are allowed. Strangers and the user's own sources are counted
 * separately, so that nobody else can use up the owner's guesses.
 */
export interface CodeRule {
  readonly now: number;
  readonly maxAttempts: number;
  readonly known: boolean;
}

const spent = (rule: CodeRule) => (rule.known ? "own_attempts" : "attempts");

function codeMac(db: Db, place: CodePlace, code: string): Uint8Array {
  return db.sealer.mac("code", place.poolId, place.userId, place.purpose, code);
}

/** Stores a code in place of the previous one, which becomes invalid. */
export async function replaceCode(
  db: Db,
  place: CodePlace,
  issued: { code: string; destination: string; now: number; expiresAt: number },
): Promise<void> {
  const values = {
    code_mac: codeMac(db, place, issued.code),
    destination: issued.destination,
    attempts: 0,
    own_attempts: 0,
    created_at: issued.now,
    expires_at: issued.expiresAt,
  };
  await db.kysely
    .insertInto("codes")
    .values({ pool_id: place.poolId, user_id: place.userId, purpose: place.purpose, ...values })
    .onConflict((conflict) => conflict.columns(["pool_id", "user_id", "purpose"]).doUpdateSet(values))
    .execute();
}

/**
 * Uses a code up and returns what it was sent for; undefined unless it is the live code. Of parallel calls only one
 * succeeds.
 */
export async function takeCode(
  db: Db,
  place: CodePlace,
  code: string,
  rule: CodeRule,
): Promise<string | undefined> {
  const row = await db.kysely
    .deleteFrom("codes")
    .where("pool_id", "=", place.poolId)
    .where("user_id", "=", place.userId)
    .where("purpose", "=", place.purpose)
    .where("code_mac", "=", codeMac(db, place, code))
    .where("expires_at", ">", rule.now)
    .where(spent(rule), "<", rule.maxAttempts)
    .returning("destination")
    .executeTakeFirst();
  return row?.destination;
}

/**
 * The result of checking a code: `late` is the right code after its expiry; `none` means that there is no live code to
 * compare with.
 */
export type CodeState = "right" | "wrong" | "late" | "none";

/** Checks a code without using it up; also returns what the stored one was sent for. */
export async function judgeCode(
  db: Db,
  place: CodePlace,
  code: string,
  rule: CodeRule,
): Promise<{ state: CodeState; destination: string }> {
  const mac = codeMac(db, place, code);
  const row = await db.kysely
    .selectFrom("codes")
    .select(["code_mac", "attempts", "own_attempts", "expires_at", "destination"])
    .where("pool_id", "=", place.poolId)
    .where("user_id", "=", place.userId)
    .where("purpose", "=", place.purpose)
    .executeTakeFirst();
  if (row === undefined || row[spent(rule)] >= rule.maxAttempts) return { state: "none", destination: "" };
  const { destination } = row;
  const fits = Buffer.from(row.code_mac).equals(mac);
  if (row.expires_at <= rule.now) return { state: fits ? "late" : "none", destination };
  return { state: fits ? "right" : "wrong", destination };
}

/** Counts a wrong guess at a live code. Returns false if there is none, or its guesses are used up. */
export async function countWrongCode(db: Db, place: CodePlace, rule: CodeRule): Promise<boolean> {
  const result = await db.kysely
    .updateTable("codes")
    .set((set) => ({ [spent(rule)]: set(spent(rule), "+", 1) }))
    .where("pool_id", "=", place.poolId)
    .where("user_id", "=", place.userId)
    .where("purpose", "=", place.purpose)
    .where("expires_at", ">", rule.now)
    .where(spent(rule), "<", rule.maxAttempts)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** Deletes codes that are no longer needed, because their purpose was reached in another way. */
export async function deleteCodes(
  db: Db,
  poolId: string,
  userId: string,
  purposes: readonly string[],
): Promise<void> {
  if (purposes.length === 0) return;
  await db.kysely
    .deleteFrom("codes")
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("purpose", "in", [...purposes])
    .execute();
}
