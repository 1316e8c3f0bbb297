/** A Citus cluster: the tables of a database in use are distributed, and a worker dies and comes back. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminListUserAuthEventsCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import pg from "pg";
import { commandName } from "../../src/store/engine/postgres/clients.ts";
import { distributeDatabase, migrateDatabase } from "../../src/store/open.ts";
import { placement } from "../../src/store/placement.ts";
import { silent } from "../kit/databases.ts";
import { makePool, makeUser, signIn } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { createPostgres, dropPostgres } from "../kit/postgres.ts";
import { openRelay, type Relay } from "../kit/relay.ts";
import { type Started, startTestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";

const databases: string[] = [];
const running: Started[] = [];
const relays: Relay[] = [];
after(async () => {
  for (const { server, test } of running) {
    test.client.destroy();
    await server.close();
  }
  for (const relay of relays) await relay.cut();
  for (const name of databases) await dropPostgres(name);
});

async function migrated(): Promise<string> {
  const { name, url } = await createPostgres();
  databases.push(name);
  await migrateDatabase({ url, log: silent, applicationName: commandName });
  return url;
}

const masterKey = randomBytes(32).toString("base64");

async function start(url: string, port = 0, publicUrl?: string): Promise<Started> {
  const environment = {
    POOLHOUSE_PORT: String(port),
    ...(publicUrl !== undefined && { POOLHOUSE_PUBLIC_URL: publicUrl }),
  };
  const started = await startTestServer(
    "postgres",
    async () => ({ url, masterKey, log: silent }),
    environment,
  );
  running.push(started);
  return started;
}

async function query(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

test("a database in use is distributed, keeps its rows, and is served as before", async () => {
  const url = await migrated();
  const port = await freePort();
  const before = await start(url, port);
  const { UserPoolId, ClientId } = await makePool(before.test);
  await makeUser(before.test, UserPoolId, "ada");
  await assert.rejects(
    distributeDatabase({ url, log: silent, applicationName: commandName }),
    /Others are connected .*\(poolhouse\/\d+\)/,
  );
  await before.server.close();

  const names = Object.keys(placement).sort();
  assert.deepEqual(
    (await distributeDatabase({ url, log: silent, applicationName: commandName })).sort(),
    names,
  );
  assert.deepEqual(await distributeDatabase({ url, log: silent, applicationName: commandName }), []);
  const found = await query(
    url,
    "select table_name::text as name, citus_table_type as type from citus_tables",
  );
  const expected = Object.entries(placement).map(([name, where]) => [
    name,
    where === "pool" ? "distributed" : "reference",
  ]);
  assert.deepEqual(found.map(({ name, type }) => [name, type]).sort(), expected.sort());
  const groups = await query(
    url,
    "select distinct colocation_id from citus_tables where citus_table_type = 'distributed'",
  );
  assert.equal(groups.length, 1);

  const { test: after } = await start(url, port);
  await signIn(after, ClientId, "ada");
  const second = await makePool(after);
  await makeUser(after, second.UserPoolId, "ada");
  await signIn(after, second.ClientId, "ada");
});

interface Worker {
  readonly node: number;
  readonly port: number;
  readonly relay: Relay;
}

/** The workers of a database, from now on behind networks that can be cut. */
async function behindRelays(url: string): Promise<Worker[]> {
  const nodes = await query(url, "select nodeid, nodename, nodeport from pg_dist_node where groupid <> 0");
  return Promise.all(
    nodes.map(async ({ nodeid, nodename, nodeport }) => {
      const relay = await openRelay({ host: String(nodename), port: Number(nodeport) });
      relays.push(relay);
      await query(url, "select citus_update_node($1, '127.0.0.1', $2)", [nodeid, relay.port]);
      return { node: Number(nodeid), port: relay.port, relay };
    }),
  );
}

/** Pools until each worker has one, by the worker's port. */
async function poolOnEach(url: string, { test }: Started, workers: readonly Worker[]) {
  const pools = new Map<number, Awaited<ReturnType<typeof makePool>>>();
  while (pools.size < workers.length) {
    const pool = await makePool(test);
    const [place] = await query(
      url,
      `select nodeport from pg_dist_shard_placement
       where shardid = get_shard_id_for_distribution_column('users', $1::text)`,
      [pool.UserPoolId],
    );
    pools.set(Number(place!["nodeport"]), pool);
  }
  return pools;
}

async function listEvents({ test }: Started, UserPoolId: string, Username: string): Promise<number> {
  const { AuthEvents } = await test.client.send(new AdminListUserAuthEventsCommand({ UserPoolId, Username }));
  return AuthEvents?.length ?? 0;
}

test("a worker that dies takes its own pools along, and brings them back with all that was acknowledged", async () => {
  const url = await migrated();
  await distributeDatabase({ url, log: silent, applicationName: commandName });
  const [one, other] = await behindRelays(url);
  assert.ok(one && other, "the cluster has two workers");
  const started = await start(url);
  const { client } = started.test;
  const pools = await poolOnEach(url, started, [one, other]);
  const [lost, kept] = [pools.get(one.port)!, pools.get(other.port)!];
  for (const { UserPoolId } of [lost, kept]) await makeUser(started.test, UserPoolId, "ada");

  const acknowledged: string[] = [];
  const failures: string[] = [];
  const write = async (Username: string) => {
    try {
      await client.send(new AdminCreateUserCommand({ UserPoolId: lost.UserPoolId, Username }));
      acknowledged.push(Username);
    } catch (error) {
      failures.push((error as Error).name);
    }
  };
  for (let n = 0; n < 20; n++) {
    if (n === 10) await one.relay.cut();
    await write(`user${n}`);
  }
  assert.equal(acknowledged.length, 10);
  assert.deepEqual([...new Set(failures)], ["InternalErrorException"]);
  await assert.rejects(signIn(started.test, lost.ClientId, "ada"), { name: "InternalErrorException" });
  // However many come for the lost pool, the other one has a connection, and its events are written.
  const lostSignIns = Promise.allSettled(
    Array.from({ length: 40 }, () => signIn(started.test, lost.ClientId, "ada")),
  );
  await signIn(started.test, kept.ClientId, "ada");
  await makeUser(started.test, kept.UserPoolId, "eve");
  for (const one of await lostSignIns) assert.equal(one.status, "rejected");
  await until("events", async () => (await listEvents(started, kept.UserPoolId, "ada")) > 0);
  // Another server starts meanwhile, with the same public URL.
  await start(url, 0, started.server.url);

  await one.relay.join();
  await signIn(started.test, lost.ClientId, "ada");
  for (const Username of acknowledged)
    await client.send(new AdminGetUserCommand({ UserPoolId: lost.UserPoolId, Username }));
});
