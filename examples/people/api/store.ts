/** The store of people: two tables, a person's row and, if there is one, its address. */
import type { Knex } from "knex";
import type { Person } from "./person.ts";

export type StoredPerson = Person & { readonly id: number };

export interface Wanted {
  /** Part of a name or of an email address; empty for everybody. */
  readonly search: string;
  /** From 1. */
  readonly page: number;
  readonly limit: number;
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly status: Person["status"];
  readonly street: string | null;
  readonly postcode: string | null;
  readonly city: string | null;
}

const fromRow = ({ id, name, email, status, street, postcode, city }: Row): StoredPerson => ({
  ...{ id, name, email, status },
  // All of an address is there or nothing.
  address: street === null ? null : { street, postcode: postcode!, city: city! },
});

export function openStore(database: Knex) {
  const rows = (): Knex.QueryBuilder<Row, Row[]> =>
    database("people")
      .leftJoin("addresses", "addresses.person_id", "people.id")
      .select("people.id", "name", "email", "status", "street", "postcode", "city");

  const saveAddress = async (connection: Knex, id: number, { address }: Person) => {
    const addresses = connection("addresses");
    if (address === null) await addresses.where({ person_id: id }).delete();
    else
      await addresses
        .insert({ person_id: id, ...address })
        .onConflict("person_id")
        .merge();
  };

  return {
    async list({ search, page, limit }: Wanted) {
      const pattern = `%${search.replace(/[!%_]/g, "!$&")}%`;
      const like = "lower(name) like lower(?) escape '!' or lower(email) like lower(?) escape '!'";
      const [counted] = await database("people").count("* as total").whereRaw(like, [pattern, pattern]);
      const people = await rows()
        .whereRaw(`(${like})`, [pattern, pattern])
        .orderByRaw("lower(name), people.id")
        .limit(limit)
        .offset((page - 1) * limit);
      return { people: people.map(fromRow), total: Number(counted!["total"]) };
    },

    async find(id: number): Promise<StoredPerson | undefined> {
      const [row] = await rows().where("people.id", id);
      return row && fromRow(row);
    },

    add(person: Person): Promise<number> {
      const { name, email, status } = person;
      return database.transaction(async (connection) => {
        const insert = connection("people").insert({ name, email, status });
        // MySQL gives the id by itself.
        const [added] = connection.client.dialect === "mysql" ? await insert : await insert.returning("id");
        const id: number = added.id ?? added;
        await saveAddress(connection, id, person);
        return id;
      });
    },

    /** Returns whether there is such a person. */
    change(id: number, person: Person): Promise<boolean> {
      const { name, email, status } = person;
      return database.transaction(async (connection) => {
        const changed = await connection("people").where({ id }).update({ name, email, status });
        if (changed > 0) await saveAddress(connection, id, person);
        return changed > 0;
      });
    },

    /** Returns whether there is such a person. */
    async remove(id: number): Promise<boolean> {
      return (await database("people").where({ id }).delete()) > 0;
    },
  };
}
