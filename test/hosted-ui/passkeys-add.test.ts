/** /passkeys/add by plain forms: who may add a passkey, to which account, and where they return. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminUserGlobalSignOutCommand,
  CompleteWebAuthnRegistrationCommand,
  ListWebAuthnCredentialsCommand,
  StartWebAuthnRegistrationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { Authenticator } from "../kit/authenticator.ts";
import { makeUser, password, refused, signIn } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { makeOwner, makePasskeyApp } from "./passkeys.ts";
import { type App, callback, codeIn, dataOf, makeApp, newVisitor, queryOf, type Shown } from "./visitor.ts";

/** The page's URL as an application gives it; the state would be changed by encoding it again. */
const addQuery = (app: App) =>
  `${new URLSearchParams({ client_id: app.ClientId, redirect_uri: callback })}&state=a%2fb+c`;
const back = `${callback}&state=a%2fb+c`;
const failed = /role="alert"[^>]*>The passkey was not accepted\. Try again\./;

forOneServer("postgres", "hosted pages: adding a passkey", (open) => {
  async function setUp() {
    const server = await open();
    const app = await makePasskeyApp(server);
    await makeUser(server, app.UserPoolId, "ann");
    const visitor = newVisitor(server, app);
    const origin = new URL(server.endpoint).origin;
    /** Signs in where the page sends users who are not signed in. */
    const come = async (username = "ann"): Promise<Shown> => {
      const sent = await visitor.get(`/passkeys/add?${addQuery(app)}`);
      const login = await visitor.get(`${origin}${sent.location}`);
      const asked = await visitor.submit(login, "/login", { username });
      const choice = asked.forms[0]?.fields["challenge"] === "SELECT_CHALLENGE";
      const page = choice ? await visitor.submit(asked, "/challenge", { answer: "PASSWORD" }) : asked;
      const done = await visitor.submit(page, "/login", { password });
      assert.equal(done.status, 303, done.text);
      return visitor.get(done.location);
    };
    const begin = async (page: Shown) => {
      const shown = await visitor.submit(page, "/passkeys/add");
      return { shown, options: JSON.parse(dataOf(shown, "passkey-make")) };
    };
    const finish = (page: Shown, credential: unknown) =>
      visitor.submit(page, "/passkeys/add", { credential: JSON.stringify(credential) });
    return { server, app, visitor, origin, come, begin, finish };
  }

  test("who is not signed in does so first, comes back, adds one, and goes on to the application", async () => {
    const { server, app, visitor, origin, come, begin, finish } = await setUp();
    const page = await come();
    assert.equal(page.title, "Add a passkey – Notes");
    assert.match(page.text, /You are signed in as ann\./);
    assert.ok(page.text.includes(`href="${back.replaceAll("&", "&amp;")}"`), page.text);
    assert.doesNotMatch(page.text, /Your passkeys/);
    const { shown, options } = await begin(page);
    assert.equal(options.rp.id, "localhost");
    assert.equal(options.authenticatorSelection.residentKey, "required");
    const authenticator = new Authenticator(origin);
    const done = await finish(shown, authenticator.create(options));
    assert.match(done.text, /role="status">Your passkey is ready to use/);
    assert.match(done.text, /<li><bdi>Passkey<\/bdi>/);
    assert.ok(
      done.text.includes(`class="button primary" href="${back.replaceAll("&", "&amp;")}"`),
      done.text,
    );
    const { AccessToken } = await signIn(server, app.ClientId, "ann");
    const listed = await server.client.send(new ListWebAuthnCredentialsCommand({ AccessToken }));
    assert.deepEqual(
      listed.Credentials?.map(({ CredentialId }) => CredentialId),
      [authenticator.id.toString("base64url")],
    );
    // And it works for signing in.
    visitor.cookies.clear();
    const offered = dataOf(await visitor.get(`/login?${queryOf(app)}`), "passkey-autofill");
    const credential = authenticator.use(offered);
    codeIn(await visitor.post(`/login?${queryOf(app)}`, { credential }));
    // The sign-in is recent, so nothing is asked, and the passkey is not created twice.
    const again = await begin(await visitor.get(`/passkeys/add?${addQuery(app)}`));
    assert.deepEqual(
      again.options.excludeCredentials.map(({ id }: { id: string }) => id),
      [authenticator.id.toString("base64url")],
    );
    assert.match((await finish(again.shown, authenticator.create(again.options))).text, failed);
  });

  test("a sign-in of more than fifteen minutes ago does not do", async () => {
    const { server, app, visitor, come, begin, finish } = await setUp();
    const { shown, options } = await begin(await come());
    server.clock.advance(15 * 60_000 + 1);
    const late = await finish(shown, new Authenticator(server.endpoint).create(options));
    assert.equal(late.location, `/${app.UserPoolId}/login?${addQuery(app)}&to=passkeys/add`);
    const login = await visitor.get(`${server.endpoint}${late.location}`);
    assert.equal(login.title, "Sign in to Notes");
    assert.equal(
      (await visitor.post(`/login?${addQuery(app)}&to=passkeys/add`, { continue: "1" })).title,
      "Sign in to Notes",
    );
    // For an application it is enough, and the page offers to continue there.
    assert.equal((await visitor.get(`/login?${queryOf(app)}`)).title, "Welcome back – Notes");
    const added = await come();
    assert.equal(added.title, "Add a passkey – Notes");
    await server.client.send(
      new AdminUserGlobalSignOutCommand({ UserPoolId: app.UserPoolId, Username: "ann" }),
    );
    assert.equal((await visitor.submit(added, "/passkeys/add")).status, 303);
  });

  test('"Use another account" leads to a sign-in and back to adding a passkey', async () => {
    const { app, visitor, origin, come } = await setUp();
    const page = await come();
    const [, link = ""] = /<a href="([^"]+)">Use another account/.exec(page.text) ?? [];
    const login = await visitor.get(`${origin}${link.replaceAll("&amp;", "&")}`);
    assert.equal(login.title, "Sign in to Notes");
    const asked = await visitor.submit(login, "/login", { username: "ann" });
    const done = await visitor.submit(asked, "/login", { password });
    assert.equal(done.location, `${origin}/${app.UserPoolId}/passkeys/add?${addQuery(app)}`);
  });

  test("it leads back to what the client has registered, and a sign-in leads nowhere else", async () => {
    const { app, visitor } = await setUp();
    const error = (shown: Shown) => {
      const { pathname, searchParams } = new URL(shown.location);
      assert.equal(pathname, `/${app.UserPoolId}/error`);
      return searchParams.get("error");
    };
    const query = addQuery(app);
    const wrong: [string, string][] = [
      [query.replace("keep%3D1", "keep%3D2"), "redirect_mismatch"],
      [`${query}&redirect_uri=https%3A%2F%2Fevil.example`, "invalid_request"],
      [query.replace(app.ClientId, "nobody"), "invalid_client"],
      [query.replace(/redirect_uri=[^&]*&/, ""), "invalid_request"],
      ["", "invalid_request"],
    ];
    for (const [bad, code] of wrong) {
      assert.equal(error(await visitor.get(`/passkeys/add?${bad}`)), code, bad);
      assert.equal(error(await visitor.post(`/passkeys/add?${bad}`, {})), code, bad);
      assert.equal(error(await visitor.get(`/login?${bad}&to=passkeys/add`)), code, bad);
    }
    for (const to of ["//evil.example", "https://evil.example", "/oauth2/authorize", "passkeys/add/../x"]) {
      const shown = await visitor.get(`/login?${query}&to=${to}`);
      assert.ok(shown.location.startsWith(`${callback}&error=invalid_request`), shown.location);
    }
  });

  test("what does not fit adds nothing", async () => {
    const { server, app, visitor, origin, come, begin, finish } = await setUp();
    await makeUser(server, app.UserPoolId, "bob");
    const page = await come();
    const add = async (make: (options: never) => unknown) => {
      const { shown, options } = await begin(page);
      return finish(shown, make(options as never));
    };
    const wrong: Record<string, (options: never) => unknown> = {
      "another origin": (options) => new Authenticator("https://evil.example").create(options),
      "another port of this machine": (options) => new Authenticator("http://localhost:1").create(options),
      "below the relying party": (options) =>
        new Authenticator(origin.replace("localhost", "evil.localhost")).create(options),
      "another relying party": (options: object) =>
        new Authenticator(origin).create({ ...options, rp: { id: "evil.example" } }),
      "another challenge": (options: object) =>
        new Authenticator(origin).create({ ...options, challenge: "bWFkZSB1cA" }),
      nothing: () => undefined,
      "an empty object": () => ({}),
    };
    for (const [name, make] of Object.entries(wrong)) {
      const shown = await add(make);
      assert.match(shown.text, failed, name);
      assert.equal(shown.title, "Error: Add a passkey – Notes", name);
    }
    // A challenge belongs to one user and is valid once; the newest one counts.
    const { shown, options } = await begin(page);
    const made = new Authenticator(origin).create(options);
    const bob = await signIn(server, app.ClientId, "bob");
    const bobs = { AccessToken: bob.AccessToken, Credential: made as never };
    await assert.rejects(
      server.client.send(new CompleteWebAuthnRegistrationCommand(bobs)),
      refused("WebAuthnChallengeNotFoundException"),
    );
    const newer = await begin(page);
    assert.match((await finish(shown, made)).text, failed);
    server.clock.advance(5 * 60_000);
    assert.match((await finish(shown, new Authenticator(origin).create(newer.options))).text, failed);
    assert.doesNotMatch((await visitor.get(`/passkeys/add?${addQuery(app)}`)).text, /Your passkeys/);
    const foreign = await visitor.post(
      `/passkeys/add?${addQuery(app)}`,
      { make: "1" },
      { origin: "https://evil.example" },
    );
    assert.equal(foreign.status, 403);
  });

  test("twenty passkeys are as many as an account has", async () => {
    const { server, app, origin, come, visitor } = await setUp();
    const page = await come();
    const { AccessToken } = await signIn(server, app.ClientId, "ann");
    for (let made = 0; made < 20; made++) {
      const begun = await server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken }));
      const Credential = new Authenticator(origin).create(begun.CredentialCreationOptions) as never;
      await server.client.send(new CompleteWebAuthnRegistrationCommand({ AccessToken, Credential }));
    }
    const refused = await visitor.submit(page, "/passkeys/add");
    assert.match(refused.text, /role="alert"[^>]*>This account has 20 passkeys, and cannot have more/);
    const shown = await visitor.get(`/passkeys/add?${addQuery(app)}`);
    assert.equal(shown.text.match(/<li>/g)?.length, 20);
  });

  test("a pool whose users do not sign in by passkeys says so, and asks nobody to sign in", async () => {
    const server = await open();
    const app = await makeApp(server);
    const visitor = newVisitor(server, app);
    for (const shown of [
      await visitor.get(`/passkeys/add?${addQuery(app)}`),
      await visitor.post(`/passkeys/add?${addQuery(app)}`, { make: "1" }),
    ]) {
      assert.equal(shown.status, 200);
      assert.match(shown.text, /Passkeys cannot be used here/);
      assert.ok(shown.text.includes(`href="${back.replaceAll("&", "&amp;")}"`));
    }
  });

  test("after a sign-in by password nobody is made to add one", async () => {
    const { app, visitor } = await setUp();
    const asked = await visitor.submit(await visitor.get(`/login?${queryOf(app)}`), "/login", {
      username: "ann",
    });
    codeIn(await visitor.submit(asked, "/login", { password }));
  });

  test("a passkey of another user of the pool stays theirs", async () => {
    const { server, app, come, begin, finish } = await setUp();
    const { authenticator } = await makeOwner(server, app, "eve");
    const { shown, options } = await begin(await come());
    assert.match((await finish(shown, authenticator.create(options))).text, failed);
  });
});
