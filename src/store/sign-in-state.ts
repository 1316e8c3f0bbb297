/**
 * What a sign-in at the hosted pages is continued by, together with its user, each by one statement: the browser's
 * session, and the codes issued through it.
 */
import { type AuthorizationCode, codeColumns, codeFromRow } from "./authorization-codes.ts";
import {
  type BrowserSession,
  onPresentPassword,
  sessionColumns,
  sessionFromRow,
} from "./browser-sessions.ts";
import type { Db } from "./db.ts";
import { lookup, type Nullable } from "./prepared.ts";
import type { AuthorizationCodesTable, BrowserSessionsTable } from "./schema/schema-tokens.ts";
import { type User, type UserRow, userColumns, userOfJoined } from "./users.ts";

/** A row, its columns named after `state_`, beside those of the user, who may be gone. */
type WithUser<Table> = { readonly [K in keyof Table & string as `state_${K}`]: Table[K] } & Nullable<UserRow>;

type ByHash = { poolId: string; hash: string };

const sessionQuery = lookup<ByHash, WithUser<BrowserSessionsTable>>((kysely, slot) =>
  kysely
    .selectFrom("browser_sessions")
    .leftJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "browser_sessions.pool_id")
        .onRef("users.user_id", "=", "browser_sessions.user_id"),
    )
    .select([
      ...sessionColumns.map((column) => `browser_sessions.${column} as state_${column}` as const),
      ...userColumns.map((column) => `users.${column}` as const),
    ])
    .where("browser_sessions.pool_id", "=", slot("poolId"))
    .where("browser_sessions.session_hash", "=", slot("hash"))
    .where("browser_sessions.browser_hash", "is not", null)
    .where(onPresentPassword),
);

/** The session of a cookie with its user, provided that the user's password has not changed since. */
export async function readBrowserSession(
  db: Db,
  poolId: string,
  hash: string,
): Promise<{ session: BrowserSession; user: User | undefined } | undefined> {
  const [row] = await sessionQuery(db, { poolId, hash });
  if (row === undefined) return undefined;
  const state = Object.fromEntries(sessionColumns.map((column) => [column, row[`state_${column}`]]));
  return { session: sessionFromRow(state as unknown as BrowserSessionsTable), user: userOfJoined(row) };
}

const codeQuery = lookup<ByHash, WithUser<AuthorizationCodesTable>>((kysely, slot) =>
  kysely
    .selectFrom("authorization_codes")
    .leftJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "authorization_codes.pool_id")
        .onRef("users.user_id", "=", "authorization_codes.user_id"),
    )
    .select([
      ...codeColumns.map((column) => `authorization_codes.${column} as state_${column}` as const),
      ...userColumns.map((column) => `users.${column}` as const),
    ])
    .where("authorization_codes.pool_id", "=", slot("poolId"))
    .where("authorization_codes.code_hash", "=", slot("hash")),
);

/** A code by its hash, also one that is used or has expired, with its user. */
export async function readCodeAndUser<Grant>(
  db: Db,
  poolId: string,
  hash: string,
): Promise<{ code: AuthorizationCode<Grant>; user: User | undefined } | undefined> {
  const [row] = await codeQuery(db, { poolId, hash });
  if (row === undefined) return undefined;
  const state = Object.fromEntries(codeColumns.map((column) => [column, row[`state_${column}`]]));
  return { code: codeFromRow<Grant>(state as unknown as AuthorizationCodesTable), user: userOfJoined(row) };
}
