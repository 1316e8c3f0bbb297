/** A PostgreSQL, or a network before it, that falls silent and closes nothing: docs/decisions/0004-what-is-done-again.md. */
import assert from "node:assert/strict";
import { before, beforeEach, describe, test } from "node:test";
import { sql } from "kysely";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { withoutTimeLimit } from "../../src/store/engine/postgres/time-limit.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { addThing, countThings, readThing, setThing } from "../store/things.ts";
import { openBehindProxy } from "./behind-proxy.ts";
import type { Harm, HostileProxy } from "./hostile-proxy.ts";

const queryTimeoutMs = 400;

forEachDatabase((name, _open, fresh) => {
  // A file has no network.
  if (name === "sqlite") return;
  const opened = openBehindProxy(fresh, { queryTimeoutMs });
  let proxy: HostileProxy;
  let db: Db;
  before(() => {
    ({ proxy, db } = opened());
  });
  /** A key for each test: what fell silent holds its own until the database notices. */
  let id: string;
  let tests = 0;
  beforeEach(() => {
    proxy.plan = undefined;
    proxy.mute = false;
    id = `thing ${++tests}`;
  });

  /** The first statement that begins like this meets the harm. */
  const meet = (begin: string, harm: Harm) => {
    let used = false;
    proxy.plan = (statement) => {
      if (used || !statement.startsWith(begin)) return undefined;
      used = true;
      return harm;
    };
  };
  const unknown = { name: "ConnectionLost", outcomeUnknown: true };
  const harms: Harm[] = ["silence before", "silence after"];

  for (const harm of harms) {
    const done = harm === "silence after";

    test(`a read, ${harm}: again`, async () => {
      await addThing(db, id, 7);
      meet("select", harm);
      assert.equal((await readThing(db, id))?.n, 7);
    });

    test(`a write by itself, ${harm}: not again, and nobody knows`, async () => {
      meet("insert", harm);
      await assert.rejects(addThing(db, id), unknown);
      assert.equal((await readThing(db, id)) !== undefined, done);
    });

    describe(`a transaction, ${harm}`, () => {
      const write = () =>
        inTransaction(db, async (tx) => {
          await addThing(tx, id);
          await readThing(tx, id);
          await setThing(tx, id, 3);
        });

      for (const statement of ["start transaction", "insert", "select", "update"]) {
        // The database ends the transaction it hears no more of: the work that is done again needs the same key.
        test(`at ${statement}: again from the start, and done once`, async () => {
          meet(statement, harm);
          await write();
          assert.equal((await readThing(db, id))?.n, 3);
        });
      }

      test("at the commit: not again, and nobody knows", async () => {
        meet("commit", harm);
        await assert.rejects(write(), unknown);
        if (done) assert.equal((await readThing(db, id))?.n, 3);
      });
    });
  }

  test("if the database no longer answers at all, every kind of work fails", async () => {
    proxy.plan = () => "silence before";
    proxy.mute = true;
    const insert = (tx: Db) => addThing(tx, id);
    const work = [countThings(db), insert(db), inTransaction(db, insert)];
    await Promise.all(work.map((one) => assert.rejects(one)));
    proxy.plan = undefined;
    proxy.mute = false;
    assert.equal(await readThing(db, id), undefined);
  });

  test("statements without a time limit may run longer than the limit", async () => {
    const seconds = (queryTimeoutMs * 2) / 1_000;
    await withoutTimeLimit(() => sql`select pg_sleep(${seconds})`.execute(db.kysely));
    await withoutTimeLimit(() =>
      inTransaction(db, (tx) => sql`select pg_sleep(${seconds})`.execute(tx.kysely)),
    );
  });
});
