/**
 * Pages of users. Every filter that ListUsers documents is a seek in an index, and every page begins after a position
 * (the searched text and the user's number, or the id), so that nobody appears on two pages when users are added or
 * removed.
 */
import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { Db } from "./db.ts";
import { prefixRange, startsWith } from "./engine/sql.ts";
import { type ListSlots, listed, listValues, prepared, type Slots } from "./prepared.ts";
import type { LoginNamesTable, UserStatus, UsersTable } from "./schema/schema.ts";
import { searchableAttributes, type User, userFromRow } from "./users.ts";

export type SearchColumn = (typeof searchableAttributes)[number];

interface Text {
  readonly text: string;
  readonly match: Match;
}

/** What to search for; texts are folded as they are stored. */
export type UserSearch =
  | { readonly by: "all" }
  | ({ readonly by: "sub" | "username" } & Text)
  | ({ readonly by: SearchColumn } & Text)
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

/** What the statements of all searches can refer to. */
type Values = {
  readonly poolId: string;
  /** The searched text, or the first one of a range. */
  readonly text: string;
  /** The end of the range. */
  readonly to: string;
  /** Where the page begins. */
  readonly after: string;
  readonly number: number;
  readonly limit: number;
} & ListSlots;

type Condition = (slot: Slots<Values>) => RawBuilder<SqlBool>;

/** How a text is searched: as it is, in a range, or in one without an end. */
type Form = "is" | "within" | "from";

/** The conditions of each form. */
const matching = (column: string): Record<Form, Condition> => ({
  is: (slot) => sql`${sql.ref(column)} = ${slot("text")}`,
  within: (slot) => startsWith(column, { from: slot("text"), to: slot("to") }),
  from: (slot) => startsWith(column, { from: slot("text"), to: undefined }),
});

function formOf(search: Text): Pick<Values, "text" | "to"> & { form: Form } {
  if (search.match === "exact") return { form: "is", text: search.text, to: "" };
  const { from, to } = prefixRange(search.text);
  return { form: to === undefined ? "from" : "within", text: from, to: to ?? "" };
}

/** A statement for the first page, and one for those that begin after a position. */
const pages = <Query>(query: (page: "first" | "next") => Query) => ({
  first: query("first"),
  next: query("next"),
});

const pageAt = (after: UserPosition | undefined) => (after === undefined ? "first" : "next");

const noStatuses = listValues([""]);

const valuesOf = (poolId: string, { after, limit }: Page): Values => ({
  poolId,
  text: "",
  to: "",
  after: after?.key ?? "",
  number: after?.number ?? 0,
  limit,
  ...noStatuses,
});

const selectByName = (condition: Condition) =>
  pages((page) =>
    prepared<Values, UsersTable & Pick<LoginNamesTable, "name_key">>((kysely, slot) =>
      kysely
        .selectFrom("login_names")
        .innerJoin("users", (join) =>
          join
            .onRef("users.pool_id", "=", "login_names.pool_id")
            .onRef("users.number", "=", "login_names.user_number"),
        )
        .selectAll("users")
        .select("login_names.name_key")
        .where("login_names.pool_id", "=", slot("poolId"))
        .where("login_names.kind", "=", "username")
        .where(condition(slot))
        .$if(page === "next", (query) => query.where("login_names.name_key", ">", slot("after")))
        .orderBy("login_names.name_key")
        .limit(slot("limit")),
    ),
  );

const nameIs = matching("login_names.name_key");
const nameQueries = {
  is: selectByName(nameIs.is),
  within: selectByName(nameIs.within),
  from: selectByName(nameIs.from),
};

const selectById = (condition: Condition) =>
  pages((page) =>
    prepared<Values, UsersTable>((kysely, slot) =>
      kysely
        .selectFrom("users")
        .selectAll()
        .where("pool_id", "=", slot("poolId"))
        .where(condition(slot))
        .$if(page === "next", (query) => query.where("user_id", ">", slot("after")))
        .orderBy("user_id")
        .limit(slot("limit")),
    ),
  );

const idIs = matching("user_id");
const idQueries = {
  all: selectById(() => sql`true`),
  // Literals, because the index on disabled users is a partial one.
  enabled: selectById(() => sql`enabled = 1`),
  disabled: selectById(() => sql`enabled = 0`),
  is: selectById(idIs.is),
  within: selectById(idIs.within),
  from: selectById(idIs.from),
};

type OrderKey = `${SearchColumn}_key` | "status";

