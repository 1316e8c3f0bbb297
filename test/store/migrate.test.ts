/** Migrations at start, and the keys that secrets are sealed under. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { sql } from "kysely";
import { type Migration, migrations, PROGRAM_SCHEMA_VERSION } from "../../src/store/migrations/migrate.ts";
import { openDatabase } from "../../src/store/open.ts";
import { forEachDatabase, silent, temporaryFolder } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";

const step = (version: number, oldestProgram: number, up: Migration["up"]): Migration => ({
  version,
  name: `step-${version}`,
  oldestProgram,
  up,
});

forEachDatabase((name, open, _fresh, empty) => {
  describe("migrations", () => {
    test("an empty database gets every table; a second start changes nothing", async () => {
      const options = await empty();
      for (let start = 0; start < 2; start++) {
        const opened = await openDatabase(options);
        const rows = await opened.db.kysely.selectFrom("poolhouse_meta").selectAll().orderBy("key").execute();
        const version = rows.find((row) => row.key === "schema_version")?.value;
        assert.equal(version, String(PROGRAM_SCHEMA_VERSION));
        assert.deepStrictEqual(await opened.db.kysely.selectFrom("leases").selectAll().execute(), []);
        await opened.ping();
        await opened.close();
      }
    });

    test("an empty database is one line of the log, and so are all migrations of a start", async () => {
      const lines: string[] = [];
      const log = { ...silent, info: (_: object, text: string) => lines.push(text) };
      const options = { ...(await empty()), log };
      const list = [1, 2, 3, 4].map((version) => step(version, 1, async () => {}));
      const start = async (length: number) =>
        (await openDatabase({ ...options, migrations: list.slice(0, length) })).close();
      await start(2);
      assert.deepEqual(lines.splice(0), ["Created the tables of the database."]);
      await start(4);
      assert.deepEqual(lines.splice(0), ["Migrated the database."]);
    });

    test("each of the real ones can run twice", async () => {
      const twice = migrations.map((one) => ({
        ...one,
        up: async (...given: Parameters<Migration["up"]>) => {
          await one.up(...given);
          await one.up(...given);
        },
      }));
      await open({ migrations: twice });
    });

    test("providers whose names differ only by case stop the upgrade, which says which", async () => {
      const options = await empty();
      const before = migrations.slice(0, 17);
      const opened = await openDatabase({ ...options, migrations: before });
      const provider = (pool_id: string, provider_name: string) => ({
        ...{ pool_id, provider_name, prefix_key: provider_name.toLowerCase(), type: "OIDC" as const },
        ...{ version: 1, document: "{}", secrets_sealed: Buffer.alloc(1), created_at: 1, updated_at: 1 },
      });
      const providers = [provider("one", "Okta"), provider("one", "okta"), provider("two", "okta")];
      await opened.db.kysely.insertInto("identity_providers").values(providers).execute();
      await opened.close();
      await assert.rejects(
        openDatabase(options),
        /The identity providers Okta and okta of user pool one have names that differ only by case/,
      );
      const former = await openDatabase({ ...options, migrations: before });
      await former.db.kysely.deleteFrom("identity_providers").where("provider_name", "=", "Okta").execute();
      await former.close();
      await (await openDatabase(options)).close();
    });

    test("a program too old refuses, one a little older goes on", async () => {
      const options = await empty();
      const list = [step(1, 1, async () => {}), step(2, 1, async () => {}), step(3, 2, async () => {})];
      await (await openDatabase({ ...options, migrations: list })).close();
      await (await openDatabase({ ...options, migrations: list.slice(0, 2) })).close();
      await assert.rejects(
        openDatabase({ ...options, migrations: list.slice(0, 1) }),
        /too old for the database: it knows schema 1, the database has schema 3, .* at least 2/,
      );
    });

    test("one that older servers cannot work with is not done beside them", async () => {
      if (name === "sqlite") return;
      const options = await empty();
      for (const applicationName of ["poolhouse", "poolhouse/14"]) {
        const older = await openDatabase({
          ...options,
          applicationName,
          migrations: migrations.slice(0, 14),
        });
        await assert.rejects(
          openDatabase(options),
          new RegExp(`Servers of an earlier version are connected to the database \\(${applicationName}\\)`),
        );
        const { rows } = await sql`select 1 from pools`.execute(older.db.kysely);
        assert.deepEqual(rows, []);
        await older.close();
      }
      // PostgreSQL ends their sessions in its own time.
      await until("migrated", () =>
        openDatabase(options).then(
          (opened) => opened.close().then(() => true),
          () => false,
        ),
      );
    });

    test("one that fails leaves nothing behind and is tried again", async () => {
      const options = await empty();
      let fail = true;
      const list = [
        step(1, 1, async (kysely) => {
          await sql`create table half (a integer)`.execute(kysely);
          if (fail) throw new Error("half-way");
        }),
      ];
      await assert.rejects(openDatabase({ ...options, migrations: list }), /half-way/);
      fail = false;
      await (await openDatabase({ ...options, migrations: list })).close();
    });

    // What follows is about several servers; an SQLite file has one process at a time.
    if (name === "sqlite") return;
    test("servers that start at once on an empty database all come up", async () => {
      const options = await empty();
      const servers = [0, 1, 2, 3];
      /** How often each has asked for the time, which it does twice as it comes to the lease. */
      const looks = servers.map(() => 0);
      let runs = 0;
      const slow = step(1, 1, async (kysely) => {
        runs++;
        await sql`create table slow (a integer)`.execute(kysely);
        await until("all have come to the lease", () => looks.every((times) => times >= 2));
      });
      const opened = await Promise.all(
        servers.map((server) => {
          const now = () => {
            looks[server]!++;
            return Date.now();
          };
          return openDatabase({ ...options, migrations: [slow], now });
        }),
      );
      assert.equal(runs, 1);
      const [first] = opened;
      const sealed = first!.db.sealer.seal("t:c:1", "shared");
      const mac = first!.db.sealer.mac("test", "a");
      for (const { db } of opened) {
        assert.equal(db.sealer.openText("t:c:1", sealed), "shared");
        assert.deepStrictEqual(db.sealer.mac("test", "a"), mac);
      }
      await Promise.all(opened.map((one) => one.close()));
    });

    test("the lease of a server that died runs out", async () => {
      const options = await empty();
      const list = [step(1, 1, async () => {})];
      await (await openDatabase({ ...options, migrations: list })).close();
      const opened = await openDatabase({ ...options, migrations: list });
      const expires_at = 1_000_000;
      await opened.db.kysely
        .insertInto("leases")
        .values({ name: "migration", holder: "dead", expires_at })
        .execute();
      await opened.close();
      let asked = 0;
      // It runs out between the third look and the fourth.
      const now = () => expires_at + (++asked <= 6 ? 0 : 1);
      let migratedAt = 0;
      const second = step(2, 1, async () => {
        migratedAt = asked;
      });
      await (await openDatabase({ ...options, migrations: [...list, second], now })).close();
      assert.ok(migratedAt > 6, `${migratedAt}`);
    });
  });

  describe("keys", () => {
    test("a sealed value opens in its place only, after a restart too", async () => {
      const options = await empty();
      const first = await openDatabase(options);
      const sealed = first.db.sealer.seal("users:secret:1", "Käse");
      const mac = first.db.sealer.mac("code", "a", "b");
      await first.close();
      const { sealer } = (await open(options)).db;
      assert.equal(sealer.openText("users:secret:1", sealed), "Käse");
      assert.deepStrictEqual(sealer.open("users:secret:1", sealed), Buffer.from("Käse"));
      assert.throws(() => sealer.open("users:secret:2", sealed), /altered, moved/);
      assert.notDeepEqual(sealer.seal("users:secret:1", "Käse"), sealed);
      assert.deepStrictEqual(sealer.mac("code", "a", "b"), mac);
      assert.equal(mac.length, 32);
      for (const other of [
        sealer.mac("code", "ab"),
        sealer.mac("code", "a", "b", ""),
        sealer.mac("salt", "a", "b"),
      ]) {
        assert.notDeepEqual(other, mac);
      }
    });

    test("a wrong master key refuses to start", async () => {
      const options = await empty();
      await (await openDatabase(options)).close();
      const masterKey = randomBytes(32).toString("base64");
      await assert.rejects(openDatabase({ ...options, masterKey }), /master key does not fit this database/);
      await (await openDatabase(options)).close();
    });

    test("a malformed master key is refused without repeating it", async () => {
      const options = await empty();
      for (const masterKey of ["", "secret-word", randomBytes(31).toString("base64")]) {
        await assert.rejects(openDatabase({ ...options, masterKey }), (error: Error) => {
          assert.match(error.message, /not base64 of 32 bytes/);
          return masterKey === "" || !error.message.includes(masterKey);
        });
      }
    });

    if (name === "postgres") {
      test("PostgreSQL needs a configured one", async () => {
        const { masterKey: _, ...options } = await empty();
        await assert.rejects(openDatabase({ ...options, secretsFolder: "/nowhere" }), /must be configured/);
      });
    }
  });
});

