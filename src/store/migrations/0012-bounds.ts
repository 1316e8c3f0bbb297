import type { Kysely } from "kysely";
import { addColumn, type DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** The number of attempts that an authentication event stands for; null means one. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await addColumn(kysely, kind, "auth_events", "times", "integer");
}
