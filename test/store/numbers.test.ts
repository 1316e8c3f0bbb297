/** Users and pools have numbers inside the database: what that saves, and that nobody notices. */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { test } from "node:test";
import { sql } from "kysely";
import { loadUsers } from "../../bench/lib/users.ts";
import {
  insertCredential,
  type NewCredential,
  readCredential,
  writeCredential,
} from "../../src/store/credentials.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { groupsOfUser } from "../../src/store/groups.ts";
import { listUsers, type UserPosition, type UserSearch } from "../../src/store/list-users.ts";
import { migrations } from "../../src/store/migrations/migrate.ts";
import { openDatabase } from "../../src/store/open.ts";
import { reseal } from "../../src/store/rotation/reseal.ts";
import { countUsers, deletePool, insertPool, readPool } from "../../src/store/user-pools.ts";
import {
  deleteUser,
  findUserByLoginName,
  insertUser,
  type LoginName,
  readLoginNames,
  readUser,
  searchKey,
  type User,
} from "../../src/store/users.ts";
import { forEachDatabase } from "../kit/databases.ts";

const poolIds = ["us-east-1_AAAAAAAAA", "us-east-1_BBBBBBBBB"] as const;

const poolOf = (poolId: string) => ({
  poolId,
  version: 1,
  name: "pool",
  document: {},
  fakeSecret: new Uint8Array(32),
  createdAt: 1,
  updatedAt: 1,
});

const statuses = ["CONFIRMED", "UNCONFIRMED", "RESET_REQUIRED"] as const;

function userOf(poolId: string, index: number): User {
  return {
    poolId,
    id: randomUUID(),
    username: `User${index}`,
    version: 1,
    status: statuses[index % 3]!,
    enabled: index % 4 !== 0,
    signOuts: index,
    attributes: { email: `User${index}@example.com`, given_name: index % 2 ? "Ada" : "Ávila", name: "Same" },
    pendingAttributes: index === 1 ? { email: "new@example.com" } : {},
    mfa: { enabled: [] },
    createdAt: index,
    updatedAt: index,
  };
}

const namesOf = (user: User): LoginName[] => [
  { key: user.username, kind: "username" },
  { key: searchKey(user.attributes["email"]!), kind: "email" },
];

const credentialOf = (user: User): NewCredential => ({
  phc: `hash of ${user.poolId} ${user.username}`,
  srp: { salt: randomBytes(16), verifier: Buffer.from(user.username) },
  history: [`former of ${user.username}`],
  temporaryUntil: undefined,
});

/** Both pools with the same seven names in each. */
async function fill(db: Db): Promise<User[]> {
  for (const poolId of poolIds) await insertPool(db, poolOf(poolId));
  const users = poolIds.flatMap((poolId) => Array.from({ length: 7 }, (_, index) => userOf(poolId, index)));
  for (const user of users) {
    await inTransaction(db, async (tx) => {
      assert.equal(await insertUser(tx, user, namesOf(user)), true);
      await insertCredential(tx, user.poolId, user.id, credentialOf(user), 1);
    });
  }
  return users;
}

/** The same in the tables of schema 4, as a program of then would have written it. */
async function fillFormer(db: Db): Promise<User[]> {
  const insert = (table: string, row: Record<string, unknown>) =>
    sql`insert into ${sql.table(table)} (${sql.join(Object.keys(row).map((name) => sql.ref(name)))})
      values (${sql.join(Object.values(row))})`.execute(db.kysely);
  for (const pool_id of poolIds) {
    const fake_secret_sealed = db.sealer.seal(`pools:fake_secret_sealed:${pool_id}`, new Uint8Array(32));
    const times = { created_at: 1, updated_at: 1 };
    await insert("pools", {
      pool_id,
      version: 1,
      name: "pool",
      document: "{}",
      fake_secret_sealed,
      ...times,
    });
  }
  const users = poolIds.flatMap((poolId) => Array.from({ length: 7 }, (_, index) => userOf(poolId, index)));
  for (const user of users) {
    const ids = { pool_id: user.poolId, user_id: user.id };
    await insert("users", {
      ...ids,
      username: user.username,
      version: 1,
      status: user.status,
      enabled: user.enabled ? 1 : 0,
      sign_outs: user.signOuts,
      attributes: JSON.stringify(user.attributes),
      pending_attributes: user.username === "User1" ? JSON.stringify(user.pendingAttributes) : null,
      created_at: user.createdAt,
      updated_at: user.updatedAt,
      email_key: searchKey(user.attributes["email"]!),
      given_name_key: searchKey(user.attributes["given_name"]!),
      name_key: "same",
    });
    for (const { key, kind } of namesOf(user))
      await insert("login_names", { pool_id: user.poolId, name_key: key, kind, user_id: user.id });
    const { phc, srp, history } = credentialOf(user);
    const seal = (column: string, value: Uint8Array | string) =>
      db.sealer.seal(`credentials:${column}:${user.poolId}/${user.id}`, value);
    await insert("credentials", {
      ...ids,
      version: 1,
      password_sealed: seal("password_sealed", phc!),
      srp_sealed: seal("srp_sealed", Buffer.concat([srp!.salt, srp!.verifier])),
      history_sealed: seal("history_sealed", JSON.stringify(history)),
      updated_at: 1,
    });
  }
  // What is left of a user who was deleted while the password was set.
  await insert("credentials", { pool_id: poolIds[0], user_id: randomUUID(), version: 1, updated_at: 1 });
  return users;
}

/** Everybody is found by whatever they are found by, with their own credential. */
async function assertComplete(db: Db, users: readonly User[]): Promise<void> {
  for (const user of users) {
    assert.deepEqual(await readUser(db, user.poolId, user.id), user);
    for (const { key, kind } of namesOf(user))
      assert.deepEqual(await findUserByLoginName(db, user.poolId, key), { user, kind });
    assert.deepEqual((await readLoginNames(db, user.poolId, user.id)).sort(byKey), namesOf(user).sort(byKey));
    const credential = await readCredential(db, user.poolId, user.id);
    assert.equal(credential?.phc, `hash of ${user.poolId} ${user.username}`);
    assert.equal(Buffer.from(credential?.srp?.verifier ?? []).toString(), user.username);
    assert.deepEqual(credential?.history, [`former of ${user.username}`]);
  }
}

const byKey = (a: LoginName, b: LoginName) => (a.key < b.key ? -1 : 1);

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
  }
}

async function rowsOf(db: Db, ...tables: ("users" | "login_names" | "credentials")[]): Promise<number[]> {
  const counts = tables.map(async (table) => {
    const select = db.kysely.selectFrom(table).select(({ fn }) => fn.countAll<number>().as("rows"));
    return Number((await select.executeTakeFirstOrThrow()).rows);
  });
  return Promise.all(counts);
}

forEachDatabase((name, open, fresh) => {
  test("a database of the former schema is carried over", async () => {
    const options = await fresh();
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
    await db.kysely.deleteFrom("credentials").where("user_number", "=", numberOf(victim!)).execute();
    await db.kysely
      .updateTable("credentials")
      .set({ user_number: numberOf(victim!) })
      .where("user_number", "=", numberOf(thief!))
      .execute();
    await assert.rejects(readCredential(db, victim!.poolId, victim!.id), /altered, moved/);
    const { broken } = await reseal(db, [db.sealer.currentKeyId]);
    assert.ok(broken.includes(`credentials:password_sealed:${victim!.poolId}/${victim!.id}`));
  });

  if (name === "postgres") return;
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
