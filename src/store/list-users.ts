/**
 * Pages of users. Every filter that ListUsers documents is a seek in an index, and every page begins after a position
 * (the searched text and the user's number, or the id), so that nobody appears on two pages when users are added or
 * removed.
 */
import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { Db } from "./db.ts";
import { type DatabaseKind, prefixRange, startsWith } from "./engine/sql.ts";
import type { UserStatus } from "./schema/schema.ts";
import { type searchableAttributes, type User, userFromRow } from "./users.ts";

export type SearchColumn = (typeof searchableAttributes)[number];

/** What to search for; texts are folded as they are stored. */
export type UserSearch =
  | { readonly by: "all" }
  | { readonly by: "sub" | "username" | SearchColumn; readonly text: string; readonly match: Match }
  | { readonly by: "status"; readonly statuses: readonly UserStatus[] }
  | { readonly by: "enabled"; readonly enabled: boolean };

export type Match = "exact" | "prefix";

export interface UserPosition {
  /** The text, name or id that the search sorts by. */
  readonly key: string;
  /** Sorts users with the same text; 0 if the text is unique. */
  readonly number: number;
}

interface Page {
  readonly after: UserPosition | undefined;
  readonly limit: number;
}

export interface FoundUser {
  readonly user: User;
  readonly position: UserPosition;
}

/** A page of users after a position, sorted by the searched text and then by number, or by id. */
export async function listUsers(
  db: Db,
  poolId: string,
  search: UserSearch,
  page: Page,
): Promise<FoundUser[]> {
  switch (search.by) {
    case "username":
      return byUsername(db, poolId, search, page);
    case "all":
      return byId(db, poolId, [], page);
    case "sub":
      return byId(db, poolId, [textIs("user_id", search)], page);
    case "enabled":
      // A literal, because the index on disabled users is a partial one.
      return byId(db, poolId, [search.enabled ? sql`enabled = 1` : sql`enabled = 0`], page);
    case "status":
      return byKey(db, poolId, "status", statusIs(search.statuses), page);
    default:
      return byKey(db, poolId, `${search.by}_key`, stretchOf(`${search.by}_key`, search), page);
  }
}

function textIs(column: string, search: { text: string; match: Match }): RawBuilder<SqlBool> {
  if (search.match === "prefix") return startsWith(column, search.text);
  return sql<SqlBool>`${sql.ref(column)} = ${search.text}`;
}

async function byId(
  db: Db,
  poolId: string,
  conditions: readonly RawBuilder<SqlBool>[],
  { after, limit }: Page,
): Promise<FoundUser[]> {
  let query = db.kysely.selectFrom("users").selectAll().where("pool_id", "=", poolId);
  for (const condition of conditions) query = query.where(condition);
  if (after !== undefined) query = query.where("user_id", ">", after.key);
  const rows = await query.orderBy("user_id").limit(limit).execute();
  return rows.map((row) => ({ user: userFromRow(row), position: { key: row.user_id, number: 0 } }));
}

/** A range in an index: one text, or all from one on while a condition holds. */
type Stretch =
  | { readonly only: string }
  | { readonly only?: undefined; readonly from: string; readonly until: RawBuilder<SqlBool> };

function stretchOf(key: `${SearchColumn}_key`, search: { text: string; match: Match }): Stretch {
  if (search.match === "exact") return { only: search.text };
  const { from, to } = prefixRange(search.text);
  return { from, until: to === undefined ? sql`true` : sql`${sql.ref(key)} < ${to}` };
}

function statusIs(statuses: readonly UserStatus[]): Stretch {
  const [only, another] = statuses;
  if (only !== undefined && another === undefined) return { only };
  return { from: "", until: sql`status in (${sql.join(statuses)})` };
}

type OrderKey = `${SearchColumn}_key` | "status";

/** Sorted by a column, and by number among users who share its value. Numbers start at 1. */
async function byKey(
  db: Db,
  poolId: string,
  key: OrderKey,
  stretch: Stretch,
  { after, limit }: Page,
): Promise<FoundUser[]> {
  const column = sql.ref(key);
  const read = (where: RawBuilder<SqlBool>, rows: number) =>
    db.kysely
      .selectFrom("users")
      .selectAll()
      .where("pool_id", "=", poolId)
      // Stated explicitly, because most of these indexes are partial.
      .where(key, "is not", null)
      .where(where)
      .orderBy(key)
      .orderBy("number")
      .limit(rows)
      .execute();
  const start = after ?? (stretch.only === undefined ? undefined : { key: stretch.only, number: 0 });
  const rows = start === undefined ? [] : await read(sharersAfter(db.kind, key, start), limit);
  if (stretch.only === undefined && rows.length < limit) {
    const beyond = after === undefined ? sql`${column} >= ${stretch.from}` : sql`${column} > ${after.key}`;
    rows.push(...(await read(sql`${beyond} and ${stretch.until}`, limit - rows.length)));
  }
  return rows.map((row) => ({
    user: userFromRow(row),
    position: { key: row[key] ?? "", number: row.number },
  }));
}

/**
 * Users after the position who share its text. SQLite seeks by the text alone if pairs are compared. PostgreSQL, given
 * the text as equal, would rather scan the primary key past all users of the pool.
 */
function sharersAfter(kind: DatabaseKind, key: OrderKey, { key: text, number }: UserPosition) {
  const column = sql.ref(key);
  return kind === "sqlite"
    ? sql<SqlBool>`${column} = ${text} and number > ${number}`
    : sql<SqlBool>`${column} <= ${text} and (${column}, number) > (${text}, ${number})`;
}

/** Searches usernames where they are unique: among the sign-in names. */
async function byUsername(
  db: Db,
  poolId: string,
  search: { text: string; match: Match },
  page: Page,
): Promise<FoundUser[]> {
  const rows = await db.kysely
    .selectFrom("login_names")
    .innerJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "login_names.pool_id")
        .onRef("users.number", "=", "login_names.user_number"),
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
    position: { key: row.name_key, number: 0 },
  }));
}
