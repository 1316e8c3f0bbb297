/** examples/people: releases that migrate the store, one after another, at once, and killed in between. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "../../examples/people/api/database.ts";
import { forEachStore, newRelease, type Program, spawnApi, startApi, stopProgram } from "./people.ts";

/** A release of before there were addresses and status. */
const first = newRelease((migrations) => {
  for (const name of ["2_addresses.ts", "3_status.ts"]) rmSync(join(migrations, name));
});

/** The next release. `body`: what its migration does in between. */
const next = (body = "") =>
  newRelease((migrations) =>
    writeFileSync(
      join(migrations, "10_notes.ts"),
      `export async function up(knex) {
        if (!(await knex.schema.hasTable("notes"))) await knex.schema.createTable("notes", (table) => table.increments("id"));
        ${body}
        if (!(await knex.schema.hasColumn("people", "note"))) await knex.schema.alterTable("people", (table) => table.string("note"));
        await knex("people").update({ note: "kept" });
      }`,
    ),
  );

const migrated = (...programs: readonly Program[]) =>
  programs.flatMap((program) => [...program.said().matchAll(/^Migrated: (.+)$/gm)].map(([, name]) => name!));

async function rowsOf(url: string, table: string): Promise<object[]> {
  const database = openDatabase(url);
  try {
    const rows = await database(table).orderBy(1);
    return rows.map((row) => ({ ...row }));
  } finally {
    await database.destroy();
  }
}

const everything = ["1_people", "2_addresses", "3_status"];

forEachStore((fresh, name) => {
  test("a release that adds migrations starts over a store with data, in order, and loses nothing", async () => {
    const url = await fresh();
    const old = await startApi(url, { release: first });
    assert.deepEqual(migrated(old), ["1_people"]);
    await stopProgram(old);
    const database = openDatabase(url);
    const people = Array.from({ length: 50 }, (_, at) => ({
      name: `Zoë ${at}`,
      email: `z${at}@mail.example`,
    }));
    await database("people").insert(people);
    await database.destroy();
    const api = await startApi(url);
    assert.deepEqual(migrated(api), everything.slice(1));
    assert.equal((await fetch(`${api.url}healthz`)).status, 200);
    assert.deepEqual(
      await rowsOf(url, "people"),
      people.map((person, at) => ({ id: at + 1, ...person, status: "active" })),
    );
    // Browsers open connections on which they ask nothing.
    const { hostname, port } = new URL(api.url);
    const idle = connect({ host: hostname, port: Number(port) });
    await once(idle, "connect");
    await stopProgram(api);
    idle.destroy();
    const again = await startApi(url);
    assert.deepEqual(migrated(again), [], "what was done is not done again");
    await stopProgram(again);
  });

  test("two that start at once migrate once, in the order of their numbers", async () => {
    const url = await fresh();
    const release = next();
    const both = await Promise.all([startApi(url, { release }), startApi(url, { release })]);
    assert.deepEqual(migrated(...both), [...everything, "10_notes"]);
    for (const api of both) assert.equal((await fetch(`${api.url}healthz`)).status, 200);
    await Promise.all(both.map(stopProgram));
    const names = (await rowsOf(url, "migrations")).map((row) => Object.values(row)[0]);
    assert.deepEqual(names, [...everything, "10_notes"].sort());
  });

  test("an older release beside a newer schema refuses, and names what it does not know", async () => {
    const url = await fresh();
    await stopProgram(await startApi(url, { release: next() }));
    const before = await rowsOf(url, "migrations");
    const older = await spawnApi(url);
    assert.equal(await older.ended, 1);
    assert.match(older.said(), /^The database has been migrated by a newer release: .*\b10_notes\b/m);
    assert.doesNotMatch(older.said(), /\n {4}at |select/);
    assert.deepEqual(await rowsOf(url, "migrations"), before);
  });

  test("killed in the middle of a migration it leaves no lock, and the next start does it all", async () => {
    const url = await fresh();
    await stopProgram(await startApi(url));
    const database = openDatabase(url);
    await database("people").insert({ name: "Zoë", email: "zoe@mail.example" });
    await database.destroy();
    const hangs = next(`console.log("half way"); await new Promise(() => process.stdin.resume());`);
    const killed = await spawnApi(url, { release: hangs });
    await killed.hear(/half way/);
    const impatient = await spawnApi(url, { release: next(), env: { DATABASE_WAIT_SECONDS: "1" } });
    assert.equal(await impatient.ended, 1);
    assert.match(impatient.said(), /^Another process has been migrating for 1 seconds\.$/m);
    // Another one that is there already waits for the lock, or comes after it.
    const waiting = await spawnApi(url, { release: next() });
    killed.process.kill("SIGKILL");
    await killed.ended;
    await waiting.hear(/The People API is at/);
    assert.deepEqual(migrated(killed, waiting), ["10_notes"]);
    assert.deepEqual(
      (await rowsOf(url, "people")).map((row) => (row as { note: string }).note),
      ["kept"],
    );
    await stopProgram(waiting);
  });

  if (name !== "mariadb")
    test("a migration that fails changes nothing", async () => {
      const url = await fresh();
      const broken = await spawnApi(url, { release: next(`throw new Error("no, thanks");`) });
      assert.equal(await broken.ended, 1);
      assert.match(broken.said(), /no, thanks/);
      const database = openDatabase(url);
      assert.equal(await database.schema.hasTable("notes"), false);
      assert.equal(await database.schema.hasTable("people"), false);
      await database.destroy();
    });
});

test("a database that does not come ends the start, by a limit and with its reason", async () => {
  const nowhere = { env: { DATABASE_WAIT_SECONDS: "0" } };
  for (const url of ["postgres://postgres@127.0.0.1:1/people", "mysql://root@127.0.0.1:1/people"]) {
    const api = await spawnApi(url, nowhere);
    assert.equal(await api.ended, 1);
    assert.match(api.said(), /^The database did not answer within 0 seconds: connect ECONNREFUSED/m);
    assert.doesNotMatch(api.said(), /\n {4}at /);
  }
  const noFolder = await spawnApi("/nowhere/people.sqlite", nowhere);
  assert.equal(await noFolder.ended, 1);
  assert.match(noFolder.said(), /unable to open database file/);
  for (const wrong of ["Infinity", "-1"]) {
    const endless = await spawnApi("people.sqlite", { env: { DATABASE_WAIT_SECONDS: wrong } });
    assert.equal(await endless.ended, 1);
    assert.equal(
      endless.said(),
      `DATABASE_WAIT_SECONDS must be a whole number of seconds from 0 to 9999, and is "${wrong}".\n`,
    );
  }
});

test("no message has the password of a DATABASE_URL, in whatever way it is wrong", async () => {
  for (const secret of ["1#secret", "1/secret", "1?secret", "1@secret", "a b", "#secret"]) {
    const api = () => openDatabase(`postgres://people:${secret}@127.0.0.1:1/people`);
    assert.throws(
      api,
      (error: Error) => /encoded: # is %23/.test(error.message) && !/secret/.test(error.message),
    );
  }
  for (const scheme of ["mysq", "oracle", "sqlite+x"])
    assert.throws(
      () => openDatabase(`${scheme}://people:secret@127.0.0.1:1/people`),
      (error: Error) => /^DATABASE_URL must begin with/.test(error.message) && !/secret/.test(error.message),
    );
  const api = await spawnApi("mysql://people:hidden#secret@127.0.0.1:1/people");
  assert.equal(await api.ended, 1);
  assert.match(api.said(), /^DATABASE_URL is not a valid URL/);
  assert.doesNotMatch(api.said(), /hidden|secret/);
});
