/**
 * examples/cms in Chromium, over TLS by host names: somebody new and users of old sign in by the gateway; the CMS and the shop
 * know them; the session goes on while they work, and ends everywhere.
 */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { AdminAddUserToGroupCommand, AdminGetUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, Page } from "playwright-core";
import { findings, picture } from "../browser/axe.ts";
import { forOneDatabase } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { attributesOf } from "../kit/people.ts";
import { until } from "../kit/waiting.ts";
import { type Cms, enter, heading, signUp, startCms, startPhp } from "./cms.ts";

const chosen = "Another-Horse-8";
const minute = 60_000;

/** Opens the CMS in a browser of its own, and signs in there as a user of old. */
async function comeIn(cms: Cms, username: string, password = cms.passwords.old) {
  const browser = await cms.newBrowser();
  const page = await browser.newPage();
  await page.goto(cms.urls.CMS_URL);
  await page.getByRole("link", { name: "Sign in or sign up" }).click();
  await enter(page, username, password);
  await page.waitForURL(`${cms.urls.CMS_URL}articles`);
  return { browser, page };
}

/** What the gateway says of the session of a browser. */
async function sessionOf(page: Page, { urls }: Cms): Promise<Record<string, unknown>> {
  await page.goto(`${urls.AUTH_URL}auth/session`);
  return JSON.parse((await page.textContent("body"))!) as Record<string, unknown>;
}

/** The cookies that a host gets, as the browser sends them. */
const cookiesFor = async (browser: BrowserContext, url: string) => browser.cookies(url);

