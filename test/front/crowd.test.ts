/** While the main thread is late, each address has its share of it, whatever it asks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateUserPoolDomainCommand } from "@aws-sdk/client-cognito-identity-provider";
import { hostedRoutes } from "../../src/http/hosted-ui/routes.ts";
import { discoveryRoutes } from "../../src/http/oauth/discovery.ts";
import { oauthRoutes } from "../../src/http/oauth/routes.ts";
import { poolPath } from "../../src/http/place.ts";
import { forEachServer } from "../kit/server.ts";
import { manualClock } from "./clock.ts";
import { attacker, other, settle, type Town } from "./others.ts";
import { type Asking, ask } from "./sockets.ts";

const clock = manualClock();

/** Every route of the pools' endpoints; they can be listed without a server. */
const routed = [oauthRoutes, hostedRoutes, discoveryRoutes].flatMap((make) =>
  make(undefined as never).routes.map(({ path, method }) => ({
    path: path.replace(/:clientId\{[^}]*\}+/, "client").replace(/:name/, "name"),
    method: method === "GET" ? ("GET" as const) : ("POST" as const),
  })),
);

forEachServer(
  "crowds",
  (open, database) => {
    // No SQL is involved.
    if (database !== "sqlite") return;
    let settled: Promise<Town> | undefined;
    const inTown = () => {
      settled ??= open().then((server) => settle(server));
      return settled;
    };

    test("a flood of one page from one address is refused on every route, and other addresses on none", async () => {
      const town = await inTown();
      const { server } = town;
      const { UserPoolId } = town.place;
      const Domain = "crowded-house";
      await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
      const { port } = new URL(server.endpoint);
      const asked: Asking[] = [
        ...routed.map(({ path, method }) => ({ method, path: path.replace(poolPath, `/${UserPoolId}`) })),
        { path: "/login", headers: { host: `${Domain}.auth.localhost:${port}` } },
        { path: "/", method: "POST", headers: { host: `${Domain}.auth.localhost:${port}` } },
        { path: "/", headers: { host: "elsewhere.example" } },
        ...[
          "/readyz",
          "/metrics",
          "/inbox",
          "/inbox/messages",
          "/demo/callback",
          "/tls/ask?domain=a",
          "/nothing",
        ].map((path) => ({
          path,
        })),
        town.signIn,
      ];
      assert.ok(asked.length > 40);
      const flood = (requests: number) =>
        Promise.all(
          Array.from({ length: requests }, () =>
            ask(server.endpoint, attacker, { ...town.login, headers: { accept: "text/html" } }),
          ),
        );
      assert.ok(
        (await flood(150)).every(({ status }) => status === 200),
        "in time everybody is answered",
      );
      await ask(server.endpoint, other, town.login);
      clock.stall(300);
      const answers = await flood(150);
      const pages = answers.filter(({ status }) => status === 429);
      assert.ok(pages.length > 75 && pages.length < 150, `${pages.length} of 150 refused`);
      assert.match(pages[0]!.body, /<html lang="en" .*Too many requests/s);
      for (const [index, asking] of asked.entries()) {
        const told = `${asking.method ?? "GET"} ${asking.path} ${asking.headers?.["host"] ?? ""}`;
        const refused = await ask(server.endpoint, attacker, asking);
        const isCall = asking === town.signIn;
        assert.equal(refused.status, isCall ? 400 : 429, told);
        assert.match(refused.body, isCall ? /TooManyRequestsException/ : /temporarily_unavailable/, told);
        const answered = await ask(server.endpoint, `127.1.0.${index + 1}`, asking);
        assert.ok(answered.status !== 0 && answered.status !== 429, `${told}: ${answered.status}`);
        assert.doesNotMatch(answered.body, /TooManyRequestsException/);
      }
      // A prober that gets no answer may kill the process.
      assert.equal((await ask(server.endpoint, attacker, { path: "/healthz" })).status, 200);
      clock.pass(200);
      assert.equal((await flood(1))[0]!.status, 200);
    });

    test("a single address that makes the thread late is cut to a share, and a newcomer on new connections is served", async () => {
      const town = await inTown();
      const { server } = town;
      clock.pass(1_000);
      const flood = () =>
        Promise.all(Array.from({ length: 100 }, () => ask(server.endpoint, attacker, town.login)));
      assert.ok((await flood()).every(({ status }) => status === 200));
      clock.stall(200);
      const answers = await flood();
      // Half of it was in time.
      assert.equal(answers.filter(({ status }) => status === 200).length, 40);
      assert.equal(answers.filter(({ status }) => status === 429).length, 60);
      for (let turn = 0; turn < 10; turn++)
        assert.equal((await ask(server.endpoint, other, town.login)).status, 200);
      assert.equal((await ask(server.endpoint, attacker, town.login)).status, 429);
      // Also in later windows, while nobody else asks.
      clock.stall(200);
      await flood();
      clock.stall(200);
      assert.equal((await ask(server.endpoint, other, town.login)).status, 200);
      clock.pass(200);
    });
  },
  {},
  { monotonic: clock },
);
