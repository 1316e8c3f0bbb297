/** What ends a browser session, and the codes issued through it, in pools that track sessions and in others. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ChangePasswordCommand, GetUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { track } from "../api/tracking.ts";
import { giveSoftwareToken, totp, turnMfa } from "../kit/factors.ts";
import { makeUser, password, signIn } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import {
  type App,
  callback,
  makeApp,
  newVisitor,
  queryOf,
  redeem,
  type Shown,
  type Visitor,
} from "./visitor.ts";

const newPassword = "Other-Horse-8";

async function enter(visitor: Visitor, app: App, username: string): Promise<Shown> {
  const page = await visitor.get(`/login?${queryOf(app, { prompt: "login" })}`);
  return visitor.submit(page, "/login", { username, password });
}

async function login(visitor: Visitor, app: App, username = "ann"): Promise<string> {
  const done = await enter(visitor, app, username);
  return new URL(done.location).searchParams.get("code") ?? assert.fail(done.location || done.text);
}

const silent = (visitor: Visitor, app: App) =>
  visitor.get(`/oauth2/authorize?${queryOf(app, { prompt: "none" })}`);
const isLetIn = async (visitor: Visitor, app: App) =>
  new URL((await silent(visitor, app)).location).searchParams.has("code");

/** A browser that keeps a copy of another's current cookies. */
function copyOf(server: TestServer, app: App, visitor: Visitor): Visitor {
  const copy = newVisitor(server, app);
  for (const [name, value] of visitor.cookies) copy.cookies.set(name, value);
  return copy;
}

async function errorOf(server: TestServer, app: App, code: string): Promise<unknown> {
  const body = { grant_type: "authorization_code", client_id: app.ClientId, code, redirect_uri: callback };
  const url = `${server.endpoint}/${app.UserPoolId}/oauth2/token`;
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(body) });
  return ((await answer.json()) as Record<string, unknown>)["error"];
}

const modes = { "a pool without tracking": false, "a pool that tracks sessions": true };

