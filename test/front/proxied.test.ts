/** Behind a trusted proxy, whose connections many clients share. */

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { Socket } from "node:net";
import { mock, test } from "node:test";
import { holdings } from "../../src/http/holdings.ts";
import { byAddress, forEachServer } from "../kit/server.ts";
import { manualClock } from "./clock.ts";
import { settle } from "./others.ts";
import { ask } from "./sockets.ts";

const proxy = "127.0.0.9";
const clock = manualClock();

forEachServer(
  "proxied",
  (open, database) => {
    // No SQL is involved.
    if (database !== "sqlite") return;

    test("after a client was refused, the connection it came by is read on for the next", async () => {
      const town = await settle(byAddress(await open()));
      const { endpoint } = town.server;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const as = (client: string) =>
        ask(endpoint, proxy, { ...town.login, agent, headers: { "x-forwarded-for": client } });
      for (let turn = 0; turn < 12; turn++) await as("198.51.100.1");
      clock.stall(1_000);
      const paused = mock.method(Socket.prototype, "pause");
      try {
        const statuses = [];
        const { least } = holdings.thread.limit;
        for (let turn = 0; turn <= least; turn++) statuses.push((await as("198.51.100.1")).status);
        assert.deepEqual(statuses, [...Array.from({ length: least }, () => 200), 429]);
        assert.equal((await as("198.51.100.2")).status, 200);
        const ofProxy = paused.mock.calls.filter(
          ({ this: socket }) => (socket as Socket).remoteAddress === proxy,
        );
        assert.equal(ofProxy.length, 0, "it was never paused");
      } finally {
        paused.mock.restore();
        agent.destroy();
        clock.pass(200);
      }
    });
  },
  { POOLHOUSE_TRUSTED_PROXIES: proxy, POOLHOUSE_EXTRA_HOSTS: "127.0.0.1,localhost" },
  { monotonic: clock },
);
