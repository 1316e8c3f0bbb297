/** Pages with buttons of identity providers, in Chromium: held against WCAG 2.2, in the colors of others, and used. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AssetType,
  CreateUserPoolClientCommand,
  DeleteManagedLoginBrandingCommand,
  SetUICustomizationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContextOptions, Page } from "playwright-core";
import { addProvider, detailsOf, offer } from "../federation/browser-way.ts";
import { startOpenIdProvider } from "../federation/openid-provider.ts";
import { classicCss, giveStyle, juniper, juniperAssets, logos, unreadable } from "../hosted-ui/brands.ts";
import { browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { makePool } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { findings, picture, schemes, widths } from "./axe.ts";
import { type App, address } from "./gallery.ts";
import { byKeyboard, countUsable, walkOf } from "./keyboard.ts";

interface World {
  readonly server: TestServer;
  readonly callback: string;
  readonly UserPoolId: string;
}

const brands = ["Google", "Facebook", "LoginWithAmazon", "SignInWithApple"] as const;
/** Names as long as they may be, in other scripts, and with signs that mean something in HTML. */
const organizations = [
  "Okta",
  "Ministerium-für-Landwirtschaft",
  "جامعة-القاهرة",
  "東京大学",
  "A-very-long-name-without-any-end",
  "W".repeat(32),
  "R&D<b>",
  "Universität",
];
const counts: readonly (readonly string[])[] = [
  ["Google"],
  ["Google", "Okta", "SignInWithApple"],
  [...brands, ...organizations],
];

/** How a page with so many buttons is looked at. */
const views: Readonly<
  Record<number, readonly (readonly [keyof typeof widths, "en" | "ar", "/login" | "/signup"])[]>
> = {
  1: [["narrow", "en", "/login"]],
  3: [["wide", "ar", "/login"]],
  12: [
    ["narrow", "en", "/login"],
    ["narrow", "ar", "/login"],
    ["narrow", "en", "/signup"],
  ],
};

