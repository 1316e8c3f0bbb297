/** What the embedded store promises alone: durable answers, one process, private files, no hanging. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { sql } from "kysely";
import { inTransaction } from "../../src/store/db.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../../src/store/open.ts";
import { silent, temporaryFolder } from "../kit/databases.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { addThing, countThings, makeThings, readThing, setThing, things } from "./things.ts";

const opened: OpenedDatabase[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

function inFolder(folder: string): OpenOptions {
  return { url: join(folder, "db", "poolhouse.sqlite"), secretsFolder: join(folder, "secrets"), log: silent };
}

async function open(overrides: Partial<OpenOptions> = {}) {
  const options = { ...inFolder(temporaryFolder()), ...overrides };
  const database = await openDatabase(options);
  opened.push(database);
  await makeThings(database.db);
  return { ...database, path: options.url };
}

/** A disk whose syncs the test counts, holds back and fails. */
function disk() {
  let held: (() => void)[] | undefined;
  const state = { syncs: 0, fails: false, beforeSync: () => {} };
  return {
    state,
    hold: () => {
      held = [];
    },
    letGo: () => {
      const ready = held ?? [];
      held = undefined;
      for (const go of ready) go();
    },
    syncFile: (descriptor: number, done: (error: Error | null) => void) => {
      state.syncs++;
      state.beforeSync();
      const go = () => (state.fails ? done(new Error("EIO: test")) : fs.fdatasync(descriptor, done));
      if (held) held.push(go);
      else go();
    },
  };
}

/** Whether something is done yet; asked after whatever would have been done later. */
const watch = (promise: Promise<unknown>) => {
  let isDone = false;
  promise.then(
    () => {
      isDone = true;
    },
    () => {},
  );
  return () => isDone;
};

describe("durability", () => {
  test("a write is answered after a sync that began after its commit; reads do not wait", async () => {
    const { syncFile, state, hold, letGo } = disk();
    const { db, path } = await open({ syncFile });
    const outside = new DatabaseSync(path, { readOnly: true });
    const seen: unknown[] = [];
    state.beforeSync = () => seen.push(outside.prepare("select count(*) as n from things").get()?.["n"]);
    for (const write of [
      () => addThing(db, "a"),
      () => inTransaction(db, (tx) => addThing(tx, "b")),
      () => sql`insert into things (id, n) values ('c', 0) returning id`.execute(db.kysely),
      () =>
        sql`with one as (select 'd' as id) insert into things (id, n) select id, 0 from one`.execute(
          db.kysely,
        ),
    ]) {
      hold();
      const before = state.syncs;
      const writing = write();
      const isAnswered = watch(writing);
      await until("a sync has begun", () => state.syncs > before);
      assert.equal(state.syncs, before + 1);
      // The one connection answers in order: a write that did not wait would be answered before this.
      assert.equal(await countThings(db), seen.at(-1));
      assert.equal(isAnswered(), false);
      letGo();
      await writing;
    }
    assert.deepStrictEqual(seen, [1, 2, 3, 4]);
    outside.close();
  });

  test("what commits during a sync waits for the next", async () => {
    const { syncFile, state, hold, letGo } = disk();
    const { db } = await open({ syncFile });
    hold();
    const first = addThing(db, "a");
    await until("a sync has begun", () => state.syncs > 0);
    const began = state.syncs;
    const second = addThing(db, "b");
    const isAnswered = watch(second);
    assert.equal(await countThings(db), 2);
    assert.equal(isAnswered(), false);
    assert.equal(state.syncs, began);
    letGo();
    await Promise.all([first, second]);
    assert.equal(state.syncs, began + 1);
  });

  test("commits at the same time share syncs", async () => {
    const { syncFile, state } = disk();
    const { db } = await open({ syncFile });
    const before = state.syncs;
    const one = (_: unknown, n: number) =>
      n % 2 === 0 ? addThing(db, `t${n}`) : inTransaction(db, (tx) => addThing(tx, `t${n}`));
    await Promise.all(Array.from({ length: 100 }, one));
    assert.ok(state.syncs - before <= 5, `${state.syncs - before} syncs`);
    assert.equal(await countThings(db), 100);
  });

  test("what changes nothing needs no sync", async () => {
    const { syncFile, state } = disk();
    const { db } = await open({ syncFile });
    await addThing(db, "a");
    const before = state.syncs;
    await readThing(db, "a");
    await setThing(db, "none", 1);
    await inTransaction(db, (tx) => readThing(tx, "a"));
    const failing = inTransaction(db, async (tx) => {
      await addThing(tx, "b");
      throw new Error("no");
    });
    await assert.rejects(failing);
    await assert.rejects(addThing(db, "a"));
    assert.equal(state.syncs, before);
  });

  test("a failed sync fails its writes, and all later ones; reads go on", async () => {
    const { syncFile, state } = disk();
    const said: string[] = [];
    const log = { ...silent, error: (_: object, text: string) => said.push(text) };
    const { db, ping, close, path } = await open({ syncFile, log });
    await addThing(db, "a");
    await ping();
    state.fails = true;
    const both = await Promise.allSettled([addThing(db, "b"), inTransaction(db, (tx) => addThing(tx, "c"))]);
    assert.deepStrictEqual(
      both.map((one) => one.status),
      ["rejected", "rejected"],
    );
    state.fails = false;
    await assert.rejects(addThing(db, "d"), /disk did not confirm/);
    await assert.rejects(
      inTransaction(db, (tx) => addThing(tx, "e")),
      /disk did not confirm/,
    );
    await assert.rejects(ping(), /disk did not confirm/);
    assert.equal((await readThing(db, "a"))?.id, "a");
    assert.equal(await readThing(db, "d"), undefined);
    assert.equal(said.length, 1);
    // Nor is the log carried over, of which the disk may lack a part.
    const size = statSync(`${path}-wal`).size;
    await close();
    assert.equal(statSync(`${path}-wal`).size, size);
  });

  test("in memory nothing is synced", async () => {
    const { syncFile, state } = disk();
    const { db } = await open({ url: ":memory:", secretsFolder: undefined, syncFile });
    await addThing(db, "a");
    assert.equal(state.syncs, 0);
  });

  test("kill -9 loses nothing that was acknowledged", { timeout: hangingMs }, async () => {
    const folder = temporaryFolder();
    const options = inFolder(folder);
    const first = await openDatabase(options);
    await makeThings(first.db);
    await first.close();
    const acknowledged = new Set<string>();
    const child = startChild(options);
    for await (const line of createInterface(child.stdout)) {
      if (line.startsWith("refused")) assert.fail(line);
      if (line !== "open") acknowledged.add(line);
      if (acknowledged.size === 400) child.kill("SIGKILL");
    }
    const again = await openDatabase(options);
    opened.push(again);
    const rows = await things(again.db).selectFrom("things").select("id").execute();
    const stored = new Set(rows.map((row) => row.id));
    assert.ok(acknowledged.size >= 400);
    assert.deepStrictEqual(
      [...acknowledged].filter((id) => !stored.has(id)),
      [],
    );
  });
});

