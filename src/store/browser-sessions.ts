/**
 * Browser sessions at the hosted pages: one row per browser, found by a hash of its cookie. A sign-in replaces the
 * browser's previous session; authorization codes are valid only while the session exists through which they were
 * issued.
 */
import { type ExpressionBuilder, sql } from "kysely";
import { deleteUnusedCodes } from "./authorization-codes.ts";
import type { Db } from "./db.ts";
import { type ListSlots, listed, listValues, prepared, preparedWrite, slots } from "./prepared.ts";
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
  /** When the user authenticated, here or at the identity provider. Epoch milliseconds. */
  readonly authTime: number;
  /** When the user last signed in here, with which a session that began at `createdAt` may go on. */
  readonly signedInAt: number;
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

export const sessionColumns = [
  "pool_id",
  "session_hash",
  "browser_hash",
  "user_id",
  "methods",
  "sign_outs",
  "credential_version",
  "auth_time",
  "signed_in_at",
  "created_at",
  "expires_at",
  "session_id",
  "entry_client",
  "device_type",
  "address",
  "active_at",
] as const satisfies readonly (keyof BrowserSessionsTable)[];

const putQuery = prepared<BrowserSessionsTable, Pick<BrowserSessionsTable, "session_id">>((kysely, slot) =>
  kysely
    .insertInto("browser_sessions")
    .values(slots(slot, sessionColumns))
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "browser_hash"]).doUpdateSet((set) => {
        const goesOn = set.and([
          set("excluded.session_id", "is not", null),
          set("browser_sessions.session_id", "is not", null),
          set("browser_sessions.user_id", "=", set.ref("excluded.user_id")),
          set("browser_sessions.sign_outs", "=", set.ref("excluded.sign_outs")),
          set("browser_sessions.expires_at", ">", set.ref("excluded.signed_in_at")),
        ]);
        const kept = (column: "session_id" | "created_at") =>
          set
            .case()
            .when(goesOn)
            .then(set.ref(`browser_sessions.${column}`))
            .else(set.ref(`excluded.${column}`))
            .end();
        const given = sessionColumns.map((column) => [column, set.ref(`excluded.${column}`)]);
        return {
          ...Object.fromEntries(given),
          session_id: kept("session_id"),
          created_at: kept("created_at"),
        };
      }),
    )
    .returning("session_id"),
);

/**
 * Starts a session in place of the browser's previous one. If that is a live, tracked session of the same user, it
 * continues under a new secret. Returns the id (`sso…`) of a tracked session.
 */
