/** A server that is told to stop while its PostgreSQL is away, silent, or slow. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { sql } from "kysely";
import pg from "pg";
import { Connection } from "../../bench/lib/connection.ts";
import { openDatabase } from "../../src/store/open.ts";
import { endChild, startChild } from "../kit/child.ts";
import { silent } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { createPostgres, dropPostgres, skipWithoutPostgres } from "../kit/postgres.ts";
import { until } from "../kit/waiting.ts";
import { type HostileProxy, startHostileProxy } from "./hostile-proxy.ts";

describe("SIGTERM", skipWithoutPostgres(), () => {
  let database: string;
  let direct: URL;
  const masterKey = randomBytes(32).toString("base64");
  let proxy: HostileProxy;
  before(async () => {
    const made = await createPostgres();
    database = made.name;
    direct = new URL(made.url);
    proxy = await startHostileProxy({ host: direct.hostname, port: Number(direct.port || 5432) });
  });
  after(async () => {
    proxy.close();
    await dropPostgres(database);
  });

  /** A server behind the proxy, and calls to it that must ask the database, over connections that are open. */
  async function open() {
    Object.assign(proxy, { plan: undefined, down: false, mute: false });
    const url = new URL(direct);
    url.host = `127.0.0.1:${proxy.port}`;
    const port = await freePort();
    const server = await startChild({
      env: {
        POOLHOUSE_PORT: String(port),
        POOLHOUSE_PUBLIC_URL: "http://localhost:4747",
        POOLHOUSE_DATABASE: url.href,
        POOLHOUSE_MASTER_KEY: masterKey,
      },
    });
    const AuthParameters = { USERNAME: "ann", PASSWORD: "Correct-Horse-7" };
    const body = { ClientId: "nobodysclient", AuthFlow: "USER_PASSWORD_AUTH", AuthParameters };
    const connections = Array.from({ length: 3 }, () => new Connection(port));
    const statuses = async () => {
      const answers = await Promise.all(connections.map((one) => one.call("InitiateAuth", body)));
      return answers.map(({ status }) => status);
    };
    assert.deepEqual(await statuses(), [400, 400, 400]);
    const inProgress = async () => {
      const { body: metrics } = await new Connection(port).request("GET", "/metrics");
      return Number(/^poolhouse_calls_in_flight (\d+)$/m.exec(metrics)?.[1]);
    };
    return { process: server.process, statuses, inProgress };
  }

  const harms: Readonly<Record<string, () => void>> = {
    away: () => {
      proxy.down = true;
      proxy.cutAll();
    },
    silent: () => {
      proxy.mute = true;
      proxy.plan = () => "silence before";
    },
  };
  for (const [how, harm] of Object.entries(harms)) {
    test(`with a database that is ${how} the server answers what it was asked, and ends`, async () => {
      const { process, statuses } = await open();
      harm();
      const asked = statuses();
      assert.equal(await endChild(process, "SIGTERM"), 0);
      assert.deepEqual(await asked, [500, 500, 500]);
    });
  }

  test("a database that does not answer is not asked again once the program ends", async () => {
    Object.assign(proxy, { plan: undefined, down: false, mute: false });
    const url = new URL(direct);
    url.host = `127.0.0.1:${proxy.port}`;
    const { db, leave, close } = await openDatabase({ url: url.href, masterKey, log: silent });
    const read = () => sql`select 1`.execute(db.kysely);
    await read();
    harms["away"]!();
    const under = assert.rejects(read());
    await leave();
    const { connections } = proxy.counts;
    await Promise.all([under, assert.rejects(read())]);
    assert.ok(proxy.counts.connections <= connections + 2, "each was tried once more at most");
    await close();
  });

  test("a database that is slow is waited for", async () => {
    const { process, statuses, inProgress } = await open();
    const [other, watcher] = [direct.href, direct.href].map(
      (connectionString) => new pg.Client({ connectionString }),
    ) as [pg.Client, pg.Client];
    await Promise.all([other.connect(), watcher.connect()]);
    await other.query("begin; lock table client_pools in access exclusive mode");
    const waiting = async () => {
      const { rowCount } = await watcher.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return rowCount;
    };
    const asked = statuses();
    await until("all three are in progress", async () => (await inProgress()) === 3);
    // They may share a connection.
    await until("the lock is waited for", async () => (await waiting()) !== 0);
    const before = proxy.counts.ended;
    const ended = endChild(process, "SIGTERM");
    await until("the server has seen that the database answers", () => proxy.counts.ended > before);
    assert.notEqual(await waiting(), 0);
    await other.query("rollback");
    await Promise.all([other.end(), watcher.end()]);
    assert.deepEqual(await asked, [400, 400, 400]);
    assert.equal(await ended, 0);
  });
});