forEachServer("buttons of identity providers in Chromium", (open, database) => {
  // What pages look like does not depend on the database.
  if (database !== "sqlite") return;
  let made: Promise<World> | undefined;
  const setUp = () => {
    made ??= (async () => {
      const server = await open();
      const site = keepOpen(await serveSite("<!doctype html><html lang=en><title>Notes</title>You are in."));
      const { UserPoolId } = await makePool(server);
      const world = { server, callback: `http://localhost:${site.port}/callback`, UserPoolId };
      for (const kind of brands) await addProvider(world.server, UserPoolId, kind, kind, {});
      for (const name of organizations) await addProvider(world.server, UserPoolId, name, "OIDC", {});
      const upstream = keepOpen(
        await startOpenIdProvider({
          redirect_uris: [`${world.server.endpoint}/${UserPoolId}/oauth2/idpresponse`],
        }),
      );
      const IdpIdentifiers = ["upstream.example", "münchen.example"];
      await addProvider(world.server, UserPoolId, "Upstream", "OIDC", detailsOf(upstream), {
        IdpIdentifiers,
      });
      await addProvider(world.server, UserPoolId, "Corp", "SAML", {}, { IdpIdentifiers: ["corp.example"] });
      const gone = { ...detailsOf(upstream), oidc_issuer: "http://127.0.0.1:1" };
      await addProvider(world.server, UserPoolId, "Unreachable", "OIDC", gone);
      return world;
    })();
    return made;
  };

  /** A client of the pool that offers these providers. */
  async function offering(world: World, names: readonly string[], name = "Notes"): Promise<App> {
    const { UserPoolId } = world;
    const { UserPoolClient } = await world.server.client.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: name,
        CallbackURLs: [world.callback],
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code"],
        AllowedOAuthScopes: ["openid", "email"],
      }),
    );
    const app = { UserPoolId, ClientId: UserPoolClient!.ClientId! };
    await offer(world.server, { ...app, base: `${world.server.endpoint}/${UserPoolId}` }, names);
    return app;
  }

  async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
    return keepOpen(await browse({ reducedMotion: "reduce", ...options })).newPage();
  }

  /** Holds a page against the rules, in both color schemes. */
  async function look(page: Page, name: string): Promise<void> {
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await picture(page, `${name}-${colorScheme}`);
      const rules = colorScheme === "light" ? "every" : "colors";
      assert.deepEqual(await findings(page, rules), [], `${name} ${colorScheme}`);
    }
    assert.deepEqual(await page.evaluate(misplaced), [], name);
  }

  const buttonColors = (page: Page, look: string) =>
    page.evaluate(`(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(
      document.querySelector(".provider.${look}")))`);

  test("1, 3 and 12 buttons, narrow and wide, light and dark, left to right and right to left", async () => {
    const world = await setUp();
    const page = await newPage();
    for (const names of counts) {
      const app = await offering(world, ["COGNITO", ...names]);
      for (const [size, lang, path] of views[names.length]!) {
        await page.setViewportSize(widths[size]);
        await page.goto(address(world, app, path, { lang }));
        assert.equal(await page.locator(".provider").count(), names.length);
        await look(page, `providers-${names.length}-${lang}-${size}${path.replace("/", "-")}`);
        assert.equal(await page.evaluate("scrollY"), 0, "the page begins at its top");
      }
    }
  });

  test("the colors and icons of a style; brands keep theirs unless it names them", async () => {
    const world = await setUp();
    const app = await offering(world, ["COGNITO", ...brands, "Okta", "Universität"]);
    const icon = (ResourceId: string | undefined, Bytes: Uint8Array): AssetType => ({
      Category: "IDP_BUTTON_ICON",
      ColorMode: "DYNAMIC",
      Extension: "SVG",
      Bytes,
      ...(ResourceId !== undefined && { ResourceId }),
    });
    const Assets = [...juniperAssets, icon(undefined, logos.light), icon("okta", logos.dark)];
    const id = await giveStyle(world.server, app, { Settings: juniper, Assets });
    const page = await newPage();
    const failed: string[] = [];
    page.on("response", (answer) => answer.status() >= 400 && failed.push(answer.url()));
    await page.goto(address(world, app, "/login"));
    await look(page, "providers-juniper");
    await page.emulateMedia({ colorScheme: "light" });
    assert.deepEqual(await buttonColors(page, "google"), ["rgb(255, 255, 255)", "rgb(31, 31, 31)"]);
    assert.deepEqual(await buttonColors(page, "own-0"), ["rgb(0, 41, 122)", "rgb(255, 255, 255)"]);
    const last = ".provider:last-child";
    assert.deepEqual(await buttonColors(page, "plain:last-child"), ["rgb(243, 237, 225)", "rgb(18, 55, 44)"]);
    await page.hover(".own-0");
    assert.equal(((await buttonColors(page, "own-0")) as string[])[0], "rgb(0, 26, 77)");
    const sources = async (selector: string) => page.locator(`${selector} img`).getAttribute("src");
    assert.notEqual(await sources(".own-0"), await sources(last));
    assert.equal(await page.locator(".provider img").count(), 2);
    const widthsOfImages = await page.evaluate(
      "[...document.querySelectorAll('.provider img')].map((one) => one.complete && one.naturalWidth)",
    );
    assert.ok((widthsOfImages as number[]).every((width) => width > 0));
    assert.deepEqual(failed, []);
    await world.server.client.send(
      new DeleteManagedLoginBrandingCommand({ UserPoolId: app.UserPoolId, ManagedLoginBrandingId: id }),
    );
  });

  test("a style without icons, for the dark alone, and with colors that nobody could read", async () => {
    const world = await setUp();
    const app = await offering(world, ["COGNITO", ...brands, "Okta", "Universität"]);
    const back = "777777ff";
    const { components, componentClasses } = unreadable("darkMode", back);
    const Settings = {
      categories: { global: { colorSchemeMode: "DARK" } },
      components,
      componentClasses: { ...componentClasses, idpButtons: { icons: { enabled: false } } },
    };
    const id = await giveStyle(world.server, app, { Settings });
    const page = await newPage();
    await page.goto(address(world, app, "/login"));
    await look(page, "providers-unreadable");
    assert.equal(await page.locator(".provider :is(.icon, img)").count(), 0);
    // Also for a browser that prefers the light.
    await page.emulateMedia({ colorScheme: "light" });
    assert.deepEqual(await buttonColors(page, "apple"), ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
    assert.equal(((await buttonColors(page, "own-0")) as string[])[0], "rgb(119, 119, 119)");
    await world.server.client.send(
      new DeleteManagedLoginBrandingCommand({ UserPoolId: app.UserPoolId, ManagedLoginBrandingId: id }),
    );
  });

  test("the classes of the classic hosted UI", async () => {
    const world = await setUp();
    const app = await offering(world, ["COGNITO", "SignInWithApple", "Okta", "Corp"]);
    const style = (CSS: string) => world.server.client.send(new SetUICustomizationCommand({ ...app, CSS }));
    await style(classicCss);
    const page = await newPage();
    await page.setViewportSize(widths.narrow);
    await page.goto(address(world, app, "/login"));
    await look(page, "providers-classic");
    // The classic page is light for everybody.
    assert.deepEqual(await buttonColors(page, "apple"), ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]);
    assert.deepEqual(await buttonColors(page, "plain"), ["rgb(91, 192, 222)", "rgb(20, 23, 31)"]);
    const classes = ["idpButton", "idpDescription", "socialButton"];
    for (const declarations of [
      "padding: 64px; margin: 64px; font-size: 64px; line-height: 10px; border: 16px solid red; width: 320px; height: 176px",
      "padding: 0; margin: 0; font-size: 10px; line-height: 10px; border: 0; width: 40%; height: 16px; display: flex",
      "font-size: 64px; display: inline; max-width: 160px; letter-spacing: 8px; text-transform: uppercase",
    ]) {
      await style(classes.map((one) => `.${one}-customizable { ${declarations} }`).join(" "));
      await page.reload();
      await picture(page, `providers-classic-${declarations.length}`);
      const found = (await page.evaluate(misplaced)) as string[];
      // Margins beside the largest width may be scrolled to.
      const placed = found.filter((one) => !one.startsWith("the page is wider"));
      assert.deepEqual(placed, [], declarations);
    }
  });

  for (const [how, javaScriptEnabled] of [
    ["by the keyboard alone", true],
    ["without script", false],
  ] as const)
    test(`through a provider and back, ${how}: by its button, and by an e-mail address`, async () => {
      const world = await setUp();
      const app = await offering(world, ["COGNITO", "Google", "Upstream", "Corp"]);
      const atProvider = async (page: Page) => {
        await page.waitForURL(/\/interaction\//);
        await page.fill("[name=login]", "bob");
        await page.fill("[name=password]", "any");
        await page.keyboard.press("Enter");
        await page.locator("[name=prompt][value=consent]").waitFor({ state: "attached" });
        await page.locator("[type=submit]").click();
        await page.waitForURL(`${world.callback}?code=*`);
      };
      for (const asked of ["button", "address"]) {
        const plain = await newPage({ javaScriptEnabled });
        const page = javaScriptEnabled ? byKeyboard(plain) : plain;
        await plain.goto(address(world, app, "/login"));
        if (javaScriptEnabled && asked === "button") {
          const usable = await countUsable(plain);
          const walk = await walkOf(plain, usable);
          assert.deepEqual(
            walk.map(({ index, shown }) => [index, shown]),
            Array.from({ length: usable }, (_, index) => [index, true]),
          );
        }
        if (asked === "button") await page.getByRole("link", { name: /Upstream/ }).click();
        else {
          await page.getByLabel("Work email").fill("Bob@MÜNCHEN.example");
          await page.locator("form.organization button").click();
        }
        await atProvider(plain);
        await plain.context().close();
      }
    });

  test("an address that leads nowhere is said at its field, and can be corrected", async () => {
    const world = await setUp();
    const app = await offering(world, ["Corp", "Upstream"]);
    const page = await newPage();
    await page.setViewportSize(widths.narrow);
    await page.goto(address(world, app, "/login", { lang: "de" }));
    await look(page, "organization");
    const field = page.locator("[name=organization]");
    for (const wrong of ["bob@sub.upstream.example", "bob@nowhere.example"]) {
      await field.fill(wrong);
      await page.keyboard.press("Enter");
      await page.locator("[name=organization][aria-invalid=true]").waitFor();
      assert.equal(await field.inputValue(), wrong);
      assert.equal(await page.evaluate("document.activeElement.name"), "organization");
    }
    await look(page, "organization-refused");
    await field.fill("bob@UPSTREAM.example");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/interaction\//);
  });

  test("a provider that cannot be reached, or refuses, brings the user back to the application with the error", async () => {
    const world = await setUp();
    const app = await offering(world, ["COGNITO", "Unreachable", "Upstream"]);
    const page = await newPage();
    await page.goto(address(world, app, "/login"));
    await page.getByRole("link", { name: /Unreachable/ }).click();
    await page.waitForURL(`${world.callback}?error=*`);
    const { searchParams } = new URL(page.url());
    assert.equal(searchParams.get("error_description"), "Connection reset");
    assert.equal(searchParams.get("state"), "s-1");
    await page.goto(address(world, app, "/login"));
    await page.getByRole("link", { name: /Upstream/ }).click();
    await page.waitForURL(/\/interaction\//);
    await page.locator("a[href*=abort]").click();
    await page.waitForURL(`${world.callback}?error=*`);
    assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
    // Going back leads to a provider again, not to a dead page.
    await page.goto(address(world, app, "/login"));
    await page.getByRole("link", { name: /Upstream/ }).click();
    await page.waitForURL(/\/interaction\//);
  });
});

/** What is wrong with the places of buttons and texts; run in the page. Targets as in WCAG 2.2, 2.5.5. */
const misplaced = `(() => {
  const found = [];
  const name = (part) => part.className + " " + part.textContent.trim();
  const wider = document.documentElement.scrollWidth - innerWidth;
  if (wider !== 0) found.push("the page is wider than its window by " + wider);
  const buttons = [...document.querySelectorAll(".provider, form.organization button, form.organization input")];
  const boxes = buttons.map((one) => one.getBoundingClientRect());
  for (const [index, box] of boxes.entries()) {
    if (box.height < 43.9) found.push(name(buttons[index]) + " is only " + box.height + " high");
    if (index > 0 && box.top < boxes[index - 1].bottom) found.push(name(buttons[index]) + " overlaps");
    for (const label of buttons[index].querySelectorAll("span")) {
      const text = label.getBoundingClientRect();
      if (text.left < box.left || text.right > box.right + 0.5 || text.top < box.top || text.bottom > box.bottom + 0.5)
        found.push("text of " + name(buttons[index]) + " is outside");
    }
  }
  return found;
})()`;
