/** Middleware that lets requests with a token through, in real Express, Fastify and Hono, and in a server of Node.js. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { serve } from "@hono/node-server";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import { authOf, forExpress, forFastify, forHono } from "../../src/verify/authorizer.ts";
import type { VerifiedToken, Verifier } from "../../src/verify/index.ts";
import { accessClaims, type Claims, type Issuer, startIssuer, verifierOf } from "./issuers.ts";

const editors = { groups: ["admins", "editors"] };
const writers = { scopes: ["orders/write"] };

async function originOf(server: Server): Promise<string> {
  if (!server.listening) await once(server, "listening");
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const told = ({ subject, scopes }: VerifiedToken) => ({ subject, scopes });

/** A server with three routes: for whoever has a token, for editors, for writers. */
const servers: Readonly<Record<string, (verifier: Verifier) => Promise<string>>> = {
  Express: (verifier) => {
    const requireToken = forExpress(verifier);
    const app = express();
    app.get("/any", requireToken(), (request, response) => void response.json(told(authOf(request))));
    app.get(
      "/editors",
      requireToken(editors),
      (request, response) => void response.json(told(authOf(request))),
    );
    app.get(
      "/writers",
      requireToken(writers),
      (request, response) => void response.json(told(authOf(request))),
    );
    return originOf(app.listen(0, "127.0.0.1"));
  },
  Fastify: async (verifier) => {
    const requireToken = forFastify(verifier);
    const app = fastify();
    app.get("/any", { onRequest: requireToken() }, async (request) => told(authOf(request)));
    app.get("/editors", { onRequest: requireToken(editors) }, async (request) => told(authOf(request)));
    app.get("/writers", { preHandler: requireToken(writers) }, async (request) => told(authOf(request)));
    const origin = await app.listen({ host: "127.0.0.1", port: 0 });
    after(() => app.close());
    return origin;
  },
  Hono: (verifier) => {
    const requireToken = forHono(verifier);
    const app = new Hono<{ Variables: { auth: VerifiedToken } }>();
    app.get("/any", requireToken(), (c) => c.json(told(c.get("auth"))));
    app.get("/editors", requireToken(editors), (c) => c.json(told(c.get("auth"))));
    app.get("/writers", requireToken(writers), (c) => c.json(told(c.get("auth"))));
    return originOf(serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }) as Server);
  },
  "Node.js": (verifier) => {
    const requireToken = forExpress(verifier);
    const asked = { "/any": {}, "/editors": editors, "/writers": writers };
    const server = createServer((request, response) =>
      requireToken(asked[request.url as keyof typeof asked])(request, response, () => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(told(authOf(request))));
      }),
    );
    return originOf(server.listen(0, "127.0.0.1"));
  },
};

const call = async (url: string, authorization?: string) => {
  const answer = await fetch(url, { headers: authorization === undefined ? {} : { authorization } });
  return {
    status: answer.status,
    challenge: answer.headers.get("www-authenticate"),
    retry: answer.headers.get("retry-after"),
    body: (await answer.json()) as Record<string, unknown>,
  };
};

const newToken = (issuer: Issuer, claims: Claims = {}) =>
  issuer.token({ ...accessClaims.cognito(), ...claims });

for (const [name, start] of Object.entries(servers))
  test(`${name}: a token, groups, scopes, and what is answered without`, async () => {
    const issuer = await startIssuer();
    const origin = await start(verifierOf(issuer));
    const token = await newToken(issuer);
    const known = { subject: "ann's id", scopes: ["openid", "orders/read"] };
    for (const path of ["/any", "/editors"]) {
      const { status, body } = await call(`${origin}${path}`, `Bearer ${token}`);
      assert.deepEqual([status, body], [200, known], path);
    }
    const writer = await newToken(issuer, { scope: "orders/write", "cognito:groups": undefined });
    assert.equal((await call(`${origin}/writers`, `bearer ${writer}`)).status, 200);

    const none = await call(`${origin}/any`);
    assert.deepEqual([none.status, none.challenge], [401, "Bearer"]);
    assert.ok(!("error" in none.body));
    const expired = await call(`${origin}/any`, `Bearer ${await newToken(issuer, { exp: 1 })}`);
    assert.equal(expired.status, 401);
    assert.match(expired.challenge ?? "", /^Bearer error="invalid_token", error_description="[^"]+"$/);
    assert.equal(expired.body["error"], "invalid_token");
    const scope = await call(`${origin}/writers`, `Bearer ${token}`);
    assert.equal(scope.status, 403);
    assert.match(scope.challenge ?? "", /^Bearer error="insufficient_scope", .*, scope="orders\/write"$/);
    const group = await call(`${origin}/editors`, `Bearer ${writer}`);
    assert.deepEqual([group.status, group.body["error"]], [403, "insufficient_scope"]);

    const away = await start(verifierOf({ issuer: issuer.issuer }, { jwksUri: "http://127.0.0.1:1/" }));
    const unavailable = await call(`${away}/any`, `Bearer ${token}`);
    assert.deepEqual([unavailable.status, unavailable.challenge, unavailable.retry], [503, null, "5"]);
  });

test("what is no refusal goes to the framework's own handler of errors", async () => {
  const broken = { verify: () => Promise.reject(new Error("broken")) } as unknown as Verifier;
  for (const [name, start] of Object.entries(servers).filter(
    ([one]) => one === "Express" || one === "Fastify",
  )) {
    const answer = await fetch(`${await start(broken)}/any`);
    assert.equal(answer.status, 500, name);
    await answer.body?.cancel();
  }
});

test("what cannot be meant is refused when the route is made", () => {
  const wrong = [{ group: ["admins"] }, { scopes: "openid" }, { headers: {} }] as object[];
  for (const make of [forExpress, forFastify, forHono])
    for (const access of wrong) assert.throws(() => make({} as Verifier)(access), TypeError);
});

test("a route without requireToken has no token", () => {
  assert.throws(() => authOf({}), TypeError);
});