describe("the master key file", { skip: process.platform === "win32" }, () => {
  const inFolder = (folder: string) => ({
    url: join(folder, "db", "poolhouse.sqlite"),
    secretsFolder: join(folder, "secrets"),
    log: silent,
  });

  test("is made for the owner alone, apart from the database, and not made again", async () => {
    const options = inFolder(temporaryFolder());
    const path = join(options.secretsFolder, "master-key");
    await (await openDatabase(options)).close();
    const text = readFileSync(path, "utf8");
    assert.equal(Buffer.from(text, "base64").length, 32);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(options.secretsFolder).mode & 0o777, 0o700);
    await (await openDatabase(options)).close();
    assert.equal(readFileSync(path, "utf8"), text);
    chmodSync(path, 0o644);
    await assert.rejects(openDatabase(options), /can be read by others/);
    rmSync(path);
    await assert.rejects(openDatabase(options), /is missing, but its database exists/);
    assert.equal(existsSync(path), false);
  });
});

describe("waiting for PostgreSQL", () => {
  const masterKey = randomBytes(32).toString("base64");
  test("ends after its time, naming host and database but not the password", async () => {
    let attempts = 0;
    const nobody = createServer((socket) => {
      attempts++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(nobody, "listening");
    const { port } = nobody.address() as AddressInfo;
    const url = `postgres://someone:pass-word@127.0.0.1:${port}/people`;
    await assert.rejects(openDatabase({ url, masterKey, log: silent, waitMs: 500 }), (error: Error) => {
      const where = `PostgreSQL at 127.0.0.1:${port}, database people could not be reached within`;
      assert.ok(error.message.startsWith(where), error.message);
      return !error.message.includes("pass-word");
    });
    nobody.close();
    // After pauses of 100 and 200 ms; another would end too late.
    assert.ok(attempts >= 1 && attempts <= 3, `${attempts} attempts`);
  });

  test("an unknown kind of address is refused without repeating it", async () => {
    await assert.rejects(
      openDatabase({ url: "mysql://u:pass-word@h/d", masterKey, log: silent }),
      (error: Error) => {
        assert.match(error.message, /postgres:/);
        return !error.message.includes("pass-word");
      },
    );
  });
});