describe("examples/cms", needs("chromium"), () => {
  forOneDatabase("postgres", (database, _open, fresh) => {
    let started: Promise<Cms> | undefined;
    const example = () => {
      started ??= startCms(database, fresh);
      return started;
    };
    after(async () => (await started)?.close());

    test("somebody new signs up, comes back to the CMS, and is known in the shop", async () => {
      const cms = await example();
      const { CMS_URL, SHOP_URL, AUTH_URL } = cms.urls;
      const browser = await cms.newBrowser();
      const page = await browser.newPage();
      const seen: string[] = [];
      page.on("framenavigated", (frame) => seen.push(frame.url()));
      const callback = page.waitForRequest((request) =>
        request.url().startsWith(`${AUTH_URL}auth/signin/callback?code=`),
      );
      await page.goto(`${CMS_URL}articles?page=2`);
      await signUp(page, { username: "newt", password: chosen }, (to) => cms.server.code(to));
      await callback;
      await heading(page, "Articles of newt");
      assert.equal(page.url(), `${CMS_URL}articles?page=2`, "where they wanted to go");
      assert.deepEqual(await findings(page), []);
      await page.getByLabel("Title").fill("What a newt sees");
      await page.getByRole("button", { name: "Add" }).click();
      await page.getByText("What a newt sees").waitFor();
      await picture(page, "cms-articles");

      const [cookie, ...others] = await cookiesFor(browser, SHOP_URL);
      assert.deepEqual(others, []);
      const { name, domain, secure, httpOnly, sameSite } = cookie!;
      assert.deepEqual(
        { name, domain, secure, httpOnly, sameSite },
        {
          name: "__Secure-poolhouse-session",
          domain: ".example.test",
          secure: true,
          httpOnly: true,
          sameSite: "Lax",
        },
      );
      await page.getByRole("link", { name: "the shop" }).click();
      await heading(page, "The shop");
      assert.match((await page.textContent("main")) ?? "", /Signed in as newt, customer number \d+/);
      assert.deepEqual(await findings(page), []);
      await picture(page, "cms-shop");
      const user = await cms.server.client.send(
        new AdminGetUserCommand({ UserPoolId: cms.settings["USER_POOL_ID"]!, Username: "newt" }),
      );
      assert.match(attributesOf(user.UserAttributes)["custom:legacy_id"] ?? "", /^\d+$/);
      await browser.close();
    });

    test("users of old move at their first sign-in, also from two tabs; the legacy login goes on", async () => {
      const cms = await example();
      const { CMS_URL, LEGACY_URL } = cms.urls;
      const browser = await cms.newBrowser();
      const tabs = await Promise.all([1, 2].map(() => browser.newPage()));
      for (const tab of tabs) await tab.goto(`${CMS_URL}articles`);
      for (const tab of tabs) {
        await enter(tab, "ada", cms.passwords.old);
        await heading(tab, "Articles of Ada Lovelace");
      }
      await tabs[0]!.reload();
      assert.match((await tabs[0]!.textContent("main")) ?? "", /The first article of Ada Lovelace/);
      const body = new URLSearchParams({ username: "ada", password: cms.passwords.old });
      const login = await fetch(new URL("api/login", LEGACY_URL), { method: "POST", body });
      const { userid } = (await login.json()) as { userid: number };
      const { claims } = await sessionOf(tabs[1]!, cms);
      assert.equal((claims as Record<string, unknown>)["custom:legacy_id"], String(userid));
      await browser.close();
    });

    test("who comes by Google, for whom UserMigration never runs, gets a record, too", async () => {
      const cms = await example();
      const browser = await cms.newBrowser();
      const page = await browser.newPage();
      await page.goto(`${cms.urls.CMS_URL}articles`);
      await page
        .getByRole("button", { name: /Google/ })
        .or(page.getByRole("link", { name: /Google/ }))
        .click();
      await page.getByRole("button", { name: /Ann Archer/ }).click();
      await heading(page, "Articles of Ann Archer");
      assert.match((await page.textContent("main")) ?? "", /has the number \d+/);
      await browser.close();
    });

    test("the editors' page is for the group, from the next refresh on; tokens are refreshed while somebody works", async () => {
      const cms = await example();
      const { CMS_URL } = cms.urls;
      const edna = await comeIn(cms, "edna", cms.passwords.edna);
      await edna.page.getByRole("link", { name: "all articles" }).click();
      await edna.page.getByRole("button", { name: "Remove The first article of Mary Somerville" }).click();
      await edna.page.getByText("The first article of Mary Somerville").waitFor({ state: "detached" });
      assert.deepEqual(await findings(edna.page), []);
      await picture(edna.page, "cms-editors");
      await edna.browser.close();

      const { browser, page } = await comeIn(cms, "grace");
      const refused = await page.goto(`${CMS_URL}editors`);
      assert.equal(refused?.status(), 403);
      await heading(page, "Not allowed");
      await picture(page, "cms-refused");
      const { exp: first } = await sessionOf(page, cms);
      const editor = { Username: "grace", GroupName: "editors", UserPoolId: cms.settings["USER_POOL_ID"]! };
      await cms.server.client.send(new AdminAddUserToGroupCommand(editor));
      // Of five minutes, four are over: whoever asks now is answered, and the tokens are refreshed meanwhile.
      cms.server.clock.advance(4.2 * minute);
      await page.goto(`${CMS_URL}articles`);
      await until("the tokens are refreshed", async () => (await sessionOf(page, cms))["exp"] !== first);
      assert.equal((await page.goto(`${CMS_URL}editors`))?.status(), 200);
      // They have expired: the first request waits for new ones.
      const { exp: second } = await sessionOf(page, cms);
      cms.server.clock.advance(20 * minute);
      assert.equal((await page.goto(`${CMS_URL}editors`))?.status(), 200);
      assert.ok(Number((await sessionOf(page, cms))["exp"]) > Number(second));
      await browser.close();
    });

    test("signing out everywhere ends the session of both applications, in other browsers too", async () => {
      const cms = await example();
      const { CMS_URL, SHOP_URL } = cms.urls;
      const here = await comeIn(cms, "mary");
      const there = await comeIn(cms, "mary");
      await there.page.goto(SHOP_URL);
      await heading(there.page, "The shop");
      await here.page.getByRole("link", { name: "sign out everywhere" }).click();
      await here.page.getByRole("link", { name: "Sign in or sign up" }).waitFor();
      assert.equal(here.page.url(), CMS_URL);
      for (const { page } of [here, there])
        for (const url of [`${CMS_URL}articles`, SHOP_URL]) {
          await page.goto(url);
          await page.locator("#password").waitFor();
        }
      await Promise.all([here.browser.close(), there.browser.close()]);
    });

    test("only the gateway is believed: requests past it, forged headers, and another host's form are nobody's", async () => {
      const cms = await example();
      const { BACKEND_URL, CMS_URL, GATEWAY_URL, SHOP_URL } = cms.urls;
      const { browser, page } = await comeIn(cms, "ada");
      const [cookie] = await browser.cookies(CMS_URL);
      const headers = { cookie: `${cookie!.name}=${cookie!.value}` };
      const forged = {
        "x-auth-request-user": "1",
        "x-auth-request-preferred-username": "ada",
        "x-auth-request-legacy-id": "1",
      };
      for (const more of [{}, forged, { ...forged, "x-auth-request-token": "eyJhbGciOiJub25lIn0.e30." }])
        assert.equal(
          (await fetch(`${BACKEND_URL}articles`, { headers: { ...headers, ...more } })).status,
          401,
        );
      assert.equal((await fetch(`${GATEWAY_URL}auth/session`, { headers })).status, 200, "the cookie counts");
      // A place of the shop's without a Content-Security-Policy, as a careless application's would be.
      await page.goto(`${SHOP_URL}style.css`);
      await page.evaluate(`document.body.innerHTML =
        '<form method="post" action="${CMS_URL}articles"><input name="title" value="x"></form>'`);
      const [answer] = await Promise.all([
        page.waitForResponse(`${CMS_URL}articles`),
        page.evaluate("document.forms[0].submit()"),
      ]);
      assert.equal(answer.status(), 403);
      await browser.close();
    });

    test("an application in PHP that asks the gateway", needs("php"), async () => {
      const cms = await example();
      const { AUTH_URL, CMS_URL, GATEWAY_URL } = cms.urls;
      const php = await startPhp({ AUTH_URL, GATEWAY_URL });
      try {
        const ask = (headers: Record<string, string> = {}) =>
          fetch(`${php.url}numbers?of=today`, { headers, redirect: "manual" });
        const stranger = await ask();
        const location = new URL(stranger.headers.get("location")!);
        assert.equal(location.href.split("?")[0], `${AUTH_URL}auth/signin`);
        const { host } = new URL(php.url);
        assert.equal(location.searchParams.get("rd"), `https://${host}/numbers?of=today`);
        const asUser = async (name: string, password?: string) => {
          const { browser } = await comeIn(cms, name, password);
          const [cookie] = await browser.cookies(CMS_URL);
          await browser.close();
          return ask({ cookie: `${cookie!.name}=${cookie!.value}` });
        };
        assert.match(await (await asUser("edna", cms.passwords.edna)).text(), /Hello, edna\./);
        assert.equal((await asUser("ada")).status, 403);
        assert.equal((await ask({ cookie: "__Secure-poolhouse-session=forged" })).status, 302);
      } finally {
        php.process.kill();
      }
    });
  });
});
