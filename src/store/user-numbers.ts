/** Users' numbers, unique in their pool: the key of their rows (docs/decisions/0021-keys-that-carry-the-pool.md). */
import { randomInt } from "node:crypto";
import type { Kysely } from "kysely";
import type { Db } from "./db.ts";
import { prepared } from "./prepared.ts";
import type { Schema } from "./schema/schema.ts";

/** The number of a user, as a subquery. */
export const userNumber = (kysely: Kysely<Schema>, poolId: string, userId: string) =>
  kysely.selectFrom("users").select("number").where("pool_id", "=", poolId).where("user_id", "=", userId);

/** Returns a positive integer below 2^48. */
export type DrawNumber = () => number;

export const drawNumber: DrawNumber = () => randomInt(1, 2 ** 48 - 1);

const lastNumberQuery = prepared<{ poolId: string }, { last: number | null }>((kysely, slot) =>
  kysely
    .selectFrom("users")
    .select(({ fn }) => fn.max("number").as("last"))
    .where("pool_id", "=", slot("poolId")),
);

/** Numbers for several users of the pool, inside the transaction that adds them; for bulk loads. */
export async function userNumbers(tx: Db, poolId: string, count: number): Promise<number[]> {
  if (tx.kind === "postgres") return Array.from({ length: count }, drawNumber);
  const [row] = await lastNumberQuery(tx, { poolId });
  return Array.from({ length: count }, (_, index) => (row?.last ?? 0) + 1 + index);
}
