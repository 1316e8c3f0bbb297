/** Whose address a request counts for: X-Forwarded-For is believed from configured proxies only. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../kit/calls.ts";
import { makePool, makeUser, password, signIn } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";

/** The peer of every test connection, and further proxies behind it. */
const proxies = "127.0.0.1/32,10.0.0.0/8,2001:db8:aaaa::/48";

/** X-Forwarded-For, and which of the listed networks it counts for. */
const cases: readonly { readonly title: string; readonly hops: string; readonly same: string }[] = [
  { title: "the client that the proxy saw", hops: "192.0.2.1", same: "192.0.2.1" },
  {
    title: "what the client claims itself is not believed",
    hops: "198.51.100.9, 192.0.2.1",
    same: "192.0.2.1",
  },
  { title: "several proxies", hops: "192.0.2.1, 10.1.2.3, 10.9.9.9", same: "192.0.2.1" },
  { title: "an IPv6 proxy", hops: "192.0.2.1, 2001:db8:aaaa::5", same: "192.0.2.1" },
  { title: "an IPv4 address mapped into IPv6", hops: "::ffff:192.0.2.1", same: "192.0.2.1" },
  { title: "a mapped address in hex", hops: "::FFFF:c000:0201", same: "192.0.2.1" },
  { title: "a mapped proxy", hops: "192.0.2.1, ::ffff:10.1.2.3", same: "192.0.2.1" },
  { title: "a port", hops: "192.0.2.1:5533", same: "192.0.2.1" },
  { title: "a malformed hop counts for the proxy before it", hops: "192.0.2.1, unknown", same: "127.0.0.1" },
  { title: "a malformed hop behind a proxy", hops: "192.0.2.1, _x, 10.1.2.3", same: "10.1.2.3" },
  { title: "an empty header", hops: " , ", same: "127.0.0.1" },
  { title: "neighbours in one /64", hops: "2001:db8:1:2:ffff::9", same: "2001:db8:1:2::1" },
  { title: "brackets and port", hops: "[2001:db8:1:2::77]:443", same: "2001:db8:1:2::1" },
];

forOneServer(
  "sqlite",
  "addresses behind proxies",
  (open) => {
    /** A user who is locked for strangers and known at `home`: a right password tells where the server sees one. */
    const seenAt = async (home: string) => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, ClientId } = await makePool(server);
      await makeUser(server, UserPoolId, "ann");
      const ask = (secret: string, hops: string | undefined, endpoint = server.endpoint) =>
        call(
          endpoint,
          "InitiateAuth",
          { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: "ann", PASSWORD: secret } },
          hops === undefined ? {} : { "x-forwarded-for": hops },
        );
      assert.equal((await ask(password, home)).status, 200);
      for (let guess = 0; guess < 6; guess++) await ask("wrong-Pass-1", "203.0.113.99");
      assert.equal((await ask(password, "203.0.113.98")).message, "Password attempts exceeded");
      return { server, ask };
    };

    test("the address of a request, by its hops", async () => {
      for (const home of new Set(cases.map((one) => one.same))) {
        const { ask } = await seenAt(home);
        for (const { title, hops, same } of cases) {
          const answer = await ask(password, hops);
          const expected = same === home ? 200 : 400;
          assert.equal(answer.status, expected, `${title}: ${hops} against ${home}`);
        }
        assert.equal((await ask(password, undefined)).status, home === "127.0.0.1" ? 200 : 400, "no header");
      }
      const { ask } = await seenAt("2001:db8:1:2::1");
      assert.equal((await ask(password, "2001:db8:1:3::1")).status, 400, "the next /64 is another's");
    });
  },
  { POOLHOUSE_TRUSTED_PROXIES: proxies },
);

forOneServer("sqlite", "addresses without proxies", (open) => {
  test("a header from a peer that is no proxy changes nothing", async () => {
    const server = await open();
    server.clock.freeze();
    const { UserPoolId, ClientId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    await signIn(server, ClientId, "ann");
    const ask = (secret: string, hops: string) =>
      call(
        server.endpoint,
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: "ann", PASSWORD: secret } },
        { "x-forwarded-for": hops },
      );
    const told = [];
    for (let guess = 0; guess < 8; guess++)
      told.push((await ask("wrong-Pass-1", `192.0.2.${guess}`)).message);
    const wrong = told.filter((message) => message === "Incorrect username or password.");
    assert.equal(wrong.length, 5, "all from one address, and counted together");
    assert.equal((await ask(password, "192.0.2.200")).message, "Password attempts exceeded");
  });
});

/** Headers by which proxies say that they pass something on. */
const passedOn: Readonly<Record<string, string>> = {
  via: "1.1 proxy",
  forwarded: "for=192.0.2.1;proto=https",
  "x-forwarded": "for=192.0.2.1",
  "x-forwarded-for": "192.0.2.1",
  "x-forwarded-host": "id.example",
  "x-forwarded-proto": "https",
  "x-original-forwarded-for": "192.0.2.1",
  "x-original-url": "/inbox",
  "x-real-ip": "192.0.2.1",
  "x-client-ip": "192.0.2.1",
  "client-ip": "192.0.2.1",
  "x-cluster-client-ip": "192.0.2.1",
  "true-client-ip": "192.0.2.1",
  "fastly-client-ip": "192.0.2.1",
  "cf-connecting-ip": "192.0.2.1",
  "do-connecting-ip": "192.0.2.1",
  "x-azure-clientip": "192.0.2.1",
  "x-envoy-external-address": "192.0.2.1",
  "cdn-loop": "cdn.example",
  "x-vercel-forwarded-for": "192.0.2.1",
  "x-nf-client-connection-ip": "192.0.2.1",
  "x-azure-socketip": "192.0.2.1",
  "x-appengine-user-ip": "192.0.2.1",
  "cloudfront-viewer-address": "192.0.2.1:443",
};

forOneServer(
  "sqlite",
  "what is for this machine alone",
  (open) => {
    test("is answered to nobody whose request was passed on, by whatever header that shows", async () => {
      const server = await open();
      const paths = ["/metrics", "/inbox", "/inbox/messages", "/tls/ask?domain=localhost"];
      const statusOf = async (path: string, headers: Record<string, string>) =>
        (await fetch(`${server.endpoint}${path}`, { headers })).status;
      const list = (headers: Record<string, string>) =>
        call(server.endpoint, "ListUserPools", { MaxResults: 1 }, headers);
      const plain = await Promise.all(paths.slice(0, 3).map((path) => statusOf(path, {})));
      assert.deepEqual(plain, [200, 200, 200]);
      assert.equal((await list({})).status, 200);
      for (const [name, value] of Object.entries(passedOn)) {
        const headers = { [name]: value };
        for (const path of paths) assert.equal(await statusOf(path, headers), 403, `${path} with ${name}`);
        assert.equal((await list(headers)).type, "AccessDeniedException", `--auth open with ${name}`);
      }
    });
  },
  { POOLHOUSE_AUTH: "open" },
);
