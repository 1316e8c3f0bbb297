import type { Kysely } from "kysely";
import { addColumn, type DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Browser sessions know when the user has signed in here, beside when the user has authenticated (`auth_time`): who comes from
 * an identity provider may have done that long before. It is null in rows of earlier versions, where both are the same.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await addColumn(kysely, kind, "browser_sessions", "signed_in_at", "bigint");
}
