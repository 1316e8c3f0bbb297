/** Every key begins with the pool, and users have numbers in it: what that saves, and that nobody notices. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { loadUsers } from "../../bench/lib/users.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { listAuthEvents } from "../../src/store/auth-events.ts";
import { countUsers } from "../../src/store/count-users.ts";
import { insertCredential, readCredential, writeCredential } from "../../src/store/credentials.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { groupsOfUser } from "../../src/store/groups.ts";
import { listUsers, type UserPosition, type UserSearch } from "../../src/store/list-users.ts";
import { readLoginNames } from "../../src/store/login-names.ts";
import { migrations } from "../../src/store/migrations/migrate.ts";
import { type OpenOptions, openDatabase } from "../../src/store/open.ts";
import { deletePool } from "../../src/store/pool-removal.ts";
import { reseal } from "../../src/store/rotation/reseal.ts";
import { insertPool, readPool } from "../../src/store/user-pools.ts";
import { deleteUser } from "../../src/store/user-removal.ts";
import { insertUser, readUser, type User, updateUser } from "../../src/store/users.ts";
import { forEachDatabase } from "../kit/databases.ts";
import {
  assertComplete,
  credentialOf,
  fill,
  fillFormer,
  fillFormerEvents,
  namesOf,
  poolIds,
  poolOf,
  rowsOf,
  userOf,
} from "./people-of-pools.ts";

/** A search, and whom it finds. */
const searches: readonly (readonly [UserSearch, (user: User) => boolean])[] = [
  [{ by: "all" }, () => true],
  [{ by: "enabled", enabled: true }, (user) => user.enabled],
  [{ by: "enabled", enabled: false }, (user) => !user.enabled],
  [{ by: "status", statuses: ["CONFIRMED"] }, (user) => user.status === "CONFIRMED"],
  [{ by: "status", statuses: ["UNCONFIRMED", "RESET_REQUIRED"] }, (user) => user.status !== "CONFIRMED"],
  [{ by: "name", text: "same", match: "exact" }, () => true],
  [{ by: "name", text: "s", match: "prefix" }, () => true],
  [{ by: "given_name", text: "ada", match: "exact" }, (user) => user.attributes["given_name"] === "Ada"],
  [{ by: "email", text: "user", match: "prefix" }, () => true],
  [{ by: "email", text: "user3@example.com", match: "exact" }, (user) => user.username === "User3"],
  [{ by: "username", text: "User", match: "prefix" }, () => true],
  [{ by: "sub", text: "", match: "prefix" }, () => true],
];

async function pagesOf(db: Db, poolId: string, search: UserSearch): Promise<string[]> {
  const found: string[] = [];
  let after: UserPosition | undefined;
  for (;;) {
    const page = await listUsers(db, poolId, search, { after, limit: 2 });
    found.push(...page.map(({ user }) => user.id));
    if (page.length < 2) return found;
    after = page.at(-1)!.position;
  }
}

async function assertSearched(db: Db, users: readonly User[]): Promise<void> {
  for (const poolId of poolIds) {
    for (const [search, finds] of searches) {
      const wanted = users.filter((user) => user.poolId === poolId && finds(user)).map(({ id }) => id);
      const found = await pagesOf(db, poolId, search);
      assert.deepEqual(found.toSorted(), wanted.toSorted(), JSON.stringify(search));
    }
    const [long] = users.filter((user) => user.poolId === poolId && user.attributes["preferred_username"]);
    const text = long!.attributes["preferred_username"]!.slice(0, 256);
    const by = "preferred_username";
    assert.deepEqual(await pagesOf(db, poolId, { by, text, match: "prefix" }), [long!.id]);
    assert.deepEqual(await pagesOf(db, poolId, { by, text, match: "exact" }), []);
  }
}

/** A database as the version before the migration left it, with users, their events and events of the audit log. */
async function formerDatabase(options: OpenOptions): Promise<User[]> {
  const first = await openDatabase({ ...options, migrations: migrations.slice(0, 4) });
  const users = await fillFormer(first.db);
  await first.close();
  const second = await openDatabase({ ...options, migrations: migrations.slice(0, 14) });
  await fillFormerEvents(second.db, users);
  await second.close();
  return users;
}

