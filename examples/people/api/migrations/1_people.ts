import type { Knex } from "knex";

/**
 * On MySQL, a crash between a change of the schema and its entry among the migrations makes the next start try again;
 * therefore every migration looks whether it was there before.
 */
export async function up(knex: Knex): Promise<void> {
  if (await knex.schema.hasTable("people")) return;
  await knex.schema.createTable("people", (table) => {
    table.increments("id");
    table.string("name", 200).notNullable();
    table.string("email", 254).notNullable();
  });
}
