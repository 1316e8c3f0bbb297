/** The gateway as middleware, in the frameworks themselves: the same visitor gets the same answers in each. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import type { Gateway, Known, Log } from "../../src/gateway/index.ts";
import {
  expressGateway,
  fastifyGateway,
  handleRequest,
  honoGateway,
  knownOf,
} from "../../src/gateway/index.ts";
import { ask } from "../kit/ask.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { annsBrowser, type Browser, type GatewayPlace, gatewayPlace, paths } from "./place.ts";

/** What the application of each framework answers at `/who` and `/public/who`. */
interface Told {
  readonly username?: string;
  readonly spoofed: readonly string[];
}

const told = ({ identity }: Known, headers: Iterable<string>): Told => ({
  ...(identity?.username !== undefined && { username: identity.username }),
  spoofed: [...headers].filter((name) => /^x.auth.request/i.test(name)),
});

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function expressApplication(gateway: Gateway, parser: "before" | "after"): express.Express {
  const parsers = [express.json(), express.urlencoded({ extended: false })];
  const app = express();
  app.use(
    parser === "before" ? [...parsers, expressGateway(gateway)] : [expressGateway(gateway), ...parsers],
  );
  app.get(["/who", "/public/who"], (request, response) => {
    response.cookie("own", "1");
    const names = [
      ...Object.keys(request.headers),
      ...request.rawHeaders,
      ...Object.keys(request.headersDistinct),
    ];
    response.json(told(knownOf(request), names));
  });
  app.post("/echo", (request, response) => void response.json(request.body));
  app.get("/fails", () => {
    throw new Error("of the application");
  });
  app.use(((_error, _request, response, _next) => {
    response.status(500).send("by the application");
  }) as express.ErrorRequestHandler);
  return app;
}

async function fastifyApplication(gateway: Gateway): Promise<RequestListener> {
  const app = fastify();
  fastifyGateway(app, gateway);
  for (const path of ["/who", "/public/who"])
    app.get(path, async (request, reply) => {
      reply.header("set-cookie", "own=1");
      return told(knownOf(request), [...Object.keys(request.headers), ...request.raw.rawHeaders]);
    });
  app.post("/echo", async ({ body }) => body);
  app.get("/fails", async () => {
    throw new Error("of the application");
  });
  app.setErrorHandler((_error, _request, reply) => reply.status(500).send("by the application"));
  await app.ready();
  after(() => app.close());
  return (incoming, outgoing) => app.routing(incoming, outgoing);
}

function honoApplication(gateway: Gateway): RequestListener {
  const app = new Hono<{ Variables: { gateway: Known } }>();
  app.use(honoGateway(gateway));
  app.on("GET", ["/who", "/public/who"], (c) => {
    c.header("set-cookie", "own=1");
    return c.json(told(c.get("gateway"), Object.keys(c.req.header())));
  });
  app.post("/echo", async (c) => c.json(await c.req.json()));
  app.get("/fails", () => {
    throw new Error("of the application");
  });
  app.onError((_error, c) => c.text("by the application", 500));
  return getRequestListener(app.fetch);
}

const frameworks: Readonly<Record<string, (gateway: Gateway) => RequestListener | Promise<RequestListener>>> =
  {
    "Express, parsers after": (gateway) => expressApplication(gateway, "after"),
    "Express, parsers before": (gateway) => expressApplication(gateway, "before"),
    Fastify: fastifyApplication,
    Hono: honoApplication,
  };

interface At {
  readonly place: GatewayPlace;
  readonly app: string;
  /** Ann's, signed in at the gateway. */
  readonly browser: Browser;
  /** Whether the body has been read when the gateway gets the request. */
  readonly isParsed: boolean;
}

const aPage = { accept: "text/html", "sec-fetch-mode": "navigate" };
const program = { accept: "application/json", "sec-fetch-mode": "cors" };

