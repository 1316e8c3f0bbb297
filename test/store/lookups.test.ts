/** Reads of a few rows by their key: those of a turn go together, and whatever happens to them on their way, nobody notices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { sql } from "kysely";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { lookup, preparedWrite } from "../../src/store/prepared.ts";
import { onOneMachine } from "../kit/citus.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { addressOf, behind, openRelay } from "../kit/relay.ts";
import { until } from "../kit/waiting.ts";

interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly expires_at: number;
}

const insert = preparedWrite<{ name: string }>((kysely, slot) =>
  kysely.insertInto("leases").values({ name: slot("name"), holder: "me", expires_at: 7 }),
);
const find = lookup<{ name: string }, Lease>((kysely, slot) =>
  kysely.selectFrom("leases").selectAll().where("name", "=", slot("name")),
);

const lease = (name: string) => ({ name, holder: "me", expires_at: 7 });

/** The connections over which lookups went last. */
async function shared(db: Db): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and query = 'select * from "leases" where "name" = $1'`.execute(
    db.kysely,
  );
  return rows.map(({ pid }) => pid);
}

/** Asks until lookups have connections of their own. */
async function untilShared(db: Db): Promise<number[]> {
  let pids: number[] = [];
  await until("lookups share connections", async () => {
    await Promise.all(Array.from({ length: 20 }, () => find(db, { name: "a" })));
    // The pool's connections are overwritten with another text.
    await Promise.all(Array.from({ length: 20 }, () => sql`select 1`.execute(db.kysely)));
    pids = await shared(db);
    return pids.length > 0;
  });
  return pids;
}

const many = (db: Db, count: number) =>
  Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const name = at % 2 === 0 ? "a" : "none";
      assert.deepEqual(await find(db, { name }), at % 2 === 0 ? [lease("a")] : []);
    }),
  );

forEachDatabase((kind, open, fresh) => {
  test("each gets its own answer, however many ask at once", async () => {
    const { db } = await open();
    await insert(db, { name: "a" });
    for (let round = 0; round < 5; round++) await many(db, 300);
  });

  test("a value that no database holds is refused, and harms no other", async () => {
    const { db } = await open();
    await insert(db, { name: "a" });
    await many(db, 10);
    await Promise.all([
      many(db, 10),
      assert.rejects(find(db, { name: undefined as unknown as string }), TypeError),
      many(db, 10),
    ]);
  });

  test("the root handle is refused inside a transaction", async () => {
    const { db } = await open();
    await many(db, 4).catch(() => {});
    const inside = inTransaction(db, () => find(db, { name: "a" }));
    await assert.rejects(inside, /inside a transaction/);
  });

  test("what a transaction wrote is found in it, and once it is committed", async () => {
    const { db } = await open();
    for (let n = 0; n < 20; n++) {
      const name = `row ${n}`;
      await inTransaction(db, async (tx) => {
        await insert(tx, { name });
        assert.deepEqual(await find(tx, { name }), [lease(name)]);
      });
      assert.deepEqual(await find(db, { name }), [lease(name)]);
    }
  });

  test("what a transaction has not committed is not found, and hinders none", async () => {
    const { db } = await open();
    await insert(db, { name: "a" });
    const written = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const rolledBack = inTransaction(db, async (tx) => {
      await insert(tx, { name: "b" });
      written.resolve();
      await asked.promise;
      throw new Error("no");
    });
    await written.promise;
    const found = Promise.all([find(db, { name: "b" }), many(db, 10)]);
    await turn();
    asked.resolve();
    await assert.rejects(rolledBack, /^Error: no$/);
    assert.deepEqual((await found)[0], []);
  });

  if (kind === "sqlite") return;

  test("they share at most two connections of those that are allowed", async () => {
    const { db } = await open({ poolSize: 8 });
    await insert(db, { name: "a" });
    await untilShared(db);
    await many(db, 200);
    await Promise.all(Array.from({ length: 50 }, () => sql`select 2`.execute(db.kysely)));
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where datname = current_database() and backend_type = 'client backend'`.execute(db.kysely);
    assert.ok(rows[0]!.count <= 8, `${rows[0]!.count} connections`);
    assert.ok((await shared(db)).length <= 2);
  });

  test("a pool of few connections shares none", async () => {
    const { db } = await open({ poolSize: 2 });
    await insert(db, { name: "a" });
    await many(db, 50);
    assert.equal(db.counts.connections?.().total, 2);
  });

  test("connections that end while lookups are on their way lose none", async () => {
    const { db } = await open();
    await insert(db, { name: "a" });
    for (let round = 0; round < 5; round++) {
      const pids = await untilShared(db);
      const asked = many(db, 100);
      for (const pid of pids) await sql`select pg_terminate_backend(${pid}::int)`.execute(db.kysely);
      await asked;
      await many(db, 100);
    }
  });

  test("a database that goes away and comes back", async () => {
    const options = await fresh();
    const relay = await openRelay(addressOf(options.url));
    const { db } = await open({ ...options, url: behind(relay, options.url) });
    await insert(db, { name: "a" });
    for (let round = 0; round < 2; round++) {
      await untilShared(db);
      await relay.cut();
      const asked = many(db, 50);
      await relay.join();
      await asked;
    }
    await relay.cut();
  });

  test("a connection that goes silent is given up, and its lookups go another way", async () => {
    const options = await fresh();
    const swallowed: number[] = [];
    // Several statements in one piece: these share a connection, which from then on hears nothing more.
    const relay = await openRelay(addressOf(options.url), (piece) => {
      const synced = piece.toString("latin1").split("S\0\0\0\x04").length - 1;
      if (synced > 1) swallowed.push(synced);
      return synced <= 1;
    });
    const { db } = await open({ ...options, url: behind(relay, options.url), queryTimeoutMs: 2_000 });
    await insert(db, { name: "a" });
    await until("some were swallowed", async () => {
      await many(db, 40);
      return swallowed.length > 0;
    });
    await relay.cut();
  });

  test(
    "a column that another server adds",
    onOneMachine("a cluster has its own way with columns"),
    async () => {
      const { db } = await open();
      await insert(db, { name: "a" });
      await untilShared(db);
      await sql`alter table leases add column extra text`.execute(db.kysely);
      for (let round = 0; round < 3; round++) {
        const found = await Promise.all(Array.from({ length: 50 }, () => find(db, { name: "a" })));
        for (const [row] of found) assert.equal(row!.holder, "me");
      }
      await sql`alter table leases drop column extra`.execute(db.kysely);
    },
  );
});
