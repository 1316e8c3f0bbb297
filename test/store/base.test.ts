/** What both databases promise alike: values, transactions, retries, violations, migrations, the master key. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { sql } from "kysely";
import { type Db, inTransaction, isUniqueViolation } from "../../src/store/db.ts";
import { sqlState } from "../../src/store/engine/retry.ts";
import { keyText, prefixRange, startsWith } from "../../src/store/engine/sql.ts";
import { affected } from "../../src/store/engine/transaction.ts";
import { forEachDatabase, type Open } from "../kit/databases.ts";
import { addThing, countThings, makeThings, readThing, setThing, things } from "./things.ts";

async function openThings(open: Open, overrides?: Parameters<Open>[0]): Promise<Db> {
  const { db } = await open(overrides);
  await makeThings(db);
  return db;
}

forEachDatabase((name, open, fresh) => {
  describe("values", () => {
    test("come back as they went in", async () => {
      const db = await openThings(open);
      const data = Uint8Array.of(0, 1, 255);
      const row = { id: "ä\u{1F600}", n: -5, big: 1_900_000_000_000, data };
      await things(db).insertInto("things").values(row).execute();
      assert.deepStrictEqual(await readThing(db, row.id), row);
      assert.equal(await countThings(db), 1);
    });

    test("flags become 0 and 1; undefined, objects and NaN are refused", async () => {
      const db = await openThings(open);
      await sql`insert into things (id, n) values (${"a"}, ${true})`.execute(db.kysely);
      assert.equal((await readThing(db, "a"))?.n, 1);
      for (const bad of [undefined, { a: 1 }, new Date(), Number.NaN]) {
        await assert.rejects(sql`select * from things where id = ${bad}`.execute(db.kysely), TypeError);
      }
    });

    test("row counts tell single use, with returning and without", async () => {
      const db = await openThings(open);
      await addThing(db, "a");
      const insert = things(db).insertInto("things").values({ id: "a", n: 1, big: null, data: null });
      assert.equal(affected(await insert.onConflict((c) => c.doNothing()).executeTakeFirst()), 0);
      const update = things(db).updateTable("things").set({ n: 2 }).where("id", "=", "a").where("n", "=", 0);
      assert.equal(affected(await update.executeTakeFirst()), 1);
      assert.equal(affected(await update.execute()), 0);
      const remove = () => things(db).deleteFrom("things").where("id", "=", "a").returning("n").execute();
      const taken = await Promise.all([remove(), remove(), remove()]);
      assert.deepStrictEqual(taken.flat(), [{ n: 2 }]);
    });

    test("keys are ordered and found by prefix in byte order", async () => {
      const db = await openThings(open);
      const all = [
        "",
        "A",
        "a",
        "a\u{10FFFF}",
        "a\uFFFD",
        "a\u{1F600}",
        "ab",
        "b",
        "Z",
        "ä",
        "\uD7FF",
        "\uD7FFx",
        "\uE000",
      ];
      for (const id of all) await addThing(db, id);
      const found = await things(db).selectFrom("things").select("id").orderBy("id").execute();
      const expected = [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepStrictEqual(
        found.map((row) => row.id),
        expected,
      );
      for (const prefix of ["", "a", "a\u{10FFFF}", "\uD7FF", "\u{10FFFF}", "zz"]) {
        const rows = await things(db)
          .selectFrom("things")
          .select("id")
          .where(startsWith("id", prefixRange(prefix)))
          .orderBy("id")
          .execute();
        assert.deepStrictEqual(
          rows.map((row) => row.id),
          expected.filter((id) => id.startsWith(prefix)),
          prefix,
        );
      }
      assert.match(keyText(name), /^text/);
    });
  });

  describe("transactions", () => {
    test("commit all or nothing", async () => {
      const db = await openThings(open);
      await inTransaction(db, async (tx) => {
        assert.equal(tx.inTransaction, true);
        await addThing(tx, "a");
        await addThing(tx, "b");
      });
      const failing = inTransaction(db, async (tx) => {
        await addThing(tx, "c");
        throw new Error("no");
      });
      await assert.rejects(failing, /^Error: no$/);
      assert.equal(await countThings(db), 2);
    });

    test("many at once lose nothing", async () => {
      const db = await openThings(open);
      await addThing(db, "counter");
      const one = () =>
        inTransaction(db, async (tx) => {
          await sql`update things set n = n + 1 where id = 'counter'`.execute(tx.kysely);
          await addThing(tx, randomBytes(8).toString("hex"));
        });
      await Promise.all(Array.from({ length: 40 }, one));
      assert.equal((await readThing(db, "counter"))?.n, 40);
      assert.equal(await countThings(db), 41);
    });

    test("nesting and the root handle inside throw instead of hanging", async () => {
      const db = await openThings(open);
      const nested = inTransaction(db, (tx) => inTransaction(tx, async () => {}));
      await assert.rejects(nested, /inside a transaction/);
      const rootTransaction = inTransaction(db, () => inTransaction(db, async () => {}));
      await assert.rejects(rootTransaction, /root database handle/);
      const rootQuery = inTransaction(db, async (tx) => {
        await addThing(tx, "a");
        await readThing(db, "a");
      });
      await assert.rejects(rootQuery, /root database handle/);
      const direct = db.kysely.transaction().execute(async () => {});
      await assert.rejects(direct, /use inTransaction/);
      assert.equal(await countThings(db), 0);
    });

    test("work that outlives its transaction, and another database inside, are free", async () => {
      const db = await openThings(open);
      const other = await openThings(open);
      const { promise: isOver, resolve } = Promise.withResolvers<void>();
      let later: Promise<number> | undefined;
      await inTransaction(db, async (tx) => {
        await addThing(tx, "a");
        await addThing(other, "b");
        later = isOver.then(() => countThings(db));
      });
      resolve();
      assert.equal(await later, 1);
      assert.equal(await countThings(other), 1);
    });

    test("after an error only a rollback is left", async () => {
      const db = await openThings(open);
      await addThing(db, "a");
      const swallowed = inTransaction(db, async (tx) => {
        await addThing(tx, "b");
        await addThing(tx, "a").catch(() => {});
      });
      await assert.rejects(swallowed);
      const goesOn = inTransaction(db, async (tx) => {
        await addThing(tx, "a").catch(() => {});
        await addThing(tx, "c");
      });
      await assert.rejects(goesOn);
      assert.equal(await countThings(db), 1);
    });

    test("unique violations are recognised", async () => {
      const db = await openThings(open);
      await sql.raw("create unique index things_n on things (n)").execute(db.kysely);
      await addThing(db, "a", 1);
      await assert.rejects(addThing(db, "a", 2), isUniqueViolation);
      await assert.rejects(addThing(db, "b", 1), isUniqueViolation);
      const missing = sql`insert into things (id) values ('x')`.execute(db.kysely);
      await assert.rejects(missing, (error) => !isUniqueViolation(error));
    });

    test("an abort signal is refused: its answer would not wait for the disk", async () => {
      const db = await openThings(open);
      const signal = new AbortController().signal;
      await assert.rejects(things(db).selectFrom("things").selectAll().execute({ signal }), /AbortSignal/);
    });
  });

  // SQLite orders its transactions: there is nothing to run again.
  if (name === "sqlite") return;
  describe("retries", () => {
    test("a deadlock (40P01) runs again", async () => {
      const db = await openThings(open);
      await addThing(db, "a");
      await addThing(db, "b");
      let runs = 0;
      let updated = 0;
      const { promise: eachHasOne, resolve } = Promise.withResolvers<void>();
      const both = (first: string, second: string) =>
        inTransaction(db, async (tx) => {
          runs++;
          await sql`update things set n = n + 1 where id = ${first}`.execute(tx.kysely);
          if (++updated >= 2) resolve();
          await eachHasOne;
          await sql`update things set n = n + 1 where id = ${second}`.execute(tx.kysely);
        });
      await Promise.all([both("a", "b"), both("b", "a")]);
      assert.ok(runs > 2, `${runs} runs`);
      assert.equal((await readThing(db, "a"))?.n, 2);
      assert.equal((await readThing(db, "b"))?.n, 2);
    });

    test("a serialization failure (40001) runs again, but not for ever", async () => {
      const options = await fresh();
      const db = await openThings(open, options);
      const { db: other } = await open(options);
      await addThing(db, "a");
      let runs = 0;
      await inTransaction(db, async (tx) => {
        await sql`set transaction isolation level serializable`.execute(tx.kysely);
        const row = await readThing(tx, "a");
        if (++runs === 1) await setThing(other, "a", 10);
        await setThing(tx, "a", (row?.n ?? 0) + 1);
      });
      assert.equal(runs, 2);
      assert.equal((await readThing(db, "a"))?.n, 11);
      runs = 0;
      const always = inTransaction(db, async (tx) => {
        runs++;
        await sql.raw("do $$ begin raise exception using errcode = '40001'; end $$").execute(tx.kysely);
      });
      await assert.rejects(always, (error) => sqlState(error) === "40001");
      assert.equal(runs, 20);
    });
  });
});
