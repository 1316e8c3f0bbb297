/** Removes users with everything that belongs to them. */
import { type Db, inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";

/**
 * Tables with rows of a user, in the order of deletion. The user's own row comes first, as in every change of a user:
 * different orders could deadlock. It takes the rows of `login_names` and `credentials` with it.
 */
export const userTables = [
  "users",
  "group_members",
  "software_tokens",
  "passkeys",
  "devices",
  "codes",
  "known_sources",
  "token_families",
  "token_sessions",
  "browser_sessions",
  "authorization_codes",
  "sign_ins",
  "outbox",
] as const;

/** Deletes a user with everything that belongs to it. Returns false if there was none. */
export function deleteUser(db: Db, poolId: string, userId: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const found = await removeUser(tx, poolId, userId, userTables);
    await tx.kysely
      .deleteFrom("attempts")
      .where("pool_id", "=", poolId)
      .where("subject", "=", userId)
      .execute();
    return found;
  });
}

/** Removes a user's rows from some of the tables, inside a transaction. Returns whether the user existed. */
export async function removeUser(
  tx: Db,
  poolId: string,
  userId: string,
  tables: readonly (typeof userTables)[number][],
): Promise<boolean> {
  let users = 0;
  for (const table of tables) {
    const result = await tx.kysely
      .deleteFrom(table)
      .where("pool_id", "=", poolId)
      .where("user_id", "=", userId)
      .executeTakeFirst();
    if (table === "users") users = affected(result);
  }
  return users === 1;
}
