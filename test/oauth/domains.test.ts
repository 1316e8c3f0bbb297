/** Domains of pools: a host name serves only its pool, and custom scopes are granted while they exist. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import {
  CreateResourceServerCommand,
  CreateUserPoolDomainCommand,
  DeleteResourceServerCommand,
  DeleteUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient, password } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { callback, claimsOf, newCode, post, redeem, setUp } from "./support.ts";

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/** GET with another host name; the path is sent unchanged. */
function get(server: TestServer, host: string, path: string, cookie = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.endpoint);
    const asked = request({ host: hostname, port, path, headers: { host, cookie } }, async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
    });
    asked.once("error", reject);
    asked.end();
  });
}

const unique = () => `shop-${Math.random().toString(36).slice(2, 10)}`;

forOneServer("sqlite", "domains of pools", (open) => {
  async function withDomains() {
    const server = await open();
    const place = await setUp(server);
    const { UserPoolId, ClientId } = place;
    const [prefix, custom] = [unique(), `${unique()}.example.com`];
    await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain: prefix }));
    await server.client.send(
      new CreateUserPoolDomainCommand({
        UserPoolId,
        Domain: custom,
        CustomDomainConfig: { CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/c1" },
      }),
    );
    const { port } = new URL(server.endpoint);
    const query = new URLSearchParams({ response_type: "code", client_id: ClientId, redirect_uri: callback });
    return { server, place, prefix: `${prefix}.auth.localhost`, custom, port, query };
  }

  test("by prefix and by custom name, whatever the case, with links to where the browser is", async () => {
    const { server, place, prefix, custom, port, query } = await withDomains();
    for (const host of [prefix, `${prefix}:${port}`, custom, custom.toUpperCase()]) {
      const asked = await get(server, host, `/oauth2/authorize?${query}`);
      assert.equal(asked.status, 302, host);
      const base = `http://${host.toLowerCase().split(":")[0]}:${port}`;
      assert.ok(asked.location?.startsWith(`${base}/login?`), asked.location);
      const back = await get(server, host, `/oauth2/authorize?${query}&state=a'b%20c`, place.cookie);
      assert.ok(back.location?.startsWith(`${callback}&code=`), back.location);
      assert.match(back.location ?? "", /&state=a(?:'|%27)b%20c$/);
      assert.equal((await get(server, host, "/oauth2/token")).status, 405);
    }
  });

  test("people sign in there, and only by the forms of that very host", async () => {
    const { server, place, prefix, port, query } = await withDomains();
    const send = (origin: string, host: string) =>
      new Promise<{ status: number; location: string | undefined; cookie: string }>((resolve, reject) => {
        const body = new URLSearchParams({ username: "ann", password }).toString();
        const headers = {
          host,
          origin,
          "sec-fetch-site": "same-origin",
          "content-type": "application/x-www-form-urlencoded",
          "content-length": body.length,
        };
        const to = { host: "127.0.0.1", port, path: `/login?${query}`, method: "POST", headers };
        const asked = request(to, (response) => {
          response.resume();
          const { location } = response.headers;
          const [cookie = ""] = response.headers["set-cookie"] ?? [];
          resolve({ status: response.statusCode ?? 0, location, cookie });
        });
        asked.once("error", reject);
        asked.end(body);
      });
    const done = await send(`http://${prefix}:${port}`, prefix);
    assert.equal(done.status, 303);
    assert.ok(done.location?.startsWith(`${callback}&code=`), done.location);
    assert.ok(done.cookie.startsWith(`poolhouse-${place.UserPoolId}=`), done.cookie);
    assert.doesNotMatch(done.cookie, /domain=/i);
    for (const origin of [server.endpoint, `http://evil.example:${port}`, `http://x.${prefix}:${port}`]) {
      const refused = await send(origin, prefix);
      assert.equal(refused.status, 403, origin);
      assert.equal(refused.cookie, "");
    }
    const page = await get(server, prefix, `/login?${query}`);
    assert.match(page.body, /href="\/assets\/[\w.-]+\.css"/);
    const [, style = ""] = /href="(\/assets\/[\w.-]+\.css)"/.exec(page.body) ?? [];
    assert.equal((await get(server, prefix, style)).status, 200);
  });

  test("its own pool alone: no other pool, no API, no inbox", async () => {
    const { server, prefix, query } = await withDomains();
    const other = await setUp(server);
    const strangers = new URLSearchParams({ ...Object.fromEntries(query), client_id: other.ClientId });
    const told = await get(server, prefix, `/oauth2/authorize?${strangers}`, other.cookie);
    assert.match(told.location ?? "", /\/error\?error=invalid_client/);
    for (const path of [
      `/${other.UserPoolId}/oauth2/authorize?${strangers}`,
      `/../${other.UserPoolId}/oauth2/authorize?${strangers}`,
      `/%2e%2e/${other.UserPoolId}/oauth2/authorize?${strangers}`,
      `/..%2f${other.UserPoolId}/oauth2/authorize?${strangers}`,
      `/x/../../${other.UserPoolId}/.well-known/jwks.json`,
      "/inbox",
      "/inbox/messages",
      "/",
    ]) {
      const answer = await get(server, prefix, path, other.cookie);
      assert.equal(answer.status, 404, path);
      assert.equal(answer.location, undefined, path);
    }
  });

  test("unknown names are nobody's, and a domain that was deleted is unknown", async () => {
    const { server, place, prefix, custom, query } = await withDomains();
    const nobody = [
      unique(),
      "auth.localhost",
      `x.${prefix}`,
      "evil.example",
      `${custom}.evil.example`,
      "..",
      "a b",
    ];
    for (const host of nobody) {
      const { status, location, body } = await get(server, host, `/oauth2/authorize?${query}`);
      assert.ok([400, 421].includes(status), `${JSON.stringify(host)}: ${status} ${location} ${body}`);
    }
    const { UserPoolId } = place;
    await server.client.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain: custom }));
    assert.equal((await get(server, custom, `/oauth2/authorize?${query}`)).status, 421);
  });
});

