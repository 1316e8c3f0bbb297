import { type Kysely, sql } from "kysely";
import { type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** Authentication events. Ids begin with the time; the second index is for the sweep. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const statements = [
    `create table if not exists auth_events (
      user_number bigint not null references users (number) on delete cascade, event_id ${key} not null,
      at bigint not null, type ${key} not null, response ${key} not null, steps integer not null,
      challenges text not null, address text, device_name text, feedback ${key}, feedback_provider text,
      feedback_at bigint, primary key (user_number, event_id))${kind === "sqlite" ? " without rowid" : ""}`,
    `create index if not exists auth_events_time on auth_events (event_id)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
