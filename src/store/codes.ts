/**
 * One-time codes: one live code per user and purpose, stored as an HMAC. A row count decides that a code is used only
 * once.
 */

import type { Db } from "./db.ts";
import { type ListSlots, listed, listValues, lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { CodesTable } from "./schema/schema.ts";

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

const bySpent = <Query>(query: (column: ReturnType<typeof spent>) => Query) => ({
  attempts: query("attempts"),
  own_attempts: query("own_attempts"),
});

type GuessSlots = CodePlace & Pick<CodeRule, "now" | "maxAttempts">;

function codeMac(db: Db, place: CodePlace, code: string): Uint8Array {
  return db.sealer.mac("code", place.poolId, place.userId, place.purpose, code);
}

const replaceQuery = preparedWrite<CodesTable>((kysely, slot) => {
  const key = ["pool_id", "user_id", "purpose"] as const;
  const values = slots(slot, [
    "code_mac",
    "destination",
    "attempts",
    "own_attempts",
    "created_at",
    "expires_at",
  ]);
  return kysely
    .insertInto("codes")
    .values({ ...slots(slot, key), ...values })
    .onConflict((conflict) => conflict.columns(key).doUpdateSet(values));
});

/** Stores a code in place of the previous one, which becomes invalid. */
export async function replaceCode(
  db: Db,
  place: CodePlace,
  issued: { code: string; destination: string; now: number; expiresAt: number },
): Promise<void> {
  await replaceQuery(db, {
    pool_id: place.poolId,
    user_id: place.userId,
    purpose: place.purpose,
    code_mac: codeMac(db, place, issued.code),
    destination: issued.destination,
    attempts: 0,
    own_attempts: 0,
    created_at: issued.now,
    expires_at: issued.expiresAt,
  });
}

const takeQueries = bySpent((column) =>
  prepared<GuessSlots & { mac: Uint8Array }, { destination: string }>((kysely, slot) =>
    kysely
      .deleteFrom("codes")
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId"))
      .where("purpose", "=", slot("purpose"))
      .where("code_mac", "=", slot("mac"))
      .where("expires_at", ">", slot("now"))
      .where(column, "<", slot("maxAttempts"))
      .returning("destination"),
  ),
);

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
  const mac = codeMac(db, place, code);
  const [row] = await takeQueries[spent(rule)](db, { ...place, ...rule, mac });
  return row?.destination;
}

/**
 * The result of checking a code: `late` is the right code after its expiry; `none` means that there is no live code to
 * compare with.
 */
export type CodeState = "right" | "wrong" | "late" | "none";

const readQuery = lookup<
  CodePlace,
  Pick<CodesTable, "code_mac" | "attempts" | "own_attempts" | "expires_at" | "destination">
>((kysely, slot) =>
  kysely
    .selectFrom("codes")
    .select(["code_mac", "attempts", "own_attempts", "expires_at", "destination"])
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("purpose", "=", slot("purpose")),
);

/** Checks a code without using it up; also returns what the stored one was sent for. */
export async function judgeCode(
  db: Db,
  place: CodePlace,
  code: string,
  rule: CodeRule,
): Promise<{ state: CodeState; destination: string }> {
  const mac = codeMac(db, place, code);
  const [row] = await readQuery(db, place);
  if (row === undefined || row[spent(rule)] >= rule.maxAttempts) return { state: "none", destination: "" };
  const { destination } = row;
  const fits = Buffer.from(row.code_mac).equals(mac);
  if (row.expires_at <= rule.now) return { state: fits ? "late" : "none", destination };
  return { state: fits ? "right" : "wrong", destination };
}

const countWrongQueries = bySpent((column) =>
  preparedWrite<GuessSlots>((kysely, slot) =>
    kysely
      .updateTable("codes")
      .set((row) => ({ [column]: row(column, "+", 1) }))
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId"))
      .where("purpose", "=", slot("purpose"))
      .where("expires_at", ">", slot("now"))
      .where(column, "<", slot("maxAttempts")),
  ),
);

/** Counts a wrong guess at a live code. Returns false if there is none, or its guesses are used up. */
export async function countWrongCode(db: Db, place: CodePlace, rule: CodeRule): Promise<boolean> {
  const counted = await countWrongQueries[spent(rule)](db, { ...place, ...rule });
  return counted === 1;
}

const deleteQuery = preparedWrite<{ poolId: string; userId: string } & ListSlots>((kysely, slot) =>
  kysely
    .deleteFrom("codes")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("purpose", "in", listed<string>(slot)),
);

/** Deletes codes of up to five purposes that are no longer needed, because their purpose was reached in another way. */
export async function deleteCodes(
  db: Db,
  poolId: string,
  userId: string,
  purposes: readonly string[],
): Promise<void> {
  if (purposes.length === 0) return;
  await deleteQuery(db, { poolId, userId, ...listValues(purposes) });
}
