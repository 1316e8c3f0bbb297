/**
 * Browser sessions at the hosted pages: one row per browser, found by a hash of its cookie. A sign-in replaces the
 * browser's previous session; authorization codes are valid only while the session exists through which they were
 * issued.
 */
import { type ExpressionBuilder, sql } from "kysely";
import { deleteUnusedCodes } from "./authorization-codes.ts";
import type { Db } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import type { Schema } from "./schema/schema.ts";
import type { BrowserSessionsTable } from "./schema/schema-tokens.ts";

export interface BrowserSession {
  readonly poolId: string;
  /** SHA-256 of the cookie, base64url. */
  readonly hash: string;
  /** SHA-256 of the part of the cookie that names the browser, base64url. */
  readonly browserHash: string;
  readonly userId: string;
  readonly methods: readonly string[];
  /** The user's sign-out count when the session began: signing out, disabling and resetting the user invalidate it. */
  readonly signOuts: number;
  /** The version of the user's password when the session began: a new password invalidates it. */
  readonly credentialVersion: number;
  /** Epoch milliseconds. */
  readonly authTime: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** What it is listed and revoked by, if the pool tracked sessions when it began. */
  readonly tracked?: TrackedBrowser | undefined;
}

export interface TrackedBrowser {
  /** The id, `sso…`. */
  readonly id: string;
  /** The client of the last sign-in. */
  readonly clientId: string;
  readonly deviceType: string;
  readonly address: string | undefined;
  readonly activeAt: number;
}

type OfUser = Pick<BrowserSession, "poolId" | "userId">;

/**
 * Starts a session in place of the browser's previous one. If that is a live, tracked session of the same user, it
 * continues under a new secret. Returns the id (`sso…`) of a tracked session.
 */
export async function putBrowserSession(db: Db, session: BrowserSession): Promise<string | undefined> {
  const row = rowOf(session);
  const columns = Object.keys(row) as (keyof BrowserSessionsTable)[];
  const { session_id } = await db.kysely
    .insertInto("browser_sessions")
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "browser_hash"]).doUpdateSet((set) => {
        const goesOn = set.and([
          set("excluded.session_id", "is not", null),
          set("browser_sessions.session_id", "is not", null),
          set("browser_sessions.user_id", "=", session.userId),
          set("browser_sessions.sign_outs", "=", session.signOuts),
          set("browser_sessions.expires_at", ">", session.authTime),
        ]);
        const kept = (column: "session_id" | "created_at") =>
          set
            .case()
            .when(goesOn)
            .then(set.ref(`browser_sessions.${column}`))
            .else(set.ref(`excluded.${column}`))
            .end();
        const given = columns.map((column) => [column, set.ref(`excluded.${column}`)]);
        return {
          ...Object.fromEntries(given),
          session_id: kept("session_id"),
          created_at: kept("created_at"),
        };
      }),
    )
    .returning("session_id")
    .executeTakeFirstOrThrow();
  return session_id ?? undefined;
}

function rowOf(session: BrowserSession): BrowserSessionsTable {
  const { tracked } = session;
  return {
    pool_id: session.poolId,
    session_hash: session.hash,
    browser_hash: session.browserHash,
    user_id: session.userId,
    methods: JSON.stringify(session.methods),
    sign_outs: session.signOuts,
    credential_version: session.credentialVersion,
    auth_time: session.authTime,
    created_at: session.createdAt,
    expires_at: session.expiresAt,
    session_id: tracked?.id ?? null,
    entry_client: tracked?.clientId ?? null,
    device_type: tracked?.deviceType ?? null,
    address: tracked?.address ?? null,
    active_at: tracked?.activeAt ?? null,
  };
}

type OfSessions = ExpressionBuilder<Schema, "browser_sessions">;

/** The current version of the password of a session's user. */
const presentPassword = (of: OfSessions) =>
  of
    .selectFrom("users")
    .leftJoin("credentials", (join) =>
      join
        .onRef("credentials.pool_id", "=", "users.pool_id")
        .onRef("credentials.user_number", "=", "users.number"),
    )
    .select(sql<number>`coalesce(credentials.version, 0)`.as("version"))
    .whereRef("users.pool_id", "=", "browser_sessions.pool_id")
    .whereRef("users.user_id", "=", "browser_sessions.user_id");

const onPresentPassword = (where: OfSessions) => where("credential_version", "=", presentPassword(where));

/** The live tracked sessions of a user. */
const liveOf =
  ({ poolId, userId }: OfUser, { signOuts, now }: { readonly signOuts: number; readonly now: number }) =>
  (where: OfSessions) =>
    where.and([
      where("pool_id", "=", poolId),
      where("user_id", "=", userId),
      where("session_id", "is not", null),
      where("sign_outs", "=", signOuts),
      where("expires_at", ">", now),
      onPresentPassword(where),
    ]);

