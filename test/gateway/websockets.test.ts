/** WebSockets through the gateway: who may open one, what passes, and when they end. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import { ask } from "../kit/ask.ts";
import { exchange, type Front, signedIn, startFront, statusOf } from "./front.ts";

const accept = (key = "") =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

interface EchoServer {
  readonly origin: string;
  readonly opened: IncomingMessage[];
  readonly sockets: Duplex[];
}

/** An application whose WebSockets send back every byte that they get (short frames: unmasked). */
async function startEcho(more: readonly string[] = []): Promise<EchoServer> {
  const opened: IncomingMessage[] = [];
  const sockets: Duplex[] = [];
  const server = createServer((incoming, outgoing) => {
    opened.push(incoming);
    outgoing.end("plain");
  });
  server.on("upgrade", (incoming, socket, head) => {
    opened.push(incoming);
    sockets.push(socket);
    socket.on("error", () => {});
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    lines.push(`Sec-WebSocket-Accept: ${accept(incoming.headers["sec-websocket-key"])}`, ...more);
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const echo = (frame: Buffer) => {
      const mask = frame.subarray(2, 6);
      const text = frame.subarray(6).map((byte, at) => byte ^ mask[at % 4]!);
      socket.write(Buffer.concat([Buffer.from([frame[0]!, text.length]), text]));
      // A closing frame, which is answered by one.
      if (frame[0] === 0x88) socket.end();
    };
    socket.on("end", () => socket.end());
    if (head.length > 0) echo(head);
    socket.on("data", echo);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, opened, sockets };
}

const handshake = ({ port }: Pick<Front, "port">, path: string, headers: readonly string[] = []) =>
  `${[
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  ].join("\r\n")}\r\n\r\n`;

/** Opens one on a connection of its own; what the gateway answers. */
async function open(front: Front, path: string, headers: readonly string[] = []) {
  const socket = connect(front.port, "127.0.0.1");
  socket.on("error", () => {});
  after(() => socket.destroy());
  socket.write(handshake(front, path, headers));
  const [first] = (await once(socket, "data")) as [Buffer];
  return { socket, head: first.toString("latin1") };
}

/** What a masked frame says, and comes back unmasked (RFC 6455 section 5.2). */
async function saysBack(socket: Socket, text: string): Promise<void> {
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
  const [back] = (await once(socket, "data")) as [Buffer];
  assert.equal(back.subarray(2).toString(), text);
}

describe("WebSockets", () => {
  test("pass both ways, with the identity and without the session", async () => {
    const echo = await startEcho(["Set-Cookie: session=evil", "Set-Cookie: own=1", "X-Own: 1"]);
    const front = await startFront(echo);
    const { socket, head } = await open(front, "/chat?room=1", [
      `Cookie: ${front.cookie}; theme=dark`,
      `Origin: ${front.origin}`,
      "X_Auth_Request_User: admin",
      "Sec-WebSocket-Protocol: chat",
    ]);
    assert.equal(statusOf(head), 101);
    assert.match(head, /set-cookie: own=1\r\n/i);
    assert.doesNotMatch(head, /evil/);
    assert.match(head, /x-own: 1/i);
    const [{ headers, url }] = echo.opened as [IncomingMessage];
    assert.equal(url, "/chat?room=1");
    assert.equal(headers["x-auth-request-user"], "ann-1");
    assert.equal(headers["x_auth_request_user"], undefined);
    assert.equal(headers.cookie, "theme=dark");
    assert.equal(headers["sec-websocket-protocol"], "chat");
    await saysBack(socket, "hello");
    await saysBack(socket, "again");
    // Closed by the client: the application sees it.
    const closed = once(echo.sockets[0]!.resume(), "close");
    socket.end();
    await closed;
    // Closed by the application: the client sees it.
    const other = await open(front, "/public/chat");
    await saysBack(other.socket, "x");
    const ended = once(other.socket.resume(), "close");
    echo.sockets[1]!.end();
    await ended;
  });

  test("Node's own client", async () => {
    const front = await startFront(await startEcho());
    const client = new WebSocket(`ws://127.0.0.1:${front.port}/public/chat`);
    await once(client, "open");
    client.send("hello");
    const [message] = (await once(client, "message")) as [MessageEvent];
    assert.equal(message.data, "hello");
    client.close();
    await once(client, "close");
  });

  test("are refused without a session, to pages of other sites, and where a rule says so", async () => {
    const echo = await startEcho();
    const front = await startFront(echo);
    const cookie = `Cookie: ${front.cookie}`;
    for (const [status, path, ...headers] of [
      [401, "/chat"],
      [401, "/chat", "Accept: text/html", "Sec-Fetch-Mode: navigate"],
      [401, "/api/chat", cookie],
      [401, "/api/chat", "Authorization: Bearer x"],
      [403, "/admin/chat", cookie],
      [400, "/public/../admin/chat", cookie],
      [400, "/chat", `${cookie}; session=other`],
      [403, "/chat", cookie, "Origin: https://evil.example"],
      [403, "/chat", cookie, "Origin: null"],
      [403, "/chat", cookie, `Origin: ${front.origin}.evil.example`],
      [403, "/chat", cookie, `Origin: https://127.0.0.1:${front.port}`],
      [403, "/public/chat", "Origin: https://evil.example"],
      [403, "/chat", cookie, `Origin: ${front.origin}`, "Origin: https://evil.example"],
    ] as const) {
      const { head } = await open(front, path, headers);
      assert.equal(statusOf(head), status, `${path} ${headers.join(" ")}`);
      assert.match(head, /connection: close/i);
    }
    assert.deepEqual(echo.opened, []);
  });

  test("nothing else is switched to, and nothing rides along with a refusal", async () => {
    const echo = await startEcho();
    const front = await startFront(echo);
    const cookie = `Cookie: ${front.cookie}`;
    const smuggled = `GET /admin/x HTTP/1.1\r\nHost: 127.0.0.1\r\n${cookie}\r\nConnection: close\r\n\r\n`;
    const asked = handshake(front, "/public/x").replace("Connection: Upgrade", "Connection: Upgrade, close");
    // Answered as if it had asked for no change (RFC 9110 section 7.8).
    for (const changed of [
      asked.replace("Upgrade: websocket", "Upgrade: h2c"),
      asked.replace("Upgrade: websocket", "Upgrade: websocket, h2c"),
      asked.replace("GET ", "POST "),
      asked.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nabcde"),
    ]) {
      const answer = await exchange(front.port, changed);
      assert.equal(statusOf(answer), 200, changed);
      assert.match(answer, /plain$/);
    }
    for (const { headers } of echo.opened.splice(0)) assert.equal(headers.upgrade, undefined);
    // The application's answer that is no change of protocol ends the connection.
    const plain = await startFront(async (_incoming, outgoing) =>
      outgoing.writeHead(426, { upgrade: "websocket", "set-cookie": ["session=x", "own=1"] }).end("no"),
    );
    const refused = await exchange(plain.port, handshake(plain, "/public/x") + smuggled);
    assert.equal(statusOf(refused), 426);
    assert.equal(refused.match(/HTTP\/1\.1/g)?.length, 1);
    assert.doesNotMatch(refused, /session=x/);
    assert.equal(statusOf(await exchange(front.port, handshake(front, "/chat") + smuggled)), 401);
    assert.deepEqual(echo.opened, []);
  });

  test("an application that is not there: 502", async () => {
    const front = await startFront({ origin: "http://127.0.0.1:9" });
    assert.equal(statusOf(await exchange(front.port, handshake(front, "/public/x"))), 502);
  });

  test("those of a session end with it, at the latest when they are looked at", async () => {
    const front = await startFront(await startEcho(), {}, { lookEvery: 20 });
    const cookie = `Cookie: ${front.cookie}`;
    const own = await open(front, "/chat", [cookie]);
    const free = await open(front, "/public/chat");
    await saysBack(own.socket, "hello");
    const closed = once(own.socket.resume(), "close");
    await ask(`${front.origin}/auth/signout`, { method: "POST", headers: { cookie: front.cookie } });
    await closed;
    // Nobody has to be known for it.
    await saysBack(free.socket, "still there");
    const { head } = await open(front, "/chat", [cookie]);
    assert.equal(statusOf(head), 401);
  });

  test("those of a session end once its tokens do not count, if nothing brings new ones", async () => {
    let now = Date.now();
    const front = await startFront(await startEcho(), {}, { lookEvery: 20, now: () => now });
    const cookie = await signedIn(front.settings, { life: 60_000 });
    const own = await open(front, "/chat", [`Cookie: ${cookie}`]);
    now += 59_000;
    await saysBack(own.socket, "hello");
    const closed = once(own.socket.resume(), "close");
    now += 2000;
    await closed;
  });

  test("all end with the server", async () => {
    const front = await startFront(await startEcho());
    const { socket } = await open(front, "/public/chat");
    const closed = once(socket.resume(), "close");
    await front.server.end(600_000);
    await closed;
  });
});
