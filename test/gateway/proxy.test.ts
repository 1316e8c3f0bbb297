/** What the gateway's own proxy makes of requests and answers, and of applications that misbehave. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ask } from "../kit/ask.ts";
import { until } from "../kit/waiting.ts";
import { exchange, startFront, statusOf } from "./front.ts";
import { rawApplication } from "./raw-application.ts";

const says = (text: string) => rawApplication((socket) => socket.end(Buffer.from(text, "latin1")));

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of incoming) text += String(part);
  return text;
}

const pass = (incoming: IncomingMessage, outgoing: ServerResponse) =>
  void incoming.resume().on("end", () => outgoing.end("fine"));

describe("requests and answers pass", () => {
  test("an event arrives before the next one is sent", async () => {
    let next: ServerResponse | undefined;
    const front = await startFront((_incoming, outgoing) => {
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.flushHeaders();
      next = outgoing;
    });
    const asked = request(`${front.origin}/public/events`).end();
    // The headers alone: whoever listens knows that events will come.
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    for (const event of ["one", "two", "three"]) {
      next!.write(`data: ${event}\n\n`);
      const [part] = (await once(response, "data")) as [Buffer];
      assert.equal(part.toString(), `data: ${event}\n\n`);
    }
    next!.end();
    await once(response.resume(), "end");
  });

  test("a client that does not read holds the application up", async () => {
    const piece = Buffer.alloc(1 << 20);
    let sent = 0;
    const front = await startFront((incoming, outgoing) => {
      if (incoming.url === "/public/small") return void outgoing.end("x");
      const more = () => {
        for (let room = true; room && sent < 512; sent += 1) room = outgoing.write(piece);
        if (sent < 512) outgoing.once("drain", more);
        else outgoing.end();
      };
      more();
    });
    const asked = request(`${front.origin}/public/large`).end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    // Meanwhile everybody could have gone on for as long as these take.
    for (let turn = 0; turn < 100; turn += 1)
      assert.equal((await ask(`${front.origin}/public/small`)).status, 200);
    assert.ok(sent < 128, `${sent} MB`);
    response.destroy();
  });

  test("every byte, compressed bodies as they are, and each status with the headers that it has", async () => {
    const zipped = gzipSync("x".repeat(100_000));
    const front = await startFront((incoming, outgoing) => {
      const { pathname } = new URL(incoming.url!, "http://x");
      const status = Number(pathname.split("/").at(-1));
      if (status === 200) {
        outgoing.writeHead(200, {
          "content-encoding": "gzip",
          "content-length": zipped.length,
          server: "mine",
          date: "then",
        });
        outgoing.end(zipped);
      } else if (status === 304) outgoing.writeHead(304, { etag: '"1"', "content-length": "7" }).end();
      else outgoing.writeHead(status, { allow: "GET", "x-odd": ["a", "b"] }).end();
    });
    const zippedAnswer = await exchange(
      front.port,
      "GET /public/200 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    );
    assert.ok(zippedAnswer.endsWith(`\r\n\r\n${zipped.toString("latin1")}`));
    assert.match(zippedAnswer, /\r\nserver: mine\r\n/i);
    assert.match(zippedAnswer, /\r\ndate: then\r\n/i);
    const head = await exchange(
      front.port,
      "HEAD /public/200 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    );
    assert.match(head, new RegExp(`content-length: ${zipped.length}\r\n`, "i"));
    assert.ok(head.endsWith("\r\n\r\n"));
    for (const [status, method] of [
      [204, "OPTIONS"],
      [304, "GET"],
      [205, "POST"],
      [404, "GET"],
    ] as const) {
      const answer = await exchange(
        front.port,
        `${method} /public/${status} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
      );
      assert.equal(statusOf(answer), status);
      if (status === 304) assert.match(answer, /etag: "1"/i);
      else assert.match(answer, /x-odd: a\r\nx-odd: b\r\n/i);
    }
  });

  test("uploads: with a length, in chunks, with trailers that nobody gets, announced by Expect", async () => {
    const seen: object[] = [];
    const front = await startFront(async (incoming, outgoing) => {
      const body = await bodyOf(incoming);
      seen.push({
        body,
        trailers: incoming.trailers,
        expect: incoming.headers.expect,
        te: incoming.headers["transfer-encoding"],
      });
      outgoing.end("fine");
    });
    const head = "POST /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    for (const rest of [
      "Content-Length: 4\r\n\r\nabcd",
      "Transfer-Encoding: chunked\r\nTrailer: X-Auth-Request-User\r\n\r\n4\r\nabcd\r\n0\r\nX-Auth-Request-User: admin\r\n\r\n",
      "Transfer-Encoding: Chunked\r\n\r\n2;ext=1\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
    ])
      assert.equal(statusOf(await exchange(front.port, head + rest)), 200, rest);
    for (const one of seen)
      assert.deepEqual({ ...one, te: 0 }, { body: "abcd", trailers: {}, expect: undefined, te: 0 });
    assert.equal(seen.length, 3);
    // The body is asked for only once somebody wants it.
    for (const [path, isWanted] of [
      ["/public/x", true],
      ["/private", false],
    ] as const) {
      const asked = request(`${front.origin}${path}`, {
        method: "PUT",
        headers: { expect: "100-continue", "content-length": "4" },
      });
      asked.flushHeaders();
      if (!isWanted) {
        const [refused] = (await once(asked, "response")) as [IncomingMessage];
        assert.equal(refused.statusCode, 401);
        asked.destroy();
        continue;
      }
      await once(asked, "continue");
      asked.end("wxyz");
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      assert.equal(response.statusCode, 200);
      response.resume();
    }
    assert.equal(seen.length, 4);
    assert.deepEqual({ ...seen[3], te: 0 }, { body: "wxyz", trailers: {}, expect: undefined, te: 0 });
  });

  test("connections are kept, on both sides", async () => {
    const sockets = new Set<Socket>();
    const front = await startFront((incoming, outgoing) => {
      sockets.add(incoming.socket);
      pass(incoming, outgoing);
    });
    let clients = 0;
    front.server.on("connection", () => {
      clients += 1;
    });
    const get = "GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    for (let turn = 0; turn < 3; turn += 1) await (await ask(`${front.origin}/public/x`)).text();
    assert.deepEqual([clients, sockets.size], [1, 1]);
    // Several at once are answered in order, and the last one closes.
    const answers = await exchange(front.port, `${get}\r\n${get}\r\n${get}Connection: close\r\n\r\n`);
    assert.equal(answers.match(/HTTP\/1\.1 200/g)?.length, 3);
    assert.match(answers, /connection: close/i);
  });

  test("a client that goes away takes its request with it", async () => {
    const gone = Promise.withResolvers<void>();
    const front = await startFront((_incoming, outgoing) =>
      outgoing.once("close", gone.resolve).write("begun"),
    );
    const asked = request(`${front.origin}/public/x`).end();
    await once(asked, "response");
    asked.destroy();
    await gone.promise;
  });
});

describe("headers of the connection end with it", () => {
  test("of requests, and those that Connection names; it does not remove ours", async () => {
    let seen: IncomingMessage | undefined;
    const front = await startFront((incoming, outgoing) => {
      seen = incoming;
      pass(incoming, outgoing);
    });
    const answer = await exchange(
      front.port,
      `GET /x HTTP/1.1\r\nHost: 127.0.0.1:${front.port}\r\nCookie: ${front.cookie}; theme=dark\r\n` +
        "Connection: close, X-Auth-Request-User, X-Forwarded-Host, Host, X-Mine\r\nKeep-Alive: 5\r\nTE: trailers\r\n" +
        "Proxy-Authorization: Basic eDp5\r\nProxy: http://evil\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nX-Mine: 1\r\n\r\n",
    );
    assert.equal(statusOf(answer), 200);
    const { headers } = seen!;
    assert.equal(headers["x-auth-request-user"], "ann-1");
    assert.equal(headers.host, `127.0.0.1:${front.port}`);
    assert.equal(headers["x-forwarded-host"], `127.0.0.1:${front.port}`);
    assert.equal(headers.cookie, "theme=dark");
    for (const name of ["keep-alive", "te", "proxy-authorization", "proxy", "upgrade", "x-mine"])
      assert.equal(headers[name], undefined, name);
    assert.doesNotMatch(headers.connection ?? "", /auth|host|mine|close/i);
  });

  test("of answers", async () => {
    const front = await startFront(
      await says(
        "HTTP/1.1 200 OK\r\nConnection: close, X-Inner\r\nX-Inner: secret\r\nKeep-Alive: timeout=1\r\n" +
          "Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X-T\r\nX-Outer: 1\r\nContent-Length: 2\r\n\r\nhi",
      ),
    );
    const answer = await ask(`${front.origin}/public/x`);
    assert.equal(await answer.text(), "hi");
    const names = [...answer.headers.keys()].sort();
    assert.deepEqual(
      names,
      ["connection", "content-length", "date", "keep-alive", "x-outer"].filter((name) =>
        names.includes(name),
      ),
    );
    assert.equal(answer.headers.get("connection") ?? "keep-alive", "keep-alive");
    assert.notEqual(answer.headers.get("keep-alive"), "timeout=1");
  });
});

describe("an application sets its own cookies only", () => {
  test("also where the gateway has one to set", async () => {
    const front = await startFront((_incoming, outgoing) =>
      outgoing
        .writeHead(200, {
          "set-cookie": [
            "theme=dark; Path=/",
            "session=evil",
            "session=; Max-Age=0",
            " session-1 =x",
            "=session=evil",
            "a-session-sign-in-1=x",
            "session-id-token=own",
          ],
        })
        .end(),
    );
    const answer = await ask(`${front.origin}/public/x`, { headers: { cookie: front.cookie } });
    assert.deepEqual(answer.headers.getSetCookie(), ["theme=dark; Path=/", "session-id-token=own"]);
    assert.equal(front.warned.length, 5);
    const strict = await startFront(
      (_incoming, outgoing) =>
        outgoing.writeHead(200, { "set-cookie": ["session-id-token=evil", "b=1"] }).end(),
      {
        sessions: {
          keys: front.settings.sessions.keys,
          "cookie-name": "session",
          "tokens-in-cookies": true,
          idle: 60,
        },
      },
    );
    const other = await ask(`${strict.origin}/public/x`);
    assert.deepEqual(other.headers.getSetCookie(), ["b=1"]);
  });
});

describe("applications that misbehave", () => {
  for (const [what, answer] of Object.entries({
    "closes without a word": "",
    "is no web server": "SSH-2.0-OpenSSH_9.2\r\n",
    "has two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "has a length and chunks":
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "switches unasked": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "has a status of its own": "HTTP/1.1 1000 What\r\nContent-Length: 0\r\n\r\n",
    "has a status that is none": "HTTP/1.1 042 What\r\nContent-Length: 0\r\n\r\n",
    "has a header that is none": "HTTP/1.1 200 OK\r\nBad Header: 1\r\nContent-Length: 0\r\n\r\n",
    "has control characters": "HTTP/1.1 200 O\u0001K\r\nX: a\u0001b\r\nContent-Length: 0\r\n\r\n",
    "has a header without end": `HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
  }))
    test(`one that ${what}: 502`, async () => {
      const front = await startFront(await says(answer));
      const told = await ask(`${front.origin}/public/x`, { headers: { accept: "application/json" } });
      assert.equal(told.status, 502);
      assert.equal(JSON.parse(await told.text()).error, "application-away");
    });

  test("one that is not there: 502, with a page for browsers", async () => {
    const front = await startFront({ origin: "http://127.0.0.1:9" });
    const told = await ask(`${front.origin}/public/x`, {
      headers: { accept: "text/html", "sec-fetch-mode": "navigate" },
    });
    assert.equal(told.status, 502);
    assert.match(await told.text(), /does not answer/);
  });

  test("one that breaks off in the middle: the client sees that it did", async () => {
    for (const head of ["Content-Length: 100", "Transfer-Encoding: chunked"]) {
      const front = await startFront(await says(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n5\r\nabcde\r\n`));
      const asked = request(`${front.origin}/public/x`).end();
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      await assert.rejects(bodyOf(response));
      assert.equal(response.complete, false);
    }
  });

  test("one that closes kept connections: what asks for something is asked again", async () => {
    let connections = 0;
    const front = await startFront(
      await rawApplication((socket) => {
        connections += 1;
        const isFirst = connections === 1;
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        // The next request on the first connection is cut off.
        socket.on("data", () =>
          isFirst ? socket.resetAndDestroy() : socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        );
      }),
    );
    for (const turn of [1, 2, 3])
      assert.equal((await ask(`${front.origin}/public/x`)).status, 200, String(turn));
    assert.equal(connections, 2);
  });

  test("one that answers before it has read an upload", async () => {
    const front = await startFront(
      await rawApplication((socket) => {
        socket.write("HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        socket.resume();
      }),
    );
    const asked = request(`${front.origin}/public/x`, {
      method: "POST",
      headers: { "content-length": 50_000_000 },
    });
    asked.on("error", () => {});
    asked.write(Buffer.alloc(100_000));
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 413);
    asked.destroy();
  });
});

test("what is under way ends with the server, and nothing new begins", async () => {
  let held: ServerResponse | undefined;
  const front = await startFront((_incoming, outgoing) => {
    outgoing.write("begun ");
    held = outgoing;
  });
  const asked = request(`${front.origin}/public/x`).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const ended = front.server.end(600_000);
  const refused = connect(front.port, "127.0.0.1");
  await once(refused, "error");
  held!.end("and done");
  assert.equal(await bodyOf(response), "begun and done");
  await ended;
});

test("health: 200 with any Host, also to those from outside; 503 once the sessions are gone", async () => {
  const front = await startFront(pass, {
    sessions: { store: "sqlite::memory:", keys: [createHash("sha256").update("k").digest("base64")] },
  });
  const health = `${front.origin}/auth/health`;
  const well = await ask(health, { headers: { host: "10.0.0.7" } });
  assert.deepEqual([well.status, JSON.parse(await well.text())], [200, { status: "ok" }]);
  assert.equal((await ask(health, { method: "HEAD" })).status, 200);
  await front.gateway.close();
  await until("it says so", async () => (await ask(health)).status === 503);
});
