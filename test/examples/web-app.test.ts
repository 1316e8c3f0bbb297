/** examples/web-app in Chromium and from programs: who gets in, who may do what, and how it ends. */
import assert from "node:assert/strict";
import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { after, test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminSetUserPasswordCommand,
  AdminUserGlobalSignOutCommand,
  CreateGroupCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from "jose";
import type { BrowserContext, Page } from "playwright-core";
import { makeClient, makePool } from "../api/people.ts";
import { forEachServer } from "../api/server.ts";
import { findings } from "../browser/accessibility.ts";
import { browse } from "../browser/chromium.ts";
import { type Example, run, setUp, signInAs, signInByApi, start } from "./web-app.ts";

const opened: { close(): unknown }[] = [];
after(async () => {
  for (const one of opened.toReversed()) await one.close();
  await (await browser)?.close();
});

let browser: Promise<BrowserContext> | undefined;

/** A browser in which nobody is signed in, at the first page. */
async function visit(example: Example): Promise<Page> {
  browser ??= browse();
  const context = await browser;
  await context.clearCookies();
  const page = await context.newPage();
  await page.goto(example.settings["APP_URL"]!);
  return page;
}

/** One that has come in by the welcome page. */
async function enter(example: Example, name: string): Promise<Page> {
  const page = await visit(example);
  await page.getByRole("link", { name: "Sign in" }).click();
  await signInAs(page, example, name);
  await page.waitForURL(at(example, "/notices"));
  return page;
}

const at = ({ settings }: Example, path: string) => new URL(path, settings["APP_URL"]).href;
const isAtPool =
  ({ server }: Example) =>
  (url: URL) =>
    url.href.startsWith(`${server.endpoint}/`);
const textOf = async (page: Page, selector: string) => (await page.textContent(selector)) ?? "";
const heading = (page: Page) => textOf(page, "h1");

function ask(example: Example, token: string | undefined, init: RequestInit = {}): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(at(example, "/api/notices"), { ...init, headers: { ...headers, ...init.headers } });
}

const write = (text: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ text }),
});

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** The claims of a token, some of them changed, signed by another key. */
function forge(token: string, change: JWTPayload, header: object, key: KeyObject): Promise<string> {
  const genuine = decodeProtectedHeader(token);
  return new SignJWT({ ...decodeJwt(token), ...change })
    .setProtectedHeader({ ...genuine, alg: "RS256", ...header })
    .sign(key);
}

