/**
 * `npm run bench -- gateway`: what the gateway costs. The check endpoint beside a bare answer of Node's, and a request that is
 * passed on beside one by the bare proxy library, each in the same run, with sessions in a database and in cookies; the memory of
 * an idle gateway, of sessions and of open WebSockets.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { readGatewayFile } from "../src/config/gateway-file.ts";
import { sealsOf } from "../src/gateway/sealing.ts";
import { openSessionsDatabase } from "../src/gateway/sessions/database.ts";
import { CookieKeeper } from "../src/gateway/sessions/in-cookies.ts";
import { DatabaseKeeper } from "../src/gateway/sessions/in-database.ts";
import type { Session } from "../src/gateway/sessions/sessions.ts";
import type { StoreLog } from "../src/store/engine/log.ts";
import { Connection, type Headers } from "./lib/connection.ts";
import { type Measured, measure, median, type Operation } from "./lib/load.ts";
import { type BenchServer, startProgram, temporaryFolder } from "./lib/server.ts";
import { table } from "./lib/table.ts";

export const name = "gateway";

/** Each is measured so often, by turns, so that other load of the machine meets them all. */
const rounds = 3;
const connections = 8;
const sessions = 10_000;
const webSockets = 1_000;

const silent: StoreLog = { info: () => {}, warn: () => {}, error: () => {} };

interface Place {
  readonly gateway: BenchServer;
  /** Cookie headers of people who are signed in. */
  readonly cookies: readonly string[];
  close(): Promise<void>;
}

export async function run({ seconds }: { readonly seconds: number }): Promise<void> {
  const application = await startApplication();
  // What the first one compiles is kept, as for every start but the first.
  await (await open(application.origin, "sqlite", 1)).close();
  const place = await open(application.origin, "sqlite");
  const idle = (await place.gateway.usage()).rss;
  const sealed = await open(application.origin, "cookies", 1);
  const bare = await startProgram("bench/lib/bare-gateway.ts", [application.origin]);
  const [cookie] = place.cookies as [string];
  const headers = { ...browser, cookie };
  const sealedHeaders = { ...browser, cookie: sealed.cookies[0]! };
  const operations = {
    "bare answer": [bare, asks("/bare", { ...headers, ...question })],
    check: [place.gateway, asks("/auth/check", { ...headers, ...question })],
    "bare proxy": [bare, asks("/articles", headers)],
    gateway: [place.gateway, asks("/articles", headers)],
    "check, in cookies": [sealed.gateway, asks("/auth/check", { ...sealedHeaders, ...question })],
    "gateway, in cookies": [sealed.gateway, asks("/articles", sealedHeaders)],
  } as const satisfies Record<string, readonly [BenchServer, Operation]>;
  type What = keyof typeof operations;
  const measured = new Map<What, Measured[]>();
  for (let round = 0; round < rounds; round += 1)
    for (const [what, [server, operation]] of Object.entries(operations)) {
      const warmUp = { operations: round === 0 ? 5000 : 200, seconds: 15 };
      const one = await measure(server, operation, { connections, seconds, warmUp });
      measured.set(what as What, [...(measured.get(what as What) ?? []), one]);
    }
  const of = (what: What, key: "cpu" | "p50" | "p99") => median(measured.get(what)!.map((one) => one[key]));
  const row = (what: What, beside?: What, goal = "") => [
    what,
    (of(what, "cpu") * 1000).toFixed(0),
    of(what, "p50").toFixed(2),
    of(what, "p99").toFixed(2),
    beside === undefined ? "" : ratio(of(what, "cpu"), of(beside, "cpu")),
    goal,
  ];
  console.log(
    table(
      ["request", "CPU µs", "p50 ms", "p99 ms", "a second, per core, relative to bare", "goal"],
      [
        row("bare answer"),
        row("check", "bare answer", "0.50"),
        row("bare proxy"),
        row("gateway", "bare proxy", "0.77 (CPU 1.3 ×)"),
        row("check, in cookies", "bare answer"),
        row("gateway, in cookies", "bare proxy"),
      ],
    ),
  );
  await bare.close();
  await place.close();
  await sealed.close();
  await memory(application.origin, idle);
  await application.close();
}

/** How many of one there are in the time of the other. */
const ratio = (cpu: number, beside: number) => (beside / cpu).toFixed(2);

const browser: Headers = {
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "accept-encoding": "gzip, deflate, br",
  "accept-language": "en-US,en;q=0.5",
  "sec-fetch-mode": "navigate",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
};

/** The host of the application that other proxies ask about. */
const checkedHost = "127.0.0.1:2";

const question: Headers = {
  "x-forwarded-host": checkedHost,
  "x-original-uri": "/articles?page=2",
  "x-original-method": "GET",
  "x-forwarded-proto": "http",
};

function asks(path: string, headers: Headers): Operation {
  return async (connection) => {
    const { status } = await connection.request("GET", path, headers);
    if (status !== 200) throw new Error(`${path} answers ${status}`);
  };
}

/** The memory of a gateway that has collected its garbage (src/cli/idle-memory.ts). Bytes. */
async function whenIdle(gateway: BenchServer): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 25_000));
  return (await gateway.usage()).rss;
}

