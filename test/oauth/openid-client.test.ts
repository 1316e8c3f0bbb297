/** openid-client, a strict client certified by the OpenID Foundation, unmodified. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { forOneServer } from "../kit/server.ts";
import { goodbye, type OAuthPlace, setUp } from "./support.ts";

/** The library takes the URL that it came back to, without its query, as the redirect URI. */
const callback = "http://localhost:9999/callback";
const CallbackURLs = [callback];
const insecure = { execute: [client.allowInsecureRequests] };

forOneServer("sqlite", "openid-client", (open) => {
  async function configure(place: OAuthPlace, auth?: client.ClientAuth) {
    const { base, ClientId, ClientSecret } = place;
    return client.discovery(new URL(base), ClientId, ClientSecret, auth, insecure);
  }

  /** Acts as the browser, which is already signed in. */
  async function follow(url: URL, cookie: string): Promise<URL> {
    const answer = await fetch(url, { redirect: "manual", headers: { cookie } });
    return new URL(answer.headers.get("location") ?? assert.fail("no redirect"));
  }

  async function signIn(place: OAuthPlace, config: client.Configuration, scope: string) {
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope,
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    });
    const back = await follow(url, place.cookie);
    const checks = {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    };
    return client.authorizationCodeGrant(config, back, checks);
  }

  const methods: Readonly<Record<string, client.ClientAuth | undefined>> = {
    none: undefined,
    client_secret_basic: client.ClientSecretBasic(),
    client_secret_post: client.ClientSecretPost(),
  };
  for (const [method, auth] of Object.entries(methods))
    test(`the code grant with ${method}, userInfo, refresh, revocation, logout`, async () => {
      const place = await setUp(await open(), { CallbackURLs, GenerateSecret: auth !== undefined });
      const config = await configure(place, auth);
      const tokens = await signIn(place, config, "openid email");
      const claims = tokens.claims() ?? assert.fail("no ID token");
      assert.equal(claims["email"], "ann@example.com");
      const told = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
      assert.equal(told.email, "ann@example.com");
      const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? assert.fail("none"));
      assert.equal(fresh.claims()?.sub, claims.sub);
      await client.tokenRevocation(config, tokens.refresh_token!);
      await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token!), {
        error: "invalid_grant",
      });
      await assert.rejects(client.fetchUserInfo(config, fresh.access_token, claims.sub));
      const url = client.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token ?? assert.fail("no ID token"),
        post_logout_redirect_uri: goodbye,
        state: "bye",
      });
      assert.equal((await follow(url, place.cookie)).href, `${goodbye}?state=bye`);
    });

  test("the issuer of the answer is checked, and so is the state", async () => {
    const server = await open();
    const place = await setUp(server, { CallbackURLs });
    const config = await configure(place);
    const url = client.buildAuthorizationUrl(config, { redirect_uri: callback, scope: "openid", state: "s" });
    const back = await follow(url, place.cookie);
    await assert.rejects(client.authorizationCodeGrant(config, back, { expectedState: "other" }));
    const elsewhere = new URL(back);
    elsewhere.searchParams.set("iss", "https://evil.example");
    await assert.rejects(client.authorizationCodeGrant(config, elsewhere, { expectedState: "s" }));
    assert.ok(await client.authorizationCodeGrant(config, back, { expectedState: "s" }));
  });
});
