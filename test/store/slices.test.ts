/** Large removals go slice by slice, each row by its key, and leave what came back meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { sql } from "kysely";
import { deleteClient, emptyClient } from "../../src/store/client-removal.ts";
import { countUsers } from "../../src/store/count-users.ts";
import type { Db } from "../../src/store/db.ts";
import { deleteGroup } from "../../src/store/groups.ts";
import { deleteIdentityPool, identityPoolTables } from "../../src/store/identity-pools.ts";
import { deletePool, emptyPool, poolTables } from "../../src/store/pool-removal.ts";
import { deleting, keyOf, Pace, sliceRows } from "../../src/store/slices.ts";
import { sweep } from "../../src/store/sweep.ts";
import { revokeManyFamilies } from "../../src/store/token-families.ts";
import { deleteUser } from "../../src/store/user-removal.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { countIn, counting, fill, poolId } from "./filling.ts";
import { plansOf } from "./plans.ts";

const now = 1_800_000_000_000;

/** Slices that are as large as the first one, and no waiting in between. */
const pace = () =>
  new Pace(
    () => 0,
    () => setImmediate(),
  );

const usersRows = async (db: Db, count: number) => {
  await fill(db, "pools", 1, {});
  await fill(db, "users", count, (row) => ({ number: row + 1, user_id: `u${row}` }));
};

