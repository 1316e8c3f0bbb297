/** Pages in the colors of others, in Chromium: held against WCAG 2.2 as they are without. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateTermsCommand,
  DeleteManagedLoginBrandingCommand,
  SetUICustomizationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { classicCss, giveStyle, juniper, juniperAssets, png, unreadable } from "../hosted-ui/brands.ts";
import { browse, keepOpen } from "../kit/chromium.ts";
import { forEachServer } from "../kit/server.ts";
import { findings, picture, schemes, widths } from "./axe.ts";
import { address, scenes, type World, worldOf } from "./gallery.ts";

type Given = Parameters<typeof giveStyle>[2];

const { categories, components } = juniper;
/** Every choice of where things stand that the designed style does not make. */
const framed: Given = {
  Settings: {
    ...juniper,
    categories: {
      ...categories,
      form: { ...categories.form, location: { horizontal: "END", vertical: "END" } },
      global: {
        colorSchemeMode: "DYNAMIC",
        spacingDensity: "COMPACT",
        pageHeader: { enabled: true },
        pageFooter: { enabled: true },
      },
    },
    components: {
      ...components,
      form: {
        ...components.form,
        backgroundImage: { enabled: true },
        logo: { enabled: true, formInclusion: "OUT", location: "START", position: "TOP" },
      },
      pageHeader: { logo: { enabled: true, location: "START" } },
    },
  },
  Assets: [
    ...juniperAssets.filter(({ Category }) => Category !== "PAGE_BACKGROUND"),
    ...juniperAssets
      .filter(({ Category }) => Category === "PAGE_BACKGROUND")
      .map((one) => ({ ...one, Category: "FORM_BACKGROUND" as const })),
  ],
};

const darkOnly: Given = {
  Settings: { ...juniper, categories: { global: { colorSchemeMode: "DARK" } } },
  Assets: juniperAssets,
};

/** Colors that nobody could read, of every lightness and some hues. */
const backs = ["777777ff", "ffee00ff", "2f54d680"];