async function memory(upstream: string, idle: number): Promise<void> {
  const place = await open(upstream, "sqlite");
  const { gateway, cookies } = place;
  const connection = new Connection(gateway.port);
  // So that what is loaded and compiled for it does not count.
  for (let turn = 0; turn < 3000; turn += 1)
    await asks("/auth/check", { ...browser, ...question, cookie: cookies[turn % 10]! })(connection, turn);
  const before = (await gateway.usage()).rss;
  const beforeIdle = await whenIdle(gateway);
  for (const cookie of cookies) await asks("/auth/check", { ...browser, ...question, cookie })(connection, 0);
  const withSessions = (await gateway.usage()).rss;
  const sessionsIdle = await whenIdle(gateway);
  const open_ = async (count: number) => {
    const sockets: Socket[] = [];
    for (let at = 0; at < count; at += 1) sockets.push(await openWebSocket(gateway.port, cookies[at]!));
    return sockets;
  };
  const some = await open_(50);
  const beforeSockets = await whenIdle(gateway);
  const sockets = [...some, ...(await open_(webSockets))];
  const withSockets = (await gateway.usage()).rss;
  const socketsIdle = await whenIdle(gateway);
  for (const socket of sockets) socket.destroy();
  connection.close();
  const each = (more: number, count: number) => `${(more / 1024 / count).toFixed(1)} KB`;
  console.log(
    `\n${table(
      ["memory", "resident", "goal"],
      [
        ["idle", `${(idle / 2 ** 20).toFixed(0)} MB`, "90 MB"],
        [`each of ${sessions} sessions in use`, each(withSessions - before, sessions), "2 KB"],
        ["the same once it was idle", each(sessionsIdle - beforeIdle, sessions), "2 KB"],
        ["a gateway that was idle", `${(beforeIdle / 2 ** 20).toFixed(0)} MB`, ""],
        [`each of ${webSockets} open WebSockets`, each(withSockets - beforeSockets, webSockets), "20 KB"],
        ["the same once it was idle", each(socketsIdle - beforeSockets, webSockets), "20 KB"],
      ],
    )}`,
  );
  await place.close();
}

async function openWebSocket(port: number, cookie: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    `GET /chat HTTP/1.1\r\nHost: localhost:${port}\r\nCookie: ${cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [first] = (await once(socket, "data")) as [Buffer];
  if (!first.toString().startsWith("HTTP/1.1 101")) throw new Error(first.toString());
  return socket;
}

async function startApplication() {
  const server = createServer((_incoming, outgoing) => outgoing.end("fine"));
  const sockets = new Set<{ destroy(): void }>();
  server.on("upgrade", (_incoming, socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

const routes = [{ path: "/public/**", access: "public" }, { path: "/**" }];

/** A gateway with people who are signed in, and whose tokens are of the usual size: in a new database, or in their cookies. */
async function open(upstream: string, store: "sqlite" | "cookies", count = sessions): Promise<Place> {
  const folder = join(temporaryFolder(), randomBytes(4).toString("hex"));
  const database = `sqlite:${folder}.sqlite`;
  const path = `${folder}.yaml`;
  const file = {
    ...{ port: 0, "public-url": "http://127.0.0.1:1", "log-level": "error" },
    provider: { issuer: "http://127.0.0.1:9/nobody", "client-id": "the-client" },
    sessions: {
      store: store === "cookies" ? store : database,
      keys: [randomBytes(32).toString("base64")],
      "cookie-name": "session",
    },
    applications: [
      { upstream, routes },
      { hosts: checkedHost, routes },
    ],
  };
  writeFileSync(path, stringify(file));
  const settings = readGatewayFile(path);
  const scope = { isSecure: false, domain: undefined };
  const seals = sealsOf(settings, randomBytes);
  const keeper =
    store === "cookies"
      ? new CookieKeeper({ settings, scope, seals, now: Date.now })
      : new DatabaseKeeper({
          ...{ settings: settings.sessions, provider: settings.provider, scope, seals, now: Date.now },
          database: await openSessionsDatabase(database, silent),
        });
  const cookies: string[] = [];
  for (let at = 0; at < count; at += 1) cookies.push(sent(await keeper.start(sessionOf(at))));
  await keeper.close();
  // Types are stripped once, as by the program itself.
  const cache = join(import.meta.dirname, "..", "node_modules", ".cache", "poolhouse");
  const gateway = await startProgram("src/main.ts", ["gateway", "--config", path], {
    NODE_COMPILE_CACHE: cache,
  });
  return { gateway, cookies, close: () => gateway.close() };
}

/** The Cookie header of a browser that got such Set-Cookie headers. */
const sent = (lines: readonly string[]) =>
  lines.flatMap((line) => (/Max-Age=0/.test(line) ? [] : [line.split(";", 1)[0]!])).join("; ");

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function sessionOf(at: number): Session {
  const now = Date.now();
  const subject = `0a1b2c3d-0000-4000-8000-${String(at).padStart(12, "0")}`;
  const groups = ["editors", "authors"];
  const claims = {
    ...{
      sub: subject,
      email: `user${at}@example.com`,
      email_verified: true,
      "cognito:username": `user${at}`,
    },
    ...{ "cognito:groups": groups, iss: "http://127.0.0.1:9/nobody", aud: "the-client", token_use: "id" },
    ...{ auth_time: now, exp: now, iat: now, jti: subject, origin_jti: subject, event_id: subject },
  };
  const text = (length: number) => randomBytes(length).toString("base64url").slice(0, length);
  return {
    identity: {
      ...{
        subject,
        issuer: "http://127.0.0.1:9/nobody",
        username: `user${at}`,
        email: `user${at}@example.com`,
      },
      ...{ groups, scopes: ["openid", "email", "profile"], claims, expiresAt: 0 },
    },
    tokens: {
      ...{ issuedAt: now, expiresAt: now + 3_600_000 },
      ...{ accessToken: text(1100), refreshToken: text(60) },
      idToken: `${encoded({ alg: "RS256", kid: text(43) })}.${encoded(claims)}.${text(342)}`,
    },
    ...{ sid: undefined, userInfo: undefined, startedAt: now, seenAt: now },
  };
}
