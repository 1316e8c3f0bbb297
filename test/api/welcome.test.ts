/** The welcome page and the demo's application by HTTP, and pages for browsers where there is nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateUserPoolDomainCommand,
  DescribeUserPoolClientCommand,
  UpdateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeDemo } from "../../src/cli/demo.ts";
import { ask } from "../kit/ask.ts";
import { makePool } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const browser = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const nothing = { message: "There is nothing here." };
const places = ["/", "/demo/sign-in", "/demo/callback"];

const open = (server: TestServer, path: string, headers: Record<string, string> = browser) =>
  ask(`${server.endpoint}${path}`, { headers });

forOneServer("postgres", "a server without the demo", (start) => {
  test("has no welcome page: a page that says so for browsers, JSON for programs", async () => {
    const server = await start();
    const { UserPoolId } = await makePool(server);
    for (const path of [...places, "/nothing", `/${UserPoolId}/nothing`]) {
      const page = await open(server, path, { ...browser, "accept-language": "de-AT,de;q=0.9" });
      assert.equal(page.status, 404, path);
      assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
      assert.match(
        page.headers.get("content-security-policy") ?? "",
        /^default-src 'none'; .*frame-ancestors 'none'$/,
      );
      assert.match(
        await page.text(),
        /<html lang="de" dir="ltr">[\s\S]*<h1>Seite nicht gefunden<[\s\S]*Diese Seite gibt es nicht/,
      );
      for (const headers of [{}, { accept: "*/*" }, { accept: "application/json" }]) {
        const answer = await open(server, path, headers);
        assert.equal(answer.status, 404, path);
        assert.deepEqual(JSON.parse(await answer.text()), nothing, path);
      }
    }
  });

  test("answers an unknown host name likewise", async () => {
    const server = await start();
    const page = await open(server, "/", { ...browser, host: "elsewhere.example" });
    assert.equal(page.status, 421);
    assert.match(await page.text(), /<h1>Unknown host name<\/h1>[\s\S]*POOLHOUSE_PUBLIC_URL/);
    const answer = await open(server, "/", { host: "elsewhere.example" });
    assert.equal(answer.status, 421);
    assert.match(JSON.parse(await answer.text()).message, /POOLHOUSE_PUBLIC_URL/);
  });
});

