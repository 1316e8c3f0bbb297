/** The names by which users sign in, each unique in its pool: usernames, addresses and phone numbers. */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { type ListSlots, listed, listValues, prepared, preparedWrite } from "./prepared.ts";
import type { LoginNamesTable } from "./schema/schema.ts";
import { userNumber } from "./user-numbers.ts";

export interface LoginName {
  readonly key: string;
  readonly kind: LoginNamesTable["kind"];
}

/** At most one of each kind. */
const nameSlots = ["1", "2", "3", "4"] as const;

type OfUser = { readonly poolId: string; readonly userId: string };

type NameSlots = { readonly [Slot in `${"key" | "kind"}${(typeof nameSlots)[number]}`]: string };

/** From a select: Citus takes no subquery in the values of an insert. */
const insertNames = (places: readonly (typeof nameSlots)[number][]) =>
  preparedWrite<OfUser & NameSlots>((kysely, slot) => {
    const rows = places.map((place) => {
      const [key, kind] = [slot(`key${place}`), slot(`kind${place}`)];
      return sql`select cast(${key} as text) as name_key, cast(${kind} as text) as kind`;
    });
    const names = sql<Pick<LoginNamesTable, "name_key" | "kind">>`(${sql.join(rows, sql` union all `)})`;
    const user = kysely
      .selectFrom("users")
      .innerJoin(names.as("names"), (join) => join.onTrue())
      .select(["users.pool_id", "names.name_key", "names.kind", "users.number"])
      .where("users.pool_id", "=", slot("poolId"))
      .where("users.user_id", "=", slot("userId"));
    return kysely
      .insertInto("login_names")
      .columns(["pool_id", "name_key", "kind", "user_number"])
      .expression(user);
  });

/** The statements that add one name, two, three and four. */
const insertNamesQueries = nameSlots.map((_, at) => insertNames(nameSlots.slice(0, at + 1)));

/** Adds sign-in names, at most one of each kind. Throws a unique violation if a name is taken. */
export async function insertLoginNames(
  db: Db,
  poolId: string,
  userId: string,
  names: readonly LoginName[],
): Promise<void> {
  if (names.length === 0) return;
  const insert = insertNamesQueries[names.length - 1];
  if (insert === undefined) throw new RangeError(`${names.length} sign-in names of one user.`);
  const given = nameSlots.flatMap((place, at) => [
    [`key${place}`, names[at]?.key ?? ""],
    [`kind${place}`, names[at]?.kind ?? ""],
  ]);
  const added = await insert(db, { ...(Object.fromEntries(given) as NameSlots), poolId, userId });
  if (added !== names.length) throw new Error("The user of new sign-in names is gone.");
}

const namesQuery = prepared<{ poolId: string; userId: string }, Pick<LoginNamesTable, "name_key" | "kind">>(
  (kysely, slot) =>
    kysely
      .selectFrom("login_names")
      .select(["name_key", "kind"])
      .where("pool_id", "=", slot("poolId"))
      .where("user_number", "=", userNumber(kysely, slot("poolId"), slot("userId"))),
);

export async function readLoginNames(db: Db, poolId: string, userId: string): Promise<LoginName[]> {
  const rows = await namesQuery(db, { poolId, userId });
  return rows.map((row) => ({ key: row.name_key, kind: row.kind }));
}

const deleteNamesQuery = preparedWrite<{ poolId: string; userId: string } & ListSlots<LoginName["kind"]>>(
  (kysely, slot) =>
    kysely
      .deleteFrom("login_names")
      .where("pool_id", "=", slot("poolId"))
      .where("user_number", "=", userNumber(kysely, slot("poolId"), slot("userId")))
      .where("kind", "in", listed<LoginName["kind"]>(slot)),
);

/** Removes the user's sign-in names of these kinds. */
export async function deleteLoginNames(
  db: Db,
  poolId: string,
  userId: string,
  kinds: readonly LoginName["kind"][],
): Promise<void> {
  if (kinds.length > 0) await deleteNamesQuery(db, { poolId, userId, ...listValues(kinds) });
}
