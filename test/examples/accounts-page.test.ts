/** The page of examples/accounts in Chromium, step by step as its README has it; what it looks like. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { InitiateAuthCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, Page } from "playwright-core";
import { findings, picture } from "../browser/axe.ts";
import { browse } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { newAddress, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { at, type Example, isWhole, post, startOnce } from "./accounts.ts";

const another = "Another-Horse-8";

let browser: Promise<BrowserContext> | undefined;
after(async () => {
  await (await browser)?.close();
});

/** A tab in which nobody is signed in, and what went wrong in it. */
async function visit(app: Example): Promise<{ page: Page; trouble: string[] }> {
  browser ??= browse();
  const page = await (await browser).newPage();
  const trouble: string[] = [];
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) trouble.push(message.text());
  });
  await page.goto(at(app, "/"));
  await heading(page, "Sign in");
  return { page, trouble };
}

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const told = (page: Page, role: "alert" | "status", text: string | RegExp) =>
  page.getByRole(role).filter({ hasText: text }).waitFor();

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields))
    await page.getByLabel(label, { exact: true }).and(page.locator(":visible")).fill(value);
}

async function signUp(page: Page, email: string): Promise<void> {
  await press(page, "Create an account");
  await heading(page, "Create an account");
  await fill(page, { Name: "Ann <b>Bee</b>", "Email address": email, Password: password });
  await press(page, "Create account");
}

async function signIn(page: Page, email: string, secret: string): Promise<void> {
  await fill(page, { "Email address": email, Password: secret });
  await press(page, "Sign in");
}

async function signOut(page: Page): Promise<void> {
  await press(page, "Sign out");
  await heading(page, "Sign in");
}

/** What the page says of the record. */
async function shown(page: Page): Promise<Record<string, string>> {
  await heading(page, "Your account");
  const [terms, texts] = [
    await page.locator("dt").allTextContents(),
    await page.locator("dd").allTextContents(),
  ];
  return Object.fromEntries(terms.map((term, index) => [term, texts[index]!]));
}

