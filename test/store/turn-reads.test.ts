/** Lookups of the embedded store: those of one turn of the event loop together, in the order of what else was asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { lookup, preparedWrite } from "../../src/store/prepared.ts";
import { forOneDatabase } from "../kit/databases.ts";
import { hangingMs } from "../kit/waiting.ts";

const insert = preparedWrite<{ name: string }>((kysely, slot) =>
  kysely.insertInto("leases").values({ name: slot("name"), holder: "me", expires_at: 7 }),
);
const find = lookup<{ name: string }, { name: string }>((kysely, slot) =>
  kysely.selectFrom("leases").select("name").where("name", "=", slot("name")),
);
const count = async (db: Db, name: string) => (await find(db, { name })).length;

forOneDatabase("sqlite", (_kind, open) => {
  test("a lookup does not see a write that was asked for after it", async () => {
    const { db } = await open();
    const [found] = await Promise.all([count(db, "a"), insert(db, { name: "a" })]);
    assert.equal(found, 0);
    assert.equal(await count(db, "a"), 1);
  });

  test("a lookup sees the writes that were asked for before it, though none is done yet", async () => {
    const { db } = await open();
    const names = Array.from({ length: 20 }, (_, at) => `before ${at}`);
    const writes = names.map((name) => insert(db, { name }));
    const [last] = await Promise.all([count(db, names.at(-1)!), ...writes]);
    assert.equal(last, 1);
  });

  test("a lookup begun before a transaction may be awaited in it", { timeout: hangingMs }, async () => {
    const { db } = await open();
    const begun = count(db, "b");
    await inTransaction(db, async (tx) => {
      assert.equal(await begun, 0);
      await insert(tx, { name: "b" });
    });
    assert.equal(await count(db, "b"), 1);
  });

  test("more than go together are answered, too, and each of those that fail alone", async () => {
    const { db } = await open();
    await insert(db, { name: "c" });
    const asked = Array.from({ length: 100 }, (_, at) =>
      at % 7 === 3 ? find(db, { name: undefined as unknown as string }) : find(db, { name: "c" }),
    );
    for (const [at, { status }] of (await Promise.allSettled(asked)).entries())
      assert.equal(status, at % 7 === 3 ? "rejected" : "fulfilled", String(at));
  });

  test("a lookup after the end is refused, even if a disk had failed", { timeout: hangingMs }, async () => {
    let fails = false;
    const { db, close } = await open({
      syncFile: (_descriptor, done) => setImmediate(() => done(fails ? new Error("EIO: test") : null)),
    });
    fails = true;
    await assert.rejects(insert(db, { name: "d" }), /refuses to write/);
    // Has the connection while it is closed.
    const last = sql`select 1`.execute(db.kysely);
    const closed = close();
    await Promise.all([last, closed]);
    await assert.rejects(find(db, { name: "d" }), /destroyed/);
  });
});
