/**
 * `npm run test:people`: examples/people, killed at twenty points of its migrations, and migrated while fifty writers
 * write, on each kind of database. Prints a line for docs/long-tests.md.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { openDatabase } from "../../examples/people/api/database.ts";
import { addressOf, behind, openRelay } from "../kit/relay.ts";
import { until } from "../kit/waiting.ts";
import { type Api, newRelease, type StoreName, spawnApi, startApi, stopProgram, stores } from "./people.ts";

const points = 20;
const writers = 50;
const killAt = new URL("kill-at.ts", import.meta.url).href;

const first = newRelease((migrations) => {
  for (const name of ["2_addresses.ts", "3_status.ts"]) rmSync(join(migrations, name));
});
const next = newRelease((migrations) =>
  writeFileSync(
    join(migrations, "4_notes.ts"),
    `export async function up(knex) {
      if (!(await knex.schema.hasColumn("people", "note")))
        await knex.schema.alterTable("people", (table) => table.string("note").notNullable().defaultTo("none"));
      if (!(await knex.schema.hasTable("notes")))
        await knex.schema.createTable("notes", (table) => table.increments("id"));
    }`,
  ),
);
const everything = ["1_people", "2_addresses", "3_status", "4_notes"];
const given = Array.from({ length: 200 }, (_, at) => ({ name: `Zoë ${at}`, email: `z${at}@mail.example` }));

/** A store of the first release, with people. */
async function oldStore(name: StoreName): Promise<string> {
  const url = await stores[name]();
  await stopProgram(await startApi(url, { release: first }));
  const database = openDatabase(url);
  await database("people").insert(given);
  await database.destroy();
  return url;
}

/** Migrates, and is killed at a point; 0: it is not. Returns how many points there were. */
async function migrateUntil(name: StoreName, url: string, point: number): Promise<number> {
  if (name === "sqlite") {
    const options = { argv: ["--import", killAt], env: { KILL_AT: String(point) } };
    const api = await spawnApi(url, { release: next, ...options });
    await end(api, point);
    return Number(/Statements: (\d+)/.exec(api.said())?.[1] ?? 0);
  }
  let pieces = 0;
  let api: Api | undefined;
  const relay = await openRelay(addressOf(url), () => {
    pieces += 1;
    if (pieces === point) api!.process.kill("SIGKILL");
    return pieces !== point;
  });
  api = await spawnApi(behind(relay, url), { release: next });
  await end(api, point);
  await relay.cut();
  return pieces;
}

async function end(api: Api, point: number): Promise<void> {
  if (point > 0) return void (await api.ended);
  await api.hear(/The People API is at/);
  await stopProgram(api);
}

async function killMany(name: StoreName): Promise<string> {
  // The one that is not killed says how many points there are; the last of them end connections.
  const all = await migrateUntil(name, await oldStore(name), 0);
  const chosen = Array.from({ length: points }, (_, at) => 1 + Math.floor((at * (all - 2)) / points));
  let halfway = 0;
  for (const point of new Set(chosen)) {
    const url = await oldStore(name);
    await migrateUntil(name, url, point);
    const database = openDatabase(url);
    const done = await database("migrations").pluck("name");
    if (done.length > 1 && done.length < everything.length) halfway += 1;
    await stopProgram(await startApi(url, { release: next }));
    assert.deepEqual(await database("migrations").pluck("name").orderBy("name"), everything);
    const people = await database("people").select("name", "email", "status", "note").orderBy("id");
    assert.deepEqual(
      people.map((row) => ({ ...row })),
      given.map((person) => ({ ...person, status: "active", note: "none" })),
    );
    await database.destroy();
  }
  return `${new Set(chosen).size} kills at ${all} points, ${halfway} between two migrations`;
}

/** A user pool of our own: all that the API wants of it is its keys. */
async function openIssuer() {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const keys = [{ ...(await exportJWK(publicKey)), kid: "k", alg: "RS256" }];
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const claims = { token_use: "access", client_id: "c", "cognito:groups": ["Admin"] };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: "RS256", kid: "k" })
    .setIssuer(issuer)
    .setExpirationTime("1h")
    .sign(privateKey);
  return { server, token, settings: { ISSUER: issuer, CLIENT_ID: "c", SCRIPT_CLIENT_ID: "c" } };
}

async function writeMany(name: StoreName): Promise<string> {
  const { server, token, settings } = await openIssuer();
  const url = await stores[name]();
  const api = await startApi(url, { settings });
  const acknowledged: string[] = [];
  const refused: number[] = [];
  let going = true;
  const address = { street: "12 Harbour Street", postcode: "1234", city: "Groningen" };
  const write = async (writer: number) => {
    for (let at = 0; going; at += 1) {
      const person = { name: `${writer}-${at}`, email: "w@mail.example", address };
      const answer = await fetch(new URL("/people", api.url), {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(person),
      });
      await answer.text();
      if (answer.status === 201) acknowledged.push(person.name);
      else refused.push(answer.status);
    }
  };
  const all = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  await until("they write", () => acknowledged.length >= 2 * writers);
  const before = acknowledged.length;
  const newer = await startApi(url, { release: next, settings });
  const during = acknowledged.length - before;
  const enough = acknowledged.length + 2 * writers;
  await until("they go on", () => acknowledged.length >= enough);
  going = false;
  await all;
  const database = openDatabase(url);
  const kept = await database("people").innerJoin("addresses", "person_id", "people.id").pluck("name");
  assert.deepEqual(kept.sort(), acknowledged.sort());
  assert.deepEqual(await database("migrations").pluck("name").orderBy("name"), everything);
  await database.destroy();
  await Promise.all([stopProgram(api), stopProgram(newer)]);
  server.close();
  return `${acknowledged.length} people added by ${writers} writers (${during} while it migrated), ${refused.length} refused, none lost`;
}

for (const name of ["sqlite", "postgres", "mariadb"] as const) {
  test(`${name}: killed at many points of its migrations`, async () => {
    console.log(`${name}: ${await killMany(name)}`);
  });
  test(`${name}: migrated while many write`, async () => {
    console.log(`${name}: ${await writeMany(name)}`);
  });
}
