/** Every hosted page, reached without script, and reached and walked by keyboard alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { browse, keepOpen } from "../kit/chromium.ts";
import { forEachServer } from "../kit/server.ts";
import { part } from "../kit/whole.ts";
import { scenes, worldOf } from "./gallery.ts";
import { byKeyboard, countUsable, walkOf } from "./keyboard.ts";

async function newBrowser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browse({ locale: "en-US", ...options });
  keepOpen(context);
  return context;
}

/** Pages at which a passkey is made: only script can ask the device. Where they begin says so. */
const madeByScript: readonly string[] = ["passkeys-made", "passkeys-not-made"];

/** What each form that one sees offers to send it, by its words; nothing else sends a form without script. */
async function buttonsOfForms(page: Page): Promise<string[][]> {
  return page.evaluate(`[...document.forms]
    .filter((form) => [...form.elements].some((one) => one.type !== "hidden" && one.checkVisibility()))
    .map((form) => [...form.querySelectorAll("button")].filter((one) => one.checkVisibility())
      .map((one) => one.textContent.trim()))`);
}

forEachServer("hosted pages within everybody's reach", (open, database) => {
  // What pages are made of does not depend on the database.
  if (database !== "sqlite") return;
  const setUp = worldOf(open);

  test("without script every page is reached, says what it is, and has a button for each form", async (t) => {
    const world = await setUp();
    const context = await newBrowser({ javaScriptEnabled: false });
    const page = await context.newPage();
    const withoutScript = Object.entries(scenes).filter(([one]) => !madeByScript.includes(one));
    for (const [name, scene] of part(withoutScript, 2))
      await t.test(name, async () => {
        await context.clearCookies();
        await scene({ world, page, lang: "en" });
        assert.notEqual((await page.textContent("h1"))?.trim(), "");
        for (const buttons of await buttonsOfForms(page)) assert.notDeepEqual(buttons, []);
        const made = await page.locator(".reveal, [aria-busy]").count();
        assert.equal(made, 0, "nothing of what the script makes");
        if (name === "passkeys-add") assert.match((await page.textContent("noscript")) ?? "", /JavaScript/);
      });
  });

  test("by keyboard alone every page is reached, and walked in the order of reading with the focus in sight", async (t) => {
    const world = await setUp();
    const context = await newBrowser();
    const page = await context.newPage();
    for (const [name, scene] of part(Object.entries(scenes), 2, 1))
      await t.test(name, async () => {
        await context.clearCookies();
        await scene({ world, page: byKeyboard(page), lang: "en" });
        const count = await countUsable(page);
        const stops = await walkOf(page, count);
        assert.deepEqual(
          stops.map(({ index }) => index),
          Array.from({ length: count }, (_, index) => index),
        );
        for (const { index, shown } of stops) assert.ok(shown, `the focus is seen at ${index}`);
      });
  });
});
