/** A small table of the tests' own, so that the base of the store is tested apart from the real tables. */
import { type Kysely, sql } from "kysely";
import type { Db } from "../../src/store/db.ts";
import { blobType, keyText } from "../../src/store/engine/sql.ts";

export interface Things {
  things: { id: string; n: number; big: number | null; data: Uint8Array | null };
}

export const things = (db: Db): Kysely<Things> => db.kysely as unknown as Kysely<Things>;

export async function makeThings(db: Db): Promise<void> {
  const key = keyText(db.kind);
  await sql
    .raw(
      `create table things (id ${key} primary key, n integer not null, big bigint, data ${blobType(db.kind)})`,
    )
    .execute(db.kysely);
}

export async function addThing(db: Db, id: string, n = 0): Promise<void> {
  await things(db).insertInto("things").values({ id, n, big: null, data: null }).execute();
}

export async function readThing(db: Db, id: string) {
  return things(db).selectFrom("things").selectAll().where("id", "=", id).executeTakeFirst();
}

export async function setThing(db: Db, id: string, n: number): Promise<void> {
  await things(db).updateTable("things").set({ n }).where("id", "=", id).execute();
}

export async function countThings(db: Db): Promise<number> {
  const row = await things(db)
    .selectFrom("things")
    .select((select) => select.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return row.count;
}
