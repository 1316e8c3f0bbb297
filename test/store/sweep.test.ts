/** The sweep: everything that is over its time goes, slice by slice, each a seek in an index; nothing else does. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "../../src/lib/uuid.ts";
import { sweepAuditEvents } from "../../src/store/audit.ts";
import { sweepAuthEvents } from "../../src/store/auth-events.ts";
import type { Db } from "../../src/store/db.ts";
import { type ExpiringTable, expiringTables, growth } from "../../src/store/growth.ts";
import { sweepSigningKeys } from "../../src/store/signing-keys.ts";
import { Pace, sliceRows } from "../../src/store/slices.ts";
import { expiredRows, sweep, sweepEvents } from "../../src/store/sweep.ts";
import { forEachDatabase, type Open } from "../kit/databases.ts";
import { countIn, counting, fill, poolId } from "./filling.ts";
import { plansOf } from "./plans.ts";

const day = 86_400_000;
const now = 1_800_000_000_000;
const retention = { audit: 90, auth: 30 };
const expiring = expiringTables.map((table) => ({ table, ...growth[table].removed }));

/** A database with a pool. */
const withPool = async (open: Open): Promise<Db> => {
  const { db } = await open();
  await fill(db, "pools", 1, {});
  return db;
};

/** A pace whose clock says that each row took so long, and whose rests are a turn long and noted. */
function paceOf(msARow: number, { slices }: { slices: readonly number[] }, rests: number[] = []): Pace {
  const elapsed = () => slices.reduce((sum, rows) => sum + rows, 0) * msARow;
  return new Pace(elapsed, (ms) => {
    rests.push(ms);
    return setImmediate();
  });
}

