/** Sessions of browsers at the hosted pages: one row a sign-in there, found by a hash of the cookie's secret. */
import { affected, type Db } from "./db.ts";

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
}

export async function insertBrowserSession(db: Db, session: BrowserSession): Promise<void> {
  await db.kysely
    .insertInto("browser_sessions")
    .values({
      pool_id: session.poolId,
      session_hash: session.hash,
      user_id: session.userId,
      methods: JSON.stringify(session.methods),
      sign_outs: session.signOuts,
      auth_time: session.authTime,
      created_at: session.createdAt,
      expires_at: session.expiresAt,
    })
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
  return (
    row && {
      poolId: row.pool_id,
      hash: row.session_hash,
      userId: row.user_id,
      methods: JSON.parse(row.methods),
      signOuts: row.sign_outs,
      authTime: row.auth_time,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }
  );
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
