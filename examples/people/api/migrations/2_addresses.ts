import type { Knex } from "knex";

export async function up(knex: Knex): Promise<void> {
  // Not among the migrations yet, so that nobody has used it: MySQL may have created it without its foreign key.
  await knex.schema.dropTableIfExists("addresses");
  await knex.schema.createTable("addresses", (table) => {
    table.integer("person_id").unsigned().primary().references("people.id").onDelete("cascade");
    table.string("street", 200).notNullable();
    table.string("postcode", 20).notNullable();
    table.string("city", 100).notNullable();
  });
}