describe("the page of examples/accounts", needs("chromium"), () => {
  forOneServer("sqlite", "with a server", (open) => {
    const running = startOnce(open);
    const example = async () => (await running()).app;

    test("sign up, see the record, sign out, sign in, change address and password", async () => {
      const app = await example();
      const { page, trouble } = await visit(app);
      const [email, later] = [newAddress(), newAddress()];
      const sent: string[] = [];
      page.on("request", (request) => sent.push(`${request.method()} ${request.postData()}`));

      await signUp(page, email);
      const { "Account ID": id, ...record } = await shown(page);
      assert.equal(record["Name"], "Ann <b>Bee</b>");
      assert.equal(record["Email address"], email);
      assert.equal(id, await isWhole(app, email));

      await signOut(page);
      sent.length = 0;
      await signIn(page, email, another);
      await told(page, "alert", "Incorrect username or password.");
      await signIn(page, email, password);
      assert.equal((await shown(page))["Account ID"], id);
      assert.ok(sent.length > 0);
      assert.deepEqual(
        sent.filter((one) => one.includes(password) || one.includes(another)),
        [],
        "it never leaves the browser",
      );
      await page.reload();
      assert.equal((await shown(page))["Account ID"], id);

      await fill(page, { "New email address": later });
      await press(page, "Send a code");
      await told(page, "status", `A code was sent to ${later}`);
      await fill(page, { "Code from the message": "000000" });
      await press(page, "Change address");
      await told(page, "alert", "This code is not right.");
      assert.equal(await page.getByRole("status").count(), 0, "what was said before is taken back");
      const inbox = page.getByRole("link", { name: "inbox" });
      assert.equal(await inbox.getAttribute("href"), `${app.server.endpoint}/inbox`);
      assert.equal((await shown(page))["Email address"], email);
      await fill(page, { "Code from the message": await app.server.code(later) });
      await press(page, "Change address");
      await told(page, "status", "Your address has been changed.");
      assert.equal((await shown(page))["Email address"], later);

      await fill(page, { "Current password": another, "New password": another });
      await press(page, "Change password");
      await told(page, "alert", "The current password is not right.");
      assert.equal(await page.getByRole("status").count(), 0);
      await fill(page, { "Current password": password, "New password": "short" });
      await press(page, "Change password");
      await told(page, "alert", /^Please choose another password\. Password not long enough\.$/);
      await fill(page, { "Current password": password, "New password": another });
      await press(page, "Change password");
      await told(page, "status", "Your password has been changed.");

      await signOut(page);
      await signIn(page, email, another);
      await told(page, "alert", "Incorrect username or password.");
      await signIn(page, later, another);
      assert.equal((await shown(page))["Account ID"], id);
      const token: string = await page.evaluate(
        "sessionStorage.getItem(Object.keys(sessionStorage).find((key) => key.endsWith('.refreshToken')))",
      );
      await refresh(app, token);
      await signOut(page);
      await assert.rejects(refresh(app, token), { name: "NotAuthorizedException" });
      await page.goto(at(app, "/"));
      await heading(page, "Sign in");
      assert.equal(await page.evaluate("sessionStorage.length"), 0);
      assert.deepEqual(trouble, []);
    });

    test("what the server refuses is said beside the form, whose fields stay", async () => {
      const app = await example();
      const { page, trouble } = await visit(app);
      const email = newAddress();
      await post(app, email, { password: another });
      await signUp(page, email);
      await told(page, "alert", "There is already an account with this email address.");
      await fill(page, { "Email address": newAddress(), Password: "Short-1" });
      await press(page, "Create account");
      await told(page, "alert", /^Please choose another password\. Password not long enough\.$/);
      app.relay.plan = () => "cut";
      await fill(page, { Password: password });
      await press(page, "Create account");
      await told(page, "alert", "Something went wrong. Please try again.");
      app.relay.plan = () => undefined;
      await press(page, "Create account");
      assert.equal((await shown(page))["Name"], "Ann <b>Bee</b>");
      assert.deepEqual(trouble, []);
    });

    test("who signs in to an account that is not finished is told to create it again", async () => {
      const app = await example();
      const { page } = await visit(app);
      const email = newAddress();
      app.relay.plan = (operation) => (operation === "AdminInitiateAuth" ? "cut" : undefined);
      await signUp(page, email);
      await told(page, "alert", "Something went wrong. Please try again.");
      app.relay.plan = () => undefined;
      await press(page, "Sign in");
      await signIn(page, email, password);
      await told(page, "alert", "This account is not ready yet. Please create it again.");
      await signUp(page, email);
      await heading(page, "Your account");
      await isWhole(app, email);
    });

    test("an address that was changed without the server's knowing is right when the page is next open", async () => {
      const app = await example();
      const { page } = await visit(app);
      const [email, later] = [newAddress(), newAddress()];
      await signUp(page, email);
      await heading(page, "Your account");
      await fill(page, { "New email address": later });
      await press(page, "Send a code");
      await told(page, "status", "A code was sent");
      app.relay.plan = (operation) => (operation === "AdminGetUser" ? "cut" : undefined);
      await fill(page, { "Code from the message": await app.server.code(later) });
      await press(page, "Change address");
      await told(page, "status", "Your address has been changed.");
      app.relay.plan = () => undefined;
      await page.reload();
      assert.equal((await shown(page))["Email address"], later);
      await isWholeAt(app, later);
    });

    test("without JavaScript it says that it needs it", async () => {
      const context = await browse({ javaScriptEnabled: false });
      const page = await context.newPage();
      await page.goto(at(await example(), "/"));
      assert.match((await page.textContent("main")) ?? "", /^\s*This page needs JavaScript/);
      assert.equal(await page.getByRole("heading").count(), 0);
      await context.close();
    });

    test("by keyboard alone, with the focus where it is needed", async () => {
      const app = await example();
      const { page } = await visit(app);
      const focused = () =>
        page.evaluate("document.activeElement.textContent || document.activeElement.name");
      assert.equal(await focused(), "Sign in");
      for (let tabs = 0; tabs < 4; tabs += 1) await page.keyboard.press("Tab");
      assert.equal(await focused(), "Create an account");
      await page.keyboard.press("Enter");
      assert.equal(await focused(), "Create an account");
      for (const text of ["Ann", newAddress(), password]) {
        await page.keyboard.press("Tab");
        await page.keyboard.type(text);
      }
      await page.keyboard.press("Enter");
      await heading(page, "Your account");
      assert.equal(await focused(), "Your account");
    });

    test("no screen breaks WCAG 2.2 AA, in light and dark, wide and narrow", async () => {
      const app = await example();
      const { page } = await visit(app);
      const look = async (name: string) => {
        for (const width of [360, 1280])
          for (const colorScheme of ["light", "dark"] as const) {
            await page.setViewportSize({ width, height: 800 });
            await page.emulateMedia({ colorScheme });
            await picture(page, `accounts-${name}-${width}-${colorScheme}`);
            assert.deepEqual(await findings(page), [], `${name} ${width} ${colorScheme}`);
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            assert.equal(overflow, 0, `${name} is wider than ${width}px`);
          }
      };
      await look("sign-in");
      await signIn(page, newAddress(), password);
      await told(page, "alert", "Incorrect");
      await look("refused");
      const email = newAddress();
      await signUp(page, email);
      await heading(page, "Your account");
      await fill(page, { "New email address": newAddress() });
      await press(page, "Send a code");
      await told(page, "status", "A code was sent");
      await fill(page, { "Current password": another, "New password": another });
      await press(page, "Change password");
      await told(page, "alert", "The current password is not right.");
      await look("account");
      await signOut(page);
      await press(page, "Create an account");
      await look("sign-up");
    });
  });
});

const refresh = ({ server, ClientId }: Example, REFRESH_TOKEN: string) =>
  server.client.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: { REFRESH_TOKEN },
    }),
  );

/** The address of an account that was sent a code. */
async function isWholeAt(app: Example, email: string): Promise<void> {
  const answer = await post(app, email);
  assert.equal(answer.status, 201);
  assert.equal(answer.body["email"], email);
}
