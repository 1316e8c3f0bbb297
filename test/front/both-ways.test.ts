/**
 * A request goes one of two ways: calls of the API are answered on Node's own objects, everything else by Hono's routes.
 * Whatever is checked in front is checked on both.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { holdings } from "../../src/http/holdings.ts";
import { forEachServer } from "../kit/server.ts";
import { type RawAnswer, sendRaw } from "../oauth/raw.ts";
import { manualClock } from "./clock.ts";
import { attacker, other, settle, type Town } from "./others.ts";
import { ask, hold, letGo } from "./sockets.ts";

const clock = manualClock();

/** A request as one way gets it. */
interface Door {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether it got where it was sent. */
  arrived(answer: Pick<RawAnswer, "status" | "headers">): boolean;
  /** The status of an address's request beyond its share. */
  readonly refusal: number;
}

const called = ({ headers }: Pick<RawAnswer, "headers">) => headers["x-amzn-requestid"] !== undefined;
const routed = (status: number) => (answer: Pick<RawAnswer, "status">) => answer.status === status;

/** Every kind of request that either way has. */
function doorsOf({ place, login, call }: Town): Readonly<Record<string, Door>> {
  const { method, path, headers = {}, body = "" } = call("GetUser", { AccessToken: "x" });
  const api = { method: method!, path, headers, body, arrived: called, refusal: 400 };
  const pages = { method: "GET", headers: {}, body: "", refusal: 429 } as const;
  const form = { "content-type": "application/x-www-form-urlencoded" };
  return {
    "a call": api,
    "a call with a query": { ...api, path: "/?X-Amz-Date=x" },
    "a call of no operation": { ...api, headers: {} },
    "a page": { ...pages, path: login.path, arrived: routed(200) },
    "a document": {
      ...pages,
      path: `/${place.UserPoolId}/.well-known/openid-configuration`,
      arrived: routed(200),
    },
    "a form": {
      ...pages,
      method: "POST",
      path: `/${place.UserPoolId}/oauth2/token`,
      headers: form,
      body: "grant_type=x",
      arrived: ({ status, headers }) => status === 400 && headers["content-type"] !== undefined,
    },
    "the server's own": { ...pages, path: "/readyz", arrived: routed(200) },
    nothing: { ...pages, path: "/nothing", arrived: routed(404) },
  };
}

