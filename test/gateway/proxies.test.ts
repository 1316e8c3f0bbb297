/** Other people's proxies in front of an application ask the gateway: by the recipes of docs/gateway-proxies.md. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { after, describe, test } from "node:test";
import { ask } from "../kit/ask.ts";
import { needs } from "../kit/machine.ts";
import { freePort } from "../kit/ports.ts";
import { forOneServer } from "../kit/server.ts";
import { exchange, type Front, signedIn, startFront, statusOf } from "./front.ts";
import {
  annsBrowser,
  Browser,
  gatewayPlace,
  newKey,
  newStore,
  route,
  type Seen,
  startApplication,
} from "./place.ts";
import { proxies } from "./proxies.ts";

/** As the gateway's file has an application that another proxy serves. */
const checked = [
  { hosts: [], upstream: undefined, routes: [route("/admin/**", { groups: ["admins"] }), route("/**")] },
];

const hostOf = (origin: string) => new URL(origin).host;

interface Behind extends Front {
  /** The proxy's. */
  readonly origin: string;
  readonly seen: string[];
}

/** An application behind a proxy that asks a gateway whose provider is away. */
async function placeOf(name: keyof typeof proxies, change: object = {}): Promise<Behind> {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(incoming.url!);
    outgoing.end(JSON.stringify(incoming.headers));
  });
  server.on("upgrade", (_incoming, socket) => {
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port: application } = server.address() as { port: number };
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const front = await startFront(undefined, { "public-url": origin, ...change });
  await proxies[name]({ port, gateway: `127.0.0.1:${front.port}`, application: `127.0.0.1:${application}` });
  seen.length = 0;
  return { ...front, port, origin, seen };
}

const page = { accept: "text/html", "sec-fetch-mode": "navigate" };
const program = { accept: "application/json", "sec-fetch-mode": "cors" };

