/** Nothing is answered without being counted: neither what anybody may ask, nor malformed requests. */
import assert from "node:assert/strict";
import { Socket } from "node:net";
import { mock, test } from "node:test";
import { holdings } from "../../src/http/holdings.ts";
import { byAddress, forEachServer } from "../kit/server.ts";
import { manualClock } from "./clock.ts";
import { attacker, isServed, other, settle, type Town } from "./others.ts";
import { ask, hold, letGo } from "./sockets.ts";

const clock = manualClock();
const { least } = holdings.thread.limit;

forEachServer(
  "uncounted",
  (open, database) => {
    // No SQL is involved.
    if (database !== "sqlite") return;
    let settled: Promise<Town> | undefined;
    /** A server whose thread is late, where each address may ask as much as the minimum. */
    const inBusyTown = async () => {
      settled ??= open().then((server) => settle(byAddress(server)));
      const town = await settled;
      clock.pass(1_000);
      await ask(town.server.endpoint, other, town.login);
      clock.stall(10_000);
      return town;
    };

    /** An address has asked for as much as it may, and others have not. */
    async function isCounted(town: Town) {
      assert.equal((await ask(town.server.endpoint, attacker, town.login)).status, 429);
      assert.equal((await ask(town.server.endpoint, other, town.login)).status, 200);
    }

    test("/healthz always answers; an address that asks too often is paused for a moment", async () => {
      const town = await inBusyTown();
      const { endpoint } = town.server;
      const paused = mock.method(Socket.prototype, "pause");
      const times = () =>
        paused.mock.calls.filter(({ this: socket }) => (socket as Socket).remoteAddress === attacker).length;
      try {
        const answers = [];
        for (let turn = 0; turn < least; turn++)
          answers.push(await ask(endpoint, attacker, { path: "/healthz" }));
        assert.equal(times(), 0);
        for (const path of ["/healthz", "/healthz?beyond"])
          answers.push(await ask(endpoint, attacker, { path }));
        assert.equal(times(), 2);
        for (const { status, body } of answers) assert.deepEqual([status, body], [200, '{"status":"ok"}']);
      } finally {
        paused.mock.restore();
      }
      await isCounted(town);
      assert.equal((await ask(endpoint, other, { path: "/healthz", method: "POST" })).status, 404);
      assert.equal((await ask(endpoint, other, { path: "/healthzz" })).status, 404);
    });

    test("requests with an unknown Expect header are counted", async () => {
      const town = await inBusyTown();
      const statuses = [];
      for (let turn = 0; turn <= least; turn++) {
        const headers = { expect: "nonsense" };
        statuses.push((await ask(town.server.endpoint, attacker, { ...town.login, headers })).status);
      }
      assert.deepEqual(statuses, [...Array.from({ length: least }, () => 200), 429]);
      await isCounted(town);
    });

    const tooLong = `GET / HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(holdings.headers.limit.bytes)}\r\n\r\n`;
    for (const [what, text, told] of [
      ["what is no request", "GARBAGE\r\n\r\n", /^HTTP\/1\.1 400 Bad Request\r\nconnection: close\r\n\r\n$/i],
      ["requests that name no host", "GET / HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 Bad Request\r\n/],
      ["headers that are too long", tooLong, /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/],
      [
        "bodies that are none",
        "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nGARBAGE\r\n",
        /^HTTP\/1\.1 4/,
      ],
    ] as const)
      test(`${what}: told so and closed, and beyond the share closed`, async () => {
        const town = await inBusyTown();
        for (let turn = 0; turn < least + 2; turn++) {
          const [held] = await hold(town.server.endpoint, attacker, 1, text);
          await held!.ended;
          if (turn === 0) assert.match(held!.received(), told);
          if (turn > least) assert.match(held!.received(), /^$|Rate exceeded/);
          letGo([held!]);
        }
        await isCounted(town);
        clock.pass(1_000);
        await isServed(town);
      });
  },
  {},
  { monotonic: clock },
);
