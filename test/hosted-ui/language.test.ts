/** The language of the hosted pages: the one asked for is remembered, and applies to every page from then on. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ForgotPasswordCommand, UpdateUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { outgoing } from "../../src/domain/messages/outgoing.ts";
import { recentMessages } from "../../src/store/outbox.ts";
import { makeUser, newAddress, password } from "../kit/people.ts";
import { byAddress, forOneServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { makeApp, newVisitor, queryOf, type Shown } from "./visitor.ts";

const languageOf = ({ text }: Shown) => /<html lang="([\w-]+)"/.exec(text)?.[1];
const cookiesOf = ({ response }: Shown) => response.headers.getSetCookie();

forOneServer("sqlite", "hosted pages: language", (open) => {
  async function setUp(pool: Parameters<typeof makeApp>[1] = {}) {
    const server = await open();
    const app = await makeApp(server, pool);
    return { server, app, visitor: newVisitor(server, app), query: queryOf(app) };
  }

  test("asked for once, it is that of every page: also of errors, and when signed out", async () => {
    const { visitor, query, app } = await setUp();
    const accepts = { "accept-language": "fr" };
    assert.equal(languageOf(await visitor.get(`/login?${query}`, accepts)), "fr");
    const asked = await visitor.get(`/login?${query}&lang=pt`, accepts);
    assert.deepEqual(cookiesOf(asked), ["lang=pt-BR; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax"]);
    const rest = [`/signup?${query}`, `/forgotPassword?${query}`, "/error", "/signedout", "/error?error=x"];
    for (const path of [...rest, `/confirmUser?client_id=${app.ClientId}`]) {
      const shown = await visitor.get(path, accepts);
      assert.equal(languageOf(shown), "pt-BR", path);
      assert.deepEqual(cookiesOf(shown), [], path);
    }
    const refused = await visitor.post(`/login?${query}`, { username: "nobody", password });
    assert.equal(languageOf(refused), "pt-BR");
  });

  test("what a page sends is in its language, unless the pool has words of its own; what the API sends is Cognito's", async () => {
    const { server, app, visitor, query } = await setUp({ AutoVerifiedAttributes: ["email"] });
    const email = newAddress();
    const own = [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ];
    await makeUser(server, app.UserPoolId, "ann", own);
    const sent = async (count: number) => {
      await until("it is delivered", async () => (await server.inbox(email)).length === count);
      return (await server.inbox(email))[0]!;
    };
    await visitor.get(`/forgotPassword?${query}&lang=ar`);
    await visitor.post(`/forgotPassword?${query}`, { username: "ann" });
    const arabic = await sent(1);
    assert.equal(arabic.subject, "رمز إعادة تعيين كلمة المرور");
    assert.match(arabic.body, /^<div dir="rtl">.* \d{6}<\/div>$/);
    await visitor.get(`/forgotPassword?${query}&lang=de`);
    await visitor.post(`/forgotPassword?${query}`, { username: "ann" });
    assert.match((await sent(2)).body, /^Ihr Code für ein neues Passwort lautet \d{6}$/);
    const { ClientId } = app;
    await server.client.send(new ForgotPasswordCommand({ ClientId, Username: "ann" }));
    assert.match((await sent(3)).body, /^Your verification code is \d{6}$/);
    const EmailVerificationMessage = "Ours: {####}";
    const { UserPoolId } = app;
    const AutoVerifiedAttributes = ["email" as const];
    await server.client.send(
      new UpdateUserPoolCommand({ UserPoolId, AutoVerifiedAttributes, EmailVerificationMessage }),
    );
    await visitor.post(`/forgotPassword?${query}`, { username: "ann" });
    assert.match((await sent(4)).body, /^Ours: \d{6}$/);
  });

  test("the parameter goes before the cookie, the cookie before the browser, and English last", async () => {
    const { visitor, query } = await setUp();
    const german = { "accept-language": "de" };
    assert.equal(languageOf(await visitor.get(`/login?${query}&lang=it`, german)), "it");
    assert.equal(languageOf(await visitor.get(`/login?${query}&lang=ja`, german)), "ja");
    assert.equal(visitor.cookies.get("lang"), "ja");
    for (const unknown of ["xx", "", "__proto__", "%01", "ja%0d%0aset-cookie:x=1", "x".repeat(5_000)]) {
      const shown = await visitor.get(`/login?${query}&lang=${unknown}`, german);
      assert.equal(languageOf(shown), "ja", unknown);
      assert.deepEqual(cookiesOf(shown), [], unknown);
    }
    for (const kept of ["xx", '"', "constructor", "%", "zh-Hant-HK"]) {
      visitor.cookies.set("lang", kept);
      const shown = await visitor.get(`/login?${query}`, german);
      assert.equal(languageOf(shown), kept.startsWith("zh") ? "zh-TW" : "de", kept);
    }
    visitor.cookies.delete("lang");
    assert.equal(languageOf(await visitor.get(`/login?${query}`)), "en");
  });

  test("errors of the authorization endpoint come in the language that was asked for", async () => {
    const { server, app, visitor } = await setUp();
    for (const path of ["/oauth2/authorize", "/logout", "/login"]) {
      const { location } = await visitor.get(`${path}?client_id=${app.ClientId}&redirect_uri=x:/y&lang=ko`);
      assert.ok(location.startsWith(`${server.endpoint}/${app.UserPoolId}/error?`), path);
      assert.equal(languageOf(await newVisitor(server, app).get(location)), "ko", path);
    }
  });

  test("ui_locales counts for clients that want the standard, its best known language first", async () => {
    const { server, app, visitor, query } = await setUp();
    const locales = `ui_locales=${encodeURIComponent("se es-MX de")}`;
    assert.equal(languageOf(await visitor.get(`/login?${query}&${locales}`)), "en");
    const { UserPoolId } = app;
    const UserPoolTags = { "poolhouse:oidc": app.ClientId };
    await server.client.send(new UpdateUserPoolCommand({ UserPoolId, UserPoolTags }));
    assert.equal(languageOf(await visitor.get(`/login?${query}&${locales}`)), "es");
    assert.equal(visitor.cookies.get("lang"), "es");
    assert.equal(languageOf(await visitor.get(`/login?${query}&lang=fr&${locales}`)), "fr");
  });

  test("it stays when somebody signs in and out", async () => {
    const { server, app, visitor, query } = await setUp();
    await makeUser(server, app.UserPoolId, "ann");
    await visitor.submit(await visitor.get(`/login?${query}&lang=id`), "/login", {
      username: "ann",
      password,
    });
    assert.equal(languageOf(await visitor.get(`/login?${query}`)), "id");
    await visitor.get("/logout");
    assert.equal(languageOf(await visitor.get("/signedout")), "id");
  });
});

forOneServer(
  "postgres",
  "hosted pages: cookies by https",
  (open) => {
    let reached: TestServer | undefined;
    after(() => reached?.client.destroy());

    test("all cookies are Secure, and the session cookie is bound to its host (__Host-)", async () => {
      const server = byAddress(await open());
      reached = server;
      const app = await makeApp(server);
      await makeUser(server, app.UserPoolId, "ann");
      const visitor = newVisitor(server, app);
      const language = "lang=de; Max-Age=31536000; Path=/; HttpOnly; Secure; SameSite=Lax";
      const path = `/login?${queryOf(app)}&lang=de`;
      assert.deepEqual(cookiesOf(await visitor.get(path)), [language]);
      const fields = { username: "ann", password };
      const signedIn = await visitor.post(path, fields, { origin: "https://id.example.com" });
      const [first, session = "", ...more] = cookiesOf(signedIn);
      assert.deepEqual([first, more], [language, []]);
      const attributes = "Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax";
      assert.match(
        session,
        new RegExp(`^__Host-poolhouse-${app.UserPoolId}=[\\w-]{22}\\.[\\w-]{43}; ${attributes}$`),
      );
    });
  },
  { POOLHOUSE_PUBLIC_URL: "https://id.example.com", POOLHOUSE_EXTRA_HOSTS: "127.0.0.1" },
);

forOneServer(
  "postgres",
  "hosted pages: text messages by https",
  (open) => {
    test("a text message that a page sends is bound to its host", async () => {
      const server = byAddress(await open());
      after(() => server.client.destroy());
      const app = await makeApp(server, { AutoVerifiedAttributes: ["phone_number"] });
      const own = [
        { Name: "phone_number", Value: "+15550100123" },
        { Name: "phone_number_verified", Value: "true" },
      ];
      await makeUser(server, app.UserPoolId, "ann", own);
      const visitor = newVisitor(server, app);
      const page = `/forgotPassword?${queryOf(app)}`;
      await visitor.post(page, { username: "ann" }, { origin: "https://localhost" });
      await server.client.send(new ForgotPasswordCommand({ ClientId: app.ClientId, Username: "ann" }));
      const stored = await recentMessages(server.app.db, server.clock.now, 10);
      const reader = { app: server.app, db: server.app.db };
      const sent = await Promise.all(stored.map((message) => outgoing(reader, message)));
      const texts = sent.map(({ text }) => text.replace(/\d{6}/g, "123456"));
      const code = "Your verification code is 123456";
      assert.deepEqual(texts.toSorted(), [code, `${code}\n\n@localhost #123456`]);
    });
  },
  { POOLHOUSE_PUBLIC_URL: "https://localhost" },
);
