/**
 * Tracked sessions of token families, a row each: to list and revoke them, and to end the least recently used ones.
 * `token_families` alone says whether a family is revoked.
 */
import type { Kysely } from "kysely";
import type { Db } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
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

const queueQuery = prepared<OfUser, { number: number }>((kysely, slot, kind) =>
  kysely
    .selectFrom("users")
    .select("number")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .$if(kind === "postgres", (select) => select.forUpdate()),
);

/**
 * Serializes the sign-ins of a user from here to the end of the transaction, so that each counts the sessions of those
 * before it. (SQLite's transactions are serial anyway.) Must come before `insertFamily`, whose weaker lock two of them
 * could hold.
 */
export async function queueForUser(tx: Db, { poolId, userId }: OfUser): Promise<void> {
  if (tx.kind === "sqlite") return;
  await queueQuery(tx, { poolId, userId });
}

const insertQuery = preparedWrite<TokenSessionsTable>((kysely, slot) =>
  kysely
    .insertInto("token_sessions")
    .values(
      slots(slot, [
        "pool_id",
        "session_id",
        "user_id",
        "client_id",
        "family_id",
        "origin_id",
        "device_type",
        "address",
        "created_at",
        "active_at",
        "expires_at",
      ]),
    ),
);

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
  await insertQuery(tx, {
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
  });
  return evict(tx, session, most);
}

const familyOf = (row: Pick<TokenSessionsTable, "family_id">) => row.family_id;

const evictQuery = prepared<
  { poolId: string; userId: string; id: string; now: number; others: number },
  Pick<TokenSessionsTable, "family_id" | "expires_at">
>((kysely, slot) => {
  const kept = liveSessions(kysely, slots(slot, ["poolId", "userId"]), slot("now"))
    .select("token_sessions.session_id")
    .where("token_sessions.session_id", "<>", slot("id"))
    .orderBy("token_sessions.active_at", "desc")
    .orderBy("token_sessions.session_id")
    .limit(slot("others"));
  return kysely
    .deleteFrom("token_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("session_id", "<>", slot("id"))
    .where("session_id", "not in", kept)
    .returning(["family_id", "expires_at"]);
});

/** Ends all sessions except this one and the `most - 1` most recently used others, and removes those already over. */
async function evict(tx: Db, own: TokenSession, most: number): Promise<number> {
  const { poolId, userId, id, createdAt: now } = own;
  const gone = await evictQuery(tx, { poolId, userId, id, now, others: most - 1 });
  const live = gone.filter((row) => row.expires_at > now);
  return revokeFamilies(tx, poolId, live.map(familyOf), now);
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

const listQuery = prepared<{ poolId: string; userId: string; now: number }, TokenSessionsTable>(
  (kysely, slot) =>
    liveSessions(kysely, slots(slot, ["poolId", "userId"]), slot("now"))
      .selectAll("token_sessions")
      .orderBy("token_sessions.created_at", "desc")
      .orderBy("token_sessions.session_id"),
);

/** A user's live sessions, newest first. */
export async function listTokenSessions(db: Db, user: OfUser, now: number): Promise<TokenSession[]> {
  const rows = await listQuery(db, { poolId: user.poolId, userId: user.userId, now });
  return rows.map(sessionFromRow);
}

const findQuery = prepared<{ poolId: string; userId: string; id: string; now: number }, TokenSessionsTable>(
  (kysely, slot) =>
    liveSessions(kysely, slots(slot, ["poolId", "userId"]), slot("now"))
      .selectAll("token_sessions")
      .where("token_sessions.session_id", "=", slot("id")),
);

/** A user's live session. What it belongs to never changes. */
export async function findTokenSession(
  db: Db,
  user: OfUser,
  id: string,
  now: number,
): Promise<TokenSession | undefined> {
  const [row] = await findQuery(db, { poolId: user.poolId, userId: user.userId, id, now });
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

const touchQuery = prepared<
  { poolId: string; id: string } & Pick<
    TokenSessionsTable,
    "device_type" | "address" | "active_at" | "expires_at"
  >,
  Pick<TokenSessionsTable, "origin_id">
>((kysely, slot) =>
  kysely
    .updateTable("token_sessions")
    .set(slots(slot, ["device_type", "address", "active_at", "expires_at"]))
    .where("pool_id", "=", slot("poolId"))
    .where("family_id", "=", slot("id"))
    .returning("origin_id"),
);

/** Records where and by what the family's tokens were refreshed. Returns the browser session that it came through. */
export async function touchTokenSession(
  db: Db,
  family: Pick<TokenFamily, "poolId" | "id">,
  seen: Pick<TokenSession, "deviceType" | "address" | "activeAt" | "expiresAt">,
): Promise<string | undefined> {
  const [row] = await touchQuery(db, {
    poolId: family.poolId,
    id: family.id,
    device_type: seen.deviceType,
    address: seen.address ?? null,
    active_at: seen.activeAt,
    expires_at: seen.expiresAt,
  });
  return row?.origin_id ?? undefined;
}

const deleteQuery = preparedWrite<{ poolId: string; id: string }>((kysely, slot) =>
  kysely
    .deleteFrom("token_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where("session_id", "=", slot("id")),
);

/** Revokes the session's family and deletes the session, inside a transaction. Returns false if it was already over. */
export async function endTokenSession(tx: Db, session: TokenSession, now: number): Promise<boolean> {
  await deleteQuery(tx, { poolId: session.poolId, id: session.id });
  return revokeFamily(tx, session.poolId, session.familyId, now);
}

const deleteOfOriginQuery = prepared<
  { poolId: string; userId: string; originId: string; spared: string },
  Pick<TokenSessionsTable, "family_id">
>((kysely, slot) =>
  kysely
    .deleteFrom("token_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("origin_id", "=", slot("originId"))
    .where("family_id", "<>", slot("spared"))
    .returning("family_id"),
);

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
  const gone = await deleteOfOriginQuery(tx, { poolId, userId, originId, spared: sparedFamily ?? "" });
  await revokeFamilies(tx, poolId, gone.map(familyOf), now);
}

const originQuery = lookup<{ poolId: string; id: string }, Pick<TokenSessionsTable, "origin_id">>(
  (kysely, slot) =>
    kysely
      .selectFrom("token_sessions")
      .select("origin_id")
      .where("pool_id", "=", slot("poolId"))
      .where("family_id", "=", slot("id")),
);

/** The browser session that a family's tokens came through. */
export async function originOf(
  db: Db,
  { poolId, id }: Pick<TokenFamily, "poolId" | "id">,
): Promise<string | undefined> {
  const [row] = await originQuery(db, { poolId, id });
  return row?.origin_id ?? undefined;
}
