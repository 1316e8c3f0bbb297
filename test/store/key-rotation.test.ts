/** Rotation of data keys and of the master key: nothing is lost, wherever it is cut short, on both databases. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, fdatasync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { sql } from "kysely";
import { sealedKeyId } from "../../src/lib/seal.ts";
import { insertAccessKey, readAccessKey, setAccessKeyStatus } from "../../src/store/access-keys.ts";
import type { Db } from "../../src/store/db.ts";
import { keyRotationLease, LeaseTaken, underLease } from "../../src/store/engine/lease.ts";
import { readDataKeys, rewrapDataKeys, WrongMasterKey } from "../../src/store/keys/data-keys.ts";
import { adoptStagedMasterKey, stageMasterKey } from "../../src/store/keys/master-key.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../../src/store/open.ts";
import { reseal } from "../../src/store/rotation/reseal.ts";
import { type RotateOptions, rotateDataKey } from "../../src/store/rotation/rotate-data-key.ts";
import { rotateMasterKey } from "../../src/store/rotation/rotate-master-key.ts";
import { sealedTables } from "../../src/store/rotation/sealed-columns.ts";
import { insertSignIn, moveSignIn, readSignIn } from "../../src/store/sign-ins.ts";
import { forEachDatabase, temporaryFolder } from "../kit/databases.ts";

const random = (bytes: number) => randomBytes(bytes);

/** Rotates without waiting: the clock goes on by as much as was to be waited. */
function stepping(overrides: Partial<RotateOptions> = {}): RotateOptions {
  let now = Date.now();
  return {
    clock: () => now,
    random,
    wait: async (milliseconds) => {
      now += milliseconds;
    },
    report: () => {},
    ...overrides,
  };
}

const addKey = (db: Db, id: string) =>
  insertAccessKey(db, {
    id,
    principal: `someone-${id}`,
    secret: `secret of ${id}`,
    policy: "{}",
    status: "Active",
    createdAt: 1,
  });

const signIn = (id: string) => ({
  poolId: "pool",
  id,
  clientId: "client",
  userId: undefined,
  version: 0,
  state: { n: 0 },
  createdAt: 1,
  expiresAt: 2,
});

/** The data keys that the access keys are sealed under. */
async function keyIdsOf(db: Db): Promise<Set<string>> {
  const rows = await db.kysely.selectFrom("access_keys").select("secret_sealed").execute();
  return new Set(rows.map((row) => sealedKeyId(row.secret_sealed)));
}

