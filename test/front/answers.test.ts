/** Unread answers: whom they are counted for, and how connections are distinguished. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { holdings } from "../../src/http/holdings.ts";
import { byAddress, forEachServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { manualClock } from "./clock.ts";
import { isServed, settle, type Town } from "./others.ts";
import { hold, isOpen, letGo } from "./sockets.ts";
import { giveLogo } from "./takings.ts";

const proxy = "127.0.0.9";
const clock = manualClock();

forEachServer(
  "answers",
  (open, database) => {
    // No SQL is involved.
    if (database !== "sqlite") return;
    let settled: Promise<Town> | undefined;
    const inTown = () => {
      settled ??= open().then((server) => settle(byAddress(server)));
      return settled;
    };

    test("those that a trusted proxy does not take are its clients': whoever has most of them gives way", async () => {
      const town = await inTown();
      const { endpoint } = town.server;
      // Strangers would be sent to https.
      const logo = await giveLogo(town, proxy);
      const asking = async (client: string, count: number, requests: number) => {
        const text = `GET ${logo} HTTP/1.1\r\nhost: ${new URL(endpoint).host}\r\nx-forwarded-for: ${client}\r\n\r\n`;
        const held = await hold(endpoint, proxy, count);
        for (const { socket } of held) {
          socket.pause();
          socket.write(text.repeat(requests));
        }
        return held;
      };
      const [little] = await asking("198.51.100.2", 1, 1);
      const much = await asking("198.51.100.1", 3, holdings.pipeline.limit.requests);
      const closed = () => much.filter((one) => !isOpen(one)).length;
      await until("some were closed", () => {
        clock.pass(500);
        // A closed connection is noticed only after reading what was sent before.
        for (const { socket } of much) socket.read();
        return closed() > 0;
      });
      assert.ok(isOpen(little!));
      await isServed(town, proxy, { "x-forwarded-for": "198.51.100.3" });
      letGo([little!, ...much]);
    });

    test("one port of a client, connected to two addresses of the server, is two connections", async () => {
      const { server } = await inTown();
      const port = server.app.config.httpsPort!;
      const localAddress = "127.0.0.5";
      const to = async (host: string, localPort?: number): Promise<Socket> => {
        const ends = { host, port, localAddress, ...(localPort !== undefined && { localPort }) };
        const socket = connect(ends);
        await once(socket, "connect");
        return socket;
      };
      const first = await to("127.0.0.1");
      const second = await to("127.0.0.2", first.localPort);
      // Connections are accepted in order: the first one was once the handshake of the second is over.
      const sockets = [];
      for (const socket of [second, first]) {
        const secure = connectTls({ socket, servername: "localhost", rejectUnauthorized: false });
        secure.on("error", () => {});
        await once(secure, "secureConnect");
        sockets.push(secure);
      }
      const tooMany = `GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(
        4 * holdings.pipeline.limit.requests,
      );
      for (const socket of sockets) {
        socket.resume();
        socket.write(tooMany);
        await once(socket, "close");
      }
    });
  },
  {
    POOLHOUSE_LIMITS: "answer-bytes=150000",
    POOLHOUSE_TRUSTED_PROXIES: proxy,
    POOLHOUSE_EXTRA_HOSTS: "127.0.0.1,localhost",
    POOLHOUSE_TLS: "dev",
    POOLHOUSE_HTTPS_PORT: "0",
    POOLHOUSE_HOST: "0.0.0.0",
  },
  { monotonic: clock },
);
