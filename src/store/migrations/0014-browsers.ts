import { type Kysely, sql } from "kysely";
import { addColumn, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Browsers get a name: one session each, which the codes that came through it stand on. A session also stands on the
 * password that its user had: one that began before the password was last changed has none to stand on. Sessions that
 * programs of before write meanwhile have neither, and are asked again.
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