forEachDatabase((name, open) => {
  test("of each table what is over its time goes, and nothing else", async () => {
    const db = await withPool(open);
    for (const { table, keptMs } of expiring) {
      await fill(db, table, 700, { expires_at: now - keptMs - 1 });
      await fill(db, table, 3, { expires_at: now - keptMs });
    }
    const counted = counting(db);
    await sweep(counted.db, now);
    for (const { table } of expiring) assert.equal(await countIn(db, table), 3, table);
    // Signing keys have a statement of their own.
    assert.ok(Math.max(...counted.slices) <= sliceRows.most);
    assert.ok(counted.slices.length > expiring.length, "more than one slice");
    await sweep(db, now + 1);
    for (const { table } of expiring) assert.equal(await countIn(db, table), 0, table);
  });

  test("slices shrink while they take too long and grow again, and no row is left behind", async () => {
    const db = await withPool(open);
    const total = 3_000;
    await fill(db, "attempts", total, { expires_at: now - 1 });
    const slow = counting(db);
    await sweep(slow.db, now, { pace: paceOf(1, slow) });
    const full = slow.slices.filter((rows) => rows > 0);
    assert.equal(full[0], sliceRows.first);
    assert.deepEqual([...new Set(full.slice(1, -1))], [sliceRows.least]);
    assert.equal(
      full.reduce((sum, rows) => sum + rows, 0),
      total,
    );
    assert.equal(await countIn(db, "attempts"), 0);
    await fill(db, "attempts", total, { expires_at: now - 1 });
    const fast = counting(db);
    await sweep(fast.db, now, { pace: paceOf(0.001, fast) });
    const growing = fast.slices.filter((rows) => rows > 0);
    assert.deepEqual(growing.slice(0, 3), [200, 300, 450]);
    assert.equal(await countIn(db, "attempts"), 0);
  });

  test("a sweep that is stopped leaves the rest to the next, and others have their turn in between", async () => {
    const db = await withPool(open);
    await fill(db, "attempts", 2_000, { expires_at: now - 1 });
    const counted = counting(db);
    let slices = 0;
    await sweep(counted.db, now, { goesOn: () => slices++ < 2 });
    const left = await countIn(db, "attempts");
    assert.ok(left > 0 && left < 2_000, String(left));
    let turns = 0;
    let sweeping = true;
    const others = () => {
      turns += 1;
      if (sweeping) void setImmediate().then(others);
    };
    void setImmediate().then(others);
    const again = counting(db);
    const rests: number[] = [];
    await sweep(again.db, now, { pace: paceOf(1, again, rests) });
    sweeping = false;
    const full = again.slices.filter((rows) => rows > 0);
    assert.deepEqual(
      rests,
      full.slice(0, rests.length).map((rows) => Math.min(3 * rows, 500)),
      "three times as long as each slice took, half a second at most",
    );
    assert.ok(rests.length >= full.length - 1);
    assert.equal(await countIn(db, "attempts"), 0);
    assert.ok(turns >= full.length, `${turns} turns`);
  });

  test("events go slice by slice as well", async () => {
    const db = await withPool(open);
    const random = (bytes: number) => randomBytes(bytes);
    const old = () => uuid7(now - 91 * day, random);
    await db.kysely
      .insertInto("audit_events")
      .values(
        Array.from({ length: 60 }, () => ({
          event_id: old(),
          at: now - 91 * day,
          pool_id: "",
          actor: "a",
          address: null,
          user_agent: null,
          operation: "o",
          target: null,
          result: "ok",
          request_id: null,
          details: null,
        })),
      )
      .execute();
    const counted = counting(db);
    const pace = paceOf(1, counted);
    pace.rows = sliceRows.least;
    await sweepEvents(counted.db, now, retention, { pace });
    assert.deepEqual(
      counted.slices.filter((rows) => rows > 0),
      [25, 25, 10],
    );
  });

  test("a counter that starts again while the sweep looks at it stays", async () => {
    const db = await withPool(open);
    await fill(db, "attempts", 1, { expires_at: now - 1 });
    // What PostgreSQL looks at once more when the row has changed under the statement.
    const { sql: text } = expiredRows("attempts", ["subject", "kind"], {
      poolId,
      before: now,
      limit: 10,
    }).compile(db.kysely);
    assert.match(text, /limit \S+\)\s+and \+expires_at < \S+$/);
    await db.kysely.updateTable("attempts").set({ expires_at: now }).execute();
    await sweep(db, now);
    assert.equal(await countIn(db, "attempts"), 1);
  });

  test("each slice seeks: the rows by the index of their time, and each by its key", async () => {
    const db = await withPool(open);
    const plans = name === "sqlite" ? sqlitePlan : postgresPlan;
    for (const { table, key } of expiring) {
      if (name === "postgres") {
        await fill(db, table, 2_000, { expires_at: now });
        await sql`analyze ${sql.table(table)}`.execute(db.kysely);
      }
      await plans(db, table, key);
    }
  });

  // The planner of PostgreSQL prefers a scan while a table is small, so that it has nothing to tell here.
  if (name !== "sqlite") return;
  test("events and keys are sought as well", async () => {
    const db = await withPool(open);
    await fill(db, "signing_keys", 1, { retired_at: now });
    const sweeps = {
      audit: (spied: Db) => sweepAuditEvents(spied, "0", 100),
      auth: (spied: Db) => sweepAuthEvents(spied, poolId, "0", 100),
      keys: (spied: Db) => sweepSigningKeys(spied, poolId, now),
    };
    for (const [what, one] of Object.entries(sweeps))
      for (const plan of await plansOf(db, one)) {
        assert.match(plan.join("; "), /SEARCH/, what);
        assert.doesNotMatch(plan.join("; "), /SCAN|TEMP B-TREE/, what);
      }
  });
});

async function sqlitePlan(db: Db, table: ExpiringTable, key: readonly string[]): Promise<void> {
  const statement = expiredRows(table, key, { poolId, before: now, limit: 200 });
  const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(db.kysely);
  const plan = rows.map(({ detail }) => detail).join("; ");
  assert.match(
    plan,
    new RegExp(`SEARCH ${table} USING INDEX ${table}_expiry \\(pool_id=\\? AND expires_at<\\?\\)`),
    plan,
  );
  const byKey = ["pool_id", ...key].map((column) => `${column}=\\?`).join(" AND ");
  assert.match(plan, new RegExp(`SEARCH ${table} USING (?:PRIMARY KEY|INDEX \\w+) \\(${byKey}\\)`), plan);
  assert.doesNotMatch(plan, /SCAN|TEMP B-TREE/, plan);
}

async function postgresPlan(db: Db, table: ExpiringTable, key: readonly string[]): Promise<void> {
  const statement = expiredRows(table, key, { poolId, before: now - day, limit: 200 });
  const { rows } = await sql<Record<string, string>>`explain ${statement}`.execute(db.kysely);
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  assert.match(plan, new RegExp(`Index (?:Only )?Scan using ${table}_expiry`), plan);
  assert.match(plan, new RegExp(`Index Scan using ${table}_pkey`), plan);
  assert.doesNotMatch(plan, /Seq Scan|Sort/, plan);
}
