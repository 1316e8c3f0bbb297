/** /tls/ask: which names a proxy may get a certificate for, and who may ask. */

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, test } from "node:test";
import {
  CreateUserPoolDomainCommand,
  DeleteUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { needs, outerAddress } from "../kit/machine.ts";
import { makePool } from "../kit/people.ts";
import { byAddress, forOneServer, type TestServer } from "../kit/server.ts";

interface Asked {
  readonly host?: string;
  readonly headers?: Record<string, string>;
  /** Where to connect to. */
  readonly address?: string;
  readonly method?: string;
}

/** The status of a question, asked as Caddy does: with a query alone, under whatever name the server has there. */
function ask(server: TestServer, query: string, asked: Asked = {}): Promise<number> {
  const { host = "poolhouse:4747", headers = {}, address = "127.0.0.1", method = "GET" } = asked;
  const { port } = new URL(server.endpoint);
  return new Promise((resolve, reject) => {
    const to = { host: address, port, path: `/tls/ask${query}`, method, headers: { ...headers, host } };
    const sent = request(to, (response) => {
      response.resume();
      assert.equal(response.headers["cache-control"], "no-store");
      resolve(response.statusCode ?? 0);
    });
    sent.once("error", reject);
    sent.end();
  });
}

/** Whoever connects to it has the same one. */
const address = outerAddress() ?? "192.0.2.2";

const unique = () => `ask-${Math.random().toString(36).slice(2, 10)}`;

async function withDomains(server: TestServer) {
  const { UserPoolId } = await makePool(server);
  const [prefix, shop] = [unique(), unique()];
  const custom = [`${shop}.example.com`, `${shop}.bücher.example`];
  const CustomDomainConfig = { CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/c1" };
  await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain: prefix }));
  for (const Domain of custom)
    await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain, CustomDomainConfig }));
  return { UserPoolId, prefix, shop };
}

const environment = {
  POOLHOUSE_HOST: "0.0.0.0",
  POOLHOUSE_PUBLIC_URL: "https://id.example.com",
  POOLHOUSE_EXTRA_HOSTS: "login.example.net,127.0.0.1",
};

forOneServer(
  "sqlite",
  "what a proxy asks before it gets a certificate",
  (start) => {
    let reached: Promise<TestServer> | undefined;
    const open = () => {
      reached ??= start().then(byAddress);
      return reached;
    };
    after(async () => (await reached)?.client.destroy());

    test("domains of pools and the server's own names, in every spelling; nothing else", async () => {
      const server = await open();
      const { prefix, shop } = await withDomains(server);
      const ours = [
        `${prefix}.auth.id.example.com`,
        `${shop}.example.com`,
        `${shop}.Example.COM`,
        `${shop}.example.com.`,
        `${shop}.example.com:443`,
        `${shop}.bücher.example`,
        `${shop}.xn--bcher-kva.example`,
        "id.example.com",
        "ID.example.com.",
        "login.example.net",
      ];
      for (const name of ours)
        assert.equal(await ask(server, `?domain=${encodeURIComponent(name)}`), 200, name);
      const others = [
        unique(),
        prefix,
        `x.${shop}.example.com`,
        `${shop}.example.com.evil.example`,
        `${unique()}.auth.id.example.com`,
        "auth.id.example.com",
        "example.com",
        "evil.example",
      ];
      for (const name of others)
        assert.equal(await ask(server, `?domain=${encodeURIComponent(name)}`), 404, name);
    });

    test("what is no host name, or more than one, is a bad request", async () => {
      const server = await open();
      const { shop } = await withDomains(server);
      const name = `${shop}.example.com`;
      const bad = [
        "",
        " ",
        "127.0.0.1",
        "[::1]:443",
        "::1",
        "*.example.com",
        `${name}:x`,
        `${name}:`,
        `${name}/`,
      ];
      for (const one of [...bad, `${name}\0`, `a@${name}`, "a..b", "-a.example", `${"a".repeat(64)}.example`])
        assert.equal(await ask(server, `?domain=${encodeURIComponent(one)}`), 400, one);
      for (const query of ["", "?", "?host=a.example", `?domain=${name}&domain=evil.example`, "?domain=%ff"])
        assert.equal(await ask(server, query), 400, query);
    });

    test("a domain that is deleted is none from then on", async () => {
      const server = await open();
      const { UserPoolId, shop } = await withDomains(server);
      const Domain = `${shop}.example.com`;
      assert.equal(await ask(server, `?domain=${Domain}`), 200);
      await server.client.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain }));
      assert.equal(await ask(server, `?domain=${Domain}`), 404);
    });

    test("whatever the server is called there, and by HEAD too", async () => {
      const server = await open();
      const { shop } = await withDomains(server);
      const query = `?domain=${shop}.example.com`;
      const { host } = new URL(server.endpoint);
      for (const name of [host, "127.0.0.1", "id.example.com", `${shop}.example.com`, "anything.internal"])
        assert.equal(await ask(server, query, { host: name }), 200, name);
      assert.equal(await ask(server, query, { method: "HEAD" }), 200);
    });

    test("not what a proxy passes on, and not a web page", async () => {
      const server = await open();
      const { shop } = await withDomains(server);
      const passedOn = [
        ["x-forwarded-for", "192.0.2.1"],
        ["x-forwarded-host", "evil.example"],
        ["x-forwarded-proto", "https"],
        ["x-real-ip", "192.0.2.1"],
        ["forwarded", "for=192.0.2.1"],
        ["via", "1.1 Caddy"],
        ["cf-connecting-ip", "192.0.2.1"],
        ["origin", "https://evil.example"],
        ["sec-fetch-site", "cross-site"],
      ] as const;
      for (const [name, value] of passedOn)
        for (const domain of [`${shop}.example.com`, "evil.example", ""])
          assert.equal(await ask(server, `?domain=${domain}`, { headers: { [name]: value } }), 403, name);
    });

    test("not over a connection from another machine", needs("outer-address"), async () => {
      const server = await open();
      const { shop } = await withDomains(server);
      assert.equal(await ask(server, `?domain=${shop}.example.com`, { address }), 403);
      assert.equal(await ask(server, "?domain=evil.example", { address }), 403);
    });
  },
  environment,
);

forOneServer(
  "sqlite",
  "what a trusted proxy on another machine asks",
  (open) => {
    test("is answered, unless it passes a request on", needs("outer-address"), async () => {
      const server = await open();
      const near = { ...server, endpoint: `http://127.0.0.1:${server.app.config.port}` };
      assert.equal(await ask(near, "?domain=id.example.com", { address }), 200);
      assert.equal(await ask(near, "?domain=evil.example", { address }), 404);
      const headers = { "x-forwarded-for": "127.0.0.1" };
      assert.equal(await ask(near, "?domain=id.example.com", { address, headers }), 403);
    });
  },
  { ...environment, POOLHOUSE_TRUSTED_PROXIES: `${address}/32` },
);
