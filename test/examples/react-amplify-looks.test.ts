/** examples/react-amplify: every screen held against WCAG 2.2, light and dark, in a wide window and in a narrow one. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { person } from "../../examples/react-amplify/pool.ts";
import { findings } from "../browser/axe.ts";
import { forceMfaOn } from "../kit/factors.ts";
import { needs } from "../kit/machine.ts";
import { newAddress, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { trustedTls } from "../kit/tls.ts";
import {
  enter,
  fill,
  invite,
  newVisitor,
  openReadingRoom,
  press,
  type ReadingRoom,
  seen,
  told,
} from "./react-amplify.ts";

const { environment, flags } = await trustedTls();
/** Where to put a picture of every screen; none are taken without. */
const pictures = process.env["TEST_PICTURES"];
const widths = { narrow: { width: 320, height: 640 }, wide: { width: 1280, height: 900 } } as const;

/** By name; each leaves the page at a screen. */
const scenes: Readonly<Record<string, (page: Page, room: ReadingRoom) => Promise<void>>> = {
  "sign-in": (page) => seen(page, "Sign in"),
  refused: async (page) => {
    await enter(page, person.email, "Wrong-Horse-7");
    await told(page, "alert", "Incorrect");
  },
  "sign-up": async (page) => {
    await press(page, "Create an account");
    await seen(page, "Create an account");
  },
  confirm: async (page) => {
    await press(page, "Create an account");
    await fill(page, { "Email address": newAddress(), "New password": password });
    await press(page, "Create account");
    await seen(page, "Confirm your address");
  },
  reset: async (page) => {
    await press(page, "Forgot your password?");
    await fill(page, { "Email address": person.email });
    await press(page, "Send a code");
    await seen(page, "Choose a new password");
  },
  choice: async (page) => {
    await fill(page, { "Email address": person.email });
    await press(page, "Other ways to sign in");
    await seen(page, "How do you want to sign in?");
  },
  code: async (page, room) => {
    await scenes["choice"]!(page, room);
    await press(page, "Code by e-mail");
    await seen(page, "Enter the code");
  },
  "signed-in": async (page) => {
    await enter(page);
    await seen(page, "Welcome");
    await press(page, "Add a passkey");
    await page.getByRole("listitem").waitFor();
    await page.getByText("What it says").click();
    await press(page, "Set it up");
    await page.locator(".key").waitFor();
  },
  // The last ones: from here on everybody needs a second factor.
  "new-password": async (page, { server, UserPoolId }) => {
    const only = { SoftwareTokenMfaConfiguration: { Enabled: true } };
    await forceMfaOn(server, { UserPoolId }, only);
    await enter(page, await invite(server, UserPoolId), password);
    await seen(page, "Choose a new password");
  },
  "set-up": async (page, room) => {
    await scenes["new-password"]!(page, room);
    await fill(page, { "New password": "Another-Horse-8" });
    await press(page, "Save password");
    await seen(page, "Set up an authenticator app");
  },
};

describe("the looks of examples/react-amplify", needs("chromium"), () => {
  forOneServer(
    "sqlite",
    "with a server",
    (open) => {
      const opened: { close(): Promise<void> }[] = [];
      after(async () => {
        for (const one of opened.toReversed()) await one.close();
      });

      test("no screen breaks WCAG 2.2 AA or is wider than its window", async (t) => {
        const room = await openReadingRoom(await open());
        opened.push(room);
        const visitor = await newVisitor(flags);
        opened.push(visitor);
        const { page } = visitor;
        const trouble: string[] = [];
        page.on("pageerror", (error) => trouble.push(String(error)));
        page.on("console", (message) => {
          if (message.text().includes("Content Security Policy")) trouble.push(message.text());
        });
        for (const [name, scene] of Object.entries(scenes))
          await t.test(name, async () => {
            await visitor.visit(room);
            await scene(page, room);
            for (const [size, viewport] of Object.entries(widths))
              for (const colorScheme of ["light", "dark"] as const) {
                await page.setViewportSize(viewport);
                await page.emulateMedia({ colorScheme });
                if (pictures !== undefined) await picture(page, `${name}-${size}-${colorScheme}`);
                assert.deepEqual(await findings(page), [], `${name} ${size} ${colorScheme}`);
                const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
                assert.equal(overflow, 0, `${name} is wider than ${viewport.width}px`);
              }
            assert.deepEqual(trouble.splice(0), []);
          });
      });
    },
    environment,
  );
});

async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures!, { recursive: true });
  await page.screenshot({ path: join(pictures!, `react-${name}.png`), fullPage: true });
}
