/** Creating an account and recovering one at the hosted pages, by forms only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminGetUserCommand, SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { turnMfa } from "../kit/factors.ts";
import { attributesOf, makeUser, newAddress, password } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { codeIn, makeApp, newVisitor, queryOf, redeem } from "./visitor.ts";

const required = (...names: string[]) => names.map((Name) => ({ Name, Required: true }));

forEachServer("hosted pages: sign-up and recovery", (open) => {
  async function setUp(pool: Parameters<typeof makeApp>[1] = {}, client: Parameters<typeof makeApp>[2] = {}) {
    const server = await open();
    const app = await makeApp(server, { AutoVerifiedAttributes: ["email"], ...pool }, client);
    const visitor = newVisitor(server, app);
    const query = queryOf(app);
    const signUp = async (fields: Record<string, string>) =>
      visitor.submit(await visitor.get(`/signup?${query}`), "/signup", fields);
    const person = async (Username: string) =>
      server.client.send(new AdminGetUserCommand({ UserPoolId: app.UserPoolId, Username }));
    return { server, app, visitor, query, signUp, person };
  }

  test("from sign-up to tokens, with the code that was sent", async () => {
    const { server, app, visitor, signUp, person } = await setUp({ Schema: required("email", "given_name") });
    const email = newAddress();
    const asked = await signUp({ username: "una", email, given_name: "Una", password });
    assert.equal(asked.title, "Confirm your account – Notes");
    assert.match(asked.text, /We sent a code to u\*\*\*@m\*\*\*/);
    const wrong = await visitor.submit(asked, "/confirmUser", { code: "nonsense" });
    assert.match(wrong.text, /id="code-error">Incorrect code/);
    const done = await visitor.submit(wrong, "/confirmUser", { code: await server.code(email) });
    assert.ok((await redeem(server, app, codeIn(done)))["refresh_token"]);
    const user = await person("una");
    assert.equal(user.UserStatus, "CONFIRMED");
    assert.equal(attributesOf(user.UserAttributes)["email_verified"], "true");
    assert.equal(attributesOf(user.UserAttributes)["given_name"], "Una");
  });

  test("the code alone, in another browser, confirms but does not sign in", async () => {
    const { server, app, query, signUp, person } = await setUp();
    const email = newAddress();
    await signUp({ username: "una", email, password });
    const other = newVisitor(server, app);
    const page = await other.get(
      `/confirmUser?${query}&user_name=una&confirmation_code=${await server.code(email)}`,
    );
    assert.equal((await person("una")).UserStatus, "UNCONFIRMED", "a GET changes nothing");
    const done = await other.submit(page, "/confirmUser");
    assert.equal(done.title, "Sign in to Notes");
    assert.match(done.text, /role="status">Your account is confirmed/);
    assert.deepEqual(done.response.headers.getSetCookie(), []);
    assert.equal((await person("una")).UserStatus, "CONFIRMED");
  });

  test("a link confirms without an authorization request, once its button is pressed", async () => {
    const { server, app, visitor, signUp, person } = await setUp();
    const email = newAddress();
    await signUp({ username: "una", email, password });
    const link = new URLSearchParams({ client_id: app.ClientId, user_name: "una", lang: "de" });
    const again = await visitor.submit(await visitor.get(`/confirmUser?${link}`), "/resendcode");
    assert.match(again.text, /role="status">Wir haben einen neuen Code an/);
    link.set("confirmation_code", await server.code(email));
    const page = await visitor.get(`/confirmUser?${link}`);
    assert.equal((await person("una")).UserStatus, "UNCONFIRMED");
    assert.match(page.response.headers.get("content-security-policy") ?? "", /; form-action 'self'$/);
    const done = await visitor.submit(page, "/confirmUser");
    assert.equal(done.title, "Konto bestätigt – Notes");
    assert.equal((await person("una")).UserStatus, "CONFIRMED");
    const twice = await visitor.submit(page, "/confirmUser");
    assert.match(twice.text, /role="alert"[^>]*>Dieses Konto ist bereits bestätigt/);
    for (const query of ["", "client_id=nobody", `client_id=${(await makeApp(server)).ClientId}`])
      assert.match((await visitor.get(`/confirmUser?${query}`)).location, /\/error\?error=invalid_/);
  });

  test("the Session of one sign-up does not sign in another user", async () => {
    const { server, visitor, signUp } = await setUp();
    const [one, two] = [newAddress(), newAddress()];
    const first = await signUp({ username: "one", email: one, password });
    await signUp({ username: "two", email: two, password });
    const fields = { username: "two", code: await server.code(two) };
    const done = await visitor.submit(first, "/confirmUser", fields);
    assert.equal(done.title, "Sign in to Notes");
    assert.equal(done.location, "");
  });

  test("where a second factor is demanded, the confirmed go on to the sign-in page", async () => {
    const { server, app, visitor, signUp } = await setUp();
    await turnMfa(server, app, "ON");
    const email = newAddress();
    const asked = await signUp({ username: "una", email, password });
    const done = await visitor.submit(asked, "/confirmUser", { code: await server.code(email) });
    assert.match(done.text, /role="status">Your account is confirmed/);
  });

  test("what is wrong stands at its field, and what was typed stays but the password", async () => {
    const { app, server, signUp } = await setUp({ Schema: required("email", "phone_number", "birthdate") });
    const fields = {
      username: "una",
      email: newAddress(),
      phone_number: "+1 (555) 010-0123",
      birthdate: "1990-01-01",
    };
    const weak = await signUp({ ...fields, password: "nosymbol1A" });
    assert.equal(weak.title, "Error: Create an account for Notes");
    assert.match(weak.text, /id="password-error">Add a symbol\./);
    for (const [name, value] of Object.entries(fields)) assert.equal(weak.forms[0]?.fields[name], value);
    assert.equal(weak.forms[0]?.fields["password"], "");
    const inputs = {
      email: 'type="email" value="" autocomplete="email"',
      phone_number: 'type="tel" value="" autocomplete="tel"',
      birthdate: 'type="date" value="" autocomplete="bday"',
      password: 'type="password" value="" autocomplete="new-password"',
    };
    const blank = await newVisitor(server, app).get(`/signup?${queryOf(app)}`);
    for (const [name, input] of Object.entries(inputs))
      assert.ok(blank.text.includes(`id="${name}" name="${name}" ${input}`), name);
    const told = async (more: Record<string, string>) =>
      (await signUp({ ...fields, password, ...more })).text;
    assert.match(await told({ phone_number: "12" }), /id="phone_number-error">Enter the phone number with/);
    assert.match(await told({ email: "nobody" }), /id="email-error">This is not an email address/);
    assert.match(await told({ birthdate: "yesterday" }), /id="birthdate-error">This cannot be used here/);
    assert.match(await told({ birthdate: "" }), /id="birthdate-error">/);
    assert.match(await told({ username: "a b" }), /id="username-error">This username cannot be used/);
    assert.match(await told({ username: "" }), /id="username-error">/);
    assert.match(await told({ password: "" }), /id="password-error">Enter a password/);
    await signUp({ ...fields, password });
    assert.match(await told({}), /id="username-error">This username is taken/);
  });

  test("the rules of a password are a list, in every language", async () => {
    const PasswordPolicy = { MinimumLength: 7, RequireNumbers: true, RequireSymbols: true };
    const { visitor, query } = await setUp({ Policies: { PasswordPolicy } });
    for (const lang of ["en", "ja", "ko", "zh-CN", "zh-TW", "ar"]) {
      const { text } = await visitor.get(`/signup?${query}&lang=${lang}`);
      const items = [...text.matchAll(/<li data-pattern="([^"]*)">([^<]*)</g)];
      assert.deepEqual(
        items.map(([, pattern]) => pattern!.replaceAll("&quot;", '"').replaceAll("&gt;", ">").slice(0, 7)),
        ["^.{7,}$", "[0-9]", "[\\^$*.["],
        lang,
      );
      for (const [, , rule] of items) assert.notEqual(rule!.trim(), "", lang);
    }
  });

  test("where people sign in by an address, no page speaks of a username", async () => {
    for (const [attribute, label, user] of [
      ["email", "Email address", newAddress()],
      ["phone_number", "Phone number", "+15550100177"],
    ] as const) {
      const { server, app, visitor, query } = await setUp({
        UsernameAttributes: [attribute],
        AutoVerifiedAttributes: [attribute],
      });
      const pages = await Promise.all(
        ["/login", "/signup", "/forgotPassword", "/confirmForgotPassword", "/confirmUser"].map((path) =>
          visitor.get(`${path}?${query}`),
        ),
      );
      const login = await visitor.post(`/login?${query}`, { username: user, password: "Wrong-Password-1" });
      const asked = await visitor.submit(pages[1]!, "/signup", { username: user, password });
      assert.equal(asked.title, "Confirm your account – Notes");
      const in_ = await visitor.submit(asked, "/confirmUser", { code: await server.code(user) });
      assert.ok(codeIn(in_));
      const taken = await visitor.submit(pages[1]!, "/signup", { username: user, password });
      assert.match(taken.text, /id="username-error">Another account uses this address/);
      const welcome = await visitor.get(`/login?${query}`);
      assert.ok(welcome.text.includes(user), welcome.text);
      const link = `/confirmUser?client_id=${app.ClientId}&user_name=some-id&confirmation_code=1`;
      const bad = await visitor.submit(await visitor.get(link), "/confirmUser");
      for (const { text, title } of [...pages, login, asked, taken, welcome, bad]) {
        const said = text.replaceAll(/<[^>]*>/g, " ");
        assert.doesNotMatch(said, /username|some-id/i, title);
      }
      for (const { text, title } of pages) assert.ok(text.includes(label), title);
    }
  });

  test("pools whose users are called by an address ask for it once", async () => {
    const { server, app, visitor, signUp } = await setUp({
      UsernameAttributes: ["email"],
      Schema: required("email"),
    });
    const email = newAddress();
    const blank = await visitor.get(`/signup?${queryOf(app)}`);
    assert.deepEqual(Object.keys(blank.forms[0]?.fields ?? {}), ["username", "password"]);
    const asked = await signUp({ username: email, password });
    const done = await visitor.submit(asked, "/confirmUser", { code: await server.code(email) });
    assert.ok((await redeem(server, app, codeIn(done)))["id_token"]);
  });

  test("where only administrators make accounts there is no form, and none is taken", async () => {
    const { visitor, query } = await setUp({ AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } });
    assert.doesNotMatch((await visitor.get(`/login?${query}`)).text, /\/signup\?/);
    const page = await visitor.get(`/signup?${query}`);
    assert.deepEqual(page.forms, []);
    assert.match(page.text, /New accounts are created by an administrator/);
    const posted = await visitor.post(`/signup?${query}`, { username: "una", email: newAddress(), password });
    assert.match(posted.text, /role="alert"[^>]*>New accounts are created by an administrator/);
  });

  test("a code is sent again", async () => {
    const { server, app, visitor, query } = await setUp();
    const email = newAddress();
    const UserAttributes = [{ Name: "email", Value: email }];
    await server.client.send(
      new SignUpCommand({ ClientId: app.ClientId, Username: "una", Password: password, UserAttributes }),
    );
    const login = await visitor.get(`/login?${query}`);
    const waiting = await visitor.submit(login, "/login", { username: "una", password });
    const again = await visitor.submit(waiting, "/resendcode");
    assert.match(again.text, /role="status">We sent a new code to u\*\*\*@m\*\*\*/);
    assert.equal((await server.inbox(email)).length, 2);
    const done = await visitor.submit(again, "/confirmUser", { code: await server.code(email) });
    assert.equal(done.title, "Sign in to Notes");
  });

  test("a forgotten password, by name or by address", async () => {
    const { server, app, visitor, query } = await setUp({ AliasAttributes: ["email"] });
    const email = newAddress();
    await makeUser(server, app.UserPoolId, "ann", [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ]);
    const before = newVisitor(server, app);
    await before.submit(await before.get(`/login?${query}`), "/login", { username: "ann", password });
    const page = await visitor.get(`/forgotPassword?${query}`);
    assert.match(page.text, /<label for="username">Username or email address<\/label>/);
    const sent = await visitor.submit(page, "/forgotPassword", { username: email });
    assert.match(sent.text, /If this account exists, we sent a code to u\*\*\*@m\*\*\*/);
    const weak = await visitor.submit(sent, "/confirmForgotPassword", { code: "123456", password: "short" });
    assert.match(weak.text, /id="password-error">This password is too short/);
    assert.match(weak.text, /name="code"[^>]*value="123456"/);
    const chosen = { code: await server.code(email), password: "Chosen-Anew-7" };
    const wrong = await visitor.submit(weak, "/confirmForgotPassword", { ...chosen, code: "000000" });
    assert.match(wrong.text, /id="code-error">/);
    const done = await visitor.submit(wrong, "/confirmForgotPassword", chosen);
    assert.match(done.text, /role="status">Your password has been changed/);
    const back = await visitor.submit(done, "/login", { password: chosen.password });
    assert.ok((await redeem(server, app, codeIn(back)))["id_token"]);
    // Sessions from the old password have ended.
    assert.equal((await before.get(`/login?${query}`)).title, "Sign in to Notes");
  });

  test("nobody is told whether an account exists", async () => {
    const { server, app, visitor, query } = await setUp({}, { PreventUserExistenceErrors: "ENABLED" });
    await makeUser(server, app.UserPoolId, "uma", [
      { Name: "email", Value: newAddress() },
      { Name: "email_verified", Value: "true" },
    ]);
    const ask = async (username: string) => {
      const page = await visitor.get(`/forgotPassword?${query}`);
      const { text } = await visitor.submit(page, "/forgotPassword", { username });
      return text.replaceAll(username, "NAME").replace(/[a-z]\*{3}@[a-z]\*{3}/g, "SOMEWHERE");
    };
    assert.equal(await ask("nobody"), await ask("uma"));
  });

  test("where administrators reset passwords, nobody else does", async () => {
    const RecoveryMechanisms = [{ Name: "admin_only", Priority: 1 }] as never;
    const { visitor, query } = await setUp({ AccountRecoverySetting: { RecoveryMechanisms } });
    assert.doesNotMatch((await visitor.get(`/login?${query}`)).text, /\/forgotPassword\?/);
    const posted = await visitor.post(`/forgotPassword?${query}`, { username: "ann" });
    assert.match(posted.text, /role="alert"[^>]*>Passwords are reset by an administrator/);
  });
});
