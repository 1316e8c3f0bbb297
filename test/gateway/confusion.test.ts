/** What a server behind, a cache or another gateway could take for something else than the gateway has decided about. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { identityOf } from "../../src/gateway/identity.ts";
import { applicationOf, lacking } from "../../src/gateway/rules.ts";
import { sealsOf } from "../../src/gateway/sealing.ts";
import { identityOfSession } from "../../src/gateway/sessions/session-identity.ts";
import { targetOf } from "../../src/verify/authorizer-event.ts";
import { compileRules, isAllowed } from "../../src/verify/authorizer-rules.ts";
import type { VerifiedToken } from "../../src/verify/verifier.ts";
import { ask } from "../kit/ask.ts";
import { gatewayFile, signedIn, startFront } from "./front.ts";
import { paths, route, type Seen, startApplication } from "./place.ts";

describe("requests that are none", () => {
  const unclear: readonly (readonly [method: string, target: string])[] = [
    ["GET", "/public/#/../../admin/x"],
    ["GET", "/public/..%3b/admin/x"],
    ["GET", "/public/x%3fy"],
    ["GET", "/public/x%23y"],
    ["post", "/public/x"],
    ["TRACE", "/public/x"],
    ["CONNECT", "/public/x"],
  ];
  for (const [method, target] of unclear)
    test(`${method} ${target}`, async () => {
      const { gateway, origin } = await startFront(await startApplication());
      const asked = {
        method,
        target,
        scheme: "http:",
        host: new URL(origin).host,
        header: () => undefined,
      } as const;
      const decision = await gateway.admit(asked);
      assert.ok(decision.kind === "refused" && decision.status === 400);
      assert.equal((await gateway.admit({ ...asked, method: "GET", target: "/public/x" })).kind, "pass");
    });

  test("the host of one application at another port is not served by the one for all hosts", () => {
    const admin = { hosts: ["admin.example.com"], upstream: undefined, routes: [] };
    const every = { hosts: [], upstream: undefined, routes: [] };
    const of = (host: string) => applicationOf([admin, every], host);
    assert.deepEqual([of("admin.example.com"), of("admin.example.com:1234")], [admin, undefined]);
    assert.equal(of("www.example.com"), every);
  });
});

describe("what proves who somebody is", () => {
  const of = (claims: object) =>
    identityOf({
      claims: { sub: "1", ...claims },
      ...{ scopes: [], issuer: "https://id.example", groupsClaim: "groups", expiresAt: 0 },
    });

  test("an address that nobody has verified does not", () => {
    const claims = { email: ["boss@example.com"], phone_number: ["+15550001111"] };
    const needs = (name: "email" | "phone_number") => route("/**", { claims: { [name]: claims[name] } });
    const given = { email: "boss@example.com", phone_number: "+15550001111" };
    assert.equal(lacking(needs("email"), of({ ...given, email_verified: false })), "claim");
    assert.equal(lacking(needs("email"), of({ ...given, email_verified: true })), undefined);
    assert.equal(lacking(needs("phone_number"), of(given)), "claim");
    assert.equal(lacking(needs("phone_number"), of({ ...given, phone_number_verified: true })), undefined);
  });

  test("an address of the ID token with the word of userinfo about another, or the other way round", () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const [a, b] = [{ email: "a@example.com" }, { email: "boss@example.com" }];
    const [yes, no] = [{ email_verified: true }, { email_verified: false }];
    for (const [idClaims, userInfo, email] of [
      [{ ...a, ...yes }, undefined, "a@example.com"],
      [{ ...a, ...yes }, {}, "a@example.com"],
      [{ ...a, ...yes }, a, "a@example.com"],
      [{ ...a, ...yes }, b, undefined],
      [{ ...a, ...yes }, { ...a, ...no }, undefined],
      [{ ...a, ...no }, { ...b, ...yes }, "boss@example.com"],
      [b, yes, undefined],
      [yes, b, undefined],
      [{}, { ...b, ...yes }, "boss@example.com"],
    ] as const) {
      const idToken = `${encode({ alg: "none" })}.${encode({ sub: "1", ...idClaims })}.`;
      const tokens = { idToken, accessToken: "", refreshToken: undefined, issuedAt: 0, expiresAt: 0 };
      const provider = { issuer: "https://id.example", groupsClaim: "groups" };
      const identity = identityOfSession({ tokens, userInfo }, [], provider);
      assert.equal(identity.email, email, JSON.stringify([idClaims, userInfo]));
      assert.equal(identity.claims["sub"], "1");
    }
  });

  test("a session of another provider or client does not", () => {
    const { settings } = gatewayFile(1, undefined);
    const sealed = sealsOf(settings, randomBytes).seal("place", 1);
    assert.equal(sealsOf(settings, randomBytes).open("place", sealed), 1);
    for (const change of [{ issuer: "https://other.example" }, { clientId: "other" }]) {
      const other = sealsOf({ ...settings, provider: { ...settings.provider, ...change } }, randomBytes);
      assert.equal(other.open("place", sealed), undefined);
    }
  });

  test("of two tokens none is said to count", async () => {
    const { origin } = await startFront(await startApplication());
    const headers = { authorization: "Bearer a.b.c" };
    const body = new URLSearchParams({ token: "d.e.f" });
    assert.equal((await ask(`${origin}${paths.validate}`, { method: "POST", headers, body })).status, 400);
  });
});

test("where applications get the access token, nobody else's Authorization reaches them", async () => {
  for (const isGiven of [true, false]) {
    const { origin } = await startFront(await startApplication(), { identity: { "access-token": isGiven } });
    const answer = await ask(`${origin}/public/x`, { headers: { authorization: "Bearer forged" } });
    const { headers } = JSON.parse(await answer.text()) as Seen;
    assert.equal(headers["authorization"], isGiven ? undefined : "Bearer forged");
  }
});

test("what servers take for another path or method does not reach them", async () => {
  const { origin, settings } = await startFront(await startApplication());
  const names = ["X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X_Original_URL"];
  const sent = Object.fromEntries(names.map((name) => [name, "/admin/x"]));
  const answer = await ask(`${origin}/x`, { headers: { ...sent, cookie: await signedIn(settings) } });
  const { headers } = JSON.parse(await answer.text()) as Seen;
  assert.deepEqual(
    Object.keys(headers).filter((name) => /original|rewrite|override/.test(name)),
    [],
  );
});

test("an authorizer's rule holds for each spelling of what its path has", () => {
  const rules = compileRules(
    ["/orders:cancel", "/users/@me", "/reports/a=b,c"].map((path) => ({ path, groups: ["admins"] })),
  );
  const token = { scopes: [], groups: [] as readonly string[] } as unknown as VerifiedToken;
  const stage = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/GET";
  const may = (path: string) => isAllowed(rules, token, targetOf({ methodArn: `${stage}${path}` }));
  for (const path of [
    "/orders:cancel",
    "/orders%3Acancel",
    "/users/%40me",
    "/reports/a%3Db%2Cc",
    "/reports/a=b,c",
  ])
    assert.equal(may(path), false, path);
  assert.equal(may("/orders"), true);
});