forEachDatabase((name, open) => {
  test("the keys that slices go by are the primary keys", async () => {
    const { db } = await open();
    for (const table of [...poolTables, ...identityPoolTables]) {
      const { rows } =
        name === "sqlite"
          ? await sql<{
              name: string;
            }>`select name from pragma_table_info(${table}) where pk > 0 order by pk`.execute(db.kysely)
          : await sql<{ name: string }>`select a.attname as name from pg_index i cross join lateral
              unnest(i.indkey) with ordinality as k(attnum, at) join pg_attribute a
              on a.attrelid = i.indrelid and a.attnum = k.attnum
              where i.indisprimary and i.indrelid = cast(${table} as regclass) order by k.at`.execute(
              db.kysely,
            );
      assert.deepEqual(
        rows.map((row) => row.name),
        ["pool_id", ...keyOf(table)],
        table,
      );
    }
  });

  test("a deleted pool is empty, and what a deletion has left the sweep removes", async () => {
    const { db } = await open();
    await usersRows(db, 450);
    await fill(db, "devices", 450, (row) => ({ user_id: `u${row}` }));
    assert.equal(await deletePool(db, poolId, now), true);
    for (const table of ["users", "devices"] as const) assert.equal(await countIn(db, table), 0, table);
    assert.equal(await deletePool(db, poolId, now), false);
    // As after a crash.
    await fill(db, "users", 450, (row) => ({ number: row + 1, user_id: `u${row}` }));
    const counted = counting(db);
    await sweep(counted.db, now, { pace: pace() });
    assert.equal(await countIn(db, "users"), 0);
    assert.deepEqual(
      counted.slices.filter((rows) => rows > 0),
      [200, 250],
    );
  });

  test("a pool that is there again is not emptied", async () => {
    const { db } = await open();
    await usersRows(db, 3);
    await emptyPool(db, poolId);
    assert.equal(await countIn(db, "users"), 3);
  });

  test("a user with many rows is removed in slices, and nobody else", async () => {
    const { db } = await open();
    await usersRows(db, 2);
    const mine = (row: number) => (row < 1_200 ? "u0" : "u1");
    await fill(db, "token_families", 1_203, (row) => ({ user_id: mine(row) }));
    await fill(db, "auth_events", 1_203, (row) => ({ user_number: row < 1_200 ? 1 : 2 }));
    const counted = counting(db);
    assert.equal(await deleteUser(counted.db, poolId, "u0"), true);
    assert.ok(Math.max(...counted.slices) < 1_200);
    assert.equal(await countIn(db, "token_families"), 3);
    assert.equal(await countIn(db, "auth_events"), 3);
    assert.equal(await countIn(db, "users"), 1);
    assert.equal(await deleteUser(db, poolId, "u0"), false);
  });

  test("many families of a user are revoked in slices; few are left to the transaction", async () => {
    const { db } = await open();
    await usersRows(db, 2);
    const user_id = (row: number) => (row < 600 ? "u0" : row < 1_200 ? "u1" : "u2");
    await fill(db, "token_families", 1_500, (row) => ({
      user_id: user_id(row),
      revoked_at: row % 2 === 0 ? null : 7,
    }));
    const valid = async (user: string) => {
      const { rows } =
        await sql`select 1 from token_families where user_id = ${user} and revoked_at is null`.execute(
          db.kysely,
        );
      return rows.length;
    };
    await revokeManyFamilies(db, poolId, "u1", now);
    assert.equal(await valid("u1"), 300, "300 are few");
    await sql`update token_families set revoked_at = null where user_id = 'u1'`.execute(db.kysely);
    const counted = counting(db);
    await revokeManyFamilies(counted.db, poolId, "u1", now);
    assert.equal(await valid("u1"), 0);
    assert.deepEqual(
      [counted.slices.length > 1, counted.slices.reduce((sum, rows) => sum + rows, 0)],
      [true, 600],
    );
    assert.equal(await valid("u0"), 300);
  });

  test("the members of a deleted group go, unless there is another one of that name", async () => {
    const { db } = await open();
    await usersRows(db, 1);
    const group = { group_name: "g" };
    await fill(db, "group_members", 700, (row) => ({ user_id: `u${row}`, ...group }));
    await fill(db, "groups", 1, () => group);
    assert.equal(await deleteGroup(db, poolId, "g"), true);
    assert.equal(await countIn(db, "group_members"), 0);
    assert.equal(await deleteGroup(db, poolId, "g"), false);
  });

  test("everything of a deleted client goes, and nothing of another, or of one that is there", async () => {
    const { db } = await open();
    await fill(db, "pools", 1, {});
    await fill(db, "clients", 2, (row) => ({ client_id: `c${row}` }));
    const tables = ["token_families", "sign_ins", "authorization_codes"] as const;
    for (const table of tables) await fill(db, table, 1_001, (row) => ({ client_id: `c${row % 2}` }));
    await emptyClient(db, poolId, "c0", { pace: pace() });
    for (const table of tables) assert.equal(await countIn(db, table), 1_001, table);
    const counted = counting(db);
    assert.equal(await deleteClient(counted.db, poolId, "c0", now), true);
    assert.ok(Math.max(...counted.slices) < 501);
    for (const table of tables) assert.equal(await countIn(db, table), 500, table);
    assert.equal(await deleteClient(db, poolId, "c0", now), false);
  });

  test("an identity pool goes with its identities", async () => {
    const { db } = await open();
    await fill(db, "identity_pools", 1, {});
    await fill(db, "identities", 700, {});
    assert.equal(await deleteIdentityPool(db, poolId), true);
    assert.equal(await countIn(db, "identities"), 0);
    assert.equal(await deleteIdentityPool(db, poolId), false);
  });

  // The planner of PostgreSQL prefers a scan while a table is small, so that it has nothing to tell here.
  if (name !== "sqlite") return;
  test("every slice seeks", async () => {
    const { db } = await open();
    const ofUser = sql`user_id = ${"u"}`;
    const slices = [
      ...poolTables.map((table) => deleting(table, poolId)),
      deleting("token_families", poolId, ofUser),
      deleting("group_members", poolId, sql`group_name = ${"g"}`),
      deleting("auth_events", poolId, sql`user_number = 1`),
      deleting("token_families", poolId, sql`family_id > ${"a"} and client_id = ${"c"}`),
    ];
    for (const slice of slices)
      for (const plan of await plansOf(db, (spied) => slice(spied, sliceRows.first))) {
        assert.match(plan.join("; "), /SEARCH/);
        assert.doesNotMatch(plan.join("; "), /SCAN (?!CONSTANT)|TEMP B-TREE/);
      }
  });

  test("users are counted exactly while they are few, and then by samples", async () => {
    const { db } = await open();
    await fill(db, "pools", 1, {});
    await fill(db, "users", 3_000, (row) => ({ number: row + 1, user_id: `u${row}` }));
    assert.equal(await countUsers(db, poolId, 3_000), 3_000);
    assert.equal(await countUsers(db, poolId), 3_000);
    await sql`delete from users where number % 2 = 0 and number < 3000`.execute(db.kysely);
    assert.equal(await countUsers(db, poolId, 2_000), 1_501);
    const estimated = await countUsers(db, poolId);
    assert.ok(Math.abs(estimated - 1_501) < 30, String(estimated));
  });
});
