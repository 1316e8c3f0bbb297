import type { Kysely } from "kysely";
import { addColumn, type DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** How many attempts a sign-in event stands for; null where it tells of one. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await addColumn(kysely, kind, "auth_events", "times", "integer");
}
