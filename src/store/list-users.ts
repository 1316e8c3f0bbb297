/**
 * Pages of users. Every filter that ListUsers documents is a seek in an index, and every page begins after a position
 * (the searched text and the user id), so that users who come and go move nobody onto two pages.
 */
import { type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from "kysely";
import type { Db } from "./db.ts";
import type { Schema, UserStatus, UsersTable } from "./schema.ts";
import { startsWith } from "./sql.ts";
import { type searchableAttributes, type User, userFromRow } from "./users.ts";

export type SearchColumn = (typeof searchableAttributes)[number];

/** What is looked for; texts are folded as they are stored. */
export type UserSearch =
  | { readonly by: "all" }
  | { readonly by: "sub" | "username" | SearchColumn; readonly text: string; readonly match: Match }
  | { readonly by: "status"; readonly statuses: readonly UserStatus[] }
  | { readonly by: "enabled"; readonly enabled: boolean };

export type Match = "exact" | "prefix";

export interface UserPosition {
  /** The text the search orders by; empty where it orders by the id alone. */
  readonly key: string;
  readonly userId: string;
}

export interface FoundUser {
  readonly user: User;
  readonly position: UserPosition;
}

/** Users after a position, in the order of the searched text and then of their ids. */
export async function listUsers(
  db: Db,
  poolId: string,
  search: UserSearch,
  page: { after: UserPosition | undefined; limit: number },
): Promise<FoundUser[]> {
  if (search.by === "username") return byUsername(db, poolId, search, page);
  const key = orderKey(search);
  let query = db.kysely.selectFrom("users").selectAll().where("pool_id", "=", poolId);
  for (const condition of conditions(search)) query = query.where(condition);
  const rows = await ordered(query, key, page).execute();
  return rows.map((row) => {
    const user = userFromRow(row);
    return { user, position: { key: key === undefined ? "" : String(row[key] ?? ""), userId: user.id } };
  });
}

/** The column a search orders by besides the user id; undefined where one value of it is sought. */
function orderKey(search: UserSearch): `${SearchColumn}_key` | "status" | undefined {
  switch (search.by) {
    case "all":
    case "sub":
    case "enabled":
    case "username":
      return undefined;
    case "status":
      return search.statuses.length === 1 ? undefined : "status";
    default:
      return search.match === "exact" ? undefined : `${search.by}_key`;
  }
}

function conditions(search: Exclude<UserSearch, { by: "username" }>): RawBuilder<SqlBool>[] {
  switch (search.by) {
    case "all":
      return [];
    case "sub":
      return [textIs("user_id", search)];
    case "status":
      return [sql<SqlBool>`status in (${sql.join(search.statuses)})`];
    case "enabled":
      // A literal, because the index on disabled users is a partial one.
      return [search.enabled ? sql<SqlBool>`enabled = 1` : sql<SqlBool>`enabled = 0`];
    default:
      // Said in so many words, because the index is a partial one.
      return [sql<SqlBool>`${sql.ref(`${search.by}_key`)} is not null`, textIs(`${search.by}_key`, search)];
  }
}

function textIs(column: string, search: { text: string; match: Match }): RawBuilder<SqlBool> {
  if (search.match === "prefix") return startsWith(column, search.text);
  return sql<SqlBool>`${sql.ref(column)} = ${search.text}`;
}

function ordered<O>(
  query: SelectQueryBuilder<Schema, "users", O>,
  key: keyof UsersTable | undefined,
  page: { after: UserPosition | undefined; limit: number },
): SelectQueryBuilder<Schema, "users", O> {
  const { after, limit } = page;
  if (key === undefined) {
    const rest = after === undefined ? query : query.where("user_id", ">", after.userId);
    return rest.orderBy("user_id").limit(limit);
  }
  const rest =
    after === undefined
      ? query
      : query.where(sql<SqlBool>`(${sql.ref(key)}, user_id) > (${after.key}, ${after.userId})`);
  return rest.orderBy(key).orderBy("user_id").limit(limit);
}

/** Usernames are searched where they are unique: among the sign-in names. */
async function byUsername(
  db: Db,
  poolId: string,
  search: { text: string; match: Match },
  page: { after: UserPosition | undefined; limit: number },
): Promise<FoundUser[]> {
  const rows = await db.kysely
    .selectFrom("login_names")
    .innerJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "login_names.pool_id")
        .onRef("users.user_id", "=", "login_names.user_id"),
    )
    .selectAll("users")
    .select("login_names.name_key")
    .where("login_names.pool_id", "=", poolId)
    .where("login_names.kind", "=", "username")
    .where(textIs("login_names.name_key", search))
    .where("login_names.name_key", ">", page.after?.key ?? "")
    .orderBy("login_names.name_key")
    .limit(page.limit)
    .execute();
  return rows.map((row) => ({
    user: userFromRow(row),
    position: { key: row.name_key, userId: row.user_id },
  }));
}