forEachDatabase((name, open, fresh) => {
  test("the list of sealed columns is that of the tables, with their primary keys", async () => {
    const { db } = await open();
    const tables = await db.kysely.introspection.getTables();
    const found: Record<string, { key: string[]; columns: string[] }> = {};
    for (const table of tables) {
      const names = table.columns.map((column) => column.name);
      const columns = names.filter((column) => column.endsWith("_sealed")).sort();
      if (columns.length > 0) found[table.name] = { key: await primaryKey(db, table.name), columns };
    }
    const listed = Object.entries(sealedTables).map(([table, { key, columns }]) => [
      table,
      { key: [...key], columns: [...columns].sort() },
    ]);
    assert.deepEqual(found, Object.fromEntries(listed));
  });

  describe("data keys", () => {
    test("everything is sealed under the new key, and the former one is gone", async () => {
      const opened = await open();
      const { db } = opened;
      const mac = db.sealer.mac("test", "a");
      const former = db.sealer.currentKeyId;
      // More than one batch.
      for (let n = 0; n < 230; n++) await addKey(db, `AKIA${n}`);
      const done = await rotateDataKey(opened, stepping());
      assert.notEqual(done.keyId, former);
      // With the key check.
      assert.equal(done.resealed, 231);
      await opened.refreshKeys();
      assert.equal(db.sealer.currentKeyId, done.keyId);
      assert.deepEqual(await keyIdsOf(db), new Set([done.keyId]));
      for (const n of [0, 99, 100, 229])
        assert.equal((await readAccessKey(db, `AKIA${n}`))?.secret, `secret of AKIA${n}`);
      const keys = await readDataKeys(db.kysely);
      assert.deepEqual(keys.map((row) => row.purpose).sort(), ["mac", "seal"]);
      assert.deepEqual(db.sealer.mac("test", "a"), mac);
    });

    test("a start, and another rotation, work after it", async () => {
      const options = await fresh();
      for (let round = 0; round < 2; round++) {
        const opened = await openDatabase(options);
        await addKey(opened.db, `AKIA${round}`);
        await rotateDataKey(opened, stepping());
        await opened.close();
      }
      const { db } = await open(options);
      assert.equal((await readAccessKey(db, "AKIA0"))?.secret, "secret of AKIA0");
    });

    test("cut short anywhere, it goes on where it stopped", async () => {
      for (let stop = 0; ; stop++) {
        const opened = await open();
        await addKey(opened.db, "AKIA1");
        const former = opened.db.sealer.currentKeyId;
        let steps = 0;
        const step = async () => {
          if (steps++ === stop) throw new Error("cut short");
        };
        const options = stepping();
        const wait = async (milliseconds: number) => {
          await step();
          await options.wait(milliseconds);
          await step();
        };
        const cut = await rotateDataKey(opened, { ...options, wait }).catch((error: Error) => error);
        if (!(cut instanceof Error)) {
          // Two steps at each of the three waits.
          assert.equal(stop, 6);
          return;
        }
        assert.equal(cut.message, "cut short");
        const begun = (await readDataKeys(opened.db.kysely)).map((row) => row.key_id);
        const done = await rotateDataKey(opened, options);
        assert.ok(begun.includes(done.keyId), "a second new key was made");
        assert.notEqual(done.keyId, former);
        await opened.refreshKeys();
        assert.deepEqual(await keyIdsOf(opened.db), new Set([done.keyId]));
        assert.equal((await readAccessKey(opened.db, "AKIA1"))?.secret, "secret of AKIA1");
        assert.equal((await readDataKeys(opened.db.kysely)).length, 2);
      }
    });

    test("what a server that is behind seals late is sealed anew before the key goes", async () => {
      const options = await fresh();
      const opened = await open(options);
      const behind = await open({ ...options, secondary: true });
      const former = behind.db.sealer.currentKeyId;
      const steps = stepping();
      let waits = 0;
      const wait = async (milliseconds: number) => {
        await steps.wait(milliseconds);
        // After the values were sealed anew: this connection has learned nothing since it was opened.
        if (++waits === 3) await addKey(behind.db, "AKIALATE");
      };
      const done = await rotateDataKey(opened, { ...steps, wait });
      assert.equal(behind.db.sealer.currentKeyId, former);
      assert.deepEqual(await keyIdsOf(opened.db), new Set([done.keyId]));
      // It does not know the new key; the first value that names it makes it look.
      const late = await readAccessKey(behind.db, "AKIALATE");
      assert.throws(() => late?.secret, /does not know/);
      while (behind.db.sealer.currentKeyId === former) await new Promise(setImmediate);
      assert.equal((await readAccessKey(behind.db, "AKIALATE"))?.secret, "secret of AKIALATE");
    });

    test("what a server writes between the reading and the sealing is not overwritten", async () => {
      // One connection: statements run in the order in which they are asked for.
      const { db } = await open({ poolSize: 1 });
      const row = signIn("s1");
      await insertSignIn(db, row);
      let written: Promise<boolean> | undefined;
      const sealer = Object.assign(Object.create(db.sealer), {
        open: (...place: Parameters<typeof db.sealer.open>) => {
          if (place[0].startsWith("sign_ins:")) written = moveSignIn(db, row, { n: 1 });
          return db.sealer.open(...place);
        },
      });
      const { found, resealed } = await reseal({ ...db, sealer }, [db.sealer.currentKeyId]);
      assert.equal(await written, true);
      // Both it and the key check were found; only the latter still was what had been read.
      assert.deepEqual({ found, resealed }, { found: 2, resealed: 1 });
      assert.deepEqual((await readSignIn<{ n: number }>(db, "pool", "s1"))?.state, { n: 1 });
    });

    test("a value that does not open is named, and the former key is kept", async () => {
      const opened = await open();
      const { db } = opened;
      for (const id of ["AKIA1", "AKIA2"]) await addKey(db, id);
      const other = await db.kysely
        .selectFrom("access_keys")
        .select("secret_sealed")
        .where("access_key_id", "=", "AKIA1")
        .executeTakeFirstOrThrow();
      await db.kysely.updateTable("access_keys").set(other).where("access_key_id", "=", "AKIA2").execute();
      const former = db.sealer.currentKeyId;
      await assert.rejects(
        rotateDataKey(opened, stepping()),
        /1 sealed values do not open .* kept: access_keys:secret_sealed:AKIA2/,
      );
      assert.equal((await readAccessKey(db, "AKIA1"))?.secret, "secret of AKIA1");
      assert.ok((await readDataKeys(db.kysely)).some((row) => row.key_id === former));
      assert.equal((await reseal(db, [former])).broken.length, 1);
    });

    test("two rotations at once: one is refused", async () => {
      const opened = await open();
      await underLease(opened.db.kysely, keyRotationLease, async () => {
        await assert.rejects(rotateDataKey(opened, stepping()), LeaseTaken);
        await assert.rejects(rotateMasterKey(opened, stepping()), LeaseTaken);
      });
      await rotateDataKey(opened, stepping());
    });
  });

  describe("a configured master key", () => {
    const key = () => randomBytes(32).toString("base64");

    test("is replaced in a rolling change: old, both, new", async () => {
      const [former, next] = [key(), key()];
      const options: OpenOptions = { ...(await fresh()), masterKey: former };
      const old = await openDatabase(options);
      await addKey(old.db, "AKIA1");
      const beside = (changes: Partial<OpenOptions>) => open({ ...options, secondary: true, ...changes });
      const secretAt = async ({ db }: OpenedDatabase) => (await readAccessKey(db, "AKIA1"))?.secret;
      await assert.rejects(beside({ masterKey: next }), WrongMasterKey);
      const both = await beside({ masterKey: next, previousMasterKey: former });
      assert.equal(await secretAt(both), "secret of AKIA1");
      // Until the data keys are wrapped anew, both the old and the new configuration start.
      assert.equal(await secretAt(await beside({})), "secret of AKIA1");
      await assert.rejects(rotateDataKey(both, stepping()), /rotate master.* first/);
      assert.deepEqual(await rotateMasterKey(both, stepping()), { rewrapped: 2, folder: undefined });
      assert.deepEqual(await rotateMasterKey(both, stepping()), { rewrapped: 0, folder: undefined });
      for (const changes of [{ masterKey: next }, { masterKey: next, previousMasterKey: former }])
        assert.equal(await secretAt(await beside(changes)), "secret of AKIA1");
      await assert.rejects(beside({}), WrongMasterKey);
      // A server that still runs with the former key has the data keys already.
      await old.refreshKeys();
      assert.equal(await secretAt(old), "secret of AKIA1");
      await old.close();
    });

    test("the previous one alone is refused", async () => {
      const { masterKey: _, ...options } = await fresh();
      await assert.rejects(openDatabase({ ...options, previousMasterKey: key() }), /goes with/);
    });
  });

  if (name === "postgres") return;
  test("what a command changes beside a running server is on the disk before it says so", async () => {
    const options = await fresh();
    const { db } = await open(options);
    await addKey(db, "AKIA1");
    const syncs: (() => void)[] = [];
    const syncFile: OpenOptions["syncFile"] = (descriptor, done) =>
      void syncs.push(() => fdatasync(descriptor, done));
    const command = await open({ ...options, secondary: true, syncFile });
    let answered = false;
    const change = setAccessKeyStatus(command.db, "AKIA1", "Inactive").then((done) => {
      answered = true;
      return done;
    });
    // The server sees it, which proves that it is committed.
    while ((await readAccessKey(db, "AKIA1"))?.status !== "Inactive") await new Promise(setImmediate);
    while (syncs.length === 0) await new Promise(setImmediate);
    assert.equal(answered, false);
    for (const sync of syncs) sync();
    assert.equal(await change, true);
  });

  describe("the file of the master key", () => {
    const start = async () => {
      const folder = temporaryFolder();
      const { masterKey: _, ...rest } = await fresh();
      const options = {
        ...rest,
        url: join(folder, "db", "x.sqlite"),
        secretsFolder: join(folder, "secrets"),
      };
      const path = join(options.secretsFolder, "master-key");
      const opened = await openDatabase(options);
      await addKey(opened.db, "AKIA1");
      return { options, path, opened, folder: options.secretsFolder };
    };

    test("is replaced beside a running server, which goes on and learns new data keys", async () => {
      const { options, path, opened } = await start();
      const before = readFileSync(path, "utf8");
      const command = await openDatabase({ ...options, secondary: true });
      assert.equal((await rotateMasterKey(command, stepping())).rewrapped, 2);
      const after = readFileSync(path, "utf8");
      assert.notEqual(after, before);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal(existsSync(`${path}.next`), false);
      await rotateDataKey(command, stepping());
      await opened.refreshKeys();
      assert.equal((await readAccessKey(opened.db, "AKIA1"))?.secret, "secret of AKIA1");
      await command.close();
      await opened.close();
      const again = await openDatabase(options);
      assert.equal((await readAccessKey(again.db, "AKIA1"))?.secret, "secret of AKIA1");
      await again.close();
      writeFileSync(path, before);
      await assert.rejects(openDatabase(options), WrongMasterKey);
    });

    const notRoot = process.getuid?.() === 0 ? false : "only root can give files away";
    test("stays its owner's when root replaces it", { skip: notRoot }, async () => {
      const { path, opened } = await start();
      chownSync(path, 12345, 12345);
      await rotateMasterKey(opened, stepping());
      const { uid, gid, mode } = statSync(path);
      assert.deepEqual([uid, gid, mode & 0o777], [12345, 12345, 0o600]);
      await opened.close();
    });

    const rewrap = async ({ db, masterKeys }: OpenedDatabase) => {
      const [key, staged] = masterKeys.all();
      await rewrapDataKeys(db.kysely, { from: [key!], to: staged!, random, now: 1 });
    };
    type Step = (at: { folder: string; path: string; opened: OpenedDatabase }) => unknown;
    const draft: Step = ({ path }) => writeFileSync(`${path}.next.1.abc`, "half", { mode: 0o600 });
    const stage: Step = ({ folder }) => stageMasterKey(folder, random);
    const wrap: Step = ({ opened }) => rewrap(opened);
    const adopt: Step = ({ folder }) => adoptStagedMasterKey(folder);
    const crashes: Record<string, readonly Step[]> = {
      "while the new key is written": [draft],
      "after the new key is staged": [stage],
      "after it is staged twice": [stage, stage],
      "after the data keys are wrapped": [stage, wrap],
      "after the file is replaced": [stage, wrap, adopt],
    };
    for (const [when, steps] of Object.entries(crashes)) {
      test(`a crash ${when}: the next start works, and so does another rotation`, async () => {
        const at = await start();
        for (const step of steps) await step(at);
        await at.opened.close();
        const opened = await openDatabase(at.options);
        assert.equal((await readAccessKey(opened.db, "AKIA1"))?.secret, "secret of AKIA1");
        await rotateMasterKey(opened, stepping());
        await opened.close();
        const again = await openDatabase(at.options);
        assert.equal((await readAccessKey(again.db, "AKIA1"))?.secret, "secret of AKIA1");
        assert.equal(existsSync(`${at.path}.next`), false);
        await again.close();
      });
    }

    test("a start while the lease of a killed rotation still runs works with both keys", async () => {
      const at = await start();
      for (const step of [stage, wrap]) await step(at);
      const lease = { name: keyRotationLease, holder: "killed", expires_at: Date.now() + 60_000 };
      await at.opened.db.kysely.insertInto("leases").values(lease).execute();
      await at.opened.close();
      const opened = await openDatabase(at.options);
      assert.equal((await readAccessKey(opened.db, "AKIA1"))?.secret, "secret of AKIA1");
      assert.ok(existsSync(`${at.path}.next`));
      await opened.db.kysely.deleteFrom("leases").execute();
      await opened.close();
      await (await openDatabase(at.options)).close();
      assert.equal(existsSync(`${at.path}.next`), false);
    });
  });
});

async function primaryKey(db: Db, table: string): Promise<string[]> {
  const rows =
    db.kind === "sqlite"
      ? await sql<{ name: string }>`
          select name from pragma_table_info(${table}) where pk > 0 order by pk`.execute(db.kysely)
      : await sql<{ name: string }>`
          select a.attname as name from pg_index i
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
          where i.indrelid = ${table}::regclass and i.indisprimary
          order by array_position(i.indkey::int2[], a.attnum)`.execute(db.kysely);
  return rows.rows.map((row) => row.name);
}