forEachServer("examples/web-app", (open, database) => {
  let made: Promise<Example> | undefined;
  async function example(): Promise<Example> {
    const server = await open();
    made ??= (async () => {
      const fresh = await setUp(server);
      const child = await start(fresh, "server.ts");
      opened.push({ close: () => child.kill() });
      return fresh;
    })();
    return made;
  }

  test("who is signed out is sent to sign in; readers read; and all of it without script", async () => {
    const app = await example();
    const context = await browse({ javaScriptEnabled: false });
    opened.push(context);
    const page = await context.newPage();
    await page.goto(at(app, "/notices"));
    assert.ok(isAtPool(app)(new URL(page.url())), page.url());
    const asked = new URL(page.url()).searchParams;
    for (const name of ["state", "nonce", "code_challenge"]) assert.ok(asked.get(name), name);
    await signInAs(page, app, "rita");
    await page.waitForURL(at(app, "/notices"));
    assert.equal(await heading(page), "Notices");
    assert.match(await textOf(page, "main"), /lift/);
    assert.match(await textOf(page, "header"), /rita\s*readers/);
    assert.equal(await page.locator("textarea").count(), 0);
  });

  test("editors write, and what they write is text", async () => {
    const app = await example();
    const page = await enter(app, "eddy");
    await page.getByLabel("New notice").fill('Cake at <b>four</b> & "five" in eddy\'s room');
    await page.getByRole("button", { name: "Put it up" }).click();
    const newest = await textOf(page, ".notices li:last-child");
    assert.equal(newest, 'Cake at <b>four</b> & "five" in eddy\'s roomeddy');
    // The browser's session is good for the API as well.
    const answer = await page.request.get(at(app, "/api/notices"));
    assert.match(await answer.text(), /Cake at/);
  });

  test("a reader's browser may not write, nor a user without a group read", async () => {
    const app = await example();
    const reader = await enter(app, "rita");
    const origin = new URL(app.settings["APP_URL"]!).origin;
    const refused = await reader.request.post(at(app, "/notices"), {
      form: { text: "mine" },
      headers: { origin },
    });
    assert.equal(refused.status(), 403);
    const nobody = await enter(app, "nora");
    assert.equal(await heading(nobody), "Not for you");
    assert.doesNotMatch(await nobody.content(), /lift/);
    assert.equal((await nobody.reload())?.status(), 403);
  });

  test("a form of another website does nothing", async () => {
    const app = await example();
    const page = await enter(app, "eddy");
    const before = await (await page.request.get(at(app, "/api/notices"))).text();
    for (const headers of [{ origin: "http://localhost:1" }, { origin: "null" }, {}])
      for (const path of ["/notices", "/api/notices", "/sign-out"]) {
        const sent = await page.request.post(at(app, path), { form: { text: "not his" }, headers });
        assert.equal(sent.status(), 403, `${path} ${JSON.stringify(headers)}`);
      }
    assert.equal(await (await page.request.get(at(app, "/api/notices"))).text(), before);
  });

  test("an answer that this browser has not asked for is refused", async () => {
    const app = await example();
    const page = await visit(app);
    const stranger = await page.goto(at(app, "/callback?code=x&state=y"));
    assert.equal(stranger?.status(), 400);
    await page.goto(at(app, "/sign-in"));
    const state = new URL(page.url()).searchParams.get("state")!;
    const iss = app.settings["ISSUER"]!;
    for (const query of [
      { code: "x", state: `${state}x`, iss },
      { code: "not-a-code", state, iss },
      { error: "access_denied", state, iss },
    ]) {
      await page.goto(at(app, "/sign-in"));
      const fresh = new URL(page.url()).searchParams.get("state")!;
      const sent = { ...query, state: query.state === state ? fresh : query.state };
      const answer = await page.goto(at(app, `/callback?${new URLSearchParams(sent)}`));
      assert.equal(answer?.status(), 400, JSON.stringify(query));
      assert.equal(await heading(page), "Sign-in did not work");
    }
    await page.goto(at(app, "/notices"));
    assert.ok(isAtPool(app)(new URL(page.url())), page.url());
  });

  /**
   * A browser whose access token has expired: by the pool's clock the token of five minutes is new, by the
   * application's it is too old. The pool's clock is right again before the token is used.
   */
  async function enterLate(app: Example, name: string): Promise<Page> {
    const { clock } = app.server;
    const late = 6 * 60_000;
    clock.advance(-late);
    const page = await visit(app);
    await page.getByRole("link", { name: "Sign in" }).click();
    const { promise, resolve } = Promise.withResolvers<string>();
    await page.route(isAtPool(app), async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      const answer = await route.fetch({ maxRedirects: 0 });
      resolve(answer.headers()["location"]!);
      await route.fulfill({ status: 204 });
    });
    await signInAs(page, app, name);
    const entered = await page.request.get(await promise, { maxRedirects: 0 });
    assert.equal(entered.headers()["location"], "/notices");
    clock.advance(late);
    return page;
  }

  test("an access token that has expired is replaced: the groups are those of today", async () => {
    const app = await example();
    const { client } = app.server;
    const move = { UserPoolId: app.settings["USER_POOL_ID"], Username: "nora", GroupName: "readers" };
    const page = await enterLate(app, "nora");
    await client.send(new AdminAddUserToGroupCommand(move));
    const answers = await Promise.all([1, 2, 3].map(() => page.request.get(at(app, "/api/notices"))));
    assert.deepEqual(
      answers.map((answer) => answer.status()),
      [200, 200, 200],
    );
    await page.goto(at(app, "/notices"));
    assert.match(await textOf(page, "header"), /nora\s*readers/);
    await client.send(new AdminRemoveUserFromGroupCommand(move));
  });

  test("who was signed out by an administrator is let in no further than the token in use goes", async () => {
    const app = await example();
    const page = await enterLate(app, "nora");
    const UserPoolId = app.settings["USER_POOL_ID"];
    await app.server.client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username: "nora" }));
    assert.equal((await page.request.get(at(app, "/api/notices"))).status(), 401);
    await page.goto(at(app, "/notices"));
    assert.equal(await page.locator("#password").count(), 1);
  });

  async function openFamilies({ server, settings }: Example): Promise<number> {
    const { open } = await server.app.db.kysely
      .selectFrom("token_families")
      .select((select) => select.fn.countAll().as("open"))
      .where("client_id", "=", settings["CLIENT_ID"]!)
      .where("revoked_at", "is", null)
      .executeTakeFirstOrThrow();
    return Number(open);
  }

  test("sign-out ends the session here and at the pool, and the back button shows nothing", async () => {
    const app = await example();
    const page = await enter(app, "rita");
    const cookies = await page.context().cookies(app.settings["APP_URL"]);
    const before = await openFamilies(app);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(at(app, "/"));
    assert.equal(await heading(page), "Welcome");
    assert.equal(await openFamilies(app), before - 1, "the refresh token is revoked");
    await page.goBack();
    assert.doesNotMatch(await page.content(), /lift|rita/);
    await page.goto(at(app, "/notices"));
    assert.equal(await page.locator("#password").count(), 1, "the pool asks again");
    await page.context().addCookies(cookies);
    assert.equal((await page.request.get(at(app, "/api/notices"))).status(), 401);
  });

  test("a program that signed in by the API of administrators has its user's rights", async () => {
    const app = await example();
    for (const AuthFlow of ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"] as const) {
      const tokens = await Promise.all(
        ["rita", "eddy", "nora"].map((name) => signInByApi(app, name, { AuthFlow })),
      );
      const [rita, eddy, nora] = tokens.map(({ AccessToken }) => AccessToken);
      const statuses = async (token: string | undefined) => [
        (await ask(app, token)).status,
        (await ask(app, token, write(`by ${AuthFlow}`))).status,
      ];
      assert.deepEqual(await statuses(rita), [200, 403]);
      assert.deepEqual(await statuses(eddy), [200, 201]);
      assert.deepEqual(await statuses(nora), [403, 403]);
      const { notices } = (await (await ask(app, rita)).json()) as { notices: object[] };
      assert.deepEqual(notices.at(-1), { text: `by ${AuthFlow}`, by: "eddy" });
    }
    assert.match((await run(app, "call-api.ts", "rita")).stdout, /^200 \{"notices":/);
    assert.match((await run(app, "call-api.ts", "rita", "Hello")).stdout, /^403 /);
    assert.match(
      (await run(app, "call-api.ts", "eddy", "Hello")).stdout,
      /^201 \{"text":"Hello","by":"eddy"\}/,
    );
  });

  test("the API refuses what is no notice", async () => {
    const app = await example();
    const { AccessToken } = await signInByApi(app, "eddy");
    for (const text of [undefined, 1, "", "  ", "x".repeat(281), { text: "x" }])
      assert.equal((await ask(app, AccessToken, write(text))).status, 400, JSON.stringify(text));
    const broken = await ask(app, AccessToken, { ...write(""), body: "{" });
    assert.equal(broken.status, 400);
    assert.equal((await ask(app, AccessToken, write("x".repeat(200_000)))).status, 413);
  });

  test("the API refuses every token that is not a live access token for it", async () => {
    const app = await example();
    const { server, settings } = app;
    const genuine = await signInByApi(app, "eddy");
    const token = genuine.AccessToken!;
    assert.equal((await ask(app, token)).status, 200);
    const [header, , signature] = token.split(".");
    const changed = { ...decodeJwt(token), username: "rita" };
    const claims = Buffer.from(JSON.stringify(changed)).toString("base64url");
    const unsigned = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    const refused: Record<string, string> = {
      nothing: "",
      "no token": "eddy",
      "an ID token": genuine.IdToken!,
      "a refresh token": genuine.RefreshToken!,
      "other claims": `${header}.${claims}.${signature}`,
      "no signature": `${header}.${claims}.`,
      "alg none": `${unsigned}.${claims}.`,
      "a key of its own": await forge(token, {}, {}, privateKey),
      "an unknown key": await forge(token, {}, { kid: "mine" }, privateKey),
      "the public key for a secret": await forge(
        token,
        {},
        { alg: "HS256" },
        createSecretKey(Buffer.from(settings["ACCESS_TOKEN_JWK"]!)),
      ),
      "another client": await tokenOfOtherClient(app),
      "another pool": await tokenOfOtherPool(app),
      expired: await expiredToken(app),
    };
    for (const [what, wrong] of Object.entries(refused)) {
      const answer = await ask(app, wrong);
      assert.equal(answer.status, 401, what);
      assert.equal(answer.headers.get("www-authenticate"), 'Bearer error="invalid_token"', what);
      assert.deepEqual(await answer.json(), { error: "invalid_token" });
    }
    const none = await ask(app, undefined);
    assert.equal(none.status, 401);
    assert.equal(none.headers.get("www-authenticate"), "Bearer");
    // The clock of the last one stands right again.
    assert.ok(Math.abs(server.clock.now - Date.now()) < 60_000);
  });

  // What pages look like does not depend on the database.
  if (database === "sqlite")
    test("no page breaks WCAG 2.2 AA, in light and dark, wide and narrow", async () => {
      const app = await example();
      const page = await visit(app);
      const look = async (name: string) => {
        for (const width of [320, 1280])
          for (const colorScheme of ["light", "dark"] as const) {
            await page.setViewportSize({ width, height: 800 });
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
            assert.deepEqual(await findings(page), [], `${name} ${width} ${colorScheme}`);
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            assert.equal(overflow, 0, `${name} is wider than ${width}px`);
          }
      };
      assert.equal(await heading(page), "Welcome");
      await look("welcome");
      await page.goto(at(app, "/callback"));
      await look("refused");
      await page.goto(at(app, "/sign-in"));
      await signInAs(page, app, "eddy");
      await page.waitForURL(at(app, "/notices"));
      await look("notices");
    });
});

