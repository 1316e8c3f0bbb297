/** That SQLite compiles a statement once, and again only after a change of the schema. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, beforeEach, describe, test } from "node:test";
import { sql } from "kysely";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { type OpenedDatabase, openDatabase } from "../../src/store/open.ts";
import { silent } from "../kit/databases.ts";
import { addThing, countThings, makeThings, readThing } from "./things.ts";

const run = (db: Db, text: string) => sql.raw<Record<string, unknown>>(text).execute(db.kysely);

const columnsOf = async (db: Db) => Object.keys((await run(db, "select * from things")).rows[0] ?? {});

describe("compiled statements", () => {
  let db: Db;
  const opened: OpenedDatabase[] = [];
  beforeEach(async () => {
    const database = await openDatabase({ url: ":memory:", log: silent });
    opened.push(database);
    db = database.db;
    await makeThings(db);
    await addThing(db, "a");
  });
  after(() => Promise.all(opened.map((one) => one.close())));

  test("are kept by a write of any form", async (t) => {
    const prepare = t.mock.method(DatabaseSync.prototype, "prepare");
    /** How many statements are compiled meanwhile. */
    const compiled = async (work: () => Promise<unknown>) => {
      const before = prepare.mock.callCount();
      await work();
      return prepare.mock.callCount() - before;
    };

    for (const text of [
      "insert into things (id, n) values ('b', 1)",
      "insert into things (id, n) values ('c', 1) returning id",
      "with one as (select 'd' as id) insert into things (id, n) select id, 0 from one",
      "with one as (select 'e)' as id) insert into things (id, n) select id, 0 from one returning id",
      "with recursive two(n) as materialized (select 1 union all select n + 1 from two where n < 2) update things set n = 2",
      "with one as (select 'a' as id) update things set n = 3 where id in (select id from one) returning n",
      "with one as (select 'b' as id), more as (select 'c' as id) delete from things where id in (select id from one)",
      'with "insert" as (select \'c\' as id) select * from "insert"',
      "replace into things (id, n) values ('a', 1)",
      "pragma user_version",
      "analyze",
    ]) {
      const read = () => readThing(db, "a");
      await read();
      assert.equal(await compiled(() => run(db, text)), 1, text);
      assert.equal(await compiled(read), 0, text);
    }
  });

  test("count the rows that they write after common table expressions", async () => {
    const one = "with one as (select 'b' as id)";
    for (const [text, rows] of [
      [`${one} insert into things (id, n) select id, 0 from one`, 1n],
      [`${one} insert into things (id, n) select id, 0 from one where true on conflict do nothing`, 0n],
      [`${one} update things set n = n + 1 where id in (select id from one) returning n`, 1n],
      [`${one} delete from things where id in (select id from one)`, 1n],
      [`${one} delete from things where id in (select id from one) returning id`, 0n],
      [`${one} select id from one`, undefined],
      // It would otherwise report the count of the statement before.
      ["create table more (id text)", undefined],
    ] as const) {
      assert.equal((await run(db, text)).numAffectedRows, rows, text);
    }
    assert.equal(await countThings(db), 1);
  });

  test("notice a change of the schema, and its rollback", async () => {
    const before = await columnsOf(db);
    const undone = inTransaction(db, async (tx) => {
      await run(tx, "alter table things add column more integer");
      assert.deepEqual(await columnsOf(tx), [...before, "more"]);
      throw new Error("no");
    });
    await assert.rejects(undone, /no/);
    assert.deepEqual(await columnsOf(db), before);
    await inTransaction(db, (tx) => run(tx, "alter table things add column most integer"));
    assert.deepEqual(await columnsOf(db), [...before, "most"]);
    await run(db, "alter table things drop column most");
    assert.deepEqual(await columnsOf(db), before);
  });
});
