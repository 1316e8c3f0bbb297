/** Sign-in at the hosted pages, from the authorization request to tokens, by forms only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDisableUserCommand,
  AdminResetUserPasswordCommand,
  AdminUserGlobalSignOutCommand,
  GetUserCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeUser, newAddress, password, verifiedMail } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { callback, codeIn, makeApp, newVisitor, queryOf, rawState, redeem } from "./visitor.ts";

forEachServer("hosted pages: sign-in", (open) => {
  async function setUp(client: Parameters<typeof makeApp>[2] = {}) {
    const server = await open();
    const app = await makeApp(server, { AutoVerifiedAttributes: ["email"] }, client);
    await makeUser(server, app.UserPoolId, "ann", verifiedMail());
    const visitor = newVisitor(server, app);
    const query = queryOf(app);
    const login = async (username: string, secret = password, by = query) =>
      visitor.submit(await visitor.get(`/login?${by}`), "/login", { username, password: secret });
    return { server, app, visitor, query, login };
  }

  test("from the authorization request to tokens", async () => {
    const { server, app, visitor } = await setUp();
    const query = queryOf(app, { nonce: "n-1" });
    const sent = await visitor.get(`/oauth2/authorize?${query}`);
    assert.equal(sent.location, `${server.endpoint}/${app.UserPoolId}/login?${query}`);
    const login = await visitor.get(sent.location);
    assert.equal(login.status, 200);
    assert.equal(login.title, "Sign in to Notes");
    assert.equal(login.forms[0]?.action, `/${app.UserPoolId}/login?${query}`);
    const done = await visitor.submit(login, "/login", { username: " ann ", password });
    const tokens = await redeem(server, app, codeIn(done));
    const AccessToken = tokens["access_token"] as string;
    const user = await server.client.send(new GetUserCommand({ AccessToken }));
    assert.equal(user.Username, "ann");
    const cookie = done.response.headers.getSetCookie().join();
    assert.match(cookie, /; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/);
    // The browser is signed in now.
    const again = await visitor.get(`/oauth2/authorize?${query}`);
    assert.match(again.location, /[?&]code=/);
  });

  test("who is signed in goes on by a button, or as somebody else", async () => {
    const { server, app, visitor, query, login } = await setUp();
    await login("ann");
    const asked = await visitor.get(`/login?${query}`);
    assert.equal(asked.title, "Welcome back – Notes");
    assert.match(asked.text, /You are signed in as user-\w+@mail\.example\./);
    assert.match(asked.text, /<button class="primary">Continue<\/button>/);
    const done = await visitor.submit(asked, "/login");
    assert.ok((await redeem(server, app, codeIn(done)))["access_token"]);
    const other = await visitor.post(`/login?${query}`, { another: "1" });
    assert.equal(other.title, "Sign in to Notes");
    const afresh = await visitor.get(`/login?${queryOf(app, { prompt: "login" })}`);
    assert.equal(afresh.title, "Sign in to Notes");
    const forced = await visitor.post(`/login?${queryOf(app, { prompt: "login" })}`, { continue: "1" });
    assert.equal(forced.status, 200);
    assert.equal(forced.title, "Sign in to Notes");
    // After signing out everywhere, the cookie is no longer valid.
    await server.client.send(
      new AdminUserGlobalSignOutCommand({ UserPoolId: app.UserPoolId, Username: "ann" }),
    );
    assert.equal((await visitor.submit(asked, "/login")).title, "Sign in to Notes");
  });

  test("a wrong password, or nobody's name: the same sentence, and the name stays", async () => {
    const { login } = await setUp({ PreventUserExistenceErrors: "ENABLED" });
    const wrong = await login("ann", "Wrong-Password-1");
    assert.equal(wrong.status, 200);
    assert.equal(wrong.title, "Error: Sign in to Notes");
    assert.match(wrong.text, /id="password-error">Incorrect username or password/);
    assert.match(wrong.text, /name="username"[^>]*value="ann"/);
    assert.match(
      wrong.text,
      /name="password"[^>]*value=""[^>]*autofocus aria-invalid="true" aria-describedby="password-error"/,
    );
    const nobody = await login("nobody", "Wrong-Password-1");
    const same = (text: string, name: string) =>
      text.replaceAll(name, "NAME").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID");
    assert.equal(same(nobody.text, "nobody"), same(wrong.text, "ann"));
    assert.match((await login("", password)).text, /id="username-error">Enter your username/);
    assert.match((await login("ann", "")).text, /id="password-error">Enter a password/);
  });

  test("a client that tells who exists, tells it here", async () => {
    const { login } = await setUp({ PreventUserExistenceErrors: "LEGACY" });
    assert.match((await login("nobody")).text, /id="username-error">We couldn’t find this account/);
  });

  test("accounts that cannot sign in yet, or no more", async () => {
    const { server, app, login } = await setUp();
    const named = { UserPoolId: app.UserPoolId, Username: "ann" };
    await server.client.send(
      new SignUpCommand({
        ClientId: app.ClientId,
        Username: "una",
        Password: password,
        UserAttributes: [{ Name: "email", Value: newAddress() }],
      }),
    );
    const unconfirmed = await login("una");
    assert.equal(unconfirmed.title, "Confirm your account – Notes");
    assert.match(unconfirmed.text, /name="username"[^>]*value="una"/);
    await server.client.send(new AdminResetUserPasswordCommand(named));
    const reset = await login("ann");
    assert.equal(reset.title, "Choose a new password – Notes");
    assert.match(reset.text, /role="status">Your password must be changed/);
    await server.client.send(new AdminDisableUserCommand(named));
    assert.doesNotMatch((await login("ann")).location, /code=/);
  });

  test("a Session that has run out begins again, and a refusal goes back to the application", async () => {
    const { app, visitor } = await setUp();
    const refused = await visitor.get(`/login?${queryOf(app, { scope: "nothing" })}`);
    assert.equal(refused.status, 302);
    assert.match(refused.location, /^https:\/\/app\.example\/callback\?keep=1&error=invalid_scope&/);
    assert.ok(refused.location.endsWith(`&state=${rawState}`));
    const posted = await visitor.post(`/login?${queryOf(app, { scope: "nothing" })}`, {});
    assert.equal(posted.status, 303);
    const elsewhere = queryOf(app).replace(encodeURIComponent(callback), "https%3A%2F%2Fevil.example%2F");
    for (const shown of [
      await visitor.get(`/login?${elsewhere}`),
      await visitor.post(`/login?${elsewhere}`, { username: "ann", password }),
    ]) {
      const { pathname, searchParams } = new URL(shown.location);
      assert.equal(pathname, `/${app.UserPoolId}/error`);
      assert.equal(searchParams.get("error"), "redirect_mismatch");
      assert.equal(searchParams.get("client_id"), app.ClientId);
    }
  });

  test("login_hint fills in the name, lang and Accept-Language choose the words", async () => {
    const { app, visitor } = await setUp();
    const hinted = await visitor.get(`/login?${queryOf(app, { login_hint: "a&b<c" })}`);
    assert.match(hinted.text, /name="username"[^>]*value="a&amp;b&lt;c"/);
    const german = await visitor.get(`/login?${queryOf(app)}`, {
      "accept-language": "fr-XX;q=0, de-AT, en;q=0.5",
    });
    assert.match(german.text, /<html lang="de" dir="ltr">/);
    assert.equal(german.title, "Bei Notes anmelden");
    const arabic = await visitor.get(`/login?${queryOf(app, { lang: "ar" })}`, { "accept-language": "de" });
    assert.match(arabic.text, /<html lang="ar" dir="rtl">/);
    visitor.cookies.clear();
    const unknown = await visitor.get(`/login?${queryOf(app, { lang: "xx" })}`);
    assert.match(unknown.text, /<html lang="en" dir="ltr">/);
  });
});
