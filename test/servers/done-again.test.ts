/** The table of docs/decisions/0004-what-is-done-again.md, line by line, over a proxy that does as it is told. */
import assert from "node:assert/strict";
import { before, beforeEach, describe, test } from "node:test";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";
import { addThing, countThings, readThing, setThing, things } from "../store/things.ts";
import { openBehindProxy } from "./behind-proxy.ts";
import type { Harm, HostileProxy } from "./hostile-proxy.ts";

forEachDatabase((name, _open, fresh) => {
  // A file has no network.
  if (name === "sqlite") return;
  const opened = openBehindProxy(fresh);
  let proxy: HostileProxy;
  let db: Db;
  before(() => {
    ({ proxy, db } = opened());
  });
  beforeEach(async () => {
    proxy.plan = undefined;
    await things(db).deleteFrom("things").execute();
  });

  /** So many statements that begin like this meet the harm. */
  const meet = (begin: string, harm: Harm, times = 1) => {
    let left = times;
    proxy.plan = (statement) => (statement.startsWith(begin) && left-- > 0 ? harm : undefined);
    return { used: () => left < times };
  };
  const unknown = { name: "ConnectionLost", outcomeUnknown: true };
  const harms: Harm[] = ["refuse", "cut before", "cut after"];

  describe("a statement by itself", () => {
    for (const harm of harms) {
      test(`a read, ${harm}: again`, async () => {
        await addThing(db, "a", 7);
        const harmed = meet("select", harm, 3);
        assert.equal((await readThing(db, "a"))?.n, 7);
        assert.ok(harmed.used());
      });
    }

    test("a write that was refused: again, and done once", async () => {
      meet("insert", "refuse", 3);
      await addThing(db, "a");
      meet("update", "refuse", 3);
      await setThing(db, "a", 2);
      assert.equal((await readThing(db, "a"))?.n, 2);
    });

    test("a write that is refused for ever is told in the end", async () => {
      meet("insert", "refuse", 1_000);
      await assert.rejects(addThing(db, "a"), (error: { code?: string }) => /^40/.test(error.code ?? ""));
      assert.equal(await countThings(db), 0);
    });

    test("a write whose connection broke: not again, whether it was done or not", async () => {
      meet("insert", "cut before");
      await assert.rejects(addThing(db, "a"), unknown);
      meet("insert", "cut after");
      await assert.rejects(addThing(db, "b"), unknown);
      assert.equal(await readThing(db, "a"), undefined);
      assert.equal((await readThing(db, "b"))?.id, "b");
    });

    test("connections that broke while idle are replaced", async () => {
      await Promise.all(["a", "b", "c"].map((id) => addThing(db, id)));
      proxy.cutAll();
      assert.equal(await countThings(db), 3);
    });

    test("a database that is away for a moment is waited for", async () => {
      proxy.down = true;
      proxy.cutAll();
      const reading = countThings(db);
      const writing = inTransaction(db, (tx) => addThing(tx, "a"));
      const { connections } = proxy.counts;
      await until("both have tried again", () => proxy.counts.connections >= connections + 4);
      proxy.down = false;
      await Promise.all([reading, writing]);
      assert.equal((await readThing(db, "a"))?.id, "a");
    });
  });

  describe("a transaction", () => {
    const write = () =>
      inTransaction(db, async (tx) => {
        await addThing(tx, "a");
        await countThings(tx);
        await setThing(tx, "a", 3);
      });

    for (const statement of ["start transaction", "insert", "select", "update"]) {
      for (const harm of harms) {
        test(`${statement}, ${harm}: again from the start, and done once`, async () => {
          const harmed = meet(statement, harm, 2);
          await write();
          assert.ok(harmed.used());
          assert.equal((await readThing(db, "a"))?.n, 3);
        });
      }
    }

    test("a commit that was refused: again", async () => {
      const harmed = meet("commit", "refuse", 2);
      await write();
      assert.ok(harmed.used());
      assert.equal((await readThing(db, "a"))?.n, 3);
    });

    test("a connection that broke at the commit: not again, whether it was done or not", async () => {
      meet("commit", "cut before");
      await assert.rejects(write(), unknown);
      assert.equal(await countThings(db), 0);
      meet("commit", "cut after");
      await assert.rejects(write(), unknown);
      assert.equal((await readThing(db, "a"))?.n, 3);
    });

    test("one that only read: again, whatever happens at its commit", async () => {
      for (const harm of harms) {
        meet("commit", harm);
        assert.equal(await inTransaction(db, (tx) => countThings(tx)), 0);
      }
    });

    test("a connection that broke between two statements: again", async () => {
      let attempts = 0;
      await inTransaction(db, async (tx) => {
        await addThing(tx, "a");
        if (++attempts === 1) proxy.cutAll();
        await setThing(tx, "a", attempts);
      });
      assert.equal((await readThing(db, "a"))?.n, 2);
    });

    test("the error that ended the transaction is reported, not that of its rollback", async () => {
      meet("rollback", "cut before");
      const ended = inTransaction(db, async (tx) => {
        await addThing(tx, "a");
        throw new Error("no");
      });
      await assert.rejects(ended, /^Error: no$/);
      assert.equal(await countThings(db), 0);
    });
  });
});