forOneServer("postgres", "a server with the demo", (start) => {
  let made: Promise<string> | undefined;
  const startDemo = async () => {
    const server = await start();
    made ??= makeDemo(server.app);
    await made;
    return server;
  };

  test("begins with an empty inbox", async () => {
    const server = await startDemo();
    const inbox = await open(server, "/inbox/messages?to=demo@example.com", {});
    assert.deepEqual([inbox.status, await inbox.text()], [200, "[]"]);
  });

  test("welcomes a browser with all it needs", async () => {
    const server = await startDemo();
    const page = await open(server, "/");
    assert.equal(page.status, 200);
    const text = await page.text();
    for (const shown of [
      server.endpoint,
      "us-east-1_Demo12345",
      "demoappclient",
      "demo@example.com",
      "Poolhouse-demo-1",
      `${server.endpoint}/inbox`,
      `${server.endpoint}/demo/sign-in`,
    ])
      assert.ok(text.includes(shown), shown);
    const scripts = "script-src 'self'; connect-src 'self'";
    assert.ok(page.headers.get("content-security-policy")?.includes(scripts));
    assert.equal(page.headers.get("cache-control"), "no-store");
    for (const path of places) assert.equal((await open(server, path)).status, 200, path);
  });

  test("is still an endpoint for programs, and is for no other site and no proxy", async () => {
    const server = await startDemo();
    const elsewhere: Record<string, string>[] = [
      { ...browser, "x-forwarded-for": "203.0.113.9" },
      { ...browser, origin: "https://evil.example" },
      { ...browser, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
    ];
    for (const path of places) {
      const program = await open(server, path, { accept: "application/json" });
      assert.equal(program.status, 404, path);
      assert.deepEqual(JSON.parse(await program.text()), nothing);
      for (const headers of elsewhere) assert.equal((await open(server, path, headers)).status, 404);
    }
    const { UserPoolId } = await makePool(server);
    const Domain = `welcome-${server.database}`;
    await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
    const { port } = new URL(server.endpoint);
    const host = `${Domain}.auth.localhost:${port}`;
    for (const path of places)
      assert.equal(
        (await open(server, path, { ...browser, host })).status,
        404,
        `${path} at a pool's domain`,
      );
  });

  test("serves the scripts of its pages, the modules that they import, and no other file", async () => {
    const server = await startDemo();
    const seen = new Set<string>();
    const follow = async (path: string): Promise<void> => {
      if (seen.has(path)) return;
      seen.add(path);
      const script = await open(server, path, {});
      assert.equal(script.status, 200, path);
      assert.match(script.headers.get("content-type") ?? "", /^text\/javascript/);
      for (const [, to] of (await script.text()).matchAll(/^(?:import|export) .*?["'](\.[^"']+)["'];$/gm))
        await follow(new URL(to!, `http://localhost${path}`).pathname);
    };
    for (const path of ["/", "/demo/sign-in"]) {
      const [, script = ""] =
        /<script src="([^"]+)" type="module">/.exec(await (await open(server, path)).text()) ?? [];
      await follow(script);
    }
    assert.ok([...seen].some((path) => path.endsWith("/jose/jwt/verify.js")));
    for (const path of [
      "/routes.ts",
      "/jose/package.json",
      "/jose/lib/absent.js",
      "/jose/..%2f..%2f../package.json",
    ])
      assert.equal((await open(server, `/demo/scripts${path}`, {})).status, 404, path);
  });

  test("its client follows the address of the server, and keeps whatever else it was given", async () => {
    const server = await startDemo();
    const ids = { UserPoolId: "us-east-1_Demo12345", ClientId: "demoappclient" };
    const read = async () =>
      (await server.client.send(new DescribeUserPoolClientCommand(ids))).UserPoolClient!;
    const { ClientSecret, CreationDate, LastModifiedDate, ...before } = await read();
    const mine = "https://app.example.com/callback";
    const CallbackURLs = [...(before.CallbackURLs ?? []), mine];
    await server.client.send(
      new UpdateUserPoolClientCommand({ ...before, ...ids, CallbackURLs, RefreshTokenValidity: 7 }),
    );
    const publicUrl = "http://localhost:1234";
    await makeDemo({ ...server.app, config: { ...server.app.config, publicUrl } });
    const moved = await read();
    assert.deepEqual(
      new Set(moved.CallbackURLs),
      new Set([`${publicUrl}/demo/callback`, "http://localhost:3000/callback", mine]),
    );
    assert.deepEqual(new Set(moved.LogoutURLs), new Set([`${publicUrl}/`, "http://localhost:3000/"]));
    assert.equal(moved.RefreshTokenValidity, 7);
    assert.deepEqual(moved.ExplicitAuthFlows, before.ExplicitAuthFlows);
    assert.match(await (await open(server, "/")).text(), /no built-in application/);
    await makeDemo(server.app);
    assert.deepEqual(new Set((await read()).CallbackURLs), new Set(CallbackURLs));
    assert.doesNotMatch(await (await open(server, "/")).text(), /no built-in application/);
  });
});

forOneServer(
  "postgres",
  "a server that others can reach",
  (start) => {
    test("has no welcome page, even if the demo is in its database", async () => {
      const server = await start();
      await makeDemo(server.app);
      for (const path of [...places, "/demo/scripts/application.js"])
        assert.equal((await open(server, path)).status, 404, path);
    });
  },
  { POOLHOUSE_EXTRA_HOSTS: "id.example.com" },
);
