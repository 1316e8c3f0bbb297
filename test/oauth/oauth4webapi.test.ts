/** oauth4webapi, a very strict client: it checks every answer against the standards and repairs none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateResourceServerCommand } from "@aws-sdk/client-cognito-identity-provider";
import * as oauth from "oauth4webapi";
import { makeClient } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { type OAuthPlace, setUp } from "./support.ts";

const callback = "https://app.example/callback";
const goodbye = "https://app.example/goodbye";
const insecure = { [oauth.allowInsecureRequests]: true };
const registered = { CallbackURLs: [callback], LogoutURLs: [goodbye] };
const strict = { UserPoolTags: { "poolhouse:oidc": "*" } };

/** What a public client sends to redeem the code of an answer. */
const sendCode = (
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  parameters: URLSearchParams,
  verifier: string,
) => oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, callback, verifier, insecure);

forOneServer("sqlite", "oauth4webapi", (open) => {
  async function discover(base: string, algorithm: "oidc" | "oauth2" = "oidc", issuer = base) {
    const answer = await oauth.discoveryRequest(new URL(base), { algorithm, ...insecure });
    return oauth.processDiscoveryResponse(new URL(issuer), answer);
  }

  /** The URL to which a signed-in browser is sent back. */
  async function authorize(
    as: oauth.AuthorizationServer,
    place: OAuthPlace,
    parameters: Record<string, string>,
  ) {
    const url = new URL(as.authorization_endpoint ?? assert.fail("no authorization endpoint"));
    url.search = new URLSearchParams({
      client_id: place.ClientId,
      redirect_uri: callback,
      ...parameters,
    }).toString();
    const answer = await fetch(url, { redirect: "manual", headers: { cookie: place.cookie } });
    return new URL(answer.headers.get("location") ?? assert.fail(await answer.text()));
  }

  async function start(as: oauth.AuthorizationServer, place: OAuthPlace, scope = "openid email") {
    const [verifier, nonce, state] = [
      oauth.generateRandomCodeVerifier(),
      oauth.generateRandomNonce(),
      oauth.generateRandomState(),
    ];
    const back = await authorize(as, place, {
      response_type: "code",
      scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    });
    return { verifier, nonce, state, back };
  }

  const clientOf = ({ ClientId, server }: OAuthPlace): oauth.Client => ({
    client_id: ClientId,
    // In these tests the server has its own clock.
    [oauth.clockSkew]: Math.round((server.clock.now - Date.now()) / 1000),
  });

  const authentications: Readonly<Record<string, (secret: string) => oauth.ClientAuth>> = {
    none: () => oauth.None(),
    client_secret_basic: (secret) => oauth.ClientSecretBasic(secret),
    client_secret_post: (secret) => oauth.ClientSecretPost(secret),
  };
  for (const [method, authenticate] of Object.entries(authentications))
    test(`code, PKCE, nonce, issuer, signature, userInfo, refresh and revocation with ${method}`, async () => {
      const place = await setUp(await open(), { ...registered, GenerateSecret: method !== "none" }, strict);
      const as = await discover(place.base);
      assert.ok(as.token_endpoint_auth_methods_supported?.includes(method));
      const client = clientOf(place);
      const auth = authenticate(place.ClientSecret ?? "");
      const { verifier, nonce, state, back } = await start(as, place);
      const parameters = oauth.validateAuthResponse(as, client, back, state);
      const answer = await oauth.authorizationCodeGrantRequest(
        as,
        client,
        auth,
        parameters,
        callback,
        verifier,
        insecure,
      );
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
        expectedNonce: nonce,
        maxAge: 3_600,
        requireIdToken: true,
      });
      await oauth.validateApplicationLevelSignature(as, answer, insecure);
      const claims = oauth.getValidatedIdTokenClaims(tokens) ?? assert.fail("no ID token");
      const told = await oauth.processUserInfoResponse(
        as,
        client,
        claims.sub,
        await oauth.userInfoRequest(as, client, tokens.access_token, insecure),
      );
      assert.deepEqual([told.email, told.email_verified], ["ann@example.com", true]);
      const token = tokens.refresh_token ?? assert.fail("no refresh token");
      const refresh = () => oauth.refreshTokenGrantRequest(as, client, auth, token, insecure);
      const fresh = await oauth.processRefreshTokenResponse(as, client, await refresh());
      assert.equal(oauth.getValidatedIdTokenClaims(fresh)?.sub, claims.sub);
      const end = () => oauth.revocationRequest(as, client, auth, token, insecure);
      for (let count = 0; count < 2; count++) await oauth.processRevocationResponse(await end());
      await assert.rejects(async () => oauth.processRefreshTokenResponse(as, client, await refresh()), {
        error: "invalid_grant",
      });
      const late = await oauth.userInfoRequest(as, client, fresh.access_token, insecure);
      await assert.rejects(oauth.processUserInfoResponse(as, client, claims.sub, late));
    });

  test("what it refuses: another state, issuer, nonce or verifier, and a code used twice", async () => {
    const place = await setUp(await open(), registered, strict);
    const as = await discover(place.base);
    const client = clientOf(place);
    const { back, state, verifier, nonce } = await start(as, place);
    assert.throws(() => oauth.validateAuthResponse(as, client, back, "another"));
    const elsewhere = new URL(back);
    elsewhere.searchParams.set("iss", "https://evil.example");
    assert.throws(() => oauth.validateAuthResponse(as, client, elsewhere, state));
    elsewhere.searchParams.delete("iss");
    assert.throws(() => oauth.validateAuthResponse(as, client, elsewhere, state), /iss/);
    const parameters = oauth.validateAuthResponse(as, client, back, state);
    const redeem = async (with_: string, expectedNonce: string) =>
      oauth.processAuthorizationCodeResponse(as, client, await sendCode(as, client, parameters, with_), {
        expectedNonce,
      });
    await assert.rejects(redeem(verifier, "another"), /nonce/);
    await assert.rejects(redeem(verifier, nonce), { error: "invalid_grant" });
    const next = await start(as, place);
    const again = oauth.validateAuthResponse(as, client, next.back, next.state);
    const wrong = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      again,
      callback,
      verifier,
      insecure,
    );
    await assert.rejects(oauth.processAuthorizationCodeResponse(as, client, wrong), {
      error: "invalid_grant",
    });
    const denied = await authorize(
      as,
      { ...place, cookie: "" },
      { response_type: "code", prompt: "none", state: "s" },
    );
    assert.throws(() => oauth.validateAuthResponse(as, client, denied, "s"), { error: "login_required" });
  });

  test("client_credentials with custom scopes, by a secret that has a plus sign", async () => {
    const server = await open();
    const place = await setUp(server, registered, strict);
    const { UserPoolId } = place;
    await server.client.send(
      new CreateResourceServerCommand({
        UserPoolId,
        Identifier: "orders",
        Name: "orders",
        Scopes: [{ ScopeName: "read", ScopeDescription: "r" }],
      }),
    );
    const secret = "plus+sign+in+a+secret_1234";
    const { ClientId } = await makeClient(server, UserPoolId, {
      ClientSecret: secret,
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["client_credentials"],
      AllowedOAuthScopes: ["orders/read"],
    });
    const as = await discover(place.base);
    const client: oauth.Client = { client_id: ClientId };
    for (const auth of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
      const asked = oauth.clientCredentialsGrantRequest(as, client, auth, { scope: "orders/read" }, insecure);
      const { access_token, token_type } = await oauth.processClientCredentialsResponse(
        as,
        client,
        await asked,
      );
      assert.ok(access_token);
      assert.equal(token_type, "bearer");
    }
    const asked = oauth.clientCredentialsGrantRequest(
      as,
      client,
      oauth.ClientSecretBasic(`${secret} `),
      {},
      insecure,
    );
    await assert.rejects(async () => oauth.processClientCredentialsResponse(as, client, await asked), {
      name: "WWWAuthenticateChallengeError",
      status: 401,
    });
  });

  test("discovery by both standards, and where the issuer is AWS's own", async () => {
    const server = await open();
    const place = await setUp(server, registered);
    const [oidc, oauth2] = [await discover(place.base), await discover(place.base, "oauth2")];
    assert.deepEqual(oidc, oauth2);
    const behind = await fetch(`${place.base}/.well-known/oauth-authorization-server`);
    assert.deepEqual(await oauth.processDiscoveryResponse(new URL(place.base), behind), oidc);
    const aws = await setUp(server, registered, { UserPoolTags: { "poolhouse:issuer": "aws" } });
    const issuer = `https://cognito-idp.us-east-1.amazonaws.com/${aws.UserPoolId}`;
    await assert.rejects(discover(aws.base), "the document names another issuer than its own address");
    const as = await discover(aws.base, "oidc", issuer);
    assert.equal(as.token_endpoint, `${aws.base}/oauth2/token`);
    const client = clientOf(aws);
    const { back, state, verifier, nonce } = await start(as, aws);
    const parameters = oauth.validateAuthResponse(as, client, back, state);
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await sendCode(as, client, parameters, verifier),
      { expectedNonce: nonce, requireIdToken: true },
    );
    assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.iss, issuer);
  });
});
