/** Rows of users and their sign-in names. */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { insertLoginNames, type LoginName } from "./login-names.ts";
import { lookup, type Nullable, preparedWrite, slots } from "./prepared.ts";
import type { LoginNamesTable, UserStatus, UsersTable } from "./schema/schema.ts";
import { type DrawNumber, drawNumber } from "./user-numbers.ts";
import { holdPool } from "./user-pools.ts";

export type { UserStatus } from "./schema/schema.ts";

export interface User {
  readonly poolId: string;
  /** The `sub`. */
  readonly id: string;
  /** The internal username in tokens, SRP and the answers of Admin* operations. Never changes. */
  readonly username: string;
  readonly version: number;
  readonly status: UserStatus;
  readonly enabled: boolean;
  /** Incremented with every sign-out, disabling and reset. */
  readonly signOuts: number;
  /** Every attribute except `sub`, with `custom:` prefixes. Values are text. */
  readonly attributes: Readonly<Record<string, string>>;
  /** New values that wait for VerifyUserAttribute. */
  readonly pendingAttributes: Readonly<Record<string, string>>;
  readonly mfa: UserMfa;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The second factors, by their names on the wire. */
export type MfaFactor = "SMS_MFA" | "SOFTWARE_TOKEN_MFA" | "EMAIL_OTP" | "WEB_AUTHN";

export interface UserMfa {
  /** The factors turned on by the user or an administrator. */
  readonly enabled: readonly MfaFactor[];
  readonly preferred?: MfaFactor;
  /** FriendlyDeviceName of the verified software token; absent if there is none. */
  readonly softwareToken?: string;
}

export const noMfa: UserMfa = { enabled: [] };

/** Attributes with a search column, besides username, sub and the two statuses. */
export const searchableAttributes = [
  "email",
  "phone_number",
  "name",
  "given_name",
  "family_name",
  "preferred_username",
] as const;

/** Case-folds a value as for ListUsers ("All searches are case-insensitive"). */
export function searchKey(value: string): string {
  return value.normalize("NFC").toLowerCase().normalize("NFC");
}

const searchColumnOf = {
  email: "email_key",
  phone_number: "phone_number_key",
  name: "name_key",
  given_name: "given_name_key",
  family_name: "family_name_key",
  preferred_username: "preferred_username_key",
} as const satisfies Record<(typeof searchableAttributes)[number], keyof UsersTable>;

type SearchColumns = Pick<UsersTable, (typeof searchColumnOf)[keyof typeof searchColumnOf]>;

const noSearchColumns = Object.fromEntries(
  Object.values(searchColumnOf).map((column) => [column, null]),
) as SearchColumns;

/**
 * Longer keys are cut off: a filter of ListUsers has 256 characters, so it finds the same users, and PostgreSQL can have
 * no more than 2,704 bytes in an index.
 */
const longestKey = 600;

function columnKey(value: string): string {
  const key = searchKey(value);
  return key.length <= longestKey ? key : [...key].slice(0, longestKey).join("");
}

/** The columns of a user's attributes. Each text is stored once: in its search column, unless it differs there. */
function attributeColumns(attributes: User["attributes"]): SearchColumns & Pick<UsersTable, "attributes"> {
  const columns = { ...noSearchColumns };
  const others: Record<string, string> = { ...attributes };
  for (const name of searchableAttributes) {
    const value = attributes[name];
    if (value === undefined || value === "") continue;
    const key = columnKey(value);
    columns[searchColumnOf[name]] = key;
    if (key === value) delete others[name];
  }
  return { ...columns, attributes: JSON.stringify(others) };
}

function attributesFromRow(row: UserRow): User["attributes"] {
  const attributes: Record<string, string> = JSON.parse(row.attributes);
  for (const name of searchableAttributes) {
    const text = row[searchColumnOf[name]];
    if (text !== null) attributes[name] ??= text;
  }
  // In an order that does not depend on where a text is stored.
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The columns that a user is read from: all except the number. */
export const userColumns = [
  "pool_id",
  "user_id",
  "username",
  "version",
  "status",
  "enabled",
  "sign_outs",
  "attributes",
  "pending_attributes",
  "mfa",
  "created_at",
  "updated_at",
  ...Object.values(searchColumnOf),
] as const satisfies readonly (keyof UsersTable)[];

export type UserRow = Pick<UsersTable, (typeof userColumns)[number]>;

/** The user of a row that was joined with those of users; undefined if there is none. */
export function userOfJoined(row: Nullable<UserRow>): User | undefined {
  return row.user_id === null ? undefined : userFromRow(row as UserRow);
}

export function userFromRow(row: UserRow): User {
  return {
    poolId: row.pool_id,
    id: row.user_id,
    username: row.username,
    version: row.version,
    status: row.status,
    enabled: row.enabled === 1,
    signOuts: row.sign_outs,
    attributes: attributesFromRow(row),
    pendingAttributes: row.pending_attributes === null ? {} : JSON.parse(row.pending_attributes),
    mfa: row.mfa === null ? noMfa : JSON.parse(row.mfa),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The row of a user, without the number. */
export function userRow(user: User): Omit<UsersTable, "number"> {
  return {
    pool_id: user.poolId,
    user_id: user.id,
    username: user.username,
    version: user.version,
    status: user.status,
    enabled: user.enabled ? 1 : 0,
    sign_outs: user.signOuts,
    pending_attributes: pendingText(user.pendingAttributes),
    mfa: mfaText(user.mfa),
    created_at: user.createdAt,
    updated_at: user.updatedAt,
    ...attributeColumns(user.attributes),
  };
}

const insertQuery = preparedWrite<UsersTable>((kysely, slot, kind) => {
  const pool_id = slot("pool_id");
  const next = sql<number>`(select coalesce(max(number), 0) + 1 from users where pool_id = ${pool_id})`;
  return kysely
    .insertInto("users")
    .values({ ...slots(slot, userColumns), number: kind === "sqlite" ? next : slot("number") })
    .onConflict((conflict) => conflict.columns(["pool_id", "number"]).doNothing());
});

/**
 * Adds a user with its sign-in names, inside a transaction. Returns false if the pool is gone. Throws a unique
 * violation if a name is taken.
 *
 * The user gets a number of the pool. SQLite, with one writer at a time, counts on, which makes numbers small and fills
 * the pages; on PostgreSQL transactions that count would wait for each other, so a number is drawn until one is unused.
 */
export async function insertUser(
  tx: Db,
  user: User,
  names: readonly LoginName[],
  draw: DrawNumber = drawNumber,
): Promise<boolean> {
  if (!(await holdPool(tx, user.poolId))) return false;
  const row = userRow(user);
  while ((await insertQuery(tx, { ...row, number: draw() })) === 0);
  await insertLoginNames(tx, user.poolId, user.id, names);
  return true;
}

const pendingText = (pending: Readonly<Record<string, string>>) =>
  Object.keys(pending).length === 0 ? null : JSON.stringify(pending);

const mfaText = (mfa: UserMfa) => (mfa === noMfa ? null : JSON.stringify(mfa));

const userQuery = lookup<{ poolId: string; userId: string }, UserRow>((kysely, slot) =>
  kysely
    .selectFrom("users")
    .select(userColumns)
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId")),
);

export async function readUser(db: Db, poolId: string, userId: string): Promise<User | undefined> {
  const [row] = await userQuery(db, { poolId, userId });
  return row && found(db, row);
}

/**
 * The user whose rows are read in place of those of a user who does not exist, so that looking either up costs the same;
 * the result is discarded. Until a user of the pool has been read, an id that matches no row.
 */
export const decoyOf = ({ decoys }: Db, poolId: string): string => decoys.users.get(poolId) ?? "nobody";

function found({ decoys }: Db, row: UserRow): User {
  decoys.users.set(row.pool_id, row.user_id);
  return userFromRow(row);
}

/** The user of a sign-in. A simulated sign-in has none, but reads as much. */
export async function readSignInUser(
  db: Db,
  poolId: string,
  userId: string | undefined,
): Promise<User | undefined> {
  if (userId !== undefined) return readUser(db, poolId, userId);
  await readUser(db, poolId, decoyOf(db, poolId));
  return undefined;
}

const loginNameQuery = lookup<
  { poolId: string; nameKey: string },
  UserRow & { kind: LoginNamesTable["kind"] }
>((kysely, slot) =>
  kysely
    .selectFrom("login_names")
    .innerJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "login_names.pool_id")
        .onRef("users.number", "=", "login_names.user_number"),
    )
    .select(userColumns.map((column) => `users.${column}` as const))
    .select("login_names.kind")
    .where("login_names.pool_id", "=", slot("poolId"))
    .where("login_names.name_key", "=", slot("nameKey")),
);

/** The user who signs in with this (already folded) name, of whatever kind. */
export async function findUserByLoginName(
  db: Db,
  poolId: string,
  nameKey: string,
): Promise<{ user: User; kind: LoginNamesTable["kind"] } | undefined> {
  const [row] = await loginNameQuery(db, { poolId, nameKey });
  return row && { user: found(db, row), kind: row.kind };
}

/** The changes of a user; every given property replaces the stored value. */
export interface UserChange {
  readonly status?: UserStatus;
  readonly enabled?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly pendingAttributes?: Readonly<Record<string, string>>;
  readonly mfa?: UserMfa;
}

/** The columns of each property. */
const changedColumns = {
  status: ["status"],
  enabled: ["enabled"],
  attributes: ["attributes", ...Object.values(searchColumnOf)],
  pendingAttributes: ["pending_attributes"],
  mfa: ["mfa"],
} as const satisfies Record<keyof UserChange, readonly (keyof UsersTable)[]>;

type Property = keyof UserChange;

const properties = Object.keys(changedColumns) as Property[];

const updateOf = (changed: readonly Property[]) =>
  preparedWrite<Omit<UsersTable, "number">>((kysely, slot) =>
    kysely
      .updateTable("users")
      .set((row) => ({ version: row("version", "+", 1), updated_at: slot("updated_at") }))
      .set(
        slots(
          slot,
          changed.flatMap((property): readonly (keyof UserRow)[] => changedColumns[property]),
        ),
      )
      .where("pool_id", "=", slot("pool_id"))
      .where("user_id", "=", slot("user_id"))
      .where("version", "=", slot("version")),
  );

/** A statement for every selection of the properties. */
const updateQueries = new Map(
  properties
    .reduce<Property[][]>((all, one) => all.concat(all.map((some) => [...some, one])), [[]])
    .map((changed) => [changed.join(), updateOf(changed)]),
);

/**
 * Changes the user if it still has the version it was read with. Returns false if it was changed in the meantime or is
 * gone.
 */
export async function updateUser(db: Db, user: User, change: UserChange, now: number): Promise<boolean> {
  const changed = properties.filter((property) => change[property] !== undefined);
  const update = updateQueries.get(changed.join())!;
  return (await update(db, { ...userRow({ ...user, ...change }), updated_at: now })) === 1;
}