/** Of the same pool and user. */
async function tokenOfOtherClient(app: Example): Promise<string> {
  const UserPoolId = app.settings["USER_POOL_ID"]!;
  const { ClientId } = await makeClient(app.server, UserPoolId, {
    ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
  });
  return (await signInByApi(app, "eddy", { ClientId })).AccessToken!;
}

/** Of a user of the same name in a group of the same name, and a client of the same id as ours would not help either. */
async function tokenOfOtherPool(app: Example): Promise<string> {
  const { client } = app.server;
  const Password = app.settings["USERS_PASSWORD"]!;
  const { UserPoolId, ClientId } = await makePool(
    app.server,
    {},
    { ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] },
  );
  const eddy = { UserPoolId, Username: "eddy" };
  await client.send(new AdminCreateUserCommand({ ...eddy, MessageAction: "SUPPRESS" }));
  await client.send(new AdminSetUserPasswordCommand({ ...eddy, Password, Permanent: true }));
  await client.send(new CreateGroupCommand({ UserPoolId, GroupName: "editors" }));
  await client.send(new AdminAddUserToGroupCommand({ ...eddy, GroupName: "editors" }));
  return (await signInByApi(app, "eddy", { UserPoolId, ClientId })).AccessToken!;
}

/** The tokens of scripts live for an hour. */
async function expiredToken(app: Example): Promise<string> {
  const { clock } = app.server;
  const longAgo = 61 * 60_000;
  clock.advance(-longAgo);
  try {
    return (await signInByApi(app, "eddy")).AccessToken!;
  } finally {
    clock.advance(longAgo);
  }
}
