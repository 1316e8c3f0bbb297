/** Statements that are compiled once and asked many times. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inTransaction } from "../../src/store/db.ts";
import { prepared, preparedWrite } from "../../src/store/prepared.ts";
import { forEachDatabase } from "../kit/databases.ts";

const insert = preparedWrite<{ name: string; holder: string; until: number }>((kysely, slot) =>
  kysely
    .insertInto("leases")
    .values({ name: slot("name"), holder: slot("holder"), expires_at: slot("until") })
    .onConflict((conflict) => conflict.doNothing()),
);

/** One slot twice, and a plain value between them. */
const find = prepared<{ text: string; until: number }, { name: string; expires_at: number }>((kysely, slot) =>
  kysely
    .selectFrom("leases")
    .select(["name", "expires_at"])
    .where((where) => where.or([where("name", "=", slot("text")), where("holder", "=", slot("text"))]))
    .where("holder", "!=", "nobody")
    .where("expires_at", "<", slot("until"))
    .orderBy("name"),
);

forEachDatabase((_name, open) => {
  test("each call is answered for its own values, also side by side and by another database", async () => {
    const [{ db }, { db: other }] = await Promise.all([open(), open()]);
    assert.equal(await insert(db, { name: "a", holder: "x", until: 1 }), 1);
    assert.equal(await insert(db, { name: "b", holder: "a", until: 2 }), 1);
    assert.equal(await insert(db, { name: "c", holder: "nobody", until: 3 }), 1);
    assert.equal(await insert(db, { name: "a", holder: "y", until: 9 }), 0);
    assert.equal(await insert(other, { name: "a", holder: "z", until: 7 }), 1);
    const [both, first, none, elsewhere] = await Promise.all([
      find(db, { text: "a", until: 10 }),
      find(db, { text: "a", until: 2 }),
      find(db, { text: "nobody", until: 10 }),
      find(other, { text: "a", until: 10 }),
    ]);
    assert.deepEqual(both, [
      { name: "a", expires_at: 1 },
      { name: "b", expires_at: 2 },
    ]);
    assert.deepEqual(first, [{ name: "a", expires_at: 1 }]);
    assert.deepEqual(none, []);
    assert.deepEqual(elsewhere, [{ name: "a", expires_at: 7 }]);
  });

  test("inside a transaction they are part of it", async () => {
    const { db } = await open();
    await assert.rejects(
      inTransaction(db, async (tx) => {
        await insert(tx, { name: "gone", holder: "x", until: 1 });
        assert.equal((await find(tx, { text: "gone", until: 2 })).length, 1);
        throw new Error("no");
      }),
      /no/,
    );
    assert.deepEqual(await find(db, { text: "gone", until: 2 }), []);
  });

  test("a value that no database holds is refused as everywhere", async () => {
    const { db } = await open();
    await assert.rejects(insert(db, { name: "a", holder: "x", until: Number.NaN }), TypeError);
  });
});