const textOf = ({ method, headers, body }: Door, target: string, hosts: readonly string[]) =>
  [
    `${method} ${target} HTTP/1.1`,
    ...hosts.map((host) => `host: ${host}`),
    ...Object.entries(headers).map((header) => header.join(": ")),
    `content-length: ${body.length}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");

forEachServer(
  "both ways",
  (open, database) => {
    // No SQL is involved.
    if (database !== "sqlite") return;
    let settled: Promise<Town> | undefined;
    const inTown = async () => {
      settled ??= open().then(settle);
      const town = await settled;
      const { endpoint } = town.server;
      return { town, endpoint, host: new URL(endpoint).host, doors: Object.entries(doorsOf(town)) };
    };

    test("each arrives, also where its target names the host once more", async () => {
      const { endpoint, host, doors } = await inTown();
      for (const [what, door] of doors)
        for (const target of [door.path, `http://${host}${door.path}`]) {
          const answer = await sendRaw(endpoint, textOf(door, target, [host]));
          assert.ok(door.arrived(answer), `${what} at ${target}: ${answer.status} ${answer.body}`);
        }
    });

    test("none arrives unless it names one host, in one way", async () => {
      const { endpoint, host, doors } = await inTown();
      const [name, port] = host.split(":");
      const malformed = [
        ...[`${name}:${port}@evil.test`, `${name}@evil.test`, `evil.test@${name}`, `${name}/evil.test`],
        ...[`${name}?evil.test`, `${name}#evil.test`, `${name}\\evil.test`, `${name} evil.test`],
        ...[`${name}:evil.test`, `${name}:${port}:${port}`, `[::1]evil.test`, `[${name}]`, `${name}:-1`],
      ];
      const several = [[], [host, host], [host, "evil.test"], ["evil.test", host], [host, ""], ["", host]];
      for (const [what, door] of doors) {
        for (const hosts of [...malformed.map((one) => [one]), ...several]) {
          const { status, body } = await sendRaw(endpoint, textOf(door, door.path, hosts));
          assert.deepEqual([status, body], [400, ""], `${what} at ${JSON.stringify(hosts)}`);
        }
        for (const origin of ["http://evil.test", `http://${name}@evil.test`, `http://evil.test@${host}`]) {
          const { status, body } = await sendRaw(endpoint, textOf(door, `${origin}${door.path}`, [host]));
          assert.deepEqual([status, body], [400, ""], `${what} at ${origin}`);
        }
      }
    });

    test("none arrives at a host that the server does not know, except what every host has", async () => {
      const { endpoint, host, doors } = await inTown();
      for (const [what, door] of doors) {
        if (door.path === "/readyz") continue;
        for (const unknown of ["evil.test", `${host.split(":")[0]}.evil.test`, "0", "a".repeat(300)]) {
          const answer = await sendRaw(endpoint, textOf(door, door.path, [unknown]));
          assert.equal(answer.status, 421, `${what} at ${unknown}`);
          assert.ok(!called(answer), what);
        }
      }
    });

    test("none arrives by another spelling of its path", async () => {
      const { endpoint, host, doors } = await inTown();
      for (const [what, door] of doors)
        for (const before of ["/.", "/x/..", "//x/..", "/%2e", "/\\"]) {
          const target = `${before}${door.path}`;
          const answer = await sendRaw(endpoint, textOf(door, target, [host]));
          assert.equal(answer.status, 404, `${what} at ${target}: ${answer.body}`);
          assert.ok(!called(answer), what);
        }
    });

    test("each counts: beyond the share of its address it is refused while the thread is late", async () => {
      const { town, endpoint, doors } = await inTown();
      for (const [what, door] of doors) {
        const from = (address: string, headers = {}) =>
          ask(endpoint, address, { ...door, headers: { ...door.headers, ...headers } });
        clock.pass(1_000);
        await ask(endpoint, other, town.login);
        clock.stall(10_000);
        for (let turn = 0; turn < holdings.thread.limit.least; turn++) {
          const { status, headers } = await from(attacker);
          assert.ok(door.arrived({ status, headers: headers as RawAnswer["headers"] }), `${what}: ${status}`);
        }
        const refused = await from(attacker);
        assert.equal(refused.status, door.refusal, what);
        assert.match(refused.body, /Rate exceeded|Too many requests/i, what);
        // A host that is nobody's has no calls of the API, which would be refused in their own way.
        assert.equal((await from(attacker, { host: "evil.test" })).status, 429, what);
        const { status } = await from(other);
        assert.notEqual(status, 429, what);
      }
      clock.pass(1_000);
    });

    test("none keeps its connection by sending the rest of a body that nobody reads", async () => {
      const { endpoint, host, doors } = await inTown();
      // Those that are answered without their body.
      for (const [what, door] of doors.filter(([name]) => /no operation|page|nothing/.test(name))) {
        const head = `POST ${door.path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 1000\r\n\r\n`;
        const [held] = await hold(endpoint, attacker, 1, `${head}a`);
        await held!.ended;
        assert.match(held!.received(), /^HTTP\/1\.1 [45]/, what);
        // The time that any request may take, after which its sender is told so, has not passed.
        assert.doesNotMatch(held!.received(), /HTTP\/1\.1 408/, what);
        letGo([held!]);
      }
    });

    test("none keeps more than some answers of one connection waiting", async () => {
      const { endpoint, host, doors } = await inTown();
      for (const [what, door] of doors) {
        const text = textOf(door, door.path, [host]).replace("connection: close\r\n", "");
        const [held] = await hold(endpoint, attacker, 1, text.repeat(4 * holdings.pipeline.limit.requests));
        await held!.ended;
        assert.ok(
          held!.received().split("HTTP/1.1 ").length - 1 < 4 * holdings.pipeline.limit.requests,
          what,
        );
        letGo([held!]);
      }
    });
  },
  {},
  { monotonic: clock },
);
