/** The hosted pages in Chromium: without script, by keyboard alone, with a passkey, and held against WCAG 2.2. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import {
  CompleteWebAuthnRegistrationCommand,
  CreateUserPoolClientCommand,
  StartWebAuthnRegistrationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { addAuthenticator, browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { totp } from "../kit/factors.ts";
import { makeUser, newAddress, password, signIn, verifiedMail } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { part } from "../kit/whole.ts";
import { findings, picture, schemes, widths } from "./axe.ts";
import { address, press, scenes, signInAs, type World, worldOf } from "./gallery.ts";

async function newBrowser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browse(options);
  keepOpen(context);
  return context;
}

forOneServer("sqlite", "hosted pages in Chromium", (open, database) => {
  const setUp = worldOf(open);

  const newPage = async (options: BrowserContextOptions = {}) => (await newBrowser(options)).newPage();
  const withoutScript = () => newPage({ javaScriptEnabled: false });

  /** The application has been given a code. */
  async function assertIn(page: Page, world: World): Promise<void> {
    await page.waitForURL(`${world.callback}?*`);
    assert.ok(new URL(page.url()).searchParams.get("code"), page.url());
    assert.equal(new URL(page.url()).searchParams.get("state"), "s-1");
  }

  test("without script: a password and an authenticator app, after a mistake in each", async () => {
    const world = await setUp();
    const page = await withoutScript();
    world.server.clock.advance(60_000);
    await page.goto(address(world, world.strict, "/oauth2/authorize"));
    await page.fill("#username", "tom");
    await page.fill("#password", "Wrong-Password-1");
    await press(page);
    assert.match((await page.textContent("#password-error")) ?? "", /^Incorrect/);
    assert.equal(await page.locator(":focus").getAttribute("id"), "password");
    assert.equal(await page.inputValue("#username"), "tom");
    await page.fill("#password", password);
    await press(page);
    await page.fill("#code", "12345");
    await press(page);
    assert.equal(await page.locator(":focus").getAttribute("id"), "code");
    await page.fill("#code", totp(world.secret, world.server.clock.now));
    await press(page);
    await assertIn(page, world);
    // The second time nothing is asked; the sign-in page itself offers to go on.
    await page.goto(address(world, world.strict, "/oauth2/authorize"));
    await assertIn(page, world);
    await page.goto(address(world, world.strict, "/login"));
    assert.equal(await page.textContent("h1"), "Welcome back");
    await press(page);
    await assertIn(page, world);
  });

  test("an application at an IPv6 address, which no Content-Security-Policy can name, gets its code", async () => {
    const world = await setUp();
    const callback = "http://[::1]:9/callback";
    const { UserPoolId } = world.plain;
    const { UserPoolClient } = await world.server.client.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: "Sixth",
        CallbackURLs: [callback],
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code"],
        AllowedOAuthScopes: ["openid"],
      }),
    );
    const app = { UserPoolId, ClientId: UserPoolClient!.ClientId! };
    const page = await withoutScript();
    await page.route(`${callback}?*`, (route) => route.fulfill({ body: "in" }));
    await page.goto(address({ ...world, callback }, app, "/login"));
    await page.fill("#username", "ann");
    await page.fill("#password", password);
    await press(page);
    await assertIn(page, { ...world, callback });
  });

  test("without script: sign-up, and a forgotten password", async () => {
    const world = await setUp();
    const page = await withoutScript();
    const email = newAddress();
    await page.goto(address(world, world.plain, "/oauth2/authorize"));
    await page.getByRole("link", { name: "Create one" }).click();
    await page.getByLabel("Username").fill("una");
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("First name").fill("Una");
    await page.getByLabel("Date of birth").fill("1990-01-01");
    await page.getByLabel("Password").fill(password);
    await press(page);
    await page.getByLabel("Code").fill(await world.server.code(email));
    await press(page);
    await assertIn(page, world);
    await page.context().clearCookies();
    await page.goto(address(world, world.plain, "/login", { login_hint: "una" }));
    await page.getByRole("link", { name: "Forgot password?" }).click();
    await press(page);
    await page.getByLabel("Code").fill(await world.server.code(email));
    await page.getByLabel("New password").fill("Chosen-Anew-7");
    await press(page);
    assert.match((await page.textContent("[role=status]")) ?? "", /has been changed/);
    await page.getByLabel("Password").fill("Chosen-Anew-7");
    await press(page);
    await assertIn(page, world);
  });

  test("an application may send the browser on to another host, if that is registered too", async () => {
    const world = await setUp();
    const other = await serveSite("<!doctype html><title>Elsewhere</title>");
    keepOpen(other);
    const sendsOn = createServer((_, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${other.port}/home` }).end(),
    ).listen(0, "127.0.0.1");
    keepOpen(sendsOn);
    await once(sendsOn, "listening");
    const callback = `http://localhost:${(sendsOn.address() as AddressInfo).port}/callback`;
    const settings = {
      UserPoolId: world.plain.UserPoolId,
      ClientName: "Hops",
      CallbackURLs: [callback],
      LogoutURLs: [`http://127.0.0.1:${other.port}/bye`],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid"],
    } satisfies ConstructorParameters<typeof CreateUserPoolClientCommand>[0];
    const made = await world.server.client.send(new CreateUserPoolClientCommand(settings));
    const page = await withoutScript();
    const app = { ...world.plain, ClientId: made.UserPoolClient!.ClientId! };
    await signInAs({ world: { ...world, callback }, page, lang: "en" }, app, "ann");
    await page.waitForURL(`http://127.0.0.1:${other.port}/home`);
  });

  test("by keyboard alone, in the order of reading, and a password is shown on demand", async () => {
    const world = await setUp();
    const page = await newPage();
    await page.goto(address(world, world.plain, "/login"));
    const { keyboard } = page;
    const focused = () =>
      page.evaluate(
        "document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.textContent.trim()",
      );
    assert.equal(await focused(), "username");
    await keyboard.type("ann");
    const order: unknown[] = [];
    for (let step = 0; step < 5; step++) {
      await keyboard.press("Tab");
      order.push(await focused());
    }
    assert.deepEqual(order, ["password", "Show password", "Forgot password?", "Sign in", "Create one"]);
    for (let step = 0; step < 4; step++) await keyboard.press("Shift+Tab");
    await keyboard.type(password);
    await keyboard.press("Tab");
    await keyboard.press("Space");
    assert.equal(await page.getAttribute("#password", "type"), "text");
    assert.equal(await focused(), "password");
    await keyboard.press("Enter");
    await assertIn(page, world);
  });

  test("a code is submitted once it is complete, and a password's rules are ticked", async () => {
    const world = await setUp();
    const page = await newPage();
    await page.clock.install();
    world.server.clock.advance(60_000);
    await page.goto(address(world, world.plain, "/signup"));
    const met = () => page.locator(".rules .met").allTextContents();
    assert.deepEqual(await met(), []);
    await page.locator("#password").pressSequentially("Abcdefg1");
    assert.deepEqual(await met(), [
      "8 characters, met",
      "one uppercase letter (A\u2060–\u2060Z), met",
      "one lowercase letter (a\u2060–\u2060z), met",
      "one number, met",
    ]);
    await page.fill("#username", `una-${database}`);
    const email = newAddress();
    await page.fill("#email", email);
    await page.fill("#given_name", "Una");
    await page.fill("#birthdate", "1990-01-01");
    await page.fill("#password", password);
    assert.equal((await met()).length, 5);
    await press(page);
    assert.match((await page.textContent("#code-hint")) ?? "", /6 digits · It is submitted/);
    // What is sent again is waited for.
    const again = page.locator("button[data-wait]");
    assert.match((await again.textContent()) ?? "", /^Resend code \(0:\d\d\)$/);
    await again.dispatchEvent("click");
    await page.clock.fastForward(60_000);
    assert.equal(await again.textContent(), "Resend code");
    assert.equal(await page.locator("[role=status]").count(), 0, "nothing was sent");
    const code = await world.server.code(email);
    await page.locator("#code").pressSequentially(`${code.slice(0, 3)} ${code.slice(3)}`);
    await assertIn(page, world);
    // A box that may still be ticked keeps a code from being submitted by itself.
    await page.context().clearCookies();
    await signInAs({ world, page, lang: "en" }, world.strict, "tom");
    await page.locator("#code").pressSequentially("123456");
    assert.equal(await page.locator("[data-submits]").isVisible(), false);
    assert.equal(await page.inputValue("#code"), "123456");
  });

  test("a passkey signs in by itself; where it cannot, there is another way", async () => {
    const world = await setUp();
    const { server, choice } = world;
    const page = await newPage();
    const { devtools, authenticatorId } = await addAuthenticator(page);
    const name = `pia-${database}`;
    await makeUser(server, choice.UserPoolId, name, verifiedMail());
    const { AccessToken } = await signIn(server, choice.ClientId, name);
    const begun = await server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken }));
    await page.goto(address(world, choice, "/login"));
    const Credential: never = await page.evaluate(`(async () => {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(${JSON.stringify(begun.CredentialCreationOptions)});
      return (await navigator.credentials.create({ publicKey })).toJSON();
    })()`);
    await server.client.send(new CompleteWebAuthnRegistrationCommand({ AccessToken, Credential }));
    // Nobody touches the device while the page offers the passkey among the names.
    const touch = (enabled: boolean) =>
      devtools.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
    await touch(false);
    await page.goto(address(world, choice, "/login"));
    // Only once somebody touches it does the script of the next page run, and ask: at no other time could both be first.
    await page.route("**/*.js", async (route) => {
      await touch(true);
      await route.continue();
    });
    await page.fill("#username", name);
    await press(page);
    await assertIn(page, world);
    await page.unroute("**/*.js");
    // The passkey is gone from this device.
    await page.context().clearCookies();
    await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
    await signInAs({ world, page, lang: "en" }, choice, name);
    assert.equal(await page.textContent("h1"), "Use your passkey");
    await page.waitForSelector("[role=alert]:not([hidden])");
    assert.match((await page.textContent("[role=alert]:not([hidden])")) ?? "", /^No passkey was used: /);
    assert.deepEqual(await findings(page), []);
    await page.getByRole("button", { name: "Use another method" }).click();
    await page.getByRole("button", { name: "Password" }).click();
    await page.fill("#password", password);
    await press(page);
    await assertIn(page, world);
    // The sign-in page itself asks for one on demand, and says why it got none.
    await page.context().clearCookies();
    await page.goto(address(world, choice, "/login"));
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForSelector("[role=alert]:not([hidden])");
    assert.match((await page.textContent("[role=alert]:not([hidden])")) ?? "", /^No passkey was used: /);
    const bare = await withoutScript();
    await signInAs({ world, page: bare, lang: "en" }, choice, name);
    assert.match((await bare.textContent("noscript")) ?? "", /needs JavaScript/);
    assert.equal(await bare.getByRole("button", { name: "Continue with passkey" }).count(), 0);
    await bare.getByRole("button", { name: "Use another method" }).click();
    assert.equal(await bare.textContent("h1"), "How do you want to sign in?");
  });

  test("a passkey is added, is not added twice, and then signs in by itself", async () => {
    const world = await setUp();
    const { server, choice } = world;
    const page = await newPage();
    const { devtools, authenticatorId } = await addAuthenticator(page);
    const name = `ada-${database}`;
    await makeUser(server, choice.UserPoolId, name, verifiedMail());
    await page.goto(address(world, choice, "/passkeys/add"));
    assert.match((await page.textContent("h1")) ?? "", /^Sign in to \u2068Notes\u2069$/);
    await page.fill("#username", name);
    await press(page);
    await page.fill("#password", password);
    await press(page);
    assert.equal(await page.textContent("h1"), "Add a passkey");
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await page.waitForSelector("[role=status]");
    assert.equal(await page.textContent("h1"), "Passkey added");
    assert.equal(await page.locator(".list li").count(), 1);
    await page.getByRole("button", { name: "Add another passkey" }).click();
    await page.waitForSelector("[role=alert]:not([hidden])");
    const already = page.locator("[role=alert]:not([hidden])");
    assert.deepEqual(await already.allTextContents(), [
      "This device already has a passkey for this account.",
    ]);
    assert.deepEqual(await findings(page), []);
    await page.getByRole("link", { name: "Back to" }).click();
    await page.waitForURL(`${world.callback}?state=s-1`);
    await page.context().clearCookies();
    const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId });
    assert.equal(credentials.length, 1);
    await page.goto(address(world, choice, "/login"));
    await assertIn(page, world);
  });

  test("adding a passkey: without script the page says so; a device that makes none leaves the way back", async () => {
    const world = await setUp();
    const bare = await withoutScript();
    const name = `ava-${database}`;
    await makeUser(world.server, world.choice.UserPoolId, name, verifiedMail());
    const lead = async (page: Page) => {
      await page.goto(address(world, world.choice, "/passkeys/add"));
      await page.fill("#username", name);
      await press(page);
      await page.fill("#password", password);
      await press(page);
      assert.equal(await page.textContent("h1"), "Add a passkey");
    };
    await lead(bare);
    assert.match((await bare.textContent("noscript")) ?? "", /Passkeys need JavaScript/);
    assert.equal(await bare.getByRole("button", { name: "Create a passkey" }).count(), 0);
    await bare.getByRole("link", { name: "Back to" }).click();
    await bare.waitForURL(`${world.callback}?state=s-1`);
    const page = await newPage();
    const { devtools, authenticatorId } = await addAuthenticator(page);
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await lead(page);
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await page.waitForSelector("[role=alert]:not([hidden])");
    assert.match((await page.textContent("[role=alert]:not([hidden])")) ?? "", /^No passkey was added: /);
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await page.getByRole("button", { name: "Continue" }).click();
    await page.waitForSelector("[role=status]");
  });

  // What pages look like does not depend on the database.
  for (const lang of database === "sqlite" ? ["en", "ar"] : [])
    test(`no page breaks WCAG 2.2 AA or is wider than its window, in ${lang}`, async (t) => {
      const world = await setUp();
      const page = await newPage();
      const trouble: string[] = [];
      page.on("console", (message) => {
        if (/Content Security Policy|Uncaught/.test(message.text())) trouble.push(message.text());
      });
      page.on("request", (request) => {
        const known = [`${world.server.endpoint}/`, `${world.callback}?`, "data:"];
        if (!known.some((one) => request.url().startsWith(one)) && !request.url().endsWith("/favicon.ico"))
          trouble.push(`asks ${request.url()}`);
      });
      page.on("pageerror", (error) => trouble.push(String(error)));
      for (const [name, scene] of part(Object.entries(scenes), 2, lang === "en" ? 0 : 1))
        await t.test(name, async () => {
          await page.context().clearCookies();
          await scene({ world, page, lang });
          // Colors are the same in every language.
          for (const [size, viewport] of Object.entries(widths))
            for (const colorScheme of lang === "en" ? schemes : schemes.slice(0, 1)) {
              await page.setViewportSize(viewport);
              // A color on its way to another is neither.
              await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
              await picture(page, `${name}-${lang}-${size}-${colorScheme}`);
              const rules = colorScheme === schemes[0] ? "every" : "colors";
              assert.deepEqual(await findings(page, rules), [], `${name} ${size} ${colorScheme}`);
              const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
              assert.equal(overflow, 0, `${name} is wider than ${viewport.width}px`);
            }
          assert.deepEqual(trouble.splice(0), []);
        });
    });
});