/** Sorted by a column, and by number among users who share its value. Numbers start at 1. */
const selectByKey = (key: OrderKey, condition: Condition) =>
  prepared<Values, UsersTable>((kysely, slot) =>
    kysely
      .selectFrom("users")
      .selectAll()
      .where("pool_id", "=", slot("poolId"))
      // Stated explicitly, because most of these indexes are partial.
      .where(key, "is not", null)
      .where(condition(slot))
      .orderBy(key)
      .orderBy("number")
      .limit(slot("limit")),
  );

/**
 * Users after the position who share its text. Given the text as equal, both databases would rather walk the primary key
 * past all users of the pool.
 */
const selectSharers = (key: OrderKey) =>
  selectByKey(key, (slot) => {
    const column = sql.ref(key);
    return sql`${column} <= ${slot("after")} and (${column}, number) > (${slot("after")}, ${slot("number")})`;
  });

/** The statements of a search for texts of a column. */
function keyQueries(column: SearchColumn) {
  const key = `${column}_key` as const;
  const begins = matching(key);
  const text = sql.ref(key);
  return {
    sharers: selectSharers(key),
    within: {
      first: selectByKey(key, begins.within),
      next: selectByKey(key, (slot) => sql`${text} > ${slot("after")} and ${text} < ${slot("to")}`),
    },
    from: {
      first: selectByKey(key, begins.from),
      next: selectByKey(key, (slot) => sql`${text} > ${slot("after")}`),
    },
  };
}

const keyQueriesOf = Object.fromEntries(
  searchableAttributes.map((column) => [column, keyQueries(column)]),
) as Record<SearchColumn, ReturnType<typeof keyQueries>>;

const statusQueries = {
  sharers: selectSharers("status"),
  beyond: selectByKey(
    "status",
    (slot) => sql`status > ${slot("after")} and status in (${sql.join(listed<string>(slot))})`,
  ),
};

/** A page of users after a position, sorted by the searched text and then by number, or by id. */
export async function listUsers(
  db: Db,
  poolId: string,
  search: UserSearch,
  page: Page,
): Promise<FoundUser[]> {
  const values = valuesOf(poolId, page);
  const at = pageAt(page.after);
  switch (search.by) {
    case "username": {
      const { form, ...texts } = formOf(search);
      const rows = await nameQueries[form][at](db, { ...values, ...texts });
      return rows.map((row) => found(row, row.name_key));
    }
    case "all":
      return ofIds(await idQueries.all[at](db, values));
    case "sub": {
      const { form, ...texts } = formOf(search);
      return ofIds(await idQueries[form][at](db, { ...values, ...texts }));
    }
    case "enabled":
      return ofIds(await idQueries[search.enabled ? "enabled" : "disabled"][at](db, values));
    case "status":
      return byStatus(db, values, search.statuses, page);
    default:
      return byText(db, values, search, page);
  }
}

const found = (row: UsersTable, key: string, number = 0): FoundUser => ({
  user: userFromRow(row),
  position: { key, number },
});

const ofIds = (rows: readonly UsersTable[]) => rows.map((row) => found(row, row.user_id));

async function byText(
  db: Db,
  values: Values,
  search: { by: SearchColumn } & Text,
  { after, limit }: Page,
): Promise<FoundUser[]> {
  const { form, ...texts } = formOf(search);
  const queries = keyQueriesOf[search.by];
  const given = { ...values, ...texts };
  const rows: UsersTable[] = [];
  if (after !== undefined) rows.push(...(await queries.sharers(db, given)));
  else if (form === "is") rows.push(...(await queries.sharers(db, { ...given, after: texts.text })));
  if (form !== "is" && rows.length < limit)
    rows.push(...(await queries[form][pageAt(after)](db, { ...given, limit: limit - rows.length })));
  return rows.map((row) => found(row, row[`${search.by}_key`] ?? "", row.number));
}

async function byStatus(
  db: Db,
  values: Values,
  statuses: readonly UserStatus[],
  { after, limit }: Page,
): Promise<FoundUser[]> {
  const [only = "", another] = statuses;
  const rows: UsersTable[] = [];
  if (after !== undefined) rows.push(...(await statusQueries.sharers(db, values)));
  else if (another === undefined) rows.push(...(await statusQueries.sharers(db, { ...values, after: only })));
  if (another !== undefined && rows.length < limit) {
    const rest = { ...values, ...listValues(statuses), limit: limit - rows.length };
    rows.push(...(await statusQueries.beyond(db, rest)));
  }
  return rows.map((row) => found(row, row.status, row.number));
}
