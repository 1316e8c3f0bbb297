/** Removes users with everything that belongs to them. */
import { type Db, inTransaction } from "./db.ts";
import { preparedWrite } from "./prepared.ts";

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
  "linked_identities",
  "provider_sessions",
  "outbox",
] as const;

type UserTable = (typeof userTables)[number];

const deleteFrom = (table: UserTable) =>
  preparedWrite<{ poolId: string; userId: string }>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")).where("user_id", "=", slot("userId")),
  );

const deleteQueries = Object.fromEntries(userTables.map((table) => [table, deleteFrom(table)])) as Record<
  UserTable,
  ReturnType<typeof deleteFrom>
>;

const deleteAttemptsQuery = preparedWrite<{ poolId: string; userId: string }>((kysely, slot) =>
  kysely.deleteFrom("attempts").where("pool_id", "=", slot("poolId")).where("subject", "=", slot("userId")),
);

/** Deletes a user with everything that belongs to it. Returns false if there was none. */
export function deleteUser(db: Db, poolId: string, userId: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const found = await removeUser(tx, poolId, userId, userTables);
    await deleteAttemptsQuery(tx, { poolId, userId });
    return found;
  });
}

/** Removes a user's rows from some of the tables, inside a transaction. Returns whether the user existed. */
export async function removeUser(
  tx: Db,
  poolId: string,
  userId: string,
  tables: readonly UserTable[],
): Promise<boolean> {
  let users = 0;
  for (const table of tables) {
    const deleted = await deleteQueries[table](tx, { poolId, userId });
    if (table === "users") users = deleted;
  }
  return users === 1;
}