async function visits(server: TestServer, { place, app, browser, isParsed }: At): Promise<void> {
  const { origin } = place;
  const page = await ask(`${app}/who?a=1`, { headers: aPage });
  assert.equal(page.status, 302);
  assert.equal(
    page.headers.get("location"),
    `${origin}${paths.signIn}?${new URLSearchParams({ rd: `${app}/who?a=1` })}`,
  );
  const proxied = {
    ...aPage,
    "x-forwarded-proto": "https",
    "x-forwarded-host": "cms.example.com",
  };
  const behind = await ask(`${app}/who`, { headers: proxied });
  assert.match(behind.headers.get("location") ?? "", /rd=https%3A%2F%2Fcms\.example\.com%2Fwho$/);
  assert.equal((await fetch(`${app}/who`, { headers: program })).status, 401);
  assert.equal((await fetch(`${app}/a%2fb`, { headers: program })).status, 400);
  const open = await fetch(`${app}/public/who`, { headers: { "x-auth-request-user": "root" } });
  assert.deepEqual(await open.json(), { spoofed: [] });

  const asAnn = await browser.get(`${app}/who`, {
    "X-Auth-Request-User": "root",
    X_Auth_Request_Groups: "admins",
  });
  assert.deepEqual(JSON.parse(await asAnn.text()), { username: "ann", spoofed: [] });
  assert.equal((await browser.get(`${app}/admin/x`)).status, 403);
  const session = await browser.get(`${app}${paths.session}`);
  assert.equal(JSON.parse(await session.text()).username, "ann");

  // Sessions in cookies: the gateway's and the application's cookies both reach the browser.
  server.clock.advance(10 * 60_000);
  const later = await browser.get(`${app}/who`);
  const names = later.headers.getSetCookie().map((cookie) => cookie.split("=", 1)[0]);
  assert.deepEqual([...new Set(names)].sort(), ["own", "session", "session-1", "session-2"]);

  const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const body = JSON.stringify({ a: [1, 2] });
  const json = { cookie, "content-type": "application/json" };
  const echoed = await fetch(`${app}/echo`, { method: "POST", headers: json, body });
  assert.equal(await echoed.text(), body);
  const failed = await fetch(`${app}/fails`, { headers: { cookie } });
  assert.deepEqual([failed.status, await failed.text()], [500, "by the application"]);

  // The gateway's own endpoints get their body, whoever has read it.
  const inForm = new URLSearchParams({ token: "x.y.z" });
  for (const sent of [inForm, JSON.stringify({ token: "x.y.z" })]) {
    const type = typeof sent === "string" ? { "content-type": "application/json" } : {};
    const told = await fetch(`${app}${paths.validate}`, { method: "POST", body: sent, headers: type });
    assert.equal(told.status, 200);
    assert.equal(((await told.json()) as { active: boolean }).active, false);
  }
  const large = new URLSearchParams({ token: "x".repeat(50_000) });
  const refused = await fetch(`${app}${paths.validate}`, { method: "POST", body: large });
  // A parser before the gateway has limits of its own.
  assert.equal(refused.status, isParsed ? 200 : 413);
}

