/** /oauth2/userInfo, /logout and the published metadata over the wire. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDisableUserCommand,
  AdminUserGlobalSignOutCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeUser, signIn } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import {
  authorize,
  callback,
  goodbye,
  newCode,
  type OAuthPlace,
  post,
  redeem,
  setUp,
  signInBrowser,
} from "./support.ts";

const errorIn = (location: URL) => location.searchParams.get("error");

async function tokens(place: OAuthPlace, scope: string) {
  const { body } = await redeem(place, await newCode(place, { scope }));
  return { access: String(body["access_token"]), id: String(body["id_token"]) };
}

async function userInfo({ base }: Pick<OAuthPlace, "base">, token?: string) {
  const answer = await fetch(`${base}/oauth2/userInfo`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const challenge = answer.headers.get("www-authenticate");
  return { status: answer.status, challenge, body: (await answer.json()) as Record<string, unknown> };
}

forOneServer("sqlite", "userInfo", (open) => {
  test("claims by scope: verified as texts for Cognito's clients", async () => {
    const place = await setUp(await open());
    const all = await userInfo(place, (await tokens(place, "openid")).access);
    assert.equal(all.status, 200);
    const { sub, ...rest } = all.body;
    assert.match(String(sub), /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      username: "ann",
      address: "1 Main Street",
      email: "ann@example.com",
      email_verified: "true",
      name: "Ann Example",
      phone_number: "+15550001111",
    });
    const email = await userInfo(place, (await tokens(place, "openid email")).access);
    assert.deepEqual(Object.keys(email.body).sort(), ["email", "email_verified", "sub", "username"]);
  });

  test("by the standard: openid alone tells nothing, verified is a boolean, POST works", async () => {
    const place = await setUp(await open(), {}, { UserPoolTags: { "poolhouse:oidc": "*" } });
    const alone = await userInfo(place, (await tokens(place, "openid")).access);
    assert.deepEqual(Object.keys(alone.body).sort(), ["sub", "username"]);
    const { access } = await tokens(place, "openid email");
    assert.equal((await userInfo(place, access)).body["email_verified"], true);
    const posted = await post(place, { access_token: access }, { path: "/oauth2/userInfo" });
    assert.equal(posted.body["email"], "ann@example.com");
    const header = { authorization: `Bearer ${access}` };
    const byHeader = await fetch(`${place.base}/oauth2/userInfo`, { method: "POST", headers: header });
    assert.equal(byHeader.status, 200);
    const both = await fetch(`${place.base}/oauth2/userInfo`, {
      method: "POST",
      headers: header,
      body: new URLSearchParams({ access_token: access }),
    });
    assert.equal(both.status, 400);
  });

  test("refused: none, forged, an ID token, another pool's, without openid, revoked, of a disabled user", async () => {
    const server = await open();
    const place = await setUp(server);
    const none = await userInfo(place);
    assert.equal(none.status, 400);
    assert.match(none.challenge ?? "", /error="invalid_request"/);
    const good = await tokens(place, "openid aws.cognito.signin.user.admin");
    const stranger = await setUp(server);
    const [head, body, signature = ""] = good.access.split(".");
    const forged = `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    for (const token of [forged, good.id, "x.y.z", (await tokens(stranger, "openid")).access]) {
      const { status, challenge } = await userInfo(place, token);
      assert.equal(status, 401, token);
      assert.match(challenge ?? "", /error="invalid_token"/);
    }
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    const api = await userInfo(place, AccessToken);
    assert.equal(api.status, 401);
    const openidMissing = 'error_description="Access token does not contain openid scope"';
    assert.equal(api.challenge, `Bearer error="invalid_token", ${openidMissing}`);
    const strict = await setUp(server, {}, { UserPoolTags: { "poolhouse:oidc": "*" } });
    const { AccessToken: bare } = await signIn(server, strict.ClientId, "ann");
    const standard = await userInfo(strict, bare);
    assert.equal(standard.status, 403);
    assert.equal(standard.challenge, `Bearer error="insufficient_scope", ${openidMissing}`);
    const named = { UserPoolId: place.UserPoolId, Username: "ann" };
    const later = await tokens(place, "openid");
    await server.client.send(new AdminUserGlobalSignOutCommand(named));
    assert.equal((await userInfo(place, later.access)).status, 401);
    const strangers = await tokens(stranger, "openid");
    await server.client.send(new AdminDisableUserCommand({ ...named, UserPoolId: stranger.UserPoolId }));
    assert.equal((await userInfo(stranger, strangers.access)).status, 401);
  });
});

forOneServer("sqlite", "signing out of the browser", (open) => {
  async function leave(place: OAuthPlace, parameters: Record<string, string>) {
    const url = `${place.base}/logout?${new URLSearchParams(parameters)}`;
    const answer = await fetch(url, { redirect: "manual", headers: { cookie: place.cookie } });
    assert.equal(answer.status, 302);
    const isStill = (await authorize(place, { prompt: "none" })).searchParams.has("code");
    return { location: answer.headers.get("location") ?? "", isStill };
  }

  test("Cognito's two forms", async () => {
    const server = await open();
    const first = await setUp(server);
    const away = await leave(first, { client_id: first.ClientId, logout_uri: goodbye });
    assert.deepEqual(away, { location: goodbye, isStill: false });
    const second = await setUp(server);
    const form = { client_id: second.ClientId, response_type: "code", redirect_uri: callback, state: "s" };
    const again = await leave(second, form);
    assert.ok(again.location.startsWith(`${second.base}/login?client_id=`), again.location);
    assert.equal(again.isStill, false);
  });

  test("by the standard: with a hint, however old, and a state", async () => {
    const server = await open();
    const place = await setUp(server);
    const { id } = await tokens(place, "openid");
    server.clock.advance(30 * 60_000);
    const hinted = { id_token_hint: id, post_logout_redirect_uri: goodbye, state: "a b" };
    assert.deepEqual(await leave(place, hinted), { location: `${goodbye}?state=a+b`, isStill: false });
    const gone = await leave(place, {});
    assert.deepEqual(gone, { location: `${place.base}/signedout`, isStill: false }, "nobody is asked");
  });

  test("by the standard without a hint of the signed-in user: a page asks, and its form signs out", async () => {
    const server = await open();
    const place = await setUp(server);
    await makeUser(server, place.UserPoolId, "bob");
    const bob = { ...place, cookie: await signInBrowser(server, place.UserPoolId, "bob") };
    const { id } = await tokens(bob, "openid");
    const to = { client_id: place.ClientId, post_logout_redirect_uri: goodbye, state: "a b" };
    const asking: Record<string, string>[] = [
      {},
      { state: "x" },
      { client_id: place.ClientId },
      to,
      { ...to, id_token_hint: id },
      { id_token_hint: id },
    ];
    for (const parameters of asking) {
      const query = new URLSearchParams(parameters);
      const asked = await leave(place, parameters);
      assert.deepEqual(asked, { location: `${place.base}/signout?${query}`, isStill: true });
      const at = { ...place, cookie: await signInBrowser(server, place.UserPoolId, "ann") };
      const send = (method: string, headers: Record<string, string>) =>
        fetch(`${place.base}/signout?${query}`, {
          method,
          redirect: "manual",
          headers: { cookie: at.cookie, ...headers },
        });
      const page = await send("GET", {});
      const text = await page.text();
      assert.equal(page.status, 200);
      assert.match(text, /<h1>Do you want to sign out\?<\/h1>/);
      assert.match(text, /You are signed in as \u2068ann@example\.com\u2069\./);
      assert.equal((await send("POST", { origin: "https://evil.example" })).status, 403);
      assert.ok(
        (await authorize(at, { prompt: "none" })).searchParams.has("code"),
        "not by a form of another site",
      );
      const done = await send("POST", { origin: new URL(place.base).origin });
      const back = "post_logout_redirect_uri" in parameters;
      const expected = back ? `${goodbye}?state=a+b` : `${place.base}/signedout`;
      assert.deepEqual([done.status, done.headers.get("location")], [303, expected]);
      assert.match(done.headers.getSetCookie().join(), /Max-Age=0/);
      assert.equal(errorIn(await authorize(at, { prompt: "none" })), "login_required");
      const again = await send("GET", {});
      assert.equal(
        again.headers.get("location"),
        `${place.base}/logout?${query}`,
        "nobody is signed in any more",
      );
    }
    const wrong = await fetch(
      `${place.base}/signout?${new URLSearchParams({ ...to, post_logout_redirect_uri: "x:/y" })}`,
      {
        redirect: "manual",
        headers: { cookie: place.cookie },
      },
    );
    assert.match(wrong.headers.get("location") ?? "", /\/error\?error=redirect_mismatch/);
  });

  test("a part of a page, a script or a prefetch signs nobody out", async () => {
    const server = await open();
    const place = await setUp(server);
    const leaving = new URLSearchParams({ client_id: place.ClientId, logout_uri: goodbye });
    const send = async (headers: Record<string, string>, method = "GET") => {
      const url = `${place.base}/logout${method === "GET" ? `?${leaving}` : ""}`;
      const body = method === "GET" ? null : leaving;
      const answer = await fetch(url, {
        method,
        body,
        redirect: "manual",
        headers: { cookie: place.cookie, ...headers },
      });
      const isStill = (await authorize(place, { prompt: "none" })).searchParams.has("code");
      return { status: answer.status, cookies: answer.headers.getSetCookie(), isStill };
    };
    const dests = [
      "image",
      "empty",
      "script",
      "style",
      "font",
      "audio",
      "video",
      "track",
      "manifest",
      "worker",
    ];
    for (const dest of [
      ...dests,
      "sharedworker",
      "serviceworker",
      "object",
      "embed",
      "report",
      "xslt",
      "json",
    ])
      for (const site of ["same-origin", "same-site", "cross-site"])
        for (const method of ["GET", "POST"]) {
          const answer = await send({ "sec-fetch-dest": dest, "sec-fetch-site": site }, method);
          assert.deepEqual(answer, { status: 400, cookies: [], isStill: true }, `${method} ${dest} ${site}`);
        }
    const ahead = { "sec-fetch-dest": "document", "sec-purpose": "prefetch;prerender" };
    assert.deepEqual(await send(ahead), { status: 400, cookies: [], isStill: true });
    assert.deepEqual(await send({ purpose: "prefetch" }), { status: 400, cookies: [], isStill: true });
    const shown = await send({ "sec-fetch-dest": "document", "sec-fetch-site": "cross-site" });
    assert.deepEqual([shown.status, shown.isStill], [302, false]);
  });

  test("what is not registered, or contradicts itself, signs nobody out", async () => {
    const server = await open();
    const place = await setUp(server);
    const other = await setUp(server);
    const { id } = await tokens(other, "openid");
    const own = await tokens(place, "openid");
    const cases: Record<string, string>[] = [
      { client_id: place.ClientId, logout_uri: `${goodbye}/` },
      { client_id: place.ClientId, logout_uri: "https://evil.example/" },
      { client_id: place.ClientId, logout_uri: callback },
      { client_id: place.ClientId, redirect_uri: goodbye, response_type: "code" },
      { client_id: "nobody", logout_uri: goodbye },
      { logout_uri: goodbye },
      { id_token_hint: id, post_logout_redirect_uri: goodbye },
      { id_token_hint: `${own.id}x`, post_logout_redirect_uri: goodbye },
      { id_token_hint: own.access, post_logout_redirect_uri: goodbye },
      { id_token_hint: own.id, client_id: other.ClientId, post_logout_redirect_uri: goodbye },
      { id_token_hint: own.id, post_logout_redirect_uri: "https://evil.example/" },
    ];
    for (const parameters of cases) {
      const { location, isStill } = await leave(place, parameters);
      assert.ok(location.startsWith(`${place.base}/error?`), location);
      assert.equal(isStill, true, JSON.stringify(parameters));
    }
  });
});

forOneServer("sqlite", "published metadata", (open) => {
  test("names every endpoint, at three addresses", async () => {
    const { base, server, UserPoolId } = await setUp(await open());
    const wellKnown = [
      `${base}/.well-known/openid-configuration`,
      `${base}/.well-known/oauth-authorization-server`,
      `${server.endpoint}/.well-known/oauth-authorization-server/${UserPoolId}`,
    ];
    for (const url of wellKnown) {
      const answer = await fetch(url);
      assert.equal(answer.headers.get("access-control-allow-origin"), "*");
      const metadata = (await answer.json()) as Record<string, unknown>;
      assert.equal(metadata["issuer"], base);
      assert.equal(metadata["authorization_endpoint"], `${base}/oauth2/authorize`);
      assert.deepEqual(metadata["code_challenge_methods_supported"], ["S256"]);
      for (const [name, value] of Object.entries(metadata)) {
        if (!name.endsWith("_endpoint") && name !== "jwks_uri") continue;
        // Whatever it requires, it exists.
        const { status } = await fetch(String(value), { method: "GET", redirect: "manual" });
        assert.notEqual(status, 404, name);
      }
    }
  });
});
