import type { Knex } from "knex";

export async function up(knex: Knex): Promise<void> {
  if (await knex.schema.hasColumn("people", "status")) return;
  await knex.schema.alterTable("people", (table) => {
    // Those who are there already are active, as are those whom a release that knows no status adds.
    table.string("status", 20).notNullable().defaultTo("active");
  });
}