forEachServer("endings of browsers' sessions", (open) => {
  for (const [mode, tracks] of Object.entries(modes)) {
    const setUp = async () => {
      const server = await open();
      const flows = { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] as const };
      const app = await makeApp(server, {}, { ExplicitAuthFlows: [...flows.ExplicitAuthFlows] });
      if (tracks) await track(server, app.UserPoolId);
      await makeUser(server, app.UserPoolId, "ann");
      await makeUser(server, app.UserPoolId, "bob");
      const change = (AccessToken: string) =>
        server.client.send(
          new ChangePasswordCommand({
            AccessToken,
            PreviousPassword: password,
            ProposedPassword: newPassword,
          }),
        );
      return { server, app, change };
    };

    test(`ChangePassword ends the user's sessions in every browser: ${mode}`, async () => {
      const { server, app, change } = await setUp();
      const ann = newVisitor(server, app);
      const code = await login(ann, app);
      const bob = newVisitor(server, app);
      await login(bob, app, "bob");
      const { AccessToken } = await signIn(server, app.ClientId, "ann");
      await change(AccessToken);
      const { location } = await silent(ann, app);
      assert.match(location, /error=login_required/);
      assert.equal(await errorOf(server, app, code), "invalid_grant");
      assert.equal(await isLetIn(bob, app), true);
      // Tokens from the API stay valid, as with Cognito.
      await server.client.send(new GetUserCommand({ AccessToken }));
    });

    test(`the browser that changed the password: ${mode}`, async () => {
      const { server, app, change } = await setUp();
      const own = newVisitor(server, app);
      const tokens = await redeem(server, app, await login(own, app));
      const other = newVisitor(server, app);
      await login(other, app);
      await change(String(tokens["access_token"]));
      // The browser of the request is known if sessions are tracked; otherwise it has to sign in again as well.
      assert.equal(await isLetIn(own, app), tracks);
      assert.equal(await isLetIn(other, app), false);
    });

    test(`a sign-in takes the place of what the browser had before, also another user's: ${mode}`, async () => {
      const { server, app } = await setUp();
      for (const then of ["ann", "bob"]) {
        const visitor = newVisitor(server, app);
        await login(visitor, app);
        const former = copyOf(server, app, visitor);
        await login(visitor, app, then);
        assert.equal(await isLetIn(former, app), false, then);
        assert.equal(await isLetIn(visitor, app), true, then);
      }
    });

    test(`sign-ins of one browser at the same moment: /logout ends them all: ${mode}`, async () => {
      const { server, app } = await setUp();
      const visitor = newVisitor(server, app);
      await login(visitor, app);
      const tabs = Array.from({ length: 4 }, () => copyOf(server, app, visitor));
      await Promise.all(tabs.map((tab, at) => enter(tab, app, at % 2 === 0 ? "ann" : "bob")));
      const secrets = new Set(tabs.map((tab) => [...tab.cookies.values()].join()));
      assert.equal(secrets.size, 4);
      // The cookie that the browser ends up with need not be that of the last sign-in.
      const asked = await tabs[0]!.get(`/logout?client_id=${app.ClientId}`);
      // Only the one that is signed in is asked.
      if (/\/signout\?/.test(asked.location))
        await tabs[0]!.submit(await tabs[0]!.get(asked.location), "/signout");
      for (const tab of [visitor, ...tabs.slice(1)]) assert.equal(await isLetIn(tab, app), false);
    });

    test(`/logout ends what the browser's session has given out and nobody has redeemed: ${mode}`, async () => {
      const { server, app } = await setUp();
      const visitor = newVisitor(server, app);
      const redeemed = await redeem(server, app, await login(visitor, app));
      const { location } = await silent(visitor, app);
      const code = new URL(location).searchParams.get("code") ?? assert.fail(location);
      const other = newVisitor(server, app);
      const others = await login(other, app);
      await visitor.submit(await visitor.get(`/signout?client_id=${app.ClientId}`), "/signout");
      assert.equal(await errorOf(server, app, code), "invalid_grant");
      // No token ends with it, and no other browser session.
      await server.client.send(new GetUserCommand({ AccessToken: String(redeemed["access_token"]) }));
      await redeem(server, app, others);
    });

    test(`a code goes on while its session does, past the next sign-in of the same user: ${mode}`, async () => {
      const { server, app } = await setUp();
      const visitor = newVisitor(server, app);
      const code = await login(visitor, app);
      const second = await login(visitor, app);
      await redeem(server, app, code);
      await login(visitor, app, "bob");
      assert.equal(await errorOf(server, app, second), "invalid_grant");
    });
  }

  test("a sign-in at the pages that began with the former password ends in nothing", async () => {
    const server = await open();
    const app = await makeApp(server, {}, { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] });
    await turnMfa(server, app, "OPTIONAL");
    await makeUser(server, app.UserPoolId, "ann");
    const { AccessToken } = await signIn(server, app.ClientId, "ann");
    const secret = await giveSoftwareToken(server, AccessToken);
    server.clock.advance(61_000);
    const visitor = newVisitor(server, app);
    const asked = await enter(visitor, app, "ann");
    const change = { AccessToken, PreviousPassword: password, ProposedPassword: newPassword };
    await server.client.send(new ChangePasswordCommand(change));
    const done = await visitor.submit(asked, "/challenge", { code: totp(secret, server.clock.now) });
    const code = URL.canParse(done.location) ? new URL(done.location).searchParams.get("code") : null;
    if (code !== null) assert.equal(await errorOf(server, app, code), "invalid_grant");
    assert.equal(await isLetIn(visitor, app), false);
  });

  test("/logout ends a session that a server of before has written, whose cookie has no secret apart", async () => {
    const server = await open();
    const app = await makeApp(server);
    await makeUser(server, app.UserPoolId, "ann");
    const visitor = newVisitor(server, app);
    await login(visitor, app);
    const { db } = server.app;
    const [cookieName] = [...visitor.cookies.keys()].filter((name) => !/lang/.test(name));
    const old = "a-cookie-of-before";
    visitor.cookies.set(cookieName!, old);
    const sessions = () =>
      db.kysely.selectFrom("browser_sessions").selectAll().where("pool_id", "=", app.UserPoolId).execute();
    await db.kysely
      .updateTable("browser_sessions")
      .set({ session_hash: createHash("sha256").update(old).digest("base64url"), browser_hash: null })
      .where("pool_id", "=", app.UserPoolId)
      .execute();
    assert.equal((await sessions()).length, 1);
    await visitor.get(`/logout?client_id=${app.ClientId}`);
    assert.deepEqual(await sessions(), []);
  });

  test("POST /logout goes on by GET, with which the browser sends its cookie", async () => {
    const server = await open();
    const app = await makeApp(server);
    await makeUser(server, app.UserPoolId, "ann");
    const visitor = newVisitor(server, app);
    await login(visitor, app);
    const form = {
      client_id: app.ClientId,
      post_logout_redirect_uri: "https://app.example/none",
      state: "a b",
    };
    // From another site the form arrives without the cookie.
    const elsewhere = await newVisitor(server, app).post("/logout", form, { origin: "https://app.example" });
    assert.equal(elsewhere.status, 303);
    const to = `${server.endpoint}/${app.UserPoolId}/logout`;
    assert.equal(elsewhere.location, `${to}?${new URLSearchParams(form)}`);
    assert.equal(elsewhere.response.headers.getSetCookie().length, 0);
    const posted = await newVisitor(server, app).post("/logout", { client_id: app.ClientId });
    const asked = await visitor.get((await visitor.get(posted.location)).location);
    const left = await visitor.submit(asked, "/signout");
    assert.match(left.location, /\/signedout$/);
    assert.equal(visitor.cookies.size, 0);
  });

  test("the page that asks calls users by what they sign in with", async () => {
    const server = await open();
    const names = { phone_number: "+15550001111", email: "ann@example.com" } as const;
    for (const [kind, name] of Object.entries(names)) {
      const app = await makeApp(server, { UsernameAttributes: [kind as keyof typeof names] });
      const attributes = Object.entries(names).map(([Name, Value]) => ({ Name, Value }));
      await makeUser(server, app.UserPoolId, name, attributes);
      const visitor = newVisitor(server, app);
      await login(visitor, app, name);
      const { location } = await visitor.get(`/logout?client_id=${app.ClientId}`);
      const { text } = await visitor.get(location);
      for (const other of Object.values(names)) assert.equal(text.includes(other), other === name, kind);
    }
  });
});
