/** What clients try to slip past the gateway: identity headers of their own, and requests inside requests. */
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { describe, test } from "node:test";
import { exchange, type Front, startFront, statusOf } from "./front.ts";

interface Seen {
  readonly target: string;
  readonly raw: readonly string[];
  readonly body: string;
}

/** A gateway in front of an application that notes what it receives. */
async function place(change: object = {}): Promise<Front & { readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const front = await startFront((incoming: IncomingMessage, outgoing) => {
    let body = "";
    incoming.on("data", (part) => {
      body += String(part);
    });
    incoming.on("end", () => {
      seen.push({ target: `${incoming.method} ${incoming.url}`, raw: incoming.rawHeaders, body });
      outgoing.end("fine");
    });
  }, change);
  return { ...front, seen };
}

/** All spellings that some server takes for `X-Auth-Request-User`. */
const spellings = [
  ...["X-Auth-Request-User", "x-auth-request-user", "X_Auth_Request_User", "X-Auth_Request-User"],
  ...["X_AUTH_REQUEST_USER", "X.Auth.Request.User", "X~Auth!Request*User", "x-auth-request-token"],
  ...["X-Auth-Request-Anything", "X_Auth_Request_Groups"],
];

describe("identity headers from outside", () => {
  test("never reach the application, in any spelling, once or twice, known or not", async () => {
    const front = await place();
    for (const cookie of ["", `Cookie: ${front.cookie}\r\n`])
      for (const spelling of spellings) {
        const head = `GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${cookie}`;
        await exchange(front.port, `${head}${spelling}: evil\r\n${spelling}: evil\r\n\r\n`);
        assert.equal(front.seen.length, 1, spelling);
        const { raw } = front.seen.pop()!;
        assert.ok(!raw.includes("evil"), spelling);
        const users = raw.filter((one) => /^x.auth.request.user$/i.test(one));
        assert.equal(users.length, cookie === "" ? 0 : 1, spelling);
      }
  });

  test("nor do those that say where the browser is", async () => {
    const front = await place({ "trusted-proxies": ["10.0.0.0/8"] });
    const names = ["X-Forwarded-For", "X_Forwarded_Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP"];
    const lines = [...names, "X-Original-URI", "X_Forwarded_Uri", "Proxy"].map((one) => `${one}: 10.9.8.7`);
    const head = "GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    await exchange(front.port, `${head}${lines.join("\r\n")}\r\n\r\n`);
    const { raw } = front.seen.pop()!;
    assert.ok(!raw.includes("10.9.8.7"), raw.join(" "));
    assert.equal(raw[raw.indexOf("x-forwarded-for") + 1], "127.0.0.1");
  });
});

const smuggled = "GET /admin/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
const last = "GET /public/last HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