forEachServer("branded pages in Chromium", (open, database) => {
  // What pages look like does not depend on the database.
  if (database !== "sqlite") return;
  const setUp = worldOf(open);

  async function newPage(trouble: string[], world: World): Promise<Page> {
    const context = await browse();
    keepOpen(context);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (/Content Security Policy|Uncaught|Refused|Failed|sandboxed/.test(message.text()))
        trouble.push(message.text());
    });
    page.on("request", (request) => {
      const known = [`${world.server.endpoint}/`, "data:"];
      if (!known.some((one) => request.url().startsWith(one))) trouble.push(`asks ${request.url()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400 && response.url().includes("/assets/"))
        trouble.push(`misses ${response.url()}`);
    });
    return page;
  }

  /** Runs with a style for each client. */
  async function styled(world: World, given: Given, body: () => Promise<void>): Promise<void> {
    const apps = [world.plain, world.choice, world.strict];
    const ids = await Promise.all(apps.map((app) => giveStyle(world.server, app, given)));
    try {
      await body();
    } finally {
      for (const [index, ManagedLoginBrandingId] of ids.entries())
        await world.server.client.send(
          new DeleteManagedLoginBrandingCommand({
            UserPoolId: apps[index]!.UserPoolId,
            ManagedLoginBrandingId,
          }),
        );
    }
  }

  async function look(page: Page, name: string): Promise<void> {
    for (const [size, viewport] of Object.entries(widths))
      for (const colorScheme of schemes) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await picture(page, `${name}-${size}-${colorScheme}`);
        assert.deepEqual(await findings(page), [], `${name} ${size} ${colorScheme}`);
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.equal(overflow, 0, `${name} is wider than ${viewport.width}px`);
      }
  }

  async function show(world: World, name: string, shown: readonly string[], langs = ["en"]): Promise<void> {
    const trouble: string[] = [];
    const page = await newPage(trouble, world);
    for (const lang of langs)
      for (const scene of shown) {
        await page.context().clearCookies();
        await scenes[scene]!({ world, page, lang });
        await look(page, `${name}-${scene}-${lang}`);
        assert.deepEqual(trouble.splice(0), []);
      }
    await page.context().close();
  }

  const several = [
    "login-refused",
    "sign-up",
    "choose-factor",
    "code-by-email",
    "reset-refused",
    "set-up-app",
  ];

  test("a style with everything, in light and dark, narrow and wide, in English and Arabic", async () => {
    const world = await setUp();
    for (const TermsName of ["terms-of-use", "privacy-policy"])
      await world.server.client.send(
        new CreateTermsCommand({
          ...world.plain,
          TermsName,
          TermsSource: "LINK",
          Enforcement: "NONE",
          Links: { "cognito:default": `https://juniper.example/${TermsName}` },
        } as never),
      );
    await styled(world, { Settings: juniper, Assets: juniperAssets }, async () => {
      await show(world, "juniper", several);
      await show(world, "juniper", ["sign-up"], ["ar"]);
    });
  });

  test("bars, a logo outside the form, an image behind it, and less space", async () => {
    const world = await setUp();
    await styled(world, framed, () => show(world, "framed", ["login-refused"], ["en", "ar"]));
  });

  test("a style for the dark alone is dark in the light too", async () => {
    const world = await setUp();
    await styled(world, darkOnly, async () => {
      await show(world, "dark", ["login"]);
      const page = await newPage([], world);
      await page.emulateMedia({ colorScheme: "light" });
      await page.goto(address(world, world.plain, "/login"));
      const seen = await page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor");
      assert.equal(seen, "rgb(19, 33, 27)");
      assert.equal(await page.evaluate("getComputedStyle(document.documentElement).colorScheme"), "dark");
      await page.context().close();
    });
  });

  for (const back of backs)
    test(`text can be read where a style sets all colors to ${back}`, async () => {
      const world = await setUp();
      const [light, dark] = [unreadable("lightMode", back), unreadable("darkMode", back)];
      const Settings = {
        componentClasses: merged(light.componentClasses, dark.componentClasses),
        components: merged(light.components, dark.components),
      };
      await styled(world, { Settings: Settings as never }, () =>
        show(world, `bad-${back}`, ["login-refused", "choose-factor"]),
      );
    });

  test("an SVG image runs nothing, also one that nobody checked and that is opened by itself", async () => {
    const world = await setUp();
    const { UserPoolId, ClientId } = world.plain;
    const { kysely } = world.server.app.db;
    const script = "document.documentElement.setAttribute('data-ran', '1')";
    const image = (more: string) =>
      Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="${script}"><script>${script}</script>${more}</svg>`,
      );
    await styled(world, { Settings: juniper, Assets: juniperAssets }, async () => {
      await kysely
        .updateTable("branding_assets")
        .set({ bytes: image(`<image href="${world.callback}" width="9" height="9"/>`) })
        .where("client_id", "=", ClientId)
        .where("category", "=", "FORM_LOGO")
        .execute();
      await kysely
        .updateTable("branding_styles")
        .set({ version: 2 })
        .where("pool_id", "=", UserPoolId)
        .execute();
      const trouble: string[] = [];
      const page = await newPage(trouble, world);
      await page.goto(address(world, world.plain, "/login"));
      const src = await page.getAttribute(".logo img", "src");
      const shown = await page.goto(`${world.server.endpoint}${src}`);
      assert.match((await shown?.text()) ?? "", /onload=/);
      assert.equal(await page.getAttribute("svg", "data-ran"), null);
      const said = trouble.join("\n");
      assert.match(said, /Blocked script execution/);
      assert.match(said, /Loading the image 'http:[^']*' violates .* has been blocked/);
      await page.context().close();
    });
  });

  test("CSS and logo of the classic hosted UI", async () => {
    const world = await setUp();
    for (const { UserPoolId } of [world.plain, world.choice, world.strict])
      await world.server.client.send(
        new SetUICustomizationCommand({
          UserPoolId,
          CSS: classicCss,
          ImageFile: png(240, 64, [255, 157, 46]),
        }),
      );
    await show(world, "classic", ["login-refused", "sign-up", "code-by-email"]);
    await show(world, "classic", ["sign-up"], ["ar"]);
    const page = await newPage([], world);
    await page.goto(address(world, world.plain, "/login"));
    const weight = await page.evaluate(
      "getComputedStyle(document.querySelector('.field > label')).fontWeight",
    );
    assert.equal(weight, "700");
    await page.focus("#password");
    // Taking the outline away would take the focus out of sight.
    assert.equal(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "solid");
    await page.context().close();
  });

  test("no classic CSS covers or hides a part of the page, however large or small it makes each", async () => {
    const world = await setUp();
    const page = await newPage([], world);
    const { UserPoolId } = world.plain;
    const style = (CSS: string) =>
      world.server.client.send(new SetUICustomizationCommand({ UserPoolId, CSS }));
    for (const [name, declarations] of Object.entries(extremes))
      for (const styled of [allClasses, ...(name === "most" ? allClasses.map((one) => [one]) : [])]) {
        await style(styled.map((one) => `.${one}-customizable { ${declarations} }`).join(" "));
        await page.context().clearCookies();
        await scenes["login-refused"]!({ world, page, lang: "en" });
        assert.deepEqual(await page.evaluate(misplaced), [], `${name}: ${styled}`);
      }
    await style("");
    await page.context().close();
  });
});

/** Every class with the most, and with the least, that its part may have. */
const extremes = {
  most:
    "padding: 64px; margin: 64px; font-size: 64px; line-height: 10px; border: 16px solid red; border-radius: 64px; " +
    "letter-spacing: 8px; word-spacing: 16px; display: inline; width: 320px; max-width: 160px; height: 176px; " +
    "max-height: 176px; box-shadow: inset 0 0 8px red; text-transform: uppercase; vertical-align: super",
  least:
    "padding: 0; margin: 0; font-size: 10px; line-height: 10px; border: 0; width: 80%; max-width: 40%; " +
    "height: 16px; max-height: 16px; min-height: 16px; min-width: 16px; display: flex; letter-spacing: 0",
  mixed:
    "padding: 0; margin: 0; font-size: 64px; line-height: 10px; width: 160px; height: 16px; max-height: 16px; " +
    "display: inline-flex; border-width: 16px; vertical-align: sub",
};
const classNames = ["background", "banner", "logo", "label", "inputField", "submitButton"];
const allClasses = [...classNames, "errorMessage", "textDescription", "redirect", "legalText"];

/** Parts that lie upon each other, and texts outside their part; run in the page. */
const misplaced = `(() => {
  const parts = [...document.querySelectorAll(".field > label, .input > input, .primary, .lead, .problem, .foot, .legal")];
  const found = [];
  const name = (part) => part.className || part.id || part.htmlFor || part.tagName;
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  const textsOf = (part) => {
    const range = document.createRange();
    range.selectNodeContents(part);
    return [...range.getClientRects()];
  };
  const boxes = parts.map((part) => part.getBoundingClientRect());
  for (const [index, part] of parts.entries()) {
    const box = boxes[index];
    if (box.width < 16 || box.height < 10) found.push(name(part) + " is too small");
    for (const [other, another] of parts.entries())
      if (other > index && !part.contains(another) && !apart(box, boxes[other]))
        found.push(name(part) + " and " + name(another) + " overlap");
    for (const text of textsOf(part)) {
      const middle = (text.top + text.bottom) / 2;
      if (middle < box.top || middle > box.bottom) found.push("text of " + name(part) + " is outside");
    }
  }
  for (const part of parts) {
    part.scrollIntoView({ block: "center" });
    const { left, top, width, height } = part.getBoundingClientRect();
    const seen = document.elementFromPoint(left + Math.min(width / 2, 20), top + height / 2);
    if (seen !== part && !part.contains(seen)) found.push(name(part) + " is covered by " + (seen && name(seen)));
  }
  return found;
})()`;

/** Of two objects of objects, name by name. */
function merged<T extends object, U extends object>(one: T, other: U): object {
  const names = Object.keys(one) as (keyof T & keyof U)[];
  return Object.fromEntries(names.map((name) => [name, { ...one[name], ...other[name] }]));
}