/** Ends a user's tracked sessions, except this one and the `most - 1` most recently used others. */
export async function evictBrowserSessions(tx: Db, own: BrowserSession, most: number): Promise<void> {
  const kept = tx.kysely
    .selectFrom("browser_sessions")
    .select("session_hash")
    .where(liveOf(own, { signOuts: own.signOuts, now: own.authTime }))
    .where("session_hash", "<>", own.hash)
    .orderBy("active_at", "desc")
    .orderBy("session_hash")
    .limit(most - 1);
  await tx.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", own.poolId)
    .where("user_id", "=", own.userId)
    .where("session_id", "is not", null)
    .where("session_hash", "<>", own.hash)
    .where("session_hash", "not in", kept)
    .execute();
}

/** The session of a cookie, provided that its user's password has not changed since. */
export async function readBrowserSession(
  db: Db,
  poolId: string,
  hash: string,
): Promise<BrowserSession | undefined> {
  const row = await db.kysely
    .selectFrom("browser_sessions")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("session_hash", "=", hash)
    .where("browser_hash", "is not", null)
    .where(onPresentPassword)
    .executeTakeFirst();
  return row && sessionFromRow(row);
}

/** A user's tracked sessions, newest first. */
export async function listBrowserSessions(
  db: Db,
  user: OfUser & { readonly signOuts: number },
  now: number,
): Promise<BrowserSession[]> {
  const rows = await db.kysely
    .selectFrom("browser_sessions")
    .selectAll()
    .where(liveOf(user, { signOuts: user.signOuts, now }))
    .orderBy("created_at", "desc")
    .orderBy("session_id")
    .execute();
  return rows.map(sessionFromRow);
}

function sessionFromRow(row: BrowserSessionsTable): BrowserSession {
  return {
    poolId: row.pool_id,
    hash: row.session_hash,
    browserHash: row.browser_hash ?? row.session_hash,
    userId: row.user_id,
    methods: JSON.parse(row.methods),
    signOuts: row.sign_outs,
    credentialVersion: row.credential_version ?? 0,
    authTime: row.auth_time,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    tracked: trackedFromRow(row),
  };
}

function trackedFromRow(row: BrowserSessionsTable): TrackedBrowser | undefined {
  if (row.session_id === null || row.entry_client === null) return undefined;
  return {
    id: row.session_id,
    clientId: row.entry_client,
    deviceType: row.device_type ?? "",
    address: row.address ?? undefined,
    activeAt: row.active_at ?? row.created_at,
  };
}

/** Records that a browser was signed in without being asked. Returns false if its session has ended. */
export async function touchBrowserSession(
  tx: Db,
  { poolId, hash }: Pick<BrowserSession, "poolId" | "hash">,
  seen: Pick<TrackedBrowser, "deviceType" | "address" | "activeAt">,
): Promise<boolean> {
  const result = await tx.kysely
    .updateTable("browser_sessions")
    .set({ device_type: seen.deviceType, address: seen.address ?? null, active_at: seen.activeAt })
    .where("pool_id", "=", poolId)
    .where("session_hash", "=", hash)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** Records that tokens issued through a session were refreshed. */
export async function touchOrigin(
  db: Db,
  { poolId, userId }: OfUser,
  id: string,
  now: number,
): Promise<void> {
  await db.kysely
    .updateTable("browser_sessions")
    .set({ active_at: now })
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("session_id", "=", id)
    .execute();
}

/**
 * Ends the session of a browser, whoever its user is. Also ends one that an earlier version of the program started,
 * whose cookie consists of the browser's name alone.
 */
export async function endBrowser(db: Db, poolId: string, browserHash: string): Promise<void> {
  await db.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", poolId)
    .where((where) =>
      where.or([where("browser_hash", "=", browserHash), where("session_hash", "=", browserHash)]),
    )
    .execute();
}

/** Ends a user's tracked session by its id (`sso…`), inside a transaction. Returns false if it had already ended. */
export async function endBrowserSession(tx: Db, user: OfUser, id: string, now: number): Promise<boolean> {
  const result = await tx.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", user.poolId)
    .where("user_id", "=", user.userId)
    .where("session_id", "=", id)
    .where("expires_at", ">", now)
    .executeTakeFirst();
  // After the session's row, which is also locked first when a code is issued for it.
  await deleteUnusedCodes(tx, user, id);
  return affected(result) === 1;
}

/**
 * Ends a user's sessions in all browsers, inside a transaction.
 * @param spared the id (`sso…`) of one that continues, with the user's new password
 */
export async function endBrowserSessions(tx: Db, { poolId, userId }: OfUser, spared?: string): Promise<void> {
  await tx.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where((where) => where.or([where("session_id", "is", null), where("session_id", "<>", spared ?? "")]))
    .execute();
  if (spared === undefined) return;
  await tx.kysely
    .updateTable("browser_sessions")
    .set((set) => ({ credential_version: presentPassword(set) }))
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("session_id", "=", spared)
    .execute();
}

/** Ends a user's sessions that were started with one of these methods, alone or among others. */
export async function endBrowserSessionsBy(
  tx: Db,
  { poolId, userId }: OfUser,
  methods: readonly string[],
): Promise<void> {
  await tx.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where((where) =>
      where.or(methods.map((method) => where("methods", "like", `%${JSON.stringify(method)}%`))),
    )
    .execute();
}
