import { type Kysely, sql } from "kysely";
import { addColumn, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Gives browsers a name: each has one session, which the codes issued through it depend on. A session also depends on
 * its user's password at the time: sessions begun before the last change of password have none. Sessions written
 * meanwhile by earlier versions have neither, and their users are asked to sign in again.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  await addColumn(kysely, kind, "browser_sessions", "browser_hash", key);
  await addColumn(kysely, kind, "browser_sessions", "credential_version", "bigint");
  await addColumn(kysely, kind, "authorization_codes", "browser_hash", key);
  const statements = [
    `update browser_sessions set
      browser_hash = session_hash,
      credential_version = (select coalesce(credentials.version, 0)
        from users left join credentials on credentials.user_number = users.number
        where users.pool_id = browser_sessions.pool_id and users.user_id = browser_sessions.user_id
          and coalesce(credentials.updated_at, 0) <= browser_sessions.auth_time)
      where browser_hash is null`,
    `create unique index if not exists browser_sessions_browser on browser_sessions (pool_id, browser_hash)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
