/** How a request is passed on to an application, message by message (RFC 9110, RFC 9112). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { after, describe, test } from "node:test";
import { ask } from "../kit/ask.ts";
import { until } from "../kit/waiting.ts";
import { exchange, startFront, statusOf } from "./front.ts";
import { rawApplication } from "./raw-application.ts";

const head = (line: string, more = "") => `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}`;
const closing = "Connection: close\r\n";
const fine = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

/** All that an application gets, as it was sent, from the gateway's connections in turn. */
async function recorder(answer: (socket: Socket, count: number) => void) {
  const got: string[] = [];
  const application = await rawApplication((socket, first) => {
    const at = got.push(first) - 1;
    socket.on("data", (part: Buffer) => {
      got[at] += part.toString("latin1");
    });
    answer(socket, got.length);
  });
  return { got, front: await startFront(application) };
}

/** A gateway in front of an application that says `fine`; what it was asked, of each request. */
async function noting() {
  const seen: IncomingMessage[] = [];
  const front = await startFront((incoming, outgoing) => {
    seen.push(incoming);
    incoming.resume().on("end", () => outgoing.end("fine"));
  });
  return { seen, front };
}

describe("what an application is sent", () => {
  test("a request without a body announces none, unless its method may have one", async () => {
    const { seen, front } = await noting();
    for (const [method, length] of [
      ["GET", undefined],
      ["HEAD", undefined],
      ["POST", "0"],
      ["PUT", "0"],
      ["DELETE", "0"],
      ["OPTIONS", "0"],
    ] as const) {
      await exchange(front.port, `${head(`${method} /public/x`, closing)}\r\n`);
      const { method: sent, headers } = seen.pop()!;
      const framing = [sent, headers["content-length"], headers["transfer-encoding"]];
      assert.deepEqual(framing, [method, length, undefined]);
    }
  });

  test("path and query as they are, and of headers that must not repeat the first, on which the rules went", async () => {
    const { seen, front } = await noting();
    const lines = [
      ...["Authorization: Basic YTpi", "Authorization: Basic Yzpk", "X-Many: 1", "X-Many: 2", "Cookie: a=1"],
      ...["Cookie: b=2", "User-Agent: one", "User-Agent: two", "Set-Cookie: a", "Set-Cookie: b", "X-Empty:"],
    ];
    const target = "/public/%C3%A4/x?a=b&&c=%2F?d";
    await exchange(front.port, `${head(`GET ${target}`, closing)}${lines.join("\r\n")}\r\n\r\n`);
    const { url, headersDistinct: sent } = seen.pop()!;
    assert.equal(url, target);
    assert.deepEqual(sent["authorization"], ["Basic YTpi"]);
    assert.deepEqual(sent["user-agent"], ["one"]);
    assert.deepEqual(sent["x-many"], ["1, 2"]);
    assert.deepEqual(sent["cookie"], ["a=1; b=2"]);
    assert.deepEqual(sent["set-cookie"], ["a", "b"]);
    assert.deepEqual(sent["x-empty"], [""]);
    assert.deepEqual([sent["host"], sent["connection"]], [["127.0.0.1"], ["keep-alive"]]);
  });

  test("bodies of any method, with a length or in chunks", async () => {
    const { got, front: raw } = await recorder((socket) => socket.end(fine));
    const framed = [
      "Content-Length: 4\r\n\r\nabcd",
      "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    ];
    for (const method of ["GET", "DELETE", "OPTIONS", "PATCH"])
      for (const body of framed) {
        await exchange(raw.port, `${head(`${method} /public/x`, closing)}${body}`);
        const sent = got.pop()!;
        assert.ok(sent.startsWith(`${method} /public/x HTTP/1.1\r\n`), sent);
        assert.ok(sent.endsWith(body.slice(body.indexOf("\r\n\r\n"))), sent);
        assert.equal(/content-length: 4|transfer-encoding: chunked/i.exec(sent)?.length, 1);
      }
  });

  test("a body in chunks is the last on its connection", async () => {
    const { seen, front } = await noting();
    const post = (more: string) => exchange(front.port, `${head("POST /public/x", closing)}${more}`);
    for (const count of [1, 2]) {
      await post("Content-Length: 4\r\n\r\nabcd");
      await post("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
      assert.equal(new Set(seen.map(({ socket }) => socket)).size, count);
    }
  });
});

describe("what the client gets", () => {
  test("the answer alone: neither what is said before it, nor trailers", async () => {
    const { front } = await recorder((socket) =>
      socket.end(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-Auth-Request-User: evil\r\n\r\n" +
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n4\r\nfine\r\n0\r\nX-T: 1\r\n\r\n",
      ),
    );
    const answer = await exchange(front.port, `${head("GET /public/x", closing)}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\n\r\n4\r\nfine\r\n0\r\n\r\n$/);
    assert.doesNotMatch(answer, /link|evil|trailer|x-t/i);
  });

  test("by HTTP/1.0, what an application sends in chunks ends with the connection", async () => {
    const front = await startFront((_incoming, outgoing) => {
      outgoing.write("one ");
      outgoing.end("two");
    });
    const answer = await exchange(front.port, "GET /public/x HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    assert.equal(statusOf(answer), 200);
    assert.match(answer, /connection: close\r\n/i);
    assert.doesNotMatch(answer, /transfer-encoding/i);
    assert.match(answer, /\r\n\r\none two$/);
  });

  test("an answer without length or chunks, which ends with its connection", async () => {
    const { front } = await recorder((socket) => socket.end("HTTP/1.0 200 OK\r\nX: 1\r\n\r\nall of it"));
    assert.equal(await (await ask(`${front.origin}/public/x`)).text(), "all of it");
  });
});

describe("an answer before the request has ended", () => {
  test("reaches the client; the rest of the upload reaches nobody, and both connections stay clear", async () => {
    const { got, front } = await recorder((socket) => socket.write(fine));
    const client = connect(front.port, "127.0.0.1");
    after(() => client.destroy());
    let received = "";
    client.on("data", (part: Buffer) => {
      received += part.toString("latin1");
    });
    client.write(`${head("POST /public/first")}Content-Length: 10\r\n\r\nabcde`);
    await until("it is answered", () => received.endsWith("fine"));
    client.write(`GET /${head("GET /public/second", closing)}\r\n`);
    await once(client, "close");
    assert.equal(received.match(/HTTP\/1\.1 200/g)?.length, 2);
    const [first = "", second = "", ...others] = got;
    assert.ok(first.endsWith("\r\n\r\nabcde"), first);
    assert.ok(second.startsWith("GET /public/second HTTP/1.1\r\n"), second);
    assert.deepEqual(others, []);
  });

  test("and goes on while the upload does, both ways at once", async () => {
    const front = await startFront((incoming, outgoing) => void incoming.pipe(outgoing));
    const asked = request(`${front.origin}/public/x`, { method: "POST" });
    asked.write("one");
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    for (const part of ["two", "three"]) {
      asked.write(part);
      let back = "";
      while (!back.endsWith(part)) back += String((await once(response, "data"))[0]);
    }
    asked.end();
    await once(response.resume(), "end");
  });
});

describe("a side that goes away", () => {
  test("a client amid its upload: the application sees it, and nobody is blamed", async () => {
    const gone = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const front = await startFront((incoming) => {
      incoming.on("error", () => {}).once("close", gone.resolve);
      incoming.once("data", begun.resolve);
    });
    const client = connect(front.port, "127.0.0.1");
    client.write(`${head("POST /public/x")}Content-Length: 10\r\n\r\nabc`);
    await begun.promise;
    client.destroy();
    await gone.promise;
    assert.deepEqual(front.warned, []);
  });

  test("an application amid an upload: 502, also to a client that goes on with it", async () => {
    const length = 10_000_000;
    const { got, front } = await recorder((socket, count) =>
      count === 1 ? socket.resetAndDestroy() : socket.end(fine),
    );
    const upload = `${head("POST /public/x")}Content-Length: ${length}\r\n\r\n${"x".repeat(length)}`;
    const answers = await exchange(front.port, `${upload}${head("GET /public/second", closing)}\r\n`);
    assert.deepEqual(
      [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ["502", "200"],
    );
    assert.ok(got.at(-1)!.startsWith("GET /public/second HTTP/1.1\r\n"));
  });

  test("an application that does not answer: 504, and it is not asked again", async () => {
    let asked = 0;
    const waiting: ServerResponse[] = [];
    const front = await startFront(
      (incoming, outgoing) => {
        asked += 1;
        incoming.resume();
        if (asked === 1) outgoing.end("fine");
        else waiting.push(outgoing);
      },
      {},
      { patience: 100 },
    );
    await (await ask(`${front.origin}/public/x`)).text();
    // By the connection that was kept.
    for (const method of ["GET", "POST"]) {
      const body = method === "POST" ? { body: new URLSearchParams({ a: "b" }) } : {};
      assert.equal((await ask(`${front.origin}/public/x`, { method, ...body })).status, 504, method);
    }
    assert.equal(asked, 3);
  });
});

describe("connections to an application", () => {
  test("of those that it closed, only what asks for something is asked again, and once", async () => {
    for (const [method, body, status] of [
      ["GET", "", 200],
      ["HEAD", "", 200],
      ["POST", "", 502],
      ["GET", "Content-Length: 1\r\n\r\nx", 502],
    ] as const) {
      const { got, front } = await recorder((socket, count) => {
        socket.write(method === "HEAD" && count > 1 ? "HTTP/1.1 200 OK\r\n\r\n" : fine);
        if (count === 1) socket.on("data", () => socket.resetAndDestroy());
      });
      await exchange(front.port, `${head("GET /public/first", closing)}\r\n`);
      const answer = await exchange(
        front.port,
        `${head(`${method} /public/second`, closing)}${body === "" ? "\r\n" : body}`,
      );
      assert.equal(statusOf(answer), status, `${method} ${body}`);
      assert.equal(got.length, status === 200 ? 2 : 1);
    }
  });

  test("are kept no longer than it says", async () => {
    const { got, front } = await recorder((socket) =>
      socket.write(fine.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=1\r\n\r\n")),
    );
    for (const count of [1, 2]) {
      assert.equal(await (await ask(`${front.origin}/public/x`)).text(), "fine");
      assert.equal(got.length, count);
    }
  });

  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const skip = !addresses.some(({ address }) => address === "::1") && "this machine has no IPv6";
  test("by IPv6", { skip }, async () => {
    const server = createServer((_incoming, outgoing) => outgoing.end("fine")).listen(0, "::1");
    await once(server, "listening");
    after(() => server.close());
    const front = await startFront({ origin: `http://[::1]:${(server.address() as AddressInfo).port}` });
    assert.equal(await (await ask(`${front.origin}/public/x`)).text(), "fine");
  });
});