forEachDatabase((name, open, fresh, empty) => {
  test("a database of the former schema is carried over", async () => {
    const options = await empty();
    const former = await openDatabase({ ...options, migrations: migrations.slice(0, 4) });
    const users = await fillFormer(former.db);
    await sql`insert into groups (pool_id, group_name, created_at, updated_at)
      values (${poolIds[1]}, 'staff', 1, 1)`.execute(former.db.kysely);
    await sql`insert into group_members (pool_id, user_id, group_name, created_at)
      values (${poolIds[1]}, ${users[9]!.id}, 'staff', 1)`.execute(former.db.kysely);
    // Who else may use the tables still may; a role of this test alone would outlive it.
    if (name === "postgres")
      await sql`grant select on users, login_names, credentials to pg_monitor`.execute(former.db.kysely);
    await former.close();

    const { db } = await open(options);
    await assertComplete(db, users);
    await assertSearched(db, users);
    assert.deepEqual(await groupsOfUser(db, poolIds[1], users[9]!.id), [
      { name: "staff", roleArn: null, precedence: null },
    ]);
    assert.deepEqual(await rowsOf(db, "users", "login_names", "credentials"), [14, 28, 14]);
    assert.equal((await readPool(db, poolIds[0]))?.fakeSecret.length, 32);
    if (name === "postgres") {
      const granted = await sql`select 1 from information_schema.role_table_grants
        where grantee = 'pg_monitor' and table_name in ('users', 'login_names', 'credentials')`.execute(
        db.kysely,
      );
      assert.equal(granted.rows.length, 3);
    }
    // And whoever comes now gets a number of their own.
    const late = userOf(poolIds[0], 8);
    await inTransaction(db, async (tx) => {
      await insertUser(tx, late, namesOf(late));
      await insertCredential(tx, late.poolId, late.id, credentialOf(late), 1);
    });
    await assertComplete(db, [...users, late]);
  });

  test("the migration to keys that carry the pool is done once, whatever kills it", async () => {
    const options = await empty();
    const users = await formerDatabase(options);
    let killed = 0;
    for (const statement of [1, 8, 20, 40]) {
      const { signal, stdout, stderr } = spawnSync(
        process.execPath,
        [join(import.meta.dirname, "migration-child.ts"), JSON.stringify(options), String(statement)],
        { encoding: "utf8" },
      );
      assert.equal(signal, "SIGKILL", stdout + stderr);
      killed += 1;
    }
    assert.equal(killed, 4);
    const later = () => Date.now() + 120_000 * 100;
    const { db } = await open({ ...options, now: later });
    await assertComplete(db, users);
    await assertSearched(db, users);
    assert.deepEqual(await rowsOf(db, "users", "login_names", "credentials"), [14, 28, 14]);
    for (const [index, user] of users.entries()) {
      const events = await listAuthEvents(db, user.poolId, user.id, { before: undefined, limit: 10 });
      assert.deepEqual(
        events.map(({ steps, feedback }) => [steps, feedback?.provider]),
        [[index, index % 2 ? "admin" : undefined]],
      );
    }
    const stored = await db.kysely.selectFrom("users").select(["attributes", "family_name_key"]).execute();
    const twice = stored.filter(({ attributes }) => attributes.includes("family_name"));
    // PostgreSQL's rows stay as they are until they are written again.
    assert.equal(twice.length, name === "sqlite" ? 0 : users.length);
    const audit = await listAuditEvents(db, {}, { limit: 10, order: "oldest first" });
    assert.deepEqual(
      audit.map(({ poolId, operation }) => [poolId, operation]),
      [
        [undefined, "CreateAccessKey"],
        [poolIds[0], "CreateUserPool"],
        ["us-east-1_Nowhere", "DeleteUserPool"],
      ],
    );
  });

  test("a text is stored in its search column, and once more only if it differs there", async () => {
    const { db } = await open();
    await insertPool(db, poolOf(poolIds[0]));
    const user: User = {
      ...userOf(poolIds[0], 1),
      attributes: {
        email: "ann@example.com",
        name: "Ann",
        nickname: "ann",
        family_name: "",
        given_name: "ann",
      },
    };
    await inTransaction(db, (tx) => insertUser(tx, user, []));
    const row = await db.kysely.selectFrom("users").selectAll().executeTakeFirstOrThrow();
    assert.deepEqual(JSON.parse(row.attributes), { name: "Ann", nickname: "ann", family_name: "" });
    const { email_key, name_key, family_name_key, given_name_key } = row;
    assert.deepEqual(
      [email_key, name_key, family_name_key, given_name_key],
      ["ann@example.com", "ann", null, "ann"],
    );
    assert.deepEqual(await readUser(db, user.poolId, user.id), user);
    const attributes = { email: "Ann@example.com", given_name: "bea" };
    assert.equal(await updateUser(db, user, { attributes }, 2), true);
    assert.deepEqual((await readUser(db, user.poolId, user.id))?.attributes, attributes);
  });

  test("an earlier version no longer starts on it", async () => {
    const options = await fresh();
    const former = { ...options, migrations: migrations.slice(0, 14) };
    await assert.rejects(openDatabase(former), /too old for the database/);
  });

  test("pages hold everybody once, in each pool its own, while others leave", async () => {
    const { db } = await open();
    const users = await fill(db);
    await assertSearched(db, users);
    assert.deepEqual([await countUsers(db, poolIds[0]), await countUsers(db, "us-east-1_None")], [7, 0]);
    for (const [search] of searches) {
      const [first, ...rest] = await listUsers(db, poolIds[0], search, { after: undefined, limit: 60 });
      // The first one leaves, and the page after theirs begins where it began.
      await deleteUser(db, poolIds[0], first!.user.id);
      const next = await listUsers(db, poolIds[0], search, { after: first!.position, limit: 60 });
      assert.deepEqual(next, rest, JSON.stringify(search));
      await inTransaction(db, async (tx) => {
        await insertUser(tx, first!.user, namesOf(first!.user));
      });
    }
  });

  test("a user's names and credential go with the user, a pool's with the pool", async () => {
    const { db } = await open();
    const [gone, ...users] = await fill(db);
    assert.equal(await deleteUser(db, gone!.poolId, gone!.id), true);
    assert.deepEqual(await rowsOf(db, "users", "login_names", "credentials"), [13, 26, 13]);
    await assertComplete(db, users);
    assert.equal(await readCredential(db, gone!.poolId, gone!.id), undefined);
    // A number that is free again, and its new owner, have nothing of the former one's.
    assert.equal(await writeCredential(db, gone!.poolId, gone!.id, undefined, credentialOf(gone!), 2), false);
    assert.equal(await writeCredential(db, gone!.poolId, gone!.id, 1, credentialOf(gone!), 2), false);
    await deletePool(db, poolIds[1], 0);
    assert.deepEqual(await rowsOf(db, "users", "login_names", "credentials"), [6, 12, 6]);
    await deletePool(db, poolIds[0], 0);
    assert.deepEqual(await rowsOf(db, "users", "login_names", "credentials"), [0, 0, 0]);
  });

  test("an id counts in its own pool alone", async () => {
    const { db } = await open();
    const [user] = await fill(db);
    const [, elsewhere] = poolIds;
    assert.equal(await readCredential(db, elsewhere, user!.id), undefined);
    assert.equal(await writeCredential(db, elsewhere, user!.id, undefined, credentialOf(user!), 2), false);
    assert.equal(await writeCredential(db, elsewhere, user!.id, 1, credentialOf(user!), 2), false);
    assert.deepEqual(await readLoginNames(db, elsewhere, user!.id), []);
    assert.equal((await readCredential(db, user!.poolId, user!.id))?.version, 1);
    assert.equal(await writeCredential(db, user!.poolId, user!.id, undefined, credentialOf(user!), 2), true);
    assert.equal((await readCredential(db, user!.poolId, user!.id))?.version, 2);
  });

  test("a credential opens for its own user only, and is sealed anew for them", async () => {
    const { db } = await open();
    const users = await fill(db);
    assert.deepEqual((await reseal(db, [db.sealer.currentKeyId])).broken, []);
    await assertComplete(db, users);
    const [thief, victim] = users;
    const rows = await db.kysely.selectFrom("users").select(["user_id", "number"]).execute();
    const numberOf = (user: User) => rows.find((row) => row.user_id === user.id)!.number;
    const ofUser = (user: User) => ({ pool_id: user.poolId, user_number: numberOf(user) });
    await db.kysely
      .deleteFrom("credentials")
      .where((row) => row.and(ofUser(victim!)))
      .execute();
    await db.kysely
      .updateTable("credentials")
      .set({ user_number: numberOf(victim!) })
      .where((row) => row.and(ofUser(thief!)))
      .execute();
    await assert.rejects(readCredential(db, victim!.poolId, victim!.id), /altered, moved/);
    const { broken } = await reseal(db, [db.sealer.currentKeyId]);
    assert.ok(broken.includes(`credentials:password_sealed:${victim!.poolId}/${victim!.id}`));
  });

  if (name === "postgres") {
    test("a user whose number is taken gets another", async () => {
      const { db } = await open();
      await insertPool(db, poolOf(poolIds[0]));
      await insertPool(db, poolOf(poolIds[1]));
      const drawn = [5, 5, 5, 6, 5];
      const draw = () => drawn.shift() ?? assert.fail("drawn too often");
      const [one, another] = [userOf(poolIds[0], 1), userOf(poolIds[0], 2)];
      const elsewhere = userOf(poolIds[1], 1);
      for (const user of [one, another, elsewhere])
        await inTransaction(db, (tx) => insertUser(tx, user, namesOf(user), draw));
      const rows = await db.kysely.selectFrom("users").select(["user_id", "number"]).execute();
      const numbers = new Map(rows.map((row) => [row.user_id, row.number]));
      assert.deepEqual(
        [one, another, elsewhere].map(({ id }) => numbers.get(id)),
        [5, 6, 5],
      );
      assert.deepEqual(drawn, []);
    });
    return;
  }
  test("a user takes less than a thousand bytes", async () => {
    const { log: _, ...database } = await fresh();
    const opened = await open({ ...database });
    await insertPool(opened.db, poolOf(poolIds[0]));
    await opened.close();
    const users = 20_000;
    await loadUsers({ database, poolId: poolIds[0], users, verifiers: users / 1_000 });
    const size = statSync(database.url).size / users;
    assert.ok(size < 1_000, `${size} bytes`);
  });
});