/** A POST whose body two servers could end at different places, followed by what would be a request of its own. */
const posts: Readonly<Record<string, string>> = {
  "length and chunks": `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  "chunks and length": `Transfer-Encoding: chunked\r\nContent-Length: ${smuggled.length + 5}\r\n\r\n0\r\n\r\n${smuggled}`,
  "two lengths": `Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  "two lengths in one": `Content-Length: 0, ${smuggled.length}\r\n\r\n${smuggled}`,
  "a signed length": `Content-Length: +0\r\n\r\n${smuggled}`,
  "a negative length": `Content-Length: -1\r\n\r\n${smuggled}`,
  "a length in hexadecimal": `Content-Length: 0x0\r\n\r\n${smuggled}`,
  "a length with a space inside": `Content-Length: 0 0\r\n\r\n${smuggled}`,
  "a space before the colon": `Content-Length : ${smuggled.length}\r\n\r\n${smuggled}`,
  "a space before the colon of chunks": `Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n${smuggled}`,
  "a folded header": `X: 1\r\n Content-Length: ${smuggled.length}\r\nContent-Length: 0\r\n\r\n${smuggled}`,
  "a folded encoding": `Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n${smuggled}`,
  "identity, chunked": `Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  "chunked, identity": `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
  "chunked twice": `Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  "an encoding of another name": `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
  "a quoted encoding": `Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${smuggled}`,
  "gzip, chunked": `Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  "an encoding after a vertical tab": `Transfer-Encoding:\u000bchunked\r\nContent-Length: 0\r\n\r\n${smuggled}`,
  "a bare line feed": `X: 1\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  "a bare carriage return": `X: 1\rContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  "line feeds only": `Content-Length: 0\n\n${smuggled}`,
  "a null in a header": `X: 1\u0000\r\nContent-Length: 0\r\n\r\n${smuggled}`,
  "a chunk of negative size": `Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n${smuggled}`,
  "a chunk larger than a number": `Transfer-Encoding: chunked\r\n\r\n${"f".repeat(17)}\r\n\r\n${smuggled}`,
  "a chunk without its end": `Transfer-Encoding: chunked\r\n\r\n1\r\nXY0\r\n\r\n${smuggled}`,
  "a chunk size with a bare line feed": `Transfer-Encoding: chunked\r\n\r\n1;x\nX\r\n0\r\n\r\n${smuggled}`,
  "an extension with a line feed": `Transfer-Encoding: chunked\r\n\r\n0;a=\n\r\n\r\n${smuggled}`,
};

/** Requests that name two things at once. */
const requests: Readonly<Record<string, string>> = {
  "two hosts": "GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example",
  "two hosts alike": "GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1",
  "no host": "GET /public/x HTTP/1.1\r\nX: 1",
  "a host with a path": "GET /public/x HTTP/1.1\r\nHost: 127.0.0.1/admin",
  "a host with a user": "GET /public/x HTTP/1.1\r\nHost: a@127.0.0.1",
  "two hosts by a proxy":
    "GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Host: 127.0.0.1, evil.example",
  "an absolute target": "GET http://127.0.0.1/admin/x HTTP/1.1\r\nHost: 127.0.0.1",
  "an absolute target of another host": "GET http://evil.example/public/x HTTP/1.1\r\nHost: 127.0.0.1",
  "an authority": "GET 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1",
  asterisk: "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1",
  "a relative target": "GET public/x HTTP/1.1\r\nHost: 127.0.0.1",
  CONNECT: "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22",
  TRACE: "TRACE /public/x HTTP/1.1\r\nHost: 127.0.0.1",
  "a method of its own": "STEAL /public/x HTTP/1.1\r\nHost: 127.0.0.1",
  "a tab for a space": "GET\t/public/x HTTP/1.1\r\nHost: 127.0.0.1",
  "a version of its own": "GET /public/x HTTP/3.1\r\nHost: 127.0.0.1",
  "HTTP/2 without TLS": "PRI * HTTP/2.0\r\n\r\nSM",
  "a wish that is not 100-continue": "GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 200-ok",
  "a chunked body by HTTP/1.0": "POST /public/x HTTP/1.0\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked",
  "headers without end": `GET /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(20_000)}`,
};

describe("requests inside requests", () => {
  test("are refused, and the connection with them", async () => {
    const front = await place();
    for (const [what, rest] of Object.entries(posts)) {
      const answer = await exchange(
        front.port,
        `POST /public/first HTTP/1.1\r\nHost: 127.0.0.1\r\n${rest}${last}`,
      );
      assert.ok([400, 413, 501].includes(statusOf(answer)), `${what}: ${answer.slice(0, 60)}`);
      // Whatever the client sent behind it, that is no longer looked at or is the gateway's own to refuse.
      const targets = front.seen.splice(0).map(({ target, body }) => `${target} ${body}`);
      assert.ok(
        targets.every((target) => !target.includes("smuggled")),
        `${what}: ${targets.join()}`,
      );
    }
  });

  test("of a request with thousands of headers none is left out, or it is refused", async () => {
    const front = await place();
    for (const count of [1990, 2500, 3500]) {
      const many = "a:\r\n".repeat(count);
      const body = `${(1000).toString(16)}\r\n${smuggled.padEnd(1000)}\r\n0\r\n\r\n`;
      const head = `POST /public/first HTTP/1.1\r\nHost: 127.0.0.1\r\n${many}X-Auth-Request-User: root\r\n`;
      const answer = await exchange(front.port, `${head}Transfer-Encoding: chunked\r\n\r\n${body}${last}`);
      const seen = front.seen.splice(0);
      if (statusOf(answer) === 200)
        assert.deepEqual(
          seen.map(({ target }) => target),
          ["POST /public/first", "GET /public/last"],
        );
      else assert.deepEqual([statusOf(answer), seen], [431, []]);
      assert.ok(seen.every(({ raw }) => !raw.some((one) => /auth-request/i.test(one))));
    }
  });

  test("nor are there requests that name two things at once", async () => {
    const front = await place();
    for (const [what, head] of Object.entries(requests)) {
      const answer = await exchange(front.port, `${head}\r\nConnection: close\r\n\r\n`);
      const status = statusOf(answer);
      assert.ok([400, 405, 417, 431].includes(status), `${what}: ${answer.slice(0, 60)}`);
      assert.deepEqual(front.seen, [], what);
    }
  });
});