forOneServer("sqlite", "custom scopes", (open) => {
  test("client_credentials: the client's scopes that exist, for the client itself", async () => {
    const server = await open();
    const place = await setUp(server);
    const { UserPoolId, base } = place;
    for (const Identifier of ["orders", "https://api.example.com"])
      await server.client.send(
        new CreateResourceServerCommand({
          UserPoolId,
          Identifier,
          Name: "r",
          Scopes: [
            { ScopeName: "read", ScopeDescription: "r" },
            { ScopeName: "write", ScopeDescription: "w" },
          ],
        }),
      );
    const AllowedOAuthScopes = ["orders/read", "https://api.example.com/write"];
    const { ClientId, ClientSecret = "" } = await makeClient(server, UserPoolId, {
      GenerateSecret: true,
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["client_credentials"],
      AllowedOAuthScopes,
    });
    const ask = (scope?: string) =>
      post(
        { base },
        { grant_type: "client_credentials", ...(scope && { scope }) },
        { basic: `${ClientId}:${ClientSecret}` },
      );
    const all = await ask();
    assert.deepEqual(
      [all.status, all.body["id_token"], all.body["refresh_token"]],
      [200, undefined, undefined],
    );
    const claims = claimsOf(all.body["access_token"]);
    assert.deepEqual(
      [claims["scope"], claims["sub"], claims["client_id"], claims["token_use"], claims["version"]],
      [AllowedOAuthScopes.join(" "), ClientId, ClientId, "access", 2],
    );
    assert.equal("username" in claims, false);
    assert.equal(claimsOf((await ask("orders/read")).body["access_token"])["scope"], "orders/read");
    for (const scope of ["orders/write", "openid", "orders/none"])
      assert.equal((await ask(scope)).body["error"], "invalid_scope", scope);
    const info = await fetch(`${base}/oauth2/userInfo`, {
      headers: { authorization: `Bearer ${all.body["access_token"]}` },
    });
    assert.equal(info.status, 401, "it is nobody's token");
    await server.client.send(new DeleteResourceServerCommand({ UserPoolId, Identifier: "orders" }));
    const later = claimsOf((await ask()).body["access_token"]);
    assert.equal(later["scope"], "https://api.example.com/write");
    assert.equal((await ask("orders/read")).body["error"], "invalid_scope");
  });

  test("for users: a scope that is deleted is left out of the next tokens", async () => {
    const server = await open();
    const place = await setUp(server);
    const { UserPoolId } = place;
    const orders = { UserPoolId, Identifier: "orders" };
    const Scopes = [{ ScopeName: "read", ScopeDescription: "r" }];
    await server.client.send(new CreateResourceServerCommand({ ...orders, Name: "r", Scopes }));
    const app = await makeClient(server, UserPoolId, {
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "orders/read"],
      CallbackURLs: [callback],
    });
    const at = { ...place, ...app };
    const { body } = await redeem(at, await newCode(at, { scope: "openid orders/read" }));
    assert.equal(claimsOf(body["access_token"])["scope"], "openid orders/read");
    await server.client.send(new DeleteResourceServerCommand(orders));
    const form = { grant_type: "refresh_token", client_id: app.ClientId };
    const fresh = await post(at, { ...form, refresh_token: String(body["refresh_token"]) });
    assert.equal(claimsOf(fresh.body["access_token"])["scope"], "openid");
  });
});
