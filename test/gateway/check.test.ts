/**
 * What the check promises to proxies that do not run here: a small server does what Traefik's page about ForwardAuth and
 * Envoy's about ext_authz over HTTP say of them.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { expressGateway, handleRequest } from "../../src/gateway/index.ts";
import { ask } from "../kit/ask.ts";
import { freePort } from "../kit/ports.ts";
import { exchange, signedIn, startFront, statusOf } from "./front.ts";

interface Asking {
  readonly gateway: number;
  readonly incoming: IncomingMessage;
}

/** How a proxy asks, and which headers of the answer the application gets. */
const manners = {
  Traefik: ({ gateway, incoming }: Asking) =>
    request({
      ...{ host: "127.0.0.1", port: gateway, path: "/auth/check", method: "GET" },
      headers: {
        ...incoming.headers,
        "x-forwarded-method": incoming.method,
        "x-forwarded-proto": "http",
        "x-forwarded-host": incoming.headers.host,
        "x-forwarded-uri": incoming.url,
        "x-forwarded-for": incoming.socket.remoteAddress,
      },
    }),
  Envoy: ({ gateway, incoming }: Asking) => {
    const allowed = [
      "accept",
      "cookie",
      "host",
      "origin",
      "sec-fetch-mode",
      "upgrade",
      "x-requested-with",
      "authorization",
    ];
    const headers = Object.fromEntries(
      allowed.flatMap((name) =>
        incoming.headers[name] === undefined ? [] : [[name, incoming.headers[name]]],
      ),
    );
    return request({
      ...{ host: "127.0.0.1", port: gateway, path: `/auth/check${incoming.url}`, method: incoming.method },
      headers: { ...headers, "content-length": 0 },
    });
  },
} as const;

async function placeOf(name: keyof typeof manners) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const front = await startFront(undefined, { "public-url": origin });
  const passed: string[] = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const asked = manners[name]({ gateway: front.port, incoming }).end();
    const [said] = (await once(asked, "response")) as [IncomingMessage];
    if (said.statusCode !== 200) {
      said.pipe(outgoing.writeHead(said.statusCode!, said.headers));
      return;
    }
    said.resume();
    passed.push(`${incoming.method} ${incoming.url}`);
    const told = Object.entries(said.headers).filter(([one]) => one.startsWith("x-auth-request-"));
    outgoing.end(JSON.stringify({ ...incoming.headers, ...Object.fromEntries(told) }));
  };
  const proxy = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  proxy.listen(port, "127.0.0.1");
  await once(proxy, "listening");
  after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  return { ...front, origin, passed };
}

const page = { accept: "text/html", "sec-fetch-mode": "navigate" };

for (const name of ["Traefik", "Envoy"] as const) {
  describe(`the contract of ${name}, which is not run`, () => {
    test("answers go to the browser as they are, and nobody is somebody else", async () => {
      const { origin, cookie, settings, passed } = await placeOf(name);
      const redirected = await ask(`${origin}/a?b=c`, { headers: page });
      assert.equal(redirected.status, 302);
      assert.equal(
        redirected.headers.get("location"),
        `${origin}/auth/signin?rd=${encodeURIComponent(`${origin}/a?b=c`)}`,
      );
      assert.equal((await ask(`${origin}/a`)).status, 401);
      assert.equal((await ask(`${origin}/a`, { method: "POST", headers: page })).status, 401);
      assert.equal((await ask(`${origin}/admin/x`, { headers: { ...page, cookie } })).status, 403);
      assert.equal(
        (await ask(`${origin}/admin/x`, { headers: { cookie, "x-original-uri": "/public/x" } })).status >=
          400,
        true,
      );
      assert.equal((await ask(`${origin}/public/..%2fadmin`, { headers: { ...page, cookie } })).status, 400);
      assert.deepEqual(passed, []);
      const admin = await signedIn(settings, { groups: ["admins"] });
      const evil = { "x-auth-request-user": "evil", "x-auth-request-email": "evil" };
      for (const [method, path, sent] of [
        ["GET", "/a?b=c", cookie],
        ["DELETE", "/admin/x", admin],
        ["GET", "/public/x", ""],
      ] as const) {
        const answer = await ask(`${origin}${path}`, { method, headers: { ...page, ...evil, cookie: sent } });
        assert.equal(answer.status, 200, path);
        const text = await answer.text();
        assert.doesNotMatch(text, /evil/);
        assert.equal(JSON.parse(text)["x-auth-request-user"], sent === "" ? "" : "ann-1");
      }
      assert.deepEqual(passed, ["GET /a?b=c", "DELETE /admin/x", "GET /public/x"]);
    });
  });
}

