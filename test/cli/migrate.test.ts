/** `poolhouse migrate`: ahead of the servers, without the master key of a database, and with a clear word when it cannot be done. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import pg from "pg";
import { migrations, PROGRAM_SCHEMA_VERSION } from "../../src/store/migrations/migrate.ts";
import { openDatabase } from "../../src/store/open.ts";
import { forEachDatabase, silent, temporaryFolder } from "../kit/databases.ts";
import { administer, createPostgres, dropPostgres } from "../kit/postgres.ts";
import { runWith, serve, stop } from "./program.ts";

const latest = PROGRAM_SCHEMA_VERSION;

forEachDatabase((name, _open, _fresh, empty) => {
  const withoutKey = async () => {
    const { url } = await empty();
    const env = { POOLHOUSE_DATABASE: url, POOLHOUSE_DATA: temporaryFolder() };
    return { url, migrate: (...argv: string[]) => runWith(env, "migrate", ...argv) };
  };

  test("--check tells, migrate does, and does it once", async () => {
    const { url, migrate } = await withoutKey();
    const before = await migrate("--check");
    assert.equal(before.code, 1);
    assert.match(before.stdout, new RegExp(`^Schema 0: .* brings it to ${latest}`));
    if (name === "sqlite") assert.equal(existsSync(url), false);
    const done = await migrate();
    assert.deepEqual([done.code, done.stdout], [0, `Migrated from schema 0 to ${latest}.\n`]);
    for (const argv of [[], ["--check"]]) {
      const again = await migrate(...argv);
      assert.deepEqual([again.code, again.stdout], [0, `Schema ${latest}: nothing to do.\n`]);
    }
  });

  test("--distribute refuses a database without Citus, other engines, and --check", async () => {
    const { migrate } = await withoutKey();
    const other = await migrate("--distribute", "other");
    assert.equal(other.code, 2);
    assert.match(other.stderr, /--distribute takes citus only/);
    assert.equal((await migrate("--distribute", "citus", "--check")).code, 2);
    const refused = await migrate("--distribute", "citus");
    assert.deepEqual([refused.code, refused.stdout], [1, ""], "nothing was changed");
    const reason = {
      sqlite: /Only a PostgreSQL database can be/,
      postgres: /has no Citus: run `create extension/,
    };
    assert.match(refused.stderr, reason[name]);
  });

  test("commands refuse a database that is older, and say what to do", async () => {
    const options = await empty();
    await (await openDatabase({ ...options, migrations: migrations.slice(0, 1) })).close();
    await assert.rejects(
      openDatabase({ ...options, secondary: true }),
      new RegExp(`has schema 1, this program needs ${latest}: .*poolhouse migrate`),
    );
    const ended = await runWith({ POOLHOUSE_DATABASE: options.url }, "migrate");
    assert.deepEqual([ended.code, ended.stdout], [0, `Migrated from schema 1 to ${latest}.\n`]);
  });

  test("a database of a newer program is refused", async () => {
    const options = await empty();
    const opened = await openDatabase(options);
    for (const key of ["schema_version", "oldest_program_version"])
      await opened.db.kysely
        .updateTable("poolhouse_meta")
        .set({ value: "99" })
        .where("key", "=", key)
        .execute();
    await opened.close();
    const migrate = (...argv: string[]) => runWith({ POOLHOUSE_DATABASE: options.url }, "migrate", ...argv);
    const [check, done] = [await migrate("--check"), await migrate()];
    for (const ended of [check, done]) assert.match(ended.stderr, /too old for the database: .* schema 99/);
    assert.deepEqual([check.code, done.code], [2, 1]);
  });
});

test("unknown arguments are refused", async () => {
  for (const argv of [["now"], ["--chekc"]]) {
    const ended = await runWith({}, "migrate", ...argv);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /poolhouse migrate --check/);
  }
});

describe("SQLite", () => {
  test("in an empty folder it makes the master key as the first start does, and the server starts", async () => {
    const data = temporaryFolder();
    const check = await runWith({}, "migrate", "--check", "--data", data);
    assert.equal(check.code, 1);
    assert.equal(existsSync(join(data, "secrets")), false);
    const ended = await runWith({}, "migrate", "--data", data);
    assert.deepEqual([ended.code, ended.stdout], [0, `Migrated from schema 0 to ${latest}.\n`]);
    const key = join(data, "secrets", "master-key");
    assert.equal(statSync(key).mode & 0o777, 0o600);
    const made = readFileSync(key, "utf8");
    const server = await serve("--data", data);
    assert.equal(await stop(server.process), 0);
    assert.equal(readFileSync(key, "utf8"), made);
    // Where there is a database, a key that is missing was lost.
    rmSync(key);
    assert.equal((await runWith({}, "migrate", "--data", data)).code, 0);
    assert.equal(existsSync(key), false);
  });

  test("with a configured master key it makes none", async () => {
    const data = temporaryFolder();
    const POOLHOUSE_MASTER_KEY = randomBytes(32).toString("base64");
    assert.equal((await runWith({ POOLHOUSE_MASTER_KEY }, "migrate", "--data", data)).code, 0);
    assert.equal(existsSync(join(data, "secrets")), false);
  });

  test("beside a running server there is nothing to do", async () => {
    const data = temporaryFolder();
    const server = await serve("--data", data);
    const ended = await runWith({}, "migrate", "--data", data);
    assert.deepEqual([ended.code, ended.stdout], [0, `Schema ${latest}: nothing to do.\n`]);
    assert.equal(await stop(server.process), 0);
  });

  test("what is no database, or no folder for one, is named", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "x.sqlite");
    writeFileSync(path, "This is no database, but a letter to somebody else. ".repeat(40));
    const migrate = (database: string) =>
      runWith({ POOLHOUSE_DATABASE: database, POOLHOUSE_DATA: folder }, "migrate");
    const letter = await migrate(path);
    assert.equal(letter.code, 1);
    assert.match(letter.stderr, /x\.sqlite.*not a database/);
    const inside = await migrate(join(path, "y.sqlite"));
    assert.equal(inside.code, 1);
    assert.match(inside.stderr, /EEXIST.*mkdir .*x\.sqlite/);
  });
});

const reachable = await administer("select 1").then(
  () => true,
  () => false,
);

describe("PostgreSQL", { skip: reachable || process.env["CI"] ? false : "cannot be reached" }, () => {
  test("cannot be reached: named, without the password", async () => {
    const POOLHOUSE_DATABASE = "postgres://someone:pass-word@127.0.0.1:1/people";
    const ended = await runWith({ POOLHOUSE_DATABASE }, "migrate", "--check");
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /PostgreSQL at 127\.0\.0\.1:1, database people could not be reached within/);
    assert.ok(!ended.stderr.includes("pass-word"));
  });

  test("a scheme in capitals is one, too; a parameter that pg refuses is told without the password", async () => {
    const url = "Postgres://someone:pass-word@127.0.0.1:1/people?sslrootcert=/nowhere/ca.pem";
    const ended = await runWith({ POOLHOUSE_DATABASE: url }, "migrate", "--check");
    assert.equal(ended.code, 2);
    assert.equal(
      ended.stderr.trim(),
      "poolhouse migrate: The URL of POOLHOUSE_DATABASE cannot be used: ENOENT: no such file or directory, open '/nowhere/ca.pem'",
    );
  });

  test("a user who may not change the schema is told so, and serves once another has migrated", async () => {
    const { name, url } = await createPostgres();
    await administer(`create role ${name} login`);
    const owner = new URL(url);
    const user = new URL(owner);
    user.username = name;
    user.password = "";
    try {
      const migrate = (url: URL) => runWith({ POOLHOUSE_DATABASE: url.href }, "migrate");
      const refused = await migrate(user);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /may not change its schema .* Grant it CREATE/);
      assert.equal((await migrate(owner)).code, 0);
      const client = new pg.Client({ connectionString: owner.href });
      await client.connect();
      await client.query(`grant select, insert, update, delete on all tables in schema public to ${name}`);
      await client.end();
      assert.equal((await migrate(user)).code, 0);
      const masterKey = randomBytes(32).toString("base64");
      const opened = await openDatabase({ url: user.href, masterKey, log: silent });
      await opened.ping();
      await opened.close();
    } finally {
      await dropPostgres(name);
      await administer(`drop role if exists ${name}`);
    }
  });
});
