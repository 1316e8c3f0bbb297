/** Sessions of browsers at the hosted pages: one row a sign-in there, found by a hash of the cookie's secret. */
import type { ExpressionBuilder } from "kysely";
import { deleteUnusedCodes } from "./authorization-codes.ts";
import { affected, type Db } from "./db.ts";
import type { Schema } from "./schema.ts";
import type { BrowserSessionsTable } from "./schema-tokens.ts";

export interface BrowserSession {
  readonly poolId: string;
  /** SHA-256 of the secret, base64url. */
  readonly hash: string;
  readonly userId: string;
  readonly methods: readonly string[];
  /** Of the user when it began: signing out, disabling and resetting void it. */
  readonly signOuts: number;
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

export async function insertBrowserSession(db: Db, session: BrowserSession): Promise<void> {
  await db.kysely
    .insertInto("browser_sessions")
    .values({
      pool_id: session.poolId,
      session_hash: session.hash,
      user_id: session.userId,
      created_at: session.createdAt,
      session_id: session.tracked?.id ?? null,
      ...changing(session),
    })
    .execute();
}

/** What a sign-in sets, also where it goes on with a session. */
function changing({ methods, signOuts, authTime, expiresAt, tracked }: BrowserSession) {
  return {
    methods: JSON.stringify(methods),
    sign_outs: signOuts,
    auth_time: authTime,
    expires_at: expiresAt,
    entry_client: tracked?.clientId ?? null,
    device_type: tracked?.deviceType ?? null,
    address: tracked?.address ?? null,
    active_at: tracked?.activeAt ?? null,
  };
}

/** Tracked sessions of a user that are not over. */
const liveOf =
  ({ poolId, userId }: OfUser, { signOuts, now }: { readonly signOuts: number; readonly now: number }) =>
  (where: ExpressionBuilder<Schema, "browser_sessions">) =>
    where.and([
      where("pool_id", "=", poolId),
      where("user_id", "=", userId),
      where("session_id", "is not", null),
      where("sign_outs", "=", signOuts),
      where("expires_at", ">", now),
    ]);

/**
 * Goes on with the tracked session that this browser has of this user already, under a new secret: that of before opens
 * nothing any more, so that what is listed is all there is. Undefined: it has none; otherwise its `sso…`.
 */
export async function renewBrowserSession(
  tx: Db,
  formerHash: string,
  session: BrowserSession,
): Promise<string | undefined> {
  const row = await tx.kysely
    .updateTable("browser_sessions")
    .set({ session_hash: session.hash, ...changing(session) })
    .where(liveOf(session, { signOuts: session.signOuts, now: session.authTime }))
    .where("session_hash", "=", formerHash)
    .returning("session_id")
    .executeTakeFirst();
  return row?.session_id ?? undefined;
}

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
    userId: row.user_id,
    methods: JSON.parse(row.methods),
    signOuts: row.sign_outs,
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

/** False: there was none. */
export async function deleteBrowserSession(db: Db, poolId: string, hash: string): Promise<boolean> {
  const result = await db.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", poolId)
    .where("session_hash", "=", hash)
    .executeTakeFirst();
  return affected(result) === 1;
}

/**
 * Ends a tracked session of this user, by its `sso…`, inside a transaction, with the codes that it has given out and
 * nobody has redeemed. False: it was over before.
 */
export async function endBrowserSession(tx: Db, user: OfUser, id: string, now: number): Promise<boolean> {
  // The session first, which whoever issues a code for it takes first as well: none comes after.
  const result = await tx.kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", user.poolId)
    .where("user_id", "=", user.userId)
    .where("session_id", "=", id)
    .where("expires_at", ">", now)
    .executeTakeFirst();
  await deleteUnusedCodes(tx, user, id);
  return affected(result) === 1;
}
