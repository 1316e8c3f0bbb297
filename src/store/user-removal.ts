/** Removes users with everything that belongs to them. */
import { sql } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import { prepared, preparedWrite } from "./prepared.ts";
import { deleting, inSlices } from "./slices.ts";
import { userNumber } from "./user-numbers.ts";

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

/** Tables that may have many rows of a user, besides `auth_events`. */
const largeTables = [
  "token_families",
  "token_sessions",
  "browser_sessions",
  "authorization_codes",
  "devices",
  "group_members",
] as const satisfies readonly UserTable[];

/** Rows of a table that one transaction deletes. */
const fewRows = 500;

const largeQuery = prepared<{ poolId: string; userId: string; most: number }, Record<string, number>>(
  (kysely, slot) =>
    kysely.selectNoFrom((eb) => [
      ...largeTables.map((table) =>
        eb
          .selectFrom(
            eb
              .selectFrom(table)
              .select("user_id")
              .where("pool_id", "=", slot("poolId"))
              .where("user_id", "=", slot("userId"))
              .limit(slot("most"))
              .as("counted"),
          )
          .select(({ fn }) => fn.countAll<number>().as("rows"))
          .as(table),
      ),
      eb
        .selectFrom(
          eb
            .selectFrom("auth_events")
            .select("event_id")
            .where("pool_id", "=", slot("poolId"))
            .where("user_number", "=", userNumber(kysely, slot("poolId"), slot("userId")))
            .limit(slot("most"))
            .as("counted"),
        )
        .select(({ fn }) => fn.countAll<number>().as("rows"))
        .as("auth_events"),
    ]),
);

/**
 * Removes most of what a user has much of, in slices, since on SQLite everybody waits for a statement. The user is still
 * there: a deletion that does not get further can be asked for again.
 */
async function removeMany(db: Db, poolId: string, userId: string): Promise<void> {
  const [found = {}] = await largeQuery(db, { poolId, userId, most: fewRows + 1 });
  const isLarge = (table: string) => Number(found[table]) > fewRows;
  const ofUser = sql`user_id = ${userId}`;
  for (const table of largeTables) if (isLarge(table)) await inSlices(db, deleting(table, poolId, ofUser));
  const ofNumber = sql`user_number = (${userNumber(db.kysely, poolId, userId)})`;
  if (isLarge("auth_events")) await inSlices(db, deleting("auth_events", poolId, ofNumber));
}

/** Deletes a user with everything that belongs to it. Returns false if there was none. */
export async function deleteUser(db: Db, poolId: string, userId: string): Promise<boolean> {
  await removeMany(db, poolId, userId);
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
