/** Rows of users and their sign-in names, and the removal of users. */
import type { Insertable, Kysely } from "kysely";
import type { Db } from "./db.ts";
import { inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import { prepared } from "./prepared.ts";
import type { LoginNamesTable, Schema, UserStatus, UsersTable } from "./schema/schema.ts";
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

export interface LoginName {
  readonly key: string;
  readonly kind: LoginNamesTable["kind"];
}

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

function searchColumns(attributes: Readonly<Record<string, string>>) {
  const key = (name: (typeof searchableAttributes)[number]) => {
    const value = attributes[name];
    return value === undefined || value === "" ? null : searchKey(value);
  };
  return {
    email_key: key("email"),
    phone_number_key: key("phone_number"),
    name_key: key("name"),
    given_name_key: key("given_name"),
    family_name_key: key("family_name"),
    preferred_username_key: key("preferred_username"),
  };
}

/** The columns that a user is read from: all except the numbers and the search keys. */
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
] as const satisfies readonly (keyof UsersTable)[];

export type UserRow = Pick<UsersTable, (typeof userColumns)[number]>;

export function userFromRow(row: UserRow): User {
  return {
    poolId: row.pool_id,
    id: row.user_id,
    username: row.username,
    version: row.version,
    status: row.status,
    enabled: row.enabled === 1,
    signOuts: row.sign_outs,
    attributes: JSON.parse(row.attributes),
    pendingAttributes: row.pending_attributes === null ? {} : JSON.parse(row.pending_attributes),
    mfa: row.mfa === null ? noMfa : JSON.parse(row.mfa),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The row of a user in the pool with this number. */
export function userRow(user: User, poolNumber: number): Insertable<UsersTable> {
  return {
    pool_number: poolNumber,
    pool_id: user.poolId,
    user_id: user.id,
    username: user.username,
    version: user.version,
    status: user.status,
    enabled: user.enabled ? 1 : 0,
    sign_outs: user.signOuts,
    attributes: JSON.stringify(user.attributes),
    pending_attributes: pendingText(user.pendingAttributes),
    mfa: mfaText(user.mfa),
    created_at: user.createdAt,
    updated_at: user.updatedAt,
    ...searchColumns(user.attributes),
  };
}

/**
 * Adds a user with its sign-in names, inside a transaction. Returns false if the pool is gone. Throws a unique
 * violation if a name is taken.
 */
export async function insertUser(tx: Db, user: User, names: readonly LoginName[]): Promise<boolean> {
  const pool = await holdPool(tx, user.poolId);
  if (pool === undefined) return false;
  await tx.kysely.insertInto("users").values(userRow(user, pool)).execute();
  await insertLoginNames(tx, user.poolId, user.id, names);
  return true;
}

const pendingText = (pending: Readonly<Record<string, string>>) =>
  Object.keys(pending).length === 0 ? null : JSON.stringify(pending);

const mfaText = (mfa: UserMfa) => (mfa === noMfa ? null : JSON.stringify(mfa));

const userQuery = prepared<{ poolId: string; userId: string }, UserRow>((kysely, slot) =>
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

const loginNameQuery = prepared<
  { poolId: string; nameKey: string },
  UserRow & { kind: LoginNamesTable["kind"] }
>((kysely, slot) =>
  kysely
    .selectFrom("login_names")
    .innerJoin("users", "users.number", "login_names.user_number")
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

/**
 * Changes the user if it still has the version it was read with. Returns false if it was changed in the meantime or is
 * gone.
 */
export async function updateUser(db: Db, user: User, change: UserChange, now: number): Promise<boolean> {
  const result = await db.kysely
    .updateTable("users")
    .set({
      version: user.version + 1,
      updated_at: now,
      ...(change.status !== undefined && { status: change.status }),
      ...(change.enabled !== undefined && { enabled: change.enabled ? 1 : 0 }),
      ...(change.attributes !== undefined && {
        attributes: JSON.stringify(change.attributes),
        ...searchColumns(change.attributes),
      }),
      ...(change.pendingAttributes !== undefined && {
        pending_attributes: pendingText(change.pendingAttributes),
      }),
      ...(change.mfa !== undefined && { mfa: mfaText(change.mfa) }),
    })
    .where("pool_id", "=", user.poolId)
    .where("user_id", "=", user.id)
    .where("version", "=", user.version)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** The number of a user, as a subquery. */
export const userNumber = (kysely: Kysely<Schema>, poolId: string, userId: string) =>
  kysely.selectFrom("users").select("number").where("pool_id", "=", poolId).where("user_id", "=", userId);

/** Adds sign-in names. Throws a unique violation if a name is taken. */
export async function insertLoginNames(
  db: Db,
  poolId: string,
  userId: string,
  names: readonly LoginName[],
): Promise<void> {
  if (names.length === 0) return;
  const user_number = userNumber(db.kysely, poolId, userId);
  await db.kysely
    .insertInto("login_names")
    .values(names.map((name) => ({ pool_id: poolId, name_key: name.key, kind: name.kind, user_number })))
    .execute();
}

export async function readLoginNames(db: Db, poolId: string, userId: string): Promise<LoginName[]> {
  const rows = await db.kysely
    .selectFrom("login_names")
    .select(["name_key", "kind"])
    .where("user_number", "=", userNumber(db.kysely, poolId, userId))
    .execute();
  return rows.map((row) => ({ key: row.name_key, kind: row.kind }));
}

/** Removes the user's sign-in names of these kinds. */
export async function deleteLoginNames(
  db: Db,
  poolId: string,
  userId: string,
  kinds: readonly LoginName["kind"][],
): Promise<void> {
  if (kinds.length === 0) return;
  await db.kysely
    .deleteFrom("login_names")
    .where("user_number", "=", userNumber(db.kysely, poolId, userId))
    .where("kind", "in", [...kinds])
    .execute();
}

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