forOneServer("sqlite", "middleware", (start) => {
  for (const [name, listener] of Object.entries(frameworks))
    test(name, async () => {
      const server = await start();
      const place = await gatewayPlace(server, undefined);
      const browser = annsBrowser(place);
      await browser.follow(`${place.origin}/`);
      const app = await listening(await listener(place.gateway));
      await visits(server, { place, app, browser, isParsed: name.endsWith("before") });
    });

  const mounted: Readonly<Record<string, (gateway: Gateway, paths: readonly string[]) => RequestListener>> = {
    "a router of Express": (gateway, mounts) => {
      const inner = express.Router();
      inner.use(expressGateway(gateway));
      inner.get("/x", (_request, response) => void response.send("reached"));
      return express().use([...mounts], inner);
    },
    "an application of Express, by app.use with a path": (gateway, mounts) => {
      const app = express();
      app.use([...mounts], expressGateway(gateway));
      for (const path of mounts) app.get(`${path}/x`, (_request, response) => void response.send("reached"));
      return app;
    },
    "an application that Hono has mounted": (gateway, mounts) => {
      const inner = new Hono().use(honoGateway(gateway)).get("/x", (c) => c.text("reached"));
      const app = new Hono();
      for (const path of mounts) app.mount(path, inner.fetch);
      return getRequestListener(app.fetch);
    },
    "the application in which Hono mounts another": (gateway, mounts) => {
      const inner = new Hono().get("/x", (c) => c.text("reached"));
      const app = new Hono().use(honoGateway(gateway));
      for (const path of mounts) app.mount(path, inner.fetch);
      return getRequestListener(app.fetch);
    },
    "a route of Hono": (gateway, mounts) => {
      const inner = new Hono().use(honoGateway(gateway)).get("/x", (c) => c.text("reached"));
      const app = new Hono();
      for (const path of mounts) app.route(path, inner);
      return getRequestListener(app.fetch);
    },
  };

  test("where paths are shortened, rules judge the whole path that the client asked for", async () => {
    const place = await gatewayPlace(await start(), undefined);
    const browser = annsBrowser(place);
    await browser.follow(`${place.origin}/`);
    for (const [what, listener] of Object.entries(mounted)) {
      const origin = await listening(listener(place.gateway, ["/admin", "/elsewhere"]));
      assert.equal((await browser.get(`${origin}/admin/x`)).status, 403, what);
      assert.equal(await (await browser.get(`${origin}/elsewhere/x`)).text(), "reached", what);
      const signIn = await ask(`${origin}/elsewhere/x?a=1`, { headers: aPage });
      const rd = new URL(signIn.headers.get("location") ?? "").searchParams.get("rd");
      assert.equal(rd, `${origin}/elsewhere/x?a=1`, what);
    }
    const shortened = new Request(`${place.origin}/x`);
    const { response } = await handleRequest(place.gateway, shortened, { target: "/api/x" });
    assert.equal(response?.headers.get("www-authenticate"), "Bearer");
  });

  test("what goes wrong in the gateway is answered with 500, and is in its log", async () => {
    const { gateway } = await gatewayPlace(await start(), undefined);
    const broken: Gateway = {
      ...gateway,
      admit: async () => {
        throw new Error("of the gateway");
      },
    };
    const errors: object[] = [];
    const log: Log = { info: () => {}, warn: () => {}, error: (fields) => void errors.push(fields) };
    const app = express();
    app.use(expressGateway(broken, log), (_request, response) => void response.send("reached"));
    const answer = await fetch(await listening(app));
    assert.deepEqual([answer.status, await answer.text()], [500, "Internal Server Error\n"]);
    const { response } = await handleRequest(broken, new Request("http://127.0.0.1/"), { log });
    assert.equal(response?.status, 500);
    assert.deepEqual(errors, [{ detail: "Error: of the gateway" }, { detail: "Error: of the gateway" }]);
  });

  test("a Request: who is believed about its host, and what is passed on", async () => {
    const place = await gatewayPlace(await start(), undefined);
    const { gateway, origin } = place;
    const headers = {
      accept: "text/html",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "cms.example.com",
    };
    const request = () => new Request(`${origin}/who`, { headers });
    const leadsTo = async (peer?: string) => {
      const { response } = await handleRequest(gateway, request(), { peer });
      return new URL(response?.headers.get("location") ?? "").searchParams.get("rd");
    };
    assert.equal(await leadsTo(), `${origin}/who`);
    assert.equal(await leadsTo("192.0.2.1"), `${origin}/who`);
    assert.equal(await leadsTo("127.0.0.1"), "https://cms.example.com/who");
    const spoofed = { "X-Auth-Request-User": "root", "x-own": "1" };
    const sent = new Request(`${origin}/public/x`, {
      method: "POST",
      headers: spoofed,
      body: "of the client",
    });
    const handled = await handleRequest(gateway, sent);
    if (handled.response !== undefined) assert.fail("it was answered");
    assert.equal(handled.identity, undefined);
    const { request: clean } = handled;
    assert.deepEqual(
      [
        clean.method,
        clean.headers.get("x-auth-request-user"),
        clean.headers.get("x-own"),
        await clean.text(),
      ],
      ["POST", null, "1", "of the client"],
    );
    const large = new Request(`${origin}${paths.validate}`, { method: "POST", body: "x".repeat(50_000) });
    assert.equal((await handleRequest(gateway, large)).response?.status, 413);
  });
});

describe("knownOf", () => {
  test("throws where the middleware does not stand in front", () => {
    for (const request of [{}, { gateway: null }])
      assert.throws(() => knownOf(request), /does not stand in front of this route/);
  });
});