test("questions that name no request, name it twice, or come from elsewhere are not answered", async () => {
  const front = await startFront(undefined);
  const check = `${front.origin}/auth/check`;
  const { cookie } = front;
  const nginx = { "x-original-uri": "/x", "x-original-method": "GET" };
  const caddy = { "x-forwarded-uri": "/x", "x-forwarded-method": "GET" };
  for (const [status, path, headers] of [
    [200, "", nginx],
    [200, "", caddy],
    [200, "/x", {}],
    [400, "", {}],
    [400, "/", { ...nginx }],
    [400, "", { ...nginx, ...caddy }],
    [400, "/x", caddy],
    [400, "", { "x-original-uri": "/x" }],
    [400, "", { "x-forwarded-uri": "/x" }],
    [403, "", { ...nginx, "x-original-uri": "x" }],
    [403, "", { ...nginx, "x-original-uri": "http://127.0.0.1/x" }],
    [400, "", { ...caddy, "x-forwarded-host": "a.example, b.example" }],
  ] as const)
    assert.equal(
      (await ask(`${check}${path}`, { headers: { cookie, ...headers } })).status,
      status,
      JSON.stringify([path, headers]),
    );
  const outside = await startFront(undefined, { "trusted-proxies": ["10.0.0.0/8"] });
  const from = { cookie: outside.cookie, ...nginx };
  assert.equal((await ask(`${outside.origin}/auth/check`, { headers: from })).status, 403);
});

/** As nginx asks, and as Envoy does. */
const questions = [
  ["/auth/check", { "x-original-uri": "/x", "x-original-method": "GET" }],
  ["/auth/check/x", {}],
] as const;

test("where the gateway passes requests on itself there is no such endpoint for a page's script to read tokens from", async () => {
  const front = await startFront((incoming, outgoing) => outgoing.end(JSON.stringify(incoming.headers)));
  const told = JSON.parse(
    await (await ask(`${front.origin}/x`, { headers: { cookie: front.cookie } })).text(),
  );
  assert.ok(told["x-auth-request-token"]);
  for (const [path, named] of questions) {
    const answer = await ask(`${front.origin}${path}`, { headers: { cookie: front.cookie, ...named } });
    assert.equal(answer.status, 404, path);
    assert.deepEqual(
      [...answer.headers.keys()].filter((name) => /auth/.test(name)),
      [],
    );
    const switched = await exchange(
      front.port,
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${front.port}\r\nCookie: ${front.cookie}\r\nConnection: Upgrade, close\r\n` +
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    assert.equal(statusOf(switched), 404, path);
  }
});

test("nor is there one in middleware", async () => {
  const front = await startFront(undefined);
  const middleware = expressGateway(front.gateway);
  const server = createServer((incoming, outgoing) =>
    middleware(incoming, outgoing, () => void outgoing.end("reached")),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { cookie: front.cookie, "x-forwarded-host": `127.0.0.1:${front.port}` };
  assert.equal(await (await ask(`${origin}/x`, { headers })).text(), "reached");
  for (const [path, named] of questions) {
    assert.equal((await ask(`${origin}${path}`, { headers: { ...headers, ...named } })).status, 404);
    const request = new Request(`${front.origin}${path}`, { headers: { ...headers, ...named } });
    assert.equal((await handleRequest(front.gateway, request, { peer: "127.0.0.1" })).response?.status, 404);
  }
});
