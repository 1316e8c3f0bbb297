/** /oauth2/token and /oauth2/revoke over the wire. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDisableUserCommand,
  AdminUserGlobalSignOutCommand,
  ChangePasswordCommand,
  GetUserCommand,
  InitiateAuthCommand,
  UpdateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient, password, refused, signIn } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import {
  authorize,
  callback,
  claimsOf,
  newCode,
  pkce,
  post,
  redeem,
  setUp,
  signInBrowser,
} from "./support.ts";

forEachServer("the token endpoint", (open) => {
  test("a code becomes tokens for its scopes, once, and nothing of the answer is kept", async () => {
    const place = await setUp(await open());
    const code = await newCode(place, { scope: "openid email aws.cognito.signin.user.admin", nonce: "n1" });
    const { status, body, headers } = await redeem(place, code);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("access-control-allow-origin"), "*");
    assert.deepEqual([body["token_type"], body["expires_in"]], ["Bearer", 3600]);
    const id = claimsOf(body["id_token"]);
    assert.equal(id["nonce"], "n1");
    assert.equal(id["aud"], place.ClientId);
    assert.equal(id["email"], "ann@example.com");
    assert.equal(id["email_verified"], true);
    assert.equal("name" in id, false);
    assert.equal(typeof id["at_hash"], "string");
    const access = claimsOf(body["access_token"]);
    assert.equal(access["scope"], "openid email aws.cognito.signin.user.admin");
    assert.equal(access["version"], 2);
    const user = await place.server.client.send(
      new GetUserCommand({ AccessToken: String(body["access_token"]) }),
    );
    assert.equal(user.Username, "ann");
    // RFC 6749 section 4.1.2: using the code again revokes the tokens.
    const again = await redeem(place, code);
    assert.deepEqual([again.status, again.body["error"]], [400, "invalid_grant"]);
    await assert.rejects(
      place.server.client.send(new GetUserCommand({ AccessToken: String(body["access_token"]) })),
      refused("NotAuthorizedException", "Access Token has been revoked"),
    );
    const refresh = { grant_type: "refresh_token", client_id: place.ClientId };
    const late = await post(place, { ...refresh, refresh_token: String(body["refresh_token"]) });
    assert.deepEqual([late.status, late.body["error"]], [400, "invalid_grant"]);
  });

  test("of parallel takers of a code at most one gets tokens, and none of them lives on", async () => {
    const place = await setUp(await open());
    const code = await newCode(place);
    const answers = await Promise.all(Array.from({ length: 12 }, () => redeem(place, code)));
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1);
    const AccessToken = String(won[0]!.body["access_token"]);
    await assert.rejects(place.server.client.send(new GetUserCommand({ AccessToken })));
  });

  test("PKCE: the verifier of the challenge, and nothing else; one wrong try burns the code", async () => {
    const place = await setUp(await open());
    const { verifier, challenge } = pkce();
    const right = await redeem(place, await newCode(place, challenge), { code_verifier: verifier });
    assert.equal(right.status, 200);
    const wrong: Record<string, string>[] = [
      {},
      { code_verifier: pkce().verifier },
      { code_verifier: challenge.code_challenge },
      { code_verifier: `${verifier}=` },
      { code_verifier: "short" },
    ];
    for (const change of wrong) {
      const code = await newCode(place, challenge);
      const refusal = await redeem(place, code, change);
      assert.deepEqual(
        [refusal.status, refusal.body["error"]],
        [400, "invalid_grant"],
        JSON.stringify(change),
      );
      assert.equal((await redeem(place, code, { code_verifier: verifier })).status, 400);
    }
    // A verifier without a challenge indicates a downgrade.
    const downgraded = await redeem(place, await newCode(place), { code_verifier: verifier });
    assert.equal(downgraded.body["error"], "invalid_grant");
  });

  test("another redirect URI, another client, another pool, too late", async () => {
    const server = await open();
    const place = await setUp(server);
    const elsewhere = await redeem(place, await newCode(place), { redirect_uri: `${callback}/` });
    assert.deepEqual([elsewhere.status, elsewhere.body["error"]], [400, "unauthorized_client"]);
    const other = await makeClient(server, place.UserPoolId, {
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid"],
      CallbackURLs: [callback],
    });
    const stranger = await setUp(server);
    const code = await newCode(place);
    for (const thief of [{ ...place, ...other }, stranger]) {
      const stolen = await redeem(thief, code);
      assert.deepEqual([stolen.status, stolen.body["error"]], [400, "invalid_grant"]);
    }
    server.clock.advance(5 * 60_000 - 5_000);
    assert.equal((await redeem(place, code)).status, 200);
    const late = await newCode(place);
    server.clock.advance(5 * 60_000 + 1_000);
    assert.equal((await redeem(place, late)).body["error"], "invalid_grant");
  });

  test("a user who was signed out, disabled or changed their password since the code: no tokens", async () => {
    const server = await open();
    const { client } = server;
    const place = await setUp(server);
    const named = { UserPoolId: place.UserPoolId, Username: "ann" };
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    const first = await newCode(place);
    const change = { AccessToken, PreviousPassword: password, ProposedPassword: "Other-Horse-1" };
    await client.send(new ChangePasswordCommand(change));
    assert.equal((await redeem(place, first)).body["error"], "invalid_grant");
    // Nor is the browser signed in by the former one.
    assert.match((await authorize(place)).pathname, /\/login$/);
    const again = { ...place, cookie: await signInBrowser(server, place.UserPoolId, "ann") };
    const second = await newCode(again);
    await client.send(new AdminUserGlobalSignOutCommand(named));
    assert.equal((await redeem(place, second)).body["error"], "invalid_grant");
    await client.send(new AdminDisableUserCommand(named));
    assert.match((await authorize(again)).pathname, /\/login$/);
  });

  test("clients with a secret prove it, by header or in the form, and in one way", async () => {
    const place = await setUp(await open(), { GenerateSecret: true });
    const { ClientId, ClientSecret = assert.fail("no secret") } = place;
    const form = async () => ({
      grant_type: "authorization_code",
      code: await newCode(place),
      redirect_uri: callback,
    });
    const basic = `${ClientId}:${ClientSecret}`;
    assert.equal((await post(place, await form(), { basic })).status, 200);
    const inForm = { client_id: ClientId, client_secret: ClientSecret };
    assert.equal((await post(place, { ...(await form()), ...inForm })).status, 200);
    assert.equal((await post(place, { ...(await form()), client_id: ClientId }, { basic })).status, 200);
    const refusals: [Record<string, string>, string | undefined, string][] = [
      [{ client_id: ClientId }, undefined, "invalid_client"],
      [{ client_id: ClientId, client_secret: "wrong" }, undefined, "invalid_client"],
      [{}, `${ClientId}:wrong`, "invalid_client"],
      [{}, `nobody:${ClientSecret}`, "invalid_client"],
      [{}, ClientId, "invalid_client"],
      [inForm, basic, "invalid_request"],
      [{ client_id: "nobody" }, basic, "invalid_request"],
      [{}, undefined, "invalid_request"],
    ];
    for (const [more, header, error] of refusals) {
      const answer = await post(place, { ...(await form()), ...more }, header ? { basic: header } : {});
      assert.deepEqual([answer.status, answer.body["error"]], [400, error], JSON.stringify([more, header]));
    }
  });

  test("requests that are none: method, content type, parameters twice, unknown grants", async () => {
    const place = await setUp(await open());
    const url = `${place.base}/oauth2/token`;
    assert.equal((await fetch(url)).status, 405);
    const json = await fetch(url, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    assert.deepEqual(
      [json.status, ((await json.json()) as Record<string, string>)["error"]],
      [400, "invalid_request"],
    );
    const twice = await fetch(url, {
      method: "POST",
      body: "grant_type=refresh_token&grant_type=refresh_token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    assert.equal(((await twice.json()) as Record<string, string>)["error"], "invalid_request");
    for (const grant_type of ["password", "toString", "urn:ietf:params:oauth:grant-type:device_code"]) {
      const answer = await post(place, { grant_type, client_id: place.ClientId });
      assert.deepEqual([answer.status, answer.body["error"]], [400, "unsupported_grant_type"], grant_type);
    }
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-amz-user-agent",
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /x-amz-user-agent/);
    const nobodys = `${place.server.endpoint}/us-east-1_Nobody/oauth2/token`;
    for (const client_id of [place.ClientId, "nobody", ""]) {
      const body = new URLSearchParams({ grant_type: "client_credentials", client_id });
      assert.equal((await fetch(nobodys, { method: "POST", body })).status, 404, client_id);
    }
  });

  test("a body is read up to a limit, also one that does not say how long it is", async () => {
    const { base, ClientId } = await setUp(await open());
    const endless = () => {
      let sent = 0;
      return new ReadableStream({
        pull(stream) {
          if (++sent > 200) return stream.close();
          stream.enqueue(Buffer.from(sent === 1 ? "token=" : "x".repeat(1_000)));
        },
      });
    };
    const headers = { "content-type": "application/x-www-form-urlencoded", origin: new URL(base).origin };
    const send = (path: string) => {
      const request = {
        method: "POST",
        body: endless(),
        headers: { ...headers, "sec-fetch-site": "same-origin" },
      };
      return fetch(`${base}${path}`, { ...request, redirect: "manual", duplex: "half" } as RequestInit);
    };
    const token = await send("/oauth2/token");
    assert.equal(token.status, 400);
    assert.deepEqual(await token.json(), {
      error: "invalid_request",
      error_description: "The body is too long.",
    });
    const query = new URLSearchParams({ client_id: ClientId, response_type: "code", redirect_uri: callback });
    const page = await send(`/login?${query}`);
    assert.equal(page.status, 303);
    assert.match(page.headers.get("location") ?? "", /\/error\?error=invalid_request/);
  });

  test("refreshing keeps scopes, origin and time of sign-in; with rotation the token changes", async () => {
    const place = await setUp(await open());
    const { body } = await redeem(place, await newCode(place, { scope: "openid profile" }));
    const form = { grant_type: "refresh_token", client_id: place.ClientId };
    place.server.clock.advance(60_000);
    const fresh = await post(place, { ...form, refresh_token: String(body["refresh_token"]) });
    assert.equal(fresh.status, 200, JSON.stringify(fresh.body));
    assert.equal(fresh.body["refresh_token"], undefined);
    const [before, after] = [claimsOf(body["id_token"]), claimsOf(fresh.body["id_token"])];
    assert.equal(after["auth_time"], before["auth_time"]);
    assert.equal(after["origin_jti"], before["origin_jti"]);
    assert.deepEqual(["name" in after, "email" in after], [true, false]);
    assert.equal(claimsOf(fresh.body["access_token"])["scope"], "openid profile");
    const without = await redeem(place, await newCode(place, { scope: "aws.cognito.signin.user.admin" }));
    assert.equal(without.body["id_token"], undefined);
    const again = await post(place, { ...form, refresh_token: String(without.body["refresh_token"]) });
    assert.equal(again.body["id_token"], undefined);

    const rotating = await setUp(place.server, {
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
    });
    const own = { grant_type: "refresh_token", client_id: rotating.ClientId };
    const first = (await redeem(rotating, await newCode(rotating))).body["refresh_token"];
    const second = await post(rotating, { ...own, refresh_token: String(first) });
    assert.equal(second.status, 200);
    assert.notEqual(second.body["refresh_token"], first);
    const replay = await post(rotating, { ...own, refresh_token: String(first) });
    assert.deepEqual([replay.status, replay.body["error"]], [400, "invalid_grant"]);
    const dead = await post(rotating, { ...own, refresh_token: String(second.body["refresh_token"]) });
    assert.equal(dead.body["error"], "invalid_grant");
  });

  test("a refresh token of the API's sign-in is good here, for what it is", async () => {
    const place = await setUp(await open());
    const { RefreshToken } = await signIn(place.server, place.ClientId, "ann");
    const form = { grant_type: "refresh_token", client_id: place.ClientId, refresh_token: RefreshToken };
    const { status, body } = await post(place, form);
    assert.equal(status, 200);
    assert.equal(claimsOf(body["access_token"])["scope"], "aws.cognito.signin.user.admin");
    assert.equal("version" in claimsOf(body["access_token"]), false);
  });

  test("a resource becomes the audience, also after a refresh", async () => {
    const place = await setUp(await open());
    const resource = "https://api.example.com/orders";
    const { body } = await redeem(place, await newCode(place, { resource }));
    assert.equal(claimsOf(body["access_token"])["aud"], resource);
    const form = { grant_type: "refresh_token", client_id: place.ClientId };
    const fresh = await post(place, { ...form, refresh_token: String(body["refresh_token"]) });
    assert.equal(claimsOf(fresh.body["access_token"])["aud"], resource);
  });

  test("client_credentials is for clients that are set for it", async () => {
    const place = await setUp(await open());
    const answer = await post(place, { grant_type: "client_credentials", client_id: place.ClientId });
    assert.deepEqual([answer.status, answer.body["error"]], [400, "invalid_grant"]);
  });

  test("a client that may use OAuth no more redeems nothing", async () => {
    const place = await setUp(await open());
    const code = await newCode(place);
    const { UserPoolId, ClientId } = place;
    await place.server.client.send(
      new UpdateUserPoolClientCommand({
        UserPoolId,
        ClientId,
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      }),
    );
    assert.equal((await redeem(place, code)).body["error"], "unauthorized_client");
  });

  test("revocation: refresh tokens end, with all that came of them; unknown ones count as ended", async () => {
    const place = await setUp(await open(), { GenerateSecret: true });
    const { ClientId, ClientSecret } = place;
    const basic = `${ClientId}:${ClientSecret}`;
    const form = { grant_type: "authorization_code", code: await newCode(place), redirect_uri: callback };
    const { body } = await post(place, form, { basic });
    const revoke = (token: Record<string, string>, header = basic) =>
      post(place, token, { path: "/oauth2/revoke", basic: header });
    const access = String(body["access_token"]);
    assert.equal((await revoke({ token: access })).body["error"], "unsupported_token_type");
    assert.equal((await revoke({})).body["error"], "invalid_request");
    const stranger = await revoke({ token: "x" }, `${ClientId}:wrong`);
    assert.deepEqual([stranger.status, stranger.body["error"]], [401, "invalid_client"]);
    assert.match(stranger.headers.get("www-authenticate") ?? "", /^Basic /);
    const unnamed = await post(place, { token: "x", client_id: ClientId }, { path: "/oauth2/revoke" });
    assert.deepEqual([unnamed.status, unnamed.body["error"]], [401, "invalid_client"]);
    assert.equal(unnamed.headers.get("www-authenticate"), null);
    assert.equal((await revoke({ token: "unknown" })).status, 200);
    const token = String(body["refresh_token"]);
    for (let count = 0; count < 2; count++) {
      const done = await revoke({ token });
      assert.deepEqual([done.status, done.headers.get("content-length")], [200, "0"]);
    }
    const refresh = { grant_type: "refresh_token", refresh_token: token };
    assert.equal((await post(place, refresh, { basic })).body["error"], "invalid_grant");
    await assert.rejects(
      place.server.client.send(
        new InitiateAuthCommand({
          ClientId,
          AuthFlow: "REFRESH_TOKEN_AUTH",
          AuthParameters: { REFRESH_TOKEN: token },
        }),
      ),
    );
  });
});
