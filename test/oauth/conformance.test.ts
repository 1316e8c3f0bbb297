/**
 * The modules of the OpenID Foundation's plans oidcc-basic, oidcc-config and oidcc-rp-initiated-logout, each as a test
 * with its name, for a client that wants the standard. Where a module uses a browser, this uses a signed-in one.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { forOneServer } from "../kit/server.ts";
import {
  authorize,
  callback,
  claimsOf,
  goodbye,
  newCode,
  type OAuthPlace,
  pkce,
  post,
  redeem,
  setUp,
  signInBrowser,
} from "./support.ts";

const strict = { UserPoolTags: { "poolhouse:oidc": "*" } };
type Parameters = Record<string, string | undefined>;

forOneServer("sqlite", "OpenID conformance", (open) => {
  const place = async () =>
    setUp(
      await open(),
      { GenerateSecret: true, AllowedOAuthScopes: ["openid", "email", "profile", "phone", "address"] },
      strict,
    );

  const secretOf = ({ ClientSecret }: OAuthPlace) => ({ client_secret: ClientSecret ?? "" });

  /** The happy flow: code, tokens, claims of the verified ID token. */
  async function flow(at: OAuthPlace, parameters: Parameters = {}) {
    const code = await newCode(at, { scope: "openid", ...parameters });
    const { status, body } = await redeem(at, code, secretOf(at));
    assert.equal(status, 200, JSON.stringify(body));
    const keys = createRemoteJWKSet(new URL(`${at.base}/.well-known/jwks.json`));
    const verified = await jwtVerify(String(body["id_token"]), keys, {
      issuer: at.base,
      audience: at.ClientId,
      currentDate: new Date(at.server.clock.now),
    });
    return { code, body, claims: verified.payload, header: verified.protectedHeader };
  }

  async function userInfo(at: OAuthPlace, token: unknown) {
    const answer = await fetch(`${at.base}/oauth2/userInfo`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
    return (await answer.json()) as Record<string, unknown>;
  }

  test("oidcc-discovery-endpoint-verification", async () => {
    const { base } = await place();
    const answer = await fetch(`${base}/.well-known/openid-configuration`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
    const metadata = (await answer.json()) as Record<string, unknown>;
    assert.equal(metadata["issuer"], base);
    const lists = [
      ["response_types_supported", "code"],
      ["subject_types_supported", "public"],
      ["id_token_signing_alg_values_supported", "RS256"],
      ["scopes_supported", "openid"],
      ["code_challenge_methods_supported", "S256"],
      ["claims_supported", "sub"],
      ["grant_types_supported", "authorization_code"],
    ] as const;
    for (const [name, value] of lists) assert.ok((metadata[name] as string[]).includes(value), name);
    const { keys } = (await (await fetch(String(metadata["jwks_uri"]))).json()) as { keys: object[] };
    for (const key of keys) {
      const { kty, use, kid, n, d } = key as Record<string, string | undefined>;
      assert.deepEqual([kty, use, typeof kid, typeof n, d], ["RSA", "sig", "string", "string", undefined]);
    }
  });

  test("oidcc-server, oidcc-idtoken-signature", async () => {
    const at = await place();
    const { claims, header, body } = await flow(at, { nonce: "n-1" });
    assert.equal(header.alg, "RS256");
    assert.equal(claims["nonce"], "n-1");
    for (const name of ["iss", "sub", "aud", "exp", "iat", "auth_time"]) assert.ok(claims[name], name);
    assert.ok(String(claims.sub).length <= 255);
    const half = createHash("sha256").update(String(body["access_token"])).digest().subarray(0, 16);
    assert.equal(claims["at_hash"], half.toString("base64url"));
  });

  test("oidcc-response-type-missing", async () => {
    const location = await authorize(await place(), { response_type: undefined });
    assert.match(location.searchParams.get("error") ?? "", /^(?:invalid_request|unsupported_response_type)$/);
  });

  test("oidcc-userinfo-get, -post-header, -post-body", async () => {
    const at = await place();
    const { body, claims } = await flow(at, { scope: "openid email" });
    assert.equal((await userInfo(at, body["access_token"]))["sub"], claims.sub);
    const headers = { authorization: `Bearer ${body["access_token"]}` };
    const byHeader = await fetch(`${at.base}/oauth2/userInfo`, { method: "POST", headers });
    assert.equal(((await byHeader.json()) as Record<string, unknown>)["sub"], claims.sub);
    const form = { access_token: String(body["access_token"]) };
    assert.equal((await post(at, form, { path: "/oauth2/userInfo" })).body["sub"], claims.sub);
  });

  test("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", async () => {
    assert.equal("nonce" in (await flow(await place())).claims, false);
  });

  const scopes: Readonly<Record<string, readonly string[]>> = {
    "openid profile": ["name"],
    "openid email": ["email", "email_verified"],
    "openid phone": ["phone_number"],
    "openid address": ["address"],
    "openid profile email address phone": ["address", "email", "email_verified", "name", "phone_number"],
  };
  for (const [scope, told] of Object.entries(scopes))
    test(`oidcc-scope: ${scope}`, async () => {
      const at = await place();
      const { body } = await flow(at, { scope });
      const { sub, username, ...claims } = await userInfo(at, body["access_token"]);
      assert.ok(sub && username);
      assert.deepEqual(Object.keys(claims).sort(), told);
      if ("email_verified" in claims) assert.equal(claims["email_verified"], true);
      if ("address" in claims) assert.deepEqual(claims["address"], { formatted: "1 Main Street" });
    });

  test("oidcc-prompt-login", async () => {
    assert.match((await authorize(await place(), { prompt: "login" })).pathname, /\/login$/);
  });

  test("oidcc-prompt-none-not-logged-in", async () => {
    const location = await authorize({ ...(await place()), cookie: "" }, { prompt: "none" });
    assert.equal(location.searchParams.get("error"), "login_required");
  });

  test("oidcc-prompt-none-logged-in", async () => {
    const at = await place();
    const first = await flow(at);
    const second = await flow(at, { prompt: "none" });
    assert.equal(second.claims.sub, first.claims.sub);
    assert.equal(second.claims["auth_time"], first.claims["auth_time"]);
  });

  test("oidcc-max-age-1, oidcc-max-age-10000", async () => {
    const at = await place();
    const cookie = await signInBrowser(at.server, at.UserPoolId, "ann", { age: 5_000 });
    assert.match((await authorize({ ...at, cookie }, { max_age: "1" })).pathname, /\/login$/);
    const { claims } = await flow({ ...at, cookie }, { max_age: "10000" });
    assert.ok(Number(claims["auth_time"]) <= at.server.clock.now / 1000 - 5);
  });

  const ignored: Readonly<Record<string, Parameters>> = {
    "oidcc-ensure-request-with-unknown-parameter-succeeds": { extra: "foobar" },
    "oidcc-ensure-request-with-acr-values-succeeds": { acr_values: "1 2" },
    "oidcc-login-hint": { login_hint: "bob@example.com" },
    "oidcc-ui-locales": { ui_locales: "se de" },
    "oidcc-claims-locales": { claims_locales: "se" },
    "oidcc-display-page": { display: "page" },
    "oidcc-display-popup": { display: "popup" },
    "oidcc-claims-essential": { claims: JSON.stringify({ userinfo: { name: { essential: true } } }) },
  };
  for (const [name, parameters] of Object.entries(ignored))
    test(name, async () => {
      await flow(await place(), parameters);
    });

  test("oidcc-id-token-hint", async () => {
    const at = await place();
    const { body, claims } = await flow(at);
    const again = await flow(at, { prompt: "none", id_token_hint: String(body["id_token"]) });
    assert.equal(again.claims.sub, claims.sub);
  });

  test("oidcc-codereuse, oidcc-codereuse-30seconds", async () => {
    const at = await place();
    const { code, body } = await flow(at);
    at.server.clock.advance(30_000);
    assert.equal((await redeem(at, code, secretOf(at))).body["error"], "invalid_grant");
    const told = await userInfo(at, body["access_token"]);
    assert.equal(told["error"], "invalid_token", "what was minted is revoked");
  });

  test("oidcc-ensure-registered-redirect-uri", async () => {
    const location = await authorize(await place(), { redirect_uri: `${callback}/unregistered` });
    assert.match(location.pathname, /\/error$/);
  });

  test("oidcc-ensure-post-request-succeeds", async () => {
    const at = await place();
    const form = { client_id: at.ClientId, redirect_uri: callback, response_type: "code", scope: "openid" };
    const answer = await fetch(`${at.base}/oauth2/authorize`, {
      method: "POST",
      body: new URLSearchParams(form),
      headers: { cookie: at.cookie },
      redirect: "manual",
    });
    assert.ok(new URL(answer.headers.get("location") ?? "").searchParams.get("code"));
  });

  test("oidcc-server-client-secret-post, and basic", async () => {
    const at = await place();
    await flow(at);
    const form = { grant_type: "authorization_code", code: await newCode(at), redirect_uri: callback };
    assert.equal((await post(at, form, { basic: `${at.ClientId}:${at.ClientSecret}` })).status, 200);
  });

  test("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported, oidcc-request-uri-unsigned", async () => {
    const at = await place();
    const object = await authorize(at, { request: "eyJhbGciOiJub25lIn0.e30." });
    assert.equal(object.searchParams.get("error"), "request_not_supported");
    const uri = await authorize(at, { request_uri: "https://rp.example/request.jwt" });
    assert.equal(uri.searchParams.get("error"), "request_uri_not_supported");
  });

  test("oidcc-refresh-token", async () => {
    const at = await place();
    const { body, claims } = await flow(at);
    at.server.clock.advance(2_000);
    const form = { grant_type: "refresh_token", client_id: at.ClientId, ...secretOf(at) };
    const fresh = await post(at, { ...form, refresh_token: String(body["refresh_token"]) });
    const after = claimsOf(fresh.body["id_token"]);
    assert.deepEqual([after["iss"], after["sub"], after["aud"]], [claims.iss, claims.sub, claims.aud]);
    assert.equal(after["auth_time"], claims["auth_time"]);
    assert.ok(Number(after["iat"]) > Number(claims.iat));
    assert.equal((await userInfo(at, fresh.body["access_token"]))["sub"], claims.sub);
  });

  test("oidcc-ensure-request-with-valid-pkce-succeeds", async () => {
    const at = await place();
    const { verifier, challenge } = pkce();
    const code = await newCode(at, { ...challenge, scope: "openid" });
    assert.equal((await redeem(at, code, { ...secretOf(at), code_verifier: verifier })).status, 200);
  });

  /** Where signing out leads: to the client's page, ours, or the error page. */
  async function leave(at: OAuthPlace, parameters: Record<string, string>): Promise<string> {
    const url = `${at.base}/logout?${new URLSearchParams(parameters)}`;
    const answer = await fetch(url, { redirect: "manual", headers: { cookie: at.cookie } });
    return (answer.headers.get("location") ?? "").replace(at.base, "");
  }
  const to = { post_logout_redirect_uri: goodbye };

  const logouts: Readonly<
    Record<string, (hint: string, at: OAuthPlace) => [Record<string, string>, RegExp]>
  > = {
    "oidcc-rp-initiated-logout": (hint) => [
      { id_token_hint: hint, ...to, state: "s" },
      /\/goodbye\?state=s$/,
    ],
    "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": (hint) => [
      { id_token_hint: hint, post_logout_redirect_uri: `${goodbye}/bad` },
      /^\/error\?/,
    ],
    "oidcc-rp-initiated-logout-modified-id-token-hint": (hint) => [
      { id_token_hint: `${hint.slice(0, -10)}AAAAAAAAAA`, ...to },
      /^\/error\?/,
    ],
    "oidcc-rp-initiated-logout-bad-id-token-hint": () => [{ id_token_hint: "bad", ...to }, /^\/error\?/],
    "oidcc-rp-initiated-logout-no-id-token-hint": () => [to, /^\/error\?/],
    "oidcc-rp-initiated-logout-no-id-token-hint, with client_id": (_hint, at) => [
      { client_id: at.ClientId, ...to },
      /^\/signout\?/,
    ],
    "oidcc-rp-initiated-logout-no-params": () => [{}, /^\/signout\?/],
    "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": (hint) => [
      { id_token_hint: hint },
      /^\/signedout$/,
    ],
    "oidcc-rp-initiated-logout-no-state": (hint) => [{ id_token_hint: hint, ...to }, /\/goodbye$/],
    "oidcc-rp-initiated-logout-only-state": () => [{ state: "s" }, /^\/signout\?/],
    "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": (hint) => [
      { id_token_hint: hint, post_logout_redirect_uri: `${goodbye}?foo=bar` },
      /^\/error\?/,
    ],
  };
  for (const [name, parametersFor] of Object.entries(logouts))
    test(name, async () => {
      const at = await place();
      const { body } = await flow(at);
      const [parameters, expected] = parametersFor(String(body["id_token"]), at);
      assert.match(await leave(at, parameters), expected);
    });
});
