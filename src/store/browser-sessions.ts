/**
 * Sessions of browsers at the hosted pages: one row a browser, found by a hash of its cookie. A sign-in takes the place of
 * what the browser had; authorization codes are good while the session is there that they came through.
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
  /** The same of the browser's name, which is a part of it. */
  readonly browserHash: string;
  readonly userId: string;
  readonly methods: readonly string[];
  /** Of the user when it began: signing out, disabling and resetting void it. */
  readonly signOuts: number;
  /** Of the password that the user had then: another one voids it. */
  readonly credentialVersion: number;
  /** Epoch milliseconds. */
  readonly authTime: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** What it is shown and revoked by, where the pool tracked sessions when it began. */
  readonly tracked?: TrackedBrowser | undefined;
}

export interface TrackedBrowser {
  /** `sso…` */
  readonly id: string;
  /** The client that the last sign-in was for. */
  readonly clientId: string;
  readonly deviceType: string;
  readonly address: string | undefined;
  readonly activeAt: number;
}

type OfUser = Pick<BrowserSession, "poolId" | "userId">;

/**
 * Begins a session, in place of the one that the browser has. Where that is a tracked one of the same user, which is not
 * over, it goes on under a new secret. Answers the `sso…` of a tracked session.
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

/** The version of the password that a session's user has now. */
const presentPassword = (of: OfSessions) =>
  of
    .selectFrom("users")
    .leftJoin("credentials", "credentials.user_number", "users.number")
    .select(sql<number>`coalesce(credentials.version, 0)`.as("version"))
    .whereRef("users.pool_id", "=", "browser_sessions.pool_id")
    .whereRef("users.user_id", "=", "browser_sessions.user_id");

const onPresentPassword = (where: OfSessions) => where("credential_version", "=", presentPassword(where));

/** Tracked sessions of a user that are not over. */
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

/** Ends the tracked sessions of this user but this one and the `most - 1` others that were used last. */
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

/** The session of a cookie, while its user has the password that they had then. */
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

/** The tracked ones of a user, the newest first. */
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

/** Notes that a browser was let in without being asked anything. False: its session is over. */
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

/** Notes that tokens which came through a session were rotated. */
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
 * Ends the session of a browser, whosever it is; also one that a program of before has written, whose cookie is the name
 * of the browser alone.
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

/** Ends a tracked session of this user, by its `sso…`, inside a transaction. False: it was over before. */
export async function endBrowserSession(tx: Db, user: OfUser, id: string, now: number): Promise<boolean> {
  const result = await tx.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", user.poolId)
    .where("user_id", "=", user.userId)
    .where("session_id", "=", id)
    .where("expires_at", ">", now)
    .executeTakeFirst();
  // After the session, which whoever issues a code for it takes first as well.
  await deleteUnusedCodes(tx, user, id);
  return affected(result) === 1;
}

/**
 * Ends the sessions of a user in every browser, inside a transaction.
 * @param spared `sso…` of one that goes on, with the password that the user has now
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

/** Ends the sessions of a user that were opened, among others, by one of these methods. */
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
