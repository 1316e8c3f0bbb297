/** examples/web-app/passport.ts: passport-oauth2 at the sign-in page itself, and the API called with the user's token. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DeleteUserPoolClientCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, Page } from "playwright-core";
import { browse } from "../kit/chromium.ts";
import { forOneServer } from "../kit/server.ts";
import { answerTo, type Example, openFamilies, setUp, signInAs, start } from "./web-app.ts";

const opened: { close(): unknown }[] = [];
let browser: Promise<BrowserContext> | undefined;
after(async () => {
  for (const one of opened.toReversed()) await one.close();
  await (await browser)?.close();
});

async function run(example: Example, name: string, change: Readonly<Record<string, string>> = {}) {
  const child = await start(example, name, change);
  opened.push({ close: () => child.kill() });
}

/** Signs in, in a browser in which nobody is signed in. */
async function enter(example: Example, name: string): Promise<Page> {
  browser ??= browse();
  const context = await browser;
  await context.clearCookies();
  const page = await context.newPage();
  await page.goto(example.settings["PASSPORT_URL"]!);
  assert.equal(await page.textContent("h1"), "Welcome");
  await page.getByRole("link", { name: "Sign in" }).click();
  const address = new URL(page.url());
  assert.equal(`${address.origin}${address.pathname}`, `${example.settings["POOL_URL"]}/login`);
  await signInAs(page, example, name);
  await page.waitForURL((url) => url.port === new URL(example.settings["PASSPORT_URL"]!).port);
  return page;
}

forOneServer("postgres", "examples/web-app with passport", (open) => {
  let made: Promise<Example> | undefined;
  const example = () => {
    made ??= (async () => {
      const fresh = await setUp(await open());
      await Promise.all(["server.ts", "passport.ts"].map((name) => run(fresh, name)));
      return fresh;
    })();
    return made;
  };

  let other: Promise<Example> | undefined;
  /** The application alone, in a pool of its own, with the key of the pool's ID tokens. */
  const withWrongKey = () => {
    other ??= (async () => {
      const mistaken = await setUp((await example()).server);
      const published = await fetch(`${mistaken.settings["ISSUER"]}/.well-known/jwks.json`);
      const { keys } = (await published.json()) as { keys: { kid: string }[] };
      const pinned = JSON.parse(mistaken.settings["ACCESS_TOKEN_JWK"]!) as { kid: string };
      const others = keys.filter(({ kid }) => kid !== pinned.kid);
      assert.equal(others.length, 1, "one key for ID tokens, one for access tokens");
      await run(mistaken, "passport.ts", { ACCESS_TOKEN_JWK: JSON.stringify(others[0]) });
      return mistaken;
    })();
    return other;
  };

  test("a reader sees what the API gives; without a group there is nothing", async () => {
    const app = await example();
    const reader = await enter(app, "rita");
    assert.equal(reader.url(), app.settings["PASSPORT_URL"]);
    assert.equal(await reader.textContent("h1"), "Notices");
    assert.match((await reader.textContent("main")) ?? "", /elevator/);
    assert.match((await reader.textContent("header")) ?? "", /rita\s*readers/);
    const nobody = await enter(app, "nora");
    assert.equal(await nobody.textContent("h1"), "Not for you");
    assert.match((await nobody.textContent("main")) ?? "", /403/);
  });

  test("sign-out ends it here and at the pool", async () => {
    const app = await example();
    const page = await enter(app, "eddy");
    const before = await openFamilies(app);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(app.settings["PASSPORT_URL"]!);
    assert.equal(await page.textContent("h1"), "Welcome");
    await page.getByRole("link", { name: "Sign in" }).click();
    assert.ok(page.url().startsWith(`${app.settings["POOL_URL"]}/login?`), page.url());
    assert.equal(await page.locator("#password").count(), 1, "the pool asks again");
    assert.equal(await openFamilies(app), before - 1, "the refresh token is revoked");
  });

  test("an answer to another browser's request is refused, and a page that is not there is said", async () => {
    const app = await example();
    const page = await enter(app, "rita");
    const nowhere = new URL("/nothing", app.settings["PASSPORT_URL"]).href;
    assert.equal((await page.goto(nowhere))?.status(), 404);
    assert.equal(await page.textContent("h1"), "Not found");
    assert.match((await page.textContent("header")) ?? "", /rita/);
    await page.context().clearCookies();
    await page.goto(app.settings["PASSPORT_URL"]!);
    const answer = await page.goto(new URL("/callback?code=x&state=y", app.settings["PASSPORT_URL"]).href);
    assert.equal(answer?.status(), 400);
    assert.equal(await page.textContent("h1"), "Sign-in did not work");
  });

  test("of two tabs that sign in, the one that is overtaken arrives as well, or says so", async () => {
    const app = await example();
    const url = new URL("/authenticate", app.settings["PASSPORT_URL"]).href;
    for (const isOvertaken of [true, false]) {
      browser ??= browse();
      const context = await browser;
      await context.clearCookies();
      const [first, second] = [await context.newPage(), await context.newPage()];
      for (const tab of [first, second]) await tab.goto(url);
      const order = isOvertaken ? [second, first] : [first, second];
      for (const tab of order) {
        await signInAs(tab, app, "rita");
        await tab.waitForURL((at) => at.port === new URL(url).port);
      }
      if (isOvertaken) assert.equal(await first.textContent("h1"), "Notices");
      else assert.match((await first.textContent("main")) ?? "", /was overtaken by another tab/);
    }
  });

  test("the pinned key decides: by the pool's other one nobody gets in", async () => {
    const mistaken = await withWrongKey();
    const page = await enter(mistaken, "rita");
    assert.equal(await page.textContent("h1"), "Sign-in did not work");
    const answer = await page.request.get(mistaken.settings["PASSPORT_URL"]!);
    assert.match(await answer.text(), /<h1>Welcome</);
  });

  test("a pool that does not know the application any more is its operator's matter", async () => {
    const app = await withWrongKey();
    const begun = await fetch(new URL("/authenticate", app.settings["PASSPORT_URL"]), { redirect: "manual" });
    const headers = { cookie: begun.headers.get("set-cookie")!.split(";")[0]! };
    const callback = answerTo(begun.headers.get("location")!, "/callback", app);
    const [UserPoolId, ClientId] = [app.settings["USER_POOL_ID"], app.settings["CLIENT_ID"]];
    await app.server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId }));
    assert.equal((await fetch(callback, { headers, redirect: "manual" })).status, 500);
  });
});
