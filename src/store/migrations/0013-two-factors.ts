import type { Kysely } from "kysely";
import { addColumn, type DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Whether a device was confirmed in a sign-in with two factors. Null in earlier rows, where this is unknown: such a
 * device replaces no factor until it is used together with two.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await addColumn(kysely, kind, "token_families", "two_factors", "bigint");
  await addColumn(kysely, kind, "devices", "two_factors", "bigint");
}