for (const name of ["nginx", "caddy"] as const) {
  describe(`${name} in front of an application`, needs(name), () => {
    test("lets through who may, and says to others what they can do", async () => {
      const { origin, cookie, settings, seen } = await placeOf(name);
      const redirected = await ask(`${origin}/articles?page=2`, { headers: page });
      assert.equal(redirected.status, 302);
      assert.equal(
        redirected.headers.get("location"),
        `${origin}/auth/signin?rd=${encodeURIComponent(`${origin}/articles?page=2`)}`,
      );
      const refused = await ask(`${origin}/articles`, { headers: program });
      assert.equal(refused.status, 401);
      assert.equal(refused.headers.get("location"), null);
      assert.equal(JSON.parse(await refused.text()).error, "signed-out");
      const bearer = await ask(`${origin}/api/x`, { headers: page });
      assert.deepEqual([bearer.status, bearer.headers.get("www-authenticate")], [401, "Bearer"]);
      assert.equal((await ask(`${origin}/admin/x`, { headers: { ...page, cookie } })).status, 403);
      assert.deepEqual(seen, []);
      const admin = await signedIn(settings, { groups: ["admins"] });
      for (const [path, method, sent] of [
        ["/articles?page=2", "GET", cookie],
        ["/articles", "POST", cookie],
        ["/admin/x%20y", "GET", admin],
        ["/public/x", "GET", ""],
      ] as const) {
        const answer = await ask(`${origin}${path}`, { method, headers: { ...page, cookie: sent } });
        assert.equal(answer.status, 200, path);
        assert.equal(seen.pop(), path);
        const told = JSON.parse(await answer.text());
        assert.equal(told["x-auth-request-user"] || undefined, sent === "" ? undefined : "ann-1");
        assert.equal(told["x-auth-request-groups"] || undefined, sent === admin ? "admins" : undefined);
      }
    });

    test("takes away what the client says of itself, and is not misled by it", async () => {
      const { port, cookie, seen } = await placeOf(name);
      const head = (target: string, more: string) =>
        `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n${more}\r\n`;
      for (const sent of ["", `Cookie: ${cookie}\r\n`])
        for (const spelling of ["X-Auth-Request-User", "x_auth_request_user", "X-AUTH-REQUEST-GROUPS"]) {
          const answer = await exchange(port, head("/public/x", `${sent}${spelling}: evil\r\n`));
          assert.equal(statusOf(answer), 200);
          assert.doesNotMatch(answer, /evil/, spelling);
        }
      seen.length = 0;
      for (const lie of [
        "X-Original-URI: /public/x\r\nX-Original-Method: GET",
        "X-Forwarded-Uri: /public/x\r\nX-Forwarded-Method: GET",
        "X-Forwarded-Host: other.example",
        "X-Original-URI: /public/x\r\nX-Forwarded-Uri: /public/x",
        "X_Original_URI: /public/x",
      ]) {
        const answer = await exchange(port, head("/admin/x", `Cookie: ${cookie}\r\n${lie}\r\n`));
        assert.equal(statusOf(answer), 403, lie);
      }
      for (const target of [
        "/public/../admin/x",
        "/public/%2e%2e/admin/x",
        "//admin/x",
        "/public/..%2fadmin/x",
      ])
        assert.ok(statusOf(await exchange(port, head(target, ""))) >= 400, target);
      for (const target of ["/auth/check", "/auth/check/public/x", "/auth/check?x=/public/x"])
        assert.equal(statusOf(await exchange(port, head(target, `Cookie: ${cookie}\r\n`))), 404, target);
      assert.deepEqual(seen, []);
    });

    test("WebSockets are asked about like all else, and with their origin", async () => {
      const { port, origin, cookie } = await placeOf(name);
      const open = (more: string) =>
        `GET /chat HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;
      for (const [status, more] of [
        [101, `Cookie: ${cookie}\r\nOrigin: ${origin}\r\n`],
        [401, ""],
        [403, `Cookie: ${cookie}\r\nOrigin: https://evil.example\r\n`],
      ] as const) {
        const socket = connect(port, "127.0.0.1");
        socket.write(open(more));
        const [first] = (await once(socket, "data")) as [Buffer];
        socket.destroy();
        assert.equal(statusOf(first.toString()), status, more);
      }
    });

    test("503 while the provider is away and nobody can tell", async () => {
      const { origin, settings, seen } = await placeOf(name, {
        sessions: { store: "cookies", keys: [newKey()], "cookie-name": "session", outage: 0 },
      });
      const cookie = await signedIn(settings, { life: -1000 });
      const answer = await ask(`${origin}/x`, { headers: { ...program, cookie } });
      assert.equal(answer.status, 503);
      assert.equal(JSON.parse(await answer.text()).error, "provider-away");
      assert.equal((await ask(`${origin}/auth/signin`, { headers: page })).status, 503);
      assert.deepEqual(seen, []);
    });
  });
}

forOneServer("sqlite", "a visitor signs in behind another proxy", (start) => {
  for (const name of ["nginx", "caddy"] as const)
    test(name, needs(name), async () => {
      const port = await freePort();
      const publicUrl = `http://127.0.0.1:${port}`;
      const server = await start();
      // With sessions in cookies nginx has new ones to pass on.
      const store = name === "nginx" ? "cookies" : "sqlite";
      const place = await gatewayPlace(server, await newStore(store), {
        publicUrl,
        applications: checked,
      });
      const { origin: application } = await startApplication();
      await proxies[name]({ port, gateway: hostOf(place.origin), application: hostOf(application) });
      const browser = annsBrowser(place);
      const shown = await browser.follow(`${publicUrl}/articles?page=2`);
      assert.equal(shown.url, `${publicUrl}/articles?page=2`);
      const { headers } = JSON.parse(await shown.answer.text()) as Seen;
      assert.equal(headers["x-auth-request-preferred-username"], "ann");
      assert.match(headers["x-auth-request-token"] ?? "", /^eyJ/);
      assert.equal((await browser.get(`${publicUrl}/admin/x`)).status, 403);
      if (store === "cookies") {
        const before = browser.jar.get("session");
        server.clock.advance(50 * 60_000);
        const answer = await browser.get(`${publicUrl}/again`);
        assert.equal(answer.status, 200);
        assert.notEqual(browser.jar.get("session"), before);
        assert.equal((await browser.get(`${publicUrl}/again`)).status, 200);
      }
      const out = await browser.get(`${publicUrl}/auth/signout`);
      assert.equal(out.status, 303);
      assert.equal((await new Browser().get(`${publicUrl}/articles`)).status, 302);
      assert.equal((await browser.get(`${publicUrl}/articles`)).status, 302);
    });
});
