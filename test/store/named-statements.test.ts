/** That PostgreSQL plans a prepared statement once per connection, and what happens when its plan is outdated. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sql } from "kysely";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { prepared, preparedWrite } from "../../src/store/prepared.ts";
import { onOneMachine } from "../kit/citus.ts";
import { forEachDatabase } from "../kit/databases.ts";

interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly expires_at: number;
}

const read = prepared<{ name: string }, Lease>((kysely, slot) =>
  kysely.selectFrom("leases").selectAll().where("name", "=", slot("name")),
);

const count = prepared<{ name: string }, Lease>((kysely, slot) =>
  kysely
    .updateTable("leases")
    .set((row) => ({ expires_at: row("expires_at", "+", 1) }))
    .where("name", "=", slot("name"))
    .returningAll(),
);

const insert = preparedWrite<{ name: string }>((kysely, slot) =>
  kysely.insertInto("leases").values({ name: slot("name"), holder: "me", expires_at: 0 }),
);

/** How often the plans of the connection were used, by the texts of their statements. */
async function planned(db: Db): Promise<Readonly<Record<string, number>>> {
  const { rows } = await sql<{ statement: string; uses: number }>`
    select statement, generic_plans + custom_plans as uses from pg_prepared_statements`.execute(db.kysely);
  return Object.fromEntries(rows.map(({ statement, uses }) => [statement, uses]));
}

const readText = 'select * from "leases" where "name" = $1';

forEachDatabase((name, open) => {
  if (name === "sqlite") return;

  test("a statement is planned once per connection, whoever asks it", async () => {
    const { db } = await open({ poolSize: 1 });
    await insert(db, { name: "a" });
    for (let n = 0; n < 3; n++) await read(db, { name: "a" });
    await inTransaction(db, async (tx) => {
      await read(tx, { name: "b" });
    });
    await db.kysely.selectFrom("leases").select("holder").where("name", "=", "a").execute();
    const uses = await planned(db);
    assert.equal(uses[readText], 4);
    assert.ok(
      Object.keys(uses).every((text) => !text.startsWith('select "holder"')),
      "others have no name",
    );
  });

  test("none is, if named statements are off", async () => {
    const { db } = await open({ poolSize: 1, namedStatements: "off" });
    await insert(db, { name: "a" });
    assert.equal((await read(db, { name: "a" })).length, 1);
    assert.deepEqual(await planned(db), {});
  });

  describe("after a column was added by another server", () => {
    /** Connections that have planned all statements, whose columns then change. */
    async function outdated(poolSize: number): Promise<Db> {
      const { db } = await open({ poolSize });
      await insert(db, { name: "a" });
      // No connection is free for another before all have planned.
      const { promise: allPlanned, resolve } = Promise.withResolvers<void>();
      let waiting = 0;
      const all = Array.from({ length: poolSize }, () =>
        inTransaction(db, async (tx) => {
          await read(tx, { name: "a" });
          await count(tx, { name: "none" });
          waiting += 1;
          if (waiting === poolSize) resolve();
          await allPlanned;
        }),
      );
      await Promise.all(all);
      await sql`alter table leases add column more integer default 7`.execute(db.kysely);
      return db;
    }

    test("a statement by itself is done, and once", async () => {
      const db = await outdated(1);
      assert.deepEqual(await count(db, { name: "a" }), [{ name: "a", holder: "me", expires_at: 1, more: 7 }]);
      assert.equal(db.counts.retries, 1);
    });

    test("a transaction is repeated from its start", async () => {
      const db = await outdated(1);
      const rows = await inTransaction(db, async (tx) => {
        await insert(tx, { name: "b" });
        await sql`update leases set holder = holder || '!'`.execute(tx.kysely);
        return read(tx, { name: "b" });
      });
      assert.deepEqual(rows, [{ name: "b", holder: "me!", expires_at: 0, more: 7 }]);
      assert.equal(db.counts.retries, 1);
    });

    // On a cluster, writing to a table that is on every machine excludes all other writers.
    const alone = onOneMachine("a cluster lets one transaction at a time write to this table");
    test("all connections plan anew after the first refusal", alone, async () => {
      const db = await outdated(4);
      await read(db, { name: "a" });
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => inTransaction(db, (tx) => count(tx, { name: "a" }))),
      );
      assert.deepEqual(answers.map(([row]) => row?.expires_at).sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
      assert.equal(db.counts.retries, 1);
    });
  });
});
