/**
 * Tracked sessions of token families, a row each: to list and revoke them, and to end the least recently used ones.
 * `token_families` alone says whether a family is revoked.
 */
import type { Kysely } from "kysely";
import type { Db } from "./db.ts";
import type { Schema } from "./schema/schema.ts";
import type { TokenSessionsTable } from "./schema/schema-tokens.ts";
import { insertFamily, revokeFamilies, revokeFamily, type TokenFamily } from "./token-families.ts";

export interface TokenSession {
  readonly poolId: string;
  readonly id: string;
  readonly userId: string;
  readonly clientId: string;
  readonly familyId: string;
  /** The browser session that it came through. */
  readonly originId: string | undefined;
  readonly deviceType: string;
  readonly address: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly activeAt: number;
  readonly expiresAt: number;
}

type OfUser = Pick<TokenSession, "poolId" | "userId">;

/**
 * Serializes the sign-ins of a user from here to the end of the transaction, so that each counts the sessions of those
 * before it. (SQLite's transactions are serial anyway.) Must come before `insertFamily`, whose weaker lock two of them
 * could hold.
 */
export async function queueForUser(tx: Db, { poolId, userId }: OfUser): Promise<void> {
  if (tx.kind === "sqlite") return;
  await tx.kysely
    .selectFrom("users")
    .select("number")
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .forUpdate()
    .execute();
}

/**
 * `insertFamily` together with the family's session, inside a transaction. Ends the user's least recently used sessions
 * beyond `most`. Returns false as insertFamily does, otherwise how many sessions ended.
 */
export async function insertFamilyWithSession(
  tx: Db,
  family: TokenFamily,
  proven: Parameters<typeof insertFamily>[2],
  { session, most }: { readonly session: TokenSession; readonly most: number },
): Promise<false | number> {
  await queueForUser(tx, session);
  if (!(await insertFamily(tx, family, proven))) return false;
  await tx.kysely
    .insertInto("token_sessions")
    .values({
      pool_id: session.poolId,
      session_id: session.id,
      user_id: session.userId,
      client_id: session.clientId,
      family_id: session.familyId,
      origin_id: session.originId ?? null,
      device_type: session.deviceType,
      address: session.address ?? null,
      created_at: session.createdAt,
      active_at: session.activeAt,
      expires_at: session.expiresAt,
    })
    .execute();
  return evict(tx, session, most);
}

const familyOf = (row: Pick<TokenSessionsTable, "family_id">) => row.family_id;

/** Ends all sessions except this one and the `most - 1` most recently used others, and removes those already over. */
async function evict(tx: Db, own: TokenSession, most: number): Promise<number> {
  const kept = liveSessions(tx.kysely, own, own.createdAt)
    .select("token_sessions.session_id")
    .where("token_sessions.session_id", "<>", own.id)
    .orderBy("token_sessions.active_at", "desc")
    .orderBy("token_sessions.session_id")
    .limit(most - 1);
  const gone = await tx.kysely
    .deleteFrom("token_sessions")
    .where("pool_id", "=", own.poolId)
    .where("user_id", "=", own.userId)
    .where("session_id", "<>", own.id)
    .where("session_id", "not in", kept)
    .returning(["family_id", "expires_at"])
    .execute();
  const live = gone.filter((row) => row.expires_at > own.createdAt);
  return revokeFamilies(tx, own.poolId, live.map(familyOf), own.createdAt);
}

/** A user's sessions whose tokens are still valid. */
function liveSessions(kysely: Kysely<Schema>, { poolId, userId }: OfUser, now: number) {
  return kysely
    .selectFrom("token_sessions")
    .innerJoin("token_families", (join) =>
      join
        .onRef("token_families.pool_id", "=", "token_sessions.pool_id")
        .onRef("token_families.family_id", "=", "token_sessions.family_id"),
    )
    .where("token_sessions.pool_id", "=", poolId)
    .where("token_sessions.user_id", "=", userId)
    .where("token_sessions.expires_at", ">", now)
    .where("token_families.revoked_at", "is", null);
}

/** A user's live sessions, newest first. */
export async function listTokenSessions(db: Db, user: OfUser, now: number): Promise<TokenSession[]> {
  const rows = await liveSessions(db.kysely, user, now)
    .selectAll("token_sessions")
    .orderBy("token_sessions.created_at", "desc")
    .orderBy("token_sessions.session_id")
    .execute();
  return rows.map(sessionFromRow);
}

/** A user's live session. What it belongs to never changes. */
export async function findTokenSession(
  db: Db,
  user: OfUser,
  id: string,
  now: number,
): Promise<TokenSession | undefined> {
  const row = await liveSessions(db.kysely, user, now)
    .selectAll("token_sessions")
    .where("token_sessions.session_id", "=", id)
    .executeTakeFirst();
  return row && sessionFromRow(row);
}

function sessionFromRow(row: TokenSessionsTable): TokenSession {
  return {
    poolId: row.pool_id,
    id: row.session_id,
    userId: row.user_id,
    clientId: row.client_id,
    familyId: row.family_id,
    originId: row.origin_id ?? undefined,
    deviceType: row.device_type,
    address: row.address ?? undefined,
    createdAt: row.created_at,
    activeAt: row.active_at,
    expiresAt: row.expires_at,
  };
}

/** Records where and by what the family's tokens were refreshed. Returns the browser session that it came through. */
export async function touchTokenSession(
  db: Db,
  family: Pick<TokenFamily, "poolId" | "id">,
  seen: Pick<TokenSession, "deviceType" | "address" | "activeAt" | "expiresAt">,
): Promise<string | undefined> {
  const row = await db.kysely
    .updateTable("token_sessions")
    .set({
      device_type: seen.deviceType,
      address: seen.address ?? null,
      active_at: seen.activeAt,
      expires_at: seen.expiresAt,
    })
    .where("pool_id", "=", family.poolId)
    .where("family_id", "=", family.id)
    .returning("origin_id")
    .executeTakeFirst();
  return row?.origin_id ?? undefined;
}

/** Revokes the session's family and deletes the session, inside a transaction. Returns false if it was already over. */
export async function endTokenSession(tx: Db, session: TokenSession, now: number): Promise<boolean> {
  await tx.kysely
    .deleteFrom("token_sessions")
    .where("pool_id", "=", session.poolId)
    .where("session_id", "=", session.id)
    .execute();
  return revokeFamily(tx, session.poolId, session.familyId, now);
}

/**
 * Revokes the families of all token sessions that came through a browser session, and deletes them.
 * @param sparedFamily the caller's own family
 */
export async function endSessionsOf(
  tx: Db,
  { poolId, userId }: OfUser,
  originId: string,
  { sparedFamily, now }: { readonly sparedFamily: string | undefined; readonly now: number },
): Promise<void> {
  const gone = await tx.kysely
    .deleteFrom("token_sessions")
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("origin_id", "=", originId)
    .where("family_id", "<>", sparedFamily ?? "")
    .returning("family_id")
    .execute();
  await revokeFamilies(tx, poolId, gone.map(familyOf), now);
}

/** The browser session that a family's tokens came through. */
export async function originOf(
  db: Db,
  { poolId, id }: Pick<TokenFamily, "poolId" | "id">,
): Promise<string | undefined> {
  const row = await db.kysely
    .selectFrom("token_sessions")
    .select("origin_id")
    .where("pool_id", "=", poolId)
    .where("family_id", "=", id)
    .executeTakeFirst();
  return row?.origin_id ?? undefined;
}
