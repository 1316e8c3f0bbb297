import type { Kysely } from "kysely";
import { addColumn, type DatabaseKind } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Whether two factors were proven in the sign-in that a device was confirmed in. Null, of rows of before: nobody knows, and
 * such a device stands for no factor until it is proven together with two.
 */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await addColumn(kysely, kind, "token_families", "two_factors", "bigint");
  await addColumn(kysely, kind, "devices", "two_factors", "bigint");
}
