/** /oauth2/authorize: whom it sends on, back, or to the pages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminSetUserPasswordCommand,
  AdminUserGlobalSignOutCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { turnMfa } from "../kit/factors.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { authorize, callback, claimsOf, type OAuthPlace, setUp, signInBrowser } from "./support.ts";

const errorOf = (location: URL) => location.searchParams.get("error");

forEachServer("the authorization endpoint", (open) => {
  test("who is signed in is sent back with a code, the state byte by byte, and the issuer", async () => {
    const place = await setUp(await open());
    const location = await authorize(place, { state: undefined }, "&state=a%2Fb+c%20%7E~%C3%A4");
    assert.ok(location.href.startsWith(`${callback}&code=`), location.href);
    assert.ok(location.href.endsWith("&state=a%2Fb+c%20%7E~%C3%A4"), location.href);
    assert.match(location.searchParams.get("code") ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
    assert.equal(location.searchParams.get("iss"), place.base);
    assert.equal(location.searchParams.get("kept"), "1");
  });

  test("who is not goes to the pages with the same query, or is refused where nobody may be asked", async () => {
    const place = { ...(await setUp(await open())), cookie: "" };
    const location = await authorize(place, { nonce: "n 1" });
    assert.equal(location.pathname, `/${place.UserPoolId}/login`);
    assert.equal(location.searchParams.get("nonce"), "n 1");
    const none = await authorize(place, { prompt: "none" });
    assert.equal(errorOf(none), "login_required");
    assert.equal(none.searchParams.get("state"), "s1");
    assert.ok(none.href.startsWith(callback));
  });

  test("prompt=login asks again; another pool's cookie is nobody's", async () => {
    const server = await open();
    const place = await setUp(server);
    assert.match((await authorize(place, { prompt: "login" })).pathname, /\/login$/);
    assert.ok((await authorize(place, { prompt: "none" })).searchParams.get("code"));
    const other = await setUp(server);
    const renamed = other.cookie.replace(other.UserPoolId, place.UserPoolId);
    assert.match((await authorize({ ...place, cookie: renamed })).pathname, /\/login$/);
    assert.match((await authorize({ ...place, cookie: other.cookie })).pathname, /\/login$/);
  });

  const endings: Readonly<Record<string, (server: TestServer, place: OAuthPlace) => Promise<unknown>>> = {
    "a global sign-out": ({ client }, { UserPoolId }) =>
      client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username: "ann" })),
    "disabling, also when enabled again": async ({ client }, { UserPoolId }) => {
      await client.send(new AdminDisableUserCommand({ UserPoolId, Username: "ann" }));
      await client.send(new AdminEnableUserCommand({ UserPoolId, Username: "ann" }));
    },
    "a new password": ({ client }, { UserPoolId }) =>
      client.send(
        new AdminSetUserPasswordCommand({
          UserPoolId,
          Username: "ann",
          Password: "Other-Horse-1",
          Permanent: true,
        }),
      ),
    "a second factor that is demanded": (server, place) => turnMfa(server, place, "ON"),
    "an hour": async ({ clock }) => clock.advance(3_600_000),
  };
  for (const [what, end] of Object.entries(endings))
    test(`the session of a browser ends with ${what}`, async () => {
      const server = await open();
      const place = await setUp(server);
      await end(server, place);
      assert.equal(errorOf(await authorize(place, { prompt: "none" })), "login_required");
    });

  test("the implicit grant: tokens in the fragment, no refresh token, the nonce in the ID token", async () => {
    const place = await setUp(await open());
    const location = await authorize(place, { response_type: "token", nonce: "n1", scope: "openid email" });
    assert.equal(location.searchParams.get("access_token"), null);
    const fragment = new URLSearchParams(location.hash.slice(1));
    assert.equal(fragment.get("token_type"), "Bearer");
    assert.equal(fragment.get("expires_in"), "3600");
    assert.equal(fragment.get("state"), "s1");
    assert.equal(fragment.get("refresh_token"), null);
    assert.equal(claimsOf(fragment.get("id_token")!)["nonce"], "n1");
    assert.equal(claimsOf(fragment.get("access_token")!)["scope"], "openid email");
    const alone = await authorize(place, { response_type: "token", scope: "aws.cognito.signin.user.admin" });
    assert.equal(new URLSearchParams(alone.hash.slice(1)).get("id_token"), null);
    const refused = await authorize(place, { response_type: "token", scope: "none" });
    assert.equal(new URLSearchParams(refused.hash.slice(1)).get("error"), "invalid_scope");
  });

  test("what is wrong with a request is told to the client by its redirect URI", async () => {
    const place = await setUp(await open(), { AllowedOAuthFlows: ["code"] });
    const challenge = "x".repeat(43);
    const cases: [Record<string, string | undefined>, string][] = [
      [{ response_type: undefined }, "invalid_request"],
      [{ response_type: "id_token" }, "unsupported_response_type"],
      [{ response_type: "code token" }, "unsupported_response_type"],
      [{ response_type: "toString" }, "unsupported_response_type"],
      [{ response_type: "token" }, "unauthorized_client"],
      [{ scope: "openid unknown" }, "invalid_scope"],
      [{ scope: "email" }, "invalid_scope"],
      [{ code_challenge: challenge }, "invalid_request"],
      [{ code_challenge: challenge, code_challenge_method: "plain" }, "invalid_request"],
      [{ code_challenge_method: "S256" }, "invalid_request"],
      [{ code_challenge: "short", code_challenge_method: "S256" }, "invalid_request"],
      [{ prompt: "none login" }, "invalid_request"],
      [{ prompt: "sometimes" }, "invalid_request"],
      [{ resource: "http://plain.example/" }, "invalid_target"],
      [{ resource: "relative" }, "invalid_target"],
      [{ nonce: "n".repeat(2_000) }, "invalid_request"],
    ];
    for (const [change, error] of cases) {
      const location = await authorize(place, change);
      const parameters = location.hash ? new URLSearchParams(location.hash.slice(1)) : location.searchParams;
      assert.equal(parameters.get("error"), error, JSON.stringify(change));
      assert.equal(parameters.get("state"), "s1");
      assert.equal(parameters.get("iss"), place.base);
      assert.ok(location.href.startsWith(callback.split("?")[0]!), location.href);
    }
    const twice = await authorize(place, {}, "&scope=openid&scope=email");
    assert.equal(errorOf(twice), "invalid_request");
  });

  test("nothing is sent to a redirect URI that is not byte by byte the client's", async () => {
    const server = await open();
    const place = await setUp(server, {
      CallbackURLs: [callback, "myapp://signed-in", "https://app.example/cb"],
    });
    const hostile = [
      `${callback}&more=1`,
      `${callback}#x`,
      callback.toUpperCase(),
      callback.replace("9999", "9998"),
      callback.replace("localhost", "127.0.0.1"),
      callback.replace("localhost", "localhost.evil.example"),
      callback.replace("//", "//evil.example@"),
      "https://app.example/cb/",
      "https://app.example/cb/../evil",
      "https://app.example\\@evil.example/cb",
      "https://app.example/cb%0d%0aSet-Cookie:a=b",
      "https://APP.example/cb",
      "http://app.example/cb",
      "//app.example/cb",
      "myapp://signed-in/",
      "myapp2://signed-in",
      "javascript:alert(1)",
      "",
    ];
    for (const redirect_uri of hostile) {
      const location = await authorize(place, { redirect_uri });
      assert.equal(location.origin + location.pathname, `${place.base}/error`, redirect_uri);
      assert.match(errorOf(location) ?? "", /^(?:redirect_mismatch|invalid_request)$/);
      assert.equal(location.searchParams.get("code"), null);
    }
    const app = await authorize(place, { redirect_uri: "myapp://signed-in" });
    assert.ok(app.href.startsWith("myapp://signed-in?code="), app.href);
  });

  test("clients that are unknown, another pool's, or not for OAuth are told on a page of ours", async () => {
    const server = await open();
    const place = await setUp(server);
    const other = await setUp(server);
    const plain = await setUp(server, { AllowedOAuthFlowsUserPoolClient: false });
    assert.equal(errorOf(await authorize({ ...place, ClientId: "nobody" })), "invalid_client");
    assert.equal(errorOf(await authorize({ ...place, ClientId: other.ClientId })), "invalid_client");
    assert.equal(errorOf(await authorize(plain)), "unauthorized_client");
    assert.equal(errorOf(await authorize(place, { client_id: undefined })), "invalid_request");
    assert.equal(errorOf(await authorize(place, {}, `&client_id=${place.ClientId}`)), "invalid_request");
  });

  test("without a redirect URI the client's default one is taken, where it has one", async () => {
    const server = await open();
    const place = await setUp(server, { DefaultRedirectURI: callback });
    const location = await authorize(place, { redirect_uri: undefined });
    assert.ok(location.href.startsWith(callback));
    const without = await setUp(server);
    assert.match((await authorize(without, { redirect_uri: undefined })).pathname, /\/error$/);
  });

  test("by POST as well; the browser goes on with a GET", async () => {
    const place = await setUp(await open());
    const { ClientId: client_id, cookie, base } = place;
    const body = new URLSearchParams({
      client_id,
      redirect_uri: callback,
      response_type: "code",
      state: "s2",
    });
    const answer = await fetch(`${base}/oauth2/authorize`, {
      method: "POST",
      body,
      headers: { cookie },
      redirect: "manual",
    });
    assert.equal(answer.status, 303);
    const location = new URL(answer.headers.get("location")!);
    assert.ok(location.searchParams.get("code"));
    assert.equal(location.searchParams.get("state"), "s2");
  });

  test("clients that want the standard: max_age is looked at, request objects are refused", async () => {
    const server = await open();
    const place = await setUp(server, {}, { UserPoolTags: { "poolhouse:oidc": "*" } });
    const cookie = await signInBrowser(server, place.UserPoolId, "ann", { age: 100_000 });
    const old = { ...place, cookie };
    assert.ok((await authorize(old, { max_age: "200" })).searchParams.get("code"));
    assert.match((await authorize(old, { max_age: "50" })).pathname, /\/login$/);
    assert.equal(errorOf(await authorize(old, { max_age: "50", prompt: "none" })), "login_required");
    assert.equal(errorOf(await authorize(old, { max_age: "soon" })), "invalid_request");
    assert.equal(errorOf(await authorize(old, { request: "e30.e30." })), "request_not_supported");
    assert.equal(
      errorOf(await authorize(old, { request_uri: "https://a.example/" })),
      "request_uri_not_supported",
    );
  });
});