export async function putBrowserSession(db: Db, session: BrowserSession): Promise<string | undefined> {
  const [row] = await putQuery(db, rowOf(session));
  return row?.session_id ?? undefined;
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
    signed_in_at: session.signedInAt,
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

/** Whether the password of a session's user is still that of the sign-in. */
export const onPresentPassword = (where: OfSessions) =>
  where("browser_sessions.credential_version", "=", presentPassword(where));

type LiveAt = { readonly signOuts: number; readonly now: number };

/** The live tracked sessions of a user. */
const liveOf =
  ({ poolId, userId }: OfUser, { signOuts, now }: LiveAt) =>
  (where: OfSessions) =>
    where.and([
      where("pool_id", "=", poolId),
      where("user_id", "=", userId),
      where("session_id", "is not", null),
      where("sign_outs", "=", signOuts),
      where("expires_at", ">", now),
      onPresentPassword(where),
    ]);

const evictQuery = preparedWrite<{ poolId: string; userId: string; hash: string; others: number } & LiveAt>(
  (kysely, slot) => {
    const kept = kysely
      .selectFrom("browser_sessions")
      .select("session_hash")
      .where(liveOf(slots(slot, ["poolId", "userId"]), slots(slot, ["signOuts", "now"])))
      .where("session_hash", "<>", slot("hash"))
      .orderBy("active_at", "desc")
      .orderBy("session_hash")
      .limit(slot("others"));
    return kysely
      .deleteFrom("browser_sessions")
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId"))
      .where("session_id", "is not", null)
      .where("session_hash", "<>", slot("hash"))
      .where("session_hash", "not in", kept);
  },
);

/** Ends a user's tracked sessions, except this one and the `most - 1` most recently used others. */
export async function evictBrowserSessions(tx: Db, own: BrowserSession, most: number): Promise<void> {
  const { poolId, userId, hash, signOuts, signedInAt: now } = own;
  await evictQuery(tx, { poolId, userId, hash, signOuts, now, others: most - 1 });
}

const listQuery = prepared<{ poolId: string; userId: string } & LiveAt, BrowserSessionsTable>(
  (kysely, slot) =>
    kysely
      .selectFrom("browser_sessions")
      .selectAll()
      .where(liveOf(slots(slot, ["poolId", "userId"]), slots(slot, ["signOuts", "now"])))
      .orderBy("created_at", "desc")
      .orderBy("session_id"),
);

/** A user's tracked sessions, newest first. */
export async function listBrowserSessions(
  db: Db,
  user: OfUser & { readonly signOuts: number },
  now: number,
): Promise<BrowserSession[]> {
  const { poolId, userId, signOuts } = user;
  const rows = await listQuery(db, { poolId, userId, signOuts, now });
  return rows.map(sessionFromRow);
}

export function sessionFromRow(row: BrowserSessionsTable): BrowserSession {
  return {
    poolId: row.pool_id,
    hash: row.session_hash,
    browserHash: row.browser_hash ?? row.session_hash,
    userId: row.user_id,
    methods: JSON.parse(row.methods),
    signOuts: row.sign_outs,
    credentialVersion: row.credential_version ?? 0,
    authTime: row.auth_time,
    signedInAt: row.signed_in_at ?? row.auth_time,
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

const touchQuery = preparedWrite<
  { poolId: string; hash: string } & Pick<BrowserSessionsTable, "device_type" | "address" | "active_at">
>((kysely, slot) =>
  kysely
    .updateTable("browser_sessions")
    .set(slots(slot, ["device_type", "address", "active_at"]))
    .where("pool_id", "=", slot("poolId"))
    .where("session_hash", "=", slot("hash")),
);

/** Records that a browser was signed in without being asked. Returns false if its session has ended. */
export async function touchBrowserSession(
  tx: Db,
  { poolId, hash }: Pick<BrowserSession, "poolId" | "hash">,
  seen: Pick<TrackedBrowser, "deviceType" | "address" | "activeAt">,
): Promise<boolean> {
  const touched = await touchQuery(tx, {
    poolId,
    hash,
    device_type: seen.deviceType,
    address: seen.address ?? null,
    active_at: seen.activeAt,
  });
  return touched === 1;
}

type OfSession = { poolId: string; userId: string; id: string };

const touchOriginQuery = preparedWrite<OfSession & { now: number }>((kysely, slot) =>
  kysely
    .updateTable("browser_sessions")
    .set({ active_at: slot("now") })
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("session_id", "=", slot("id")),
);

/** Records that tokens issued through a session were refreshed. */
export async function touchOrigin(
  db: Db,
  { poolId, userId }: OfUser,
  id: string,
  now: number,
): Promise<void> {
  await touchOriginQuery(db, { poolId, userId, id, now });
}

const endBrowserQuery = preparedWrite<{ poolId: string; browserHash: string }>((kysely, slot) =>
  kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where((where) =>
      where.or([
        where("browser_hash", "=", slot("browserHash")),
        where("session_hash", "=", slot("browserHash")),
      ]),
    ),
);

/**
 * Ends the session of a browser, whoever its user is. Also ends one that an earlier version of the program started,
 * whose cookie consists of the browser's name alone.
 */
export async function endBrowser(db: Db, poolId: string, browserHash: string): Promise<void> {
  await endBrowserQuery(db, { poolId, browserHash });
}

const endBrowserOfQuery = preparedWrite<{ poolId: string; browserHash: string; userId: string }>(
  (kysely, slot) =>
    kysely
      .deleteFrom("browser_sessions")
      .where("pool_id", "=", slot("poolId"))
      .where("browser_hash", "=", slot("browserHash"))
      .where("user_id", "=", slot("userId")),
);

/** Ends the session of a browser if it is this user's. Returns false if it was not, or had ended. */
export async function endBrowserOf(
  db: Db,
  { poolId, userId }: OfUser,
  browserHash: string,
): Promise<boolean> {
  return (await endBrowserOfQuery(db, { poolId, browserHash, userId })) === 1;
}

const endOneQuery = preparedWrite<OfSession & { now: number }>((kysely, slot) =>
  kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("session_id", "=", slot("id"))
    .where("expires_at", ">", slot("now")),
);

/** Ends a user's tracked session by its id (`sso…`), inside a transaction. Returns false if it had already ended. */
export async function endBrowserSession(tx: Db, user: OfUser, id: string, now: number): Promise<boolean> {
  const ended = await endOneQuery(tx, { poolId: user.poolId, userId: user.userId, id, now });
  // After the session's row, which is also locked first when a code is issued for it.
  await deleteUnusedCodes(tx, user, id);
  return ended === 1;
}

const endOthersQuery = preparedWrite<{ poolId: string; userId: string; spared: string }>((kysely, slot) =>
  kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where((where) => where.or([where("session_id", "is", null), where("session_id", "<>", slot("spared"))])),
);

const keepQuery = preparedWrite<OfSession>((kysely, slot) =>
  kysely
    .updateTable("browser_sessions")
    .set((set) => ({ credential_version: presentPassword(set) }))
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("session_id", "=", slot("id")),
);

/**
 * Ends a user's sessions in all browsers, inside a transaction.
 * @param spared the id (`sso…`) of one that continues, with the user's new password
 */
export async function endBrowserSessions(tx: Db, { poolId, userId }: OfUser, spared?: string): Promise<void> {
  await endOthersQuery(tx, { poolId, userId, spared: spared ?? "" });
  if (spared !== undefined) await keepQuery(tx, { poolId, userId, id: spared });
}

const endByQuery = preparedWrite<{ poolId: string; userId: string } & ListSlots>((kysely, slot) =>
  kysely
    .deleteFrom("browser_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where((where) => where.or(listed<string>(slot).map((pattern) => where("methods", "like", pattern)))),
);

/** Ends a user's sessions that were started with one of these (up to five) methods, alone or among others. */
export async function endBrowserSessionsBy(
  tx: Db,
  { poolId, userId }: OfUser,
  methods: readonly string[],
): Promise<void> {
  const patterns = methods.map((method) => `%${JSON.stringify(method)}%`);
  await endByQuery(tx, { poolId, userId, ...listValues(patterns) });
}
