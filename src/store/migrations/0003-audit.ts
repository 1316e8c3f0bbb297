import type { Kysely } from "kysely";
import type { Schema } from "../schema.ts";

export async function up(_kysely: Kysely<Schema>): Promise<void> {}
