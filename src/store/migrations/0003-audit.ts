import { type Kysely, sql } from "kysely";
import { type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** The audit log. Ids begin with the time, so every index is sorted by time within its column. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const statements = [
    `create table if not exists audit_events (
      event_id ${key} primary key, at bigint not null, pool_id ${key}, actor ${key} not null, address text,
      user_agent text, operation ${key} not null, target ${key}, result ${key} not null, request_id text,
      details text)`,
    `create index if not exists audit_events_pool on audit_events (pool_id, event_id) where pool_id is not null`,
    `create index if not exists audit_events_actor on audit_events (actor, event_id)`,
    `create index if not exists audit_events_operation on audit_events (operation, event_id)`,
    `create index if not exists audit_events_target on audit_events (target, event_id) where target is not null`,
    `create index if not exists audit_events_refused on audit_events (event_id) where result <> 'ok'`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
