/** examples/web-app in Chromium: who gets in, who may do what, and how it ends. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminRemoveUserFromGroupCommand,
  AdminUserGlobalSignOutCommand,
  DeleteUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, Page } from "playwright-core";
import { findings } from "../browser/axe.ts";
import { browse } from "../kit/chromium.ts";
import { forOneServer } from "../kit/server.ts";
import { answerTo, at, type Example, openFamilies, setUp, signInAs, start } from "./web-app.ts";

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

const isAtPool =
  ({ server }: Example) =>
  (url: URL) =>
    url.href.startsWith(`${server.endpoint}/`);
const textOf = async (page: Page, selector: string) => (await page.textContent(selector)) ?? "";
const heading = (page: Page) => textOf(page, "h1");

forOneServer("sqlite", "examples/web-app", (open, database) => {
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
    assert.match(await textOf(page, "main"), /elevator/);
    assert.match(await textOf(page, "header"), /rita\s*readers/);
    assert.equal(await page.locator("textarea").count(), 0);
  });

  test("editors write, and what they write is text", async () => {
    const app = await example();
    const page = await enter(app, "eddy");
    await page.getByLabel("New notice").fill('Cake at <b>four</b> & "five" in eddy\'s room');
    await page.getByRole("button", { name: "Post it" }).click();
    const newest = await textOf(page, ".notices li:last-child");
    assert.equal(newest, 'Cake at <b>four</b> & "five" in eddy\'s roomeddy');
    await page.getByLabel("New notice").evaluate((field) => field.removeAttribute("maxlength"));
    const long = `\n${"Too long. ".repeat(30)}`;
    await page.getByLabel("New notice").fill(long);
    await page.getByRole("button", { name: "Post it" }).click();
    assert.match(await textOf(page, "[role=alert]"), /between 1 and 280 characters/);
    assert.equal(await page.getByLabel("New notice").inputValue(), long, "nothing that was written is lost");
    // The browser's session is good for the API as well.
    const answer = await page.request.get(at(app, "/api/notices"));
    assert.match(await answer.text(), /Cake at/);
  });

  test("a line break counts as the one character that the field counts", async () => {
    const app = await example();
    const page = await enter(app, "eddy");
    const long = Array(140).fill("x").join("\n");
    await page.getByLabel("New notice").fill(long);
    await page.getByRole("button", { name: "Post it" }).click();
    assert.equal(await page.locator("[role=alert]").count(), 0);
    const { notices } = (await (await page.request.get(at(app, "/api/notices"))).json()) as {
      notices: { text: string }[];
    };
    assert.equal(notices.at(-1)?.text, long);
    const headers = { origin: new URL(app.settings["APP_URL"]!).origin };
    const huge = await page.request.post(at(app, "/notices"), {
      form: { text: "x".repeat(110_000) },
      headers,
    });
    assert.equal(huge.status(), 413);
    assert.match(await huge.text(), /That is too much text\./);
  });

  test("what is posted after a sign-out is kept until the next sign-in", async () => {
    const app = await example();
    const page = await enter(app, "eddy");
    await page.getByLabel("New notice").fill("Kept <notice>");
    const other = await page.context().newPage();
    await other.goto(at(app, "/notices"));
    await other.getByRole("button", { name: "Sign out" }).click();
    await other.waitForURL(at(app, "/"));
    await page.getByRole("button", { name: "Post it" }).click();
    assert.equal(await textOf(page, "[role=alert]"), "You were signed out; nothing was changed.");
    assert.doesNotMatch(await page.content(), /elevator/);
    const opening = page.context().waitForEvent("page");
    await page.getByRole("link", { name: "Sign in" }).click();
    const beside = await opening;
    await signInAs(beside, app, "eddy");
    await beside.waitForURL(at(app, "/notices"));
    await page.getByRole("button", { name: "Post it" }).click();
    assert.equal(await textOf(page, ".notices li:last-child p"), "Kept <notice>");
  });

  test("two tabs that sign in both arrive", async () => {
    const app = await example();
    const page = await visit(app);
    const other = await page.context().newPage();
    for (const tab of [page, other]) await tab.goto(at(app, "/sign-in"));
    for (const tab of [page, other]) {
      await signInAs(tab, app, "rita");
      await tab.waitForURL(at(app, "/notices"));
      assert.equal(await heading(tab), "Notices");
    }
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
    assert.doesNotMatch(await nobody.content(), /elevator/);
    assert.equal((await nobody.reload())?.status(), 403);
    await nobody.getByRole("link", { name: "What your tokens say" }).click();
    assert.equal(await heading(nobody), "Your tokens");
    assert.equal((await nobody.goto(at(app, "/nothing")))?.status(), 404);
    assert.match(await textOf(nobody, "header"), /nora/);
  });

  test("a form of another website does nothing", async () => {
    const app = await example();
    const page = await enter(app, "eddy");
    const before = await (await page.request.get(at(app, "/api/notices"))).text();
    const authorization = "Bearer x";
    for (const origin of [{ origin: "http://localhost:1" }, { origin: "null" }, {}])
      for (const [path, withHeader] of [
        ["/notices", 403],
        ["/sign-out", 403],
        // The API takes the token, and that is none.
        ["/api/notices", 401],
        ["/API/notices", 401],
      ] as const)
        for (const [headers, status] of [
          [origin, 403],
          [{ ...origin, authorization }, withHeader],
        ] as const) {
          const sent = await page.request.post(at(app, path), { form: { text: "not his" }, headers });
          assert.equal(sent.status(), status, `${path} ${JSON.stringify(headers)}`);
          if (/^.api/i.test(path)) assert.match(sent.headers()["content-type"] ?? "", /^application\/json/);
        }
    assert.equal(await (await page.request.get(at(app, "/api/notices"))).text(), before);
  });

  /** Signs in at the pool. Where the pool sends the browser then, which does not go there. */
  async function answerOfPool(app: Example, page: Page, name: string): Promise<URL> {
    await page.goto(at(app, "/sign-in"));
    const { promise, resolve } = Promise.withResolvers<string>();
    await page.route(isAtPool(app), async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      const answer = await route.fetch({ maxRedirects: 0 });
      resolve(answer.headers()["location"]!);
      await route.fulfill({ status: 204 });
    });
    await signInAs(page, app, name);
    return new URL(await promise);
  }

  test("an answer that this browser has not asked for is refused", async () => {
    const app = await example();
    const change: Record<string, (answer: URL, codeOfAnother: string) => void> = {
      "another state": ({ searchParams }) => searchParams.set("state", "s"),
      "no state": ({ searchParams }) => searchParams.delete("state"),
      "another issuer": ({ searchParams }) => searchParams.set("iss", "http://localhost:1/x"),
      "a code that somebody else got": ({ searchParams }, code) => searchParams.set("code", code),
      "no code but an error": ({ searchParams }) => {
        searchParams.delete("code");
        searchParams.set("error", "access_denied");
      },
    };
    for (const [what, changed] of Object.entries(change)) {
      const another = (await answerOfPool(app, await visit(app), "eddy")).searchParams.get("code")!;
      const page = await visit(app);
      const answer = await answerOfPool(app, page, "rita");
      changed(answer, another);
      const refused = await page.goto(answer.href);
      assert.equal(refused?.status(), 400, what);
      assert.equal(await heading(page), "Sign-in did not work");
      assert.equal((await page.request.get(at(app, "/api/notices"))).status(), 401, what);
    }
    const stranger = await visit(app);
    assert.equal((await stranger.goto(at(app, "/callback?code=x&state=y")))?.status(), 400);
  });

  test("a session that somebody left in the browser knows nothing of the sign-in", async () => {
    const app = await example();
    const page = await visit(app);
    const answer = await answerOfPool(app, page, "rita");
    const before = await page.context().cookies(at(app, "/"));
    const entered = await page.request.get(answer.href, { maxRedirects: 0 });
    assert.equal(entered.headers()["location"], "/notices");
    assert.equal((await page.request.get(at(app, "/api/notices"))).status(), 200);
    await page.context().addCookies(before);
    assert.equal((await page.request.get(at(app, "/api/notices"))).status(), 401);
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
    const answer = await answerOfPool(app, page, name);
    const entered = await page.request.get(answer.href, { maxRedirects: 0 });
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

  test("a pool that does not know the application any more is its operator's matter, and the log's", async () => {
    const app = await setUp(await open());
    const child = await start(app, "server.ts");
    opened.push({ close: () => child.kill() });
    let said = "";
    child.stderr!.on("data", (more) => {
      said += more;
    });
    const page = await enterLate(app, "rita");
    const stranger = await fetch(at(app, "/sign-in"), { redirect: "manual" });
    const headers = { cookie: stranger.headers.get("set-cookie")!.split(";")[0]! };
    const callback = answerTo(stranger.headers.get("location")!, "/callback", app);
    const [UserPoolId, ClientId] = [app.settings["USER_POOL_ID"], app.settings["CLIENT_ID"]];
    await app.server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId }));
    assert.equal((await fetch(callback, { headers })).status, 500);
    assert.equal((await page.goto(at(app, "/notices")))?.status(), 500);
    assert.match(await textOf(page, "header"), /rita[\s\S]*Sign out/);
    const form = { text: "Typed" };
    const origin = new URL(app.settings["APP_URL"]!).origin;
    const posted = await page.request.post(at(app, "/notices"), { form, headers: { origin } });
    assert.equal(posted.status(), 500);
    assert.match(await posted.text(), /Typed<\/textarea>/);
    assert.equal(said.match(/^ResponseBodyError/gm)?.length, 3, said);
  });

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
    assert.doesNotMatch(await page.content(), /elevator|rita/);
    await page.goto(at(app, "/notices"));
    assert.equal(await page.locator("#password").count(), 1, "the pool asks again");
    await page.context().addCookies(cookies);
    assert.equal((await page.request.get(at(app, "/api/notices"))).status(), 401);
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
      await page.getByRole("link", { name: "Your tokens" }).click();
      await page.waitForURL(at(app, "/tokens"));
      await look("tokens");
      for (const [width, isBeside] of [
        [360, false],
        [1200, true],
      ] as const) {
        await page.setViewportSize({ width, height: 800 });
        const [name, value] = [page.locator(".claims dt").first(), page.locator(".claims dd").first()];
        const [left, right] = [await name.boundingBox(), await value.boundingBox()];
        assert.equal(left!.x < right!.x, isBeside, `a claim's value is beside its name at ${width}px`);
      }
    });
});