function startChild(options: OpenOptions) {
  const script = join(import.meta.dirname, "sqlite-child.ts");
  return spawn(process.execPath, [script, options.url, options.secretsFolder!], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

describe("the file", () => {
  test("serves one process at a time, and this one once", async () => {
    const folder = temporaryFolder();
    const options = inFolder(folder);
    const first = await openDatabase(options);
    await assert.rejects(openDatabase(options), /Another process already uses the database/);
    const lines: string[] = [];
    const child = startChild(options);
    child.stdout.on("data", (data) => lines.push(String(data)));
    await once(child, "close");
    assert.match(lines.join(""), /^refused: Another process already uses the database .*poolhouse\.sqlite/);
    await makeThings(first.db);
    await addThing(first.db, "a");
    const worker = await openDatabase({ ...options, secondary: true });
    assert.equal(await countThings(worker.db), 1);
    await worker.close();
    await first.close();
    await (await openDatabase(options)).close();
  });

  test("is private", { skip: process.platform === "win32" }, async () => {
    const { path, db } = await open();
    await addThing(db, "a");
    for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.lock`]) {
      assert.equal(statSync(file).mode & 0o777, 0o600, file);
    }
    assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
  });

  test("is found by a sqlite: address too", async () => {
    const folder = temporaryFolder();
    const options = inFolder(folder);
    await (await openDatabase({ ...options, url: `sqlite:${options.url}` })).close();
    assert.ok(fs.existsSync(options.url));
  });
});

describe("the one connection", () => {
  test("is taken from a transaction that waits for something else", async (t) => {
    // What takes it away keeps no process alive; a server has others that do.
    const { port1: alive } = new MessageChannel();
    alive.ref();
    t.after(() => alive.close());
    const said: object[] = [];
    const log = { ...silent, error: (fields: object) => said.push(fields) };
    const { db } = await open({ idleLimitMs: 200, log });
    const others = Promise.withResolvers<void>();
    const idle = inTransaction(db, async (tx) => {
      await addThing(tx, "a");
      await others.promise;
      await addThing(tx, "b");
    });
    const rejected = assert.rejects(idle, /was rolled back because it waited/);
    // Would wait for ever if the transaction kept the connection, which itself waits for this.
    await addThing(db, "c");
    others.resolve();
    await rejected;
    assert.equal(await countThings(db), 1);
    assert.match(JSON.stringify(said), /insert into/);
    await addThing(db, "d");
  });

  test("waits for another connection's write without blocking the thread", async () => {
    const { db, path } = await open();
    const other = new DatabaseSync(path);
    other.exec("begin immediate; insert into things (id, n) values ('x', 0)");
    const writes = Promise.all([addThing(db, "a"), inTransaction(db, (tx) => addThing(tx, "b"))]);
    // A thread that waited within SQLite would give up before it had as many turns.
    const areDone = watch(writes);
    for (let turns = 0; turns < 100; turns++) await turn();
    assert.equal(areDone(), false);
    other.exec("commit");
    other.close();
    await writes;
    assert.equal(await countThings(db), 3);
  });

  test("has its log carried over by another thread, which ends with it", async () => {
    const said: string[] = [];
    const { db, path, close } = await open({ log: { ...silent, warn: (_, text) => said.push(text) } });
    const many = Array.from({ length: 1_200 }, (_, n) => addThing(db, `t${n}`));
    await Promise.all(many);
    // Into the file itself, without any help of the log.
    await until("the pages are in the file", () => statSync(path).size >= 40_000);
    await close();
    assert.equal(fs.existsSync(`${path}-wal`), false);
    assert.deepStrictEqual(said, []);
  });

  test("knows its columns after a change of the schema", async () => {
    const { db } = await open();
    await addThing(db, "a");
    await readThing(db, "a");
    await sql`alter table things add column more integer`.execute(db.kysely);
    assert.deepStrictEqual(Object.keys((await readThing(db, "a")) ?? {}).at(-1), "more");
  });

  test("streams", async () => {
    const { db } = await open();
    for (let n = 0; n < 25; n++) await addThing(db, `t${n}`, n);
    let sum = 0;
    for await (const row of things(db).selectFrom("things").select("n").stream(10)) sum += row.n;
    assert.equal(sum, 300);
    assert.equal(await countThings(db), 25);
  });
});
