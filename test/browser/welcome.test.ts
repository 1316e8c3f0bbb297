/** A newcomer's first minutes: the welcome page, its copy buttons, and the demo's application, in Chromium. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { makeDemo } from "../../src/cli/demo.ts";
import { browse, keepOpen } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { forOneServer } from "../kit/server.ts";
import { findings, picture, schemes, widths } from "./axe.ts";

const user = "demo@example.com";

/** Signs the demo's user in by password at the hosted pages, whichever factor they offer first. */
async function signIn(page: Page): Promise<void> {
  await page.waitForURL(/\/login\?/);
  const password = page.locator("input[type=password]");
  const choice = page.getByRole("button", { name: "Password", exact: true });
  for (let steps = 0; steps < 4 && (await password.count()) === 0; steps++) {
    const next = (await choice.count()) > 0 ? choice : page.locator("button.primary");
    await Promise.all([page.waitForEvent("load"), next.first().click()]);
  }
  await password.fill("Poolhouse-demo-1");
  await page.keyboard.press("Enter");
  await page.getByText(`Signed in as ${user}.`).waitFor();
}

/** How far the page can be scrolled sideways. */
const overflow = (page: Page) =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

describe("the welcome page in Chromium", needs("chromium"), () => {
  forOneServer("sqlite", "of a server with the demo", (open, database) => {
    let made: Promise<string> | undefined;
    const start = async () => {
      const server = await open();
      made ??= makeDemo(server.app);
      await made;
      const context = keepOpen(await browse({ locale: "en-US" }));
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.endpoint });
      return { server, page: await context.newPage() };
    };

    test("copies a snippet, and signs in, shows verified tokens, refreshes and signs out", async () => {
      const { server, page } = await start();
      await page.goto(`${server.endpoint}/`);
      const cut = await page.$$eval("pre", (all) =>
        all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent),
      );
      assert.deepEqual(cut, [], "snippets that are wider than the page of a desktop");
      await page.getByRole("button", { name: "Copy: aws-cli" }).click();
      await page.getByRole("button", { name: "Copied: aws-cli" }).waitFor();
      const copied = await page.evaluate("navigator.clipboard.readText()");
      assert.equal(copied, await page.locator("pre").first().textContent());
      await page.getByRole("link", { name: "Sign in as the demo user" }).click();
      await signIn(page);
      assert.equal(page.url(), `${server.endpoint}/demo/callback`, "no code is left in the address");
      const shown = async (name: string) =>
        JSON.parse((await page.getByRole("region", { name }).textContent()) ?? "");
      const claims = await shown("Claims of the ID token");
      assert.equal(claims.email, user);
      assert.deepEqual((await shown("Claims of the Access token"))["cognito:groups"], ["admins"]);
      assert.match(
        (await page.textContent(".good")) ?? "",
        /^Verified: .*RS256.* issuer, expiry, audience, nonce\.$/,
      );
      await page.getByRole("button", { name: "Call userInfo" }).click();
      await page.getByRole("heading", { name: "userInfo" }).waitFor();
      assert.equal((await shown("userInfo")).sub, claims.sub);
      const former = await page.evaluate("sessionStorage.getItem('demo-session')");
      await page.getByRole("button", { name: "Refresh" }).click();
      await page.getByText("New tokens, issued at").waitFor();
      assert.equal(await page.evaluate("document.activeElement.textContent"), "Refresh");
      assert.notEqual((await shown("Claims of the ID token")).jti, claims.jti);
      await page.reload();
      await page.getByText(`Signed in as ${user}.`).waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.waitForURL(`${server.endpoint}/`);
      // Both the tokens and the browser's sign-in are gone.
      await page.goto(`${server.endpoint}/demo/callback`);
      await page.getByText("Nobody is signed in here.").waitFor();
      await page.evaluate(`sessionStorage.setItem('demo-session', ${JSON.stringify(former)})`);
      await page.reload();
      await page.getByRole("button", { name: "Refresh" }).click();
      await page.locator(".bad", { hasText: "invalid_grant" }).waitFor();
      await page.goto(`${server.endpoint}/demo/sign-in`);
      await page.waitForURL(/\/login\?/);
    });

    // What the pages are made of does not depend on the database.
    if (database !== "sqlite") return;

    test("refuses tokens that do not hold, and answers to what this tab did not ask", async () => {
      const { server, page } = await start();
      const callback = `${server.endpoint}/demo/callback`;
      for (const [query, problem] of [
        ["code=1234&state=forged", /belongs to no sign-in that was begun in this tab/],
        ["error=access_denied&state=forged", /belongs to no sign-in/],
      ] as const) {
        await page.goto(`${callback}?${query}`);
        assert.match((await page.locator(".bad").textContent()) ?? "", problem);
      }
      await page.goto(`${server.endpoint}/demo/sign-in`);
      await signIn(page);
      const kept = JSON.parse(String(await page.evaluate("sessionStorage.getItem('demo-session')")));
      const [head, body, signature] = kept.tokens.id_token.split(".");
      const claims = JSON.parse(Buffer.from(body, "base64url").toString());
      const forged = Buffer.from(JSON.stringify({ ...claims, email: "eve@example.com" })).toString(
        "base64url",
      );
      const others: [string, unknown, RegExp][] = [
        [
          "claims",
          { ...kept, tokens: { ...kept.tokens, id_token: `${head}.${forged}.${signature}` } },
          /signature/,
        ],
        ["kind", { ...kept, tokens: { ...kept.tokens, access_token: kept.tokens.id_token } }, /wrong kind/],
        ["nonce", { ...kept, nonce: "another" }, /nonce/],
      ];
      for (const [what, session, problem] of others) {
        await page.evaluate(
          `sessionStorage.setItem('demo-session', ${JSON.stringify(JSON.stringify(session))})`,
        );
        await page.reload();
        assert.match((await page.locator(".bad").textContent()) ?? "", problem, what);
      }
    });

    test("opened by another name of this machine, signs in at the public URL", async () => {
      const { server, page } = await start();
      await page.goto(`${server.endpoint.replace("localhost", "127.0.0.1")}/`);
      await page.getByRole("link", { name: "Sign in as the demo user" }).click();
      await signIn(page);
      assert.equal(new URL(page.url()).origin, server.endpoint);
    });

    test("is within everybody's reach, light and dark, narrow and wide, and reads without script", async () => {
      const { server, page } = await start();
      await page.goto(`${server.endpoint}/demo/sign-in`);
      await signIn(page);
      await page.getByRole("button", { name: "Call userInfo" }).click();
      await page.getByRole("heading", { name: "userInfo" }).waitFor();
      for (const [name, path] of [
        ["application", undefined],
        ["welcome", "/"],
        ["nothing", "/nothing"],
      ] as const) {
        if (path !== undefined) await page.goto(`${server.endpoint}${path}`);
        for (const [width, viewport] of Object.entries(widths))
          for (const colorScheme of schemes) {
            await page.setViewportSize(viewport);
            await page.emulateMedia({ colorScheme });
            assert.deepEqual(await findings(page, colorScheme === "light" ? "every" : "colors"), [], name);
            assert.equal(await overflow(page), 0, `${name} ${width}`);
            await picture(page, `${name}-${width}-${colorScheme}`);
          }
      }
      const plain = keepOpen(await browse({ javaScriptEnabled: false }));
      const read = await plain.newPage();
      await read.goto(`${server.endpoint}/`);
      assert.match((await read.textContent("main")) ?? "", /Poolhouse-demo-1/);
      assert.equal(await read.locator("button").count(), 0);
      await read.goto(`${server.endpoint}/demo/sign-in`);
      assert.match((await read.textContent("main")) ?? "", /needs JavaScript/);
    });
  });
});
