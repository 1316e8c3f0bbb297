/** Mail in Chromium, as mail programs that are browsers show it: nothing is cut off, and everybody can read it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MailLook } from "../../src/domain/branding/mail-look.ts";
import { paletteOf } from "../../src/domain/branding/theme-colors.ts";
import { exampleMessage, exampleMessages } from "../../src/domain/messages/examples.ts";
import type { Layout } from "../../src/domain/messages/layout.ts";
import { logoId, renderMail } from "../../src/domain/messages/mail.ts";
import { colorOfDigits } from "../../src/lib/color.ts";
import { png } from "../hosted-ui/brands.ts";
import { browse, keepOpen } from "../kit/chromium.ts";
import { part } from "../kit/whole.ts";
import { findings, picture, schemes } from "./axe.ts";

const standard: MailLook = {
  scheme: "light dark",
  palettes: {
    light: paletteOf("light", () => undefined).values,
    dark: paletteOf("dark", () => undefined).values,
  },
  logo: undefined,
};
const olive = colorOfDigits("777700ff");
/** Every color the same: what is text must have been changed. */
const unreadable: MailLook = {
  ...standard,
  palettes: { light: paletteOf("light", () => olive).values, dark: paletteOf("dark", () => olive).values },
  logo: { type: "image/png", bytes: png(640, 64, [120, 119, 30]) },
};

const looks = { standard, unreadable };
const widths = [320, 600, 1200];
/** A language of each direction, one with long words and one without spaces. */
const languages = ["de", "ar", "ja"] as const;
const app = "Donaudampfschifffahrtsgesellschaftskapitänsmützenverleih";
const pool = {
  id: "us-east-1_nowhere",
  document: { VerificationMessageTemplate: { DefaultEmailOption: "CONFIRM_WITH_LINK" as const } },
};

/** Rules about a page as a whole, which a mail is only a part of. */
const ofPages = /^(?:region|landmark-one-main):/;

for (const [name, look] of Object.entries(looks))
  test(`mail is shown whole and can be read by everybody, with colors that are ${name}`, async () => {
    for (const [at, colorScheme] of schemes.entries()) {
      const context = keepOpen(await browse({ colorScheme }));
      const page = await context.newPage();
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      const mails = Object.keys(exampleMessages).flatMap((kind) =>
        languages.map((language) => ({ kind, language })),
      );
      for (const { kind, language } of part(mails, 2, at)) {
        const message = exampleMessage(pool, kind, "EMAIL", { language }) ?? assert.fail();
        const { html } = renderMail(message.layout as Layout, message.subject, look, app);
        const bytes = Buffer.from(look.logo?.bytes ?? []).toString("base64");
        await page.setContent(html.replaceAll(`cid:${logoId}`, `data:image/png;base64,${bytes}`));
        for (const width of widths) {
          await page.setViewportSize({ width, height: 800 });
          const wide = await page.evaluate("document.documentElement.scrollWidth");
          assert.ok(Number(wide) <= width, `${kind}, ${language}: ${wide} > ${width}`);
          const card = await page.locator("table.card").boundingBox();
          assert.ok(card !== null && card.width <= 600 && card.width >= width * 0.4);
          await picture(page, `mail-${name}-${kind}-${language}-${colorScheme}-${width}`);
        }
        const found = (await findings(page, colorScheme === "dark" ? "colors" : "every")).filter(
          (finding) => !ofPages.test(finding),
        );
        assert.deepEqual(found, [], `${kind}, ${language}, ${colorScheme}`);
      }
      assert.deepEqual(
        asked.filter((url) => !url.startsWith("data:")),
        [],
      );
    }
  });
