/** examples/react-amplify in Chromium: every way in and out of it, over TLS. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import {
  AdminSetUserMFAPreferenceCommand,
  GetTokensFromRefreshTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { Request } from "playwright-core";
import { person } from "../../examples/react-amplify/pool.ts";
import { forceMfaOn, totp } from "../kit/factors.ts";
import { needs } from "../kit/machine.ts";
import { makeUser, newAddress, password, refused } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { trustedTls } from "../kit/tls.ts";
import { claimsOf } from "../oauth/support.ts";
import {
  enter,
  enterThere,
  fill,
  invite,
  kept,
  leave,
  leaveThere,
  newVisitor,
  openReadingRoom,
  press,
  type ReadingRoom,
  seen,
  told,
  type Visitor,
} from "./react-amplify.ts";

const { environment, flags } = await trustedTls();
const another = "Another-Horse-8";

describe("examples/react-amplify", needs("chromium"), () => {
  forOneServer(
    "sqlite",
    "with a server",
    (open) => {
      const rooms: ReadingRoom[] = [];
      let visitor: Promise<Visitor> | undefined;
      // Before the server's own end, which waits for the browser's connections.
      after(async () => {
        await (await visitor)?.close();
        for (const room of rooms) await room.close();
      });

      async function openAnother(): Promise<ReadingRoom> {
        const room = await openReadingRoom(await open());
        rooms.push(room);
        return room;
      }

      async function come(room?: ReadingRoom) {
        visitor ??= newVisitor(flags);
        const { page, visit } = await visitor;
        const to = room ?? rooms[0] ?? (await openAnother());
        await visit(to);
        return { page, ...to };
      }

      test("by redirect: to the hosted pages and back with a code, refreshed, and out by /logout", async () => {
        const { page, url, server, UserPoolId, ClientId } = await come();
        const there = `${server.endpoint}/${UserPoolId}`;
        assert.match(there, /^https:\/\/localhost:\d+\//);
        const requests: Request[] = [];
        page.on("request", (request) => requests.push(request));
        const asked = (path: string) => requests.filter((one) => one.url().startsWith(`${there}${path}`));
        await seen(page, "Sign in");
        await press(page, "Go to the sign-in page");
        await page.waitForURL(`${there}/login?*`);
        const authorized = new URL(asked("/oauth2/authorize?")[0]!.url()).searchParams;
        assert.equal(authorized.get("code_challenge_method"), "S256");
        assert.equal(authorized.get("identity_provider"), "COGNITO");
        await enterThere(page);
        await seen(page, "Welcome");
        assert.equal(page.url(), url, "the code does not stay in the address");
        const [exchange, ...more] = asked("/oauth2/token");
        assert.deepEqual(more, []);
        // A header of Amplify's own to another origin: the browser has asked whether it may.
        assert.match((await exchange!.allHeaders())["x-amz-user-agent"] ?? "", /^aws-amplify\//);
        assert.ok(new URLSearchParams(exchange!.postData() ?? "").get("code_verifier"));
        await page.getByRole("definition").filter({ hasText: person.group }).waitFor();
        const first = claimsOf(await kept(page, "accessToken"));
        assert.equal(first["client_id"], ClientId);
        assert.equal(first["scope"], authorized.get("scope"));
        await page.getByText("What it says").click();
        await page
          .locator("pre")
          .filter({ hasText: first["jti"] as string })
          .waitFor();
        await press(page, "Refresh it now");
        await page
          .locator("pre")
          .filter({ hasNotText: first["jti"] as string })
          .waitFor();
        const second = claimsOf(await kept(page, "accessToken"));
        assert.notEqual(second["jti"], first["jti"]);
        assert.equal(second["origin_jti"], first["origin_jti"]);
        const RefreshToken = await kept(page, "refreshToken");
        await leaveThere(page);
        assert.equal(page.url(), url);
        assert.equal(asked("/logout?").length, 1);
        await assert.rejects(
          server.client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken })),
          refused("NotAuthorizedException"),
        );
        // The hosted pages have forgotten who it was.
        await press(page, "Go to the sign-in page");
        await page.waitForURL(`${there}/login?*`);
        assert.equal(await page.locator("#username").count(), 1);
      });

      test("by redirect: told why somebody came back without a code", async () => {
        const { page, url } = await come();
        await press(page, "Go to the sign-in page");
        await page.waitForURL("**/login?*");
        await page.goto(`${url}?error=access_denied&error_description=Nobody+agreed.`);
        await told(page, "alert", "Nobody agreed.");
        await enter(page);
        await seen(page, "Welcome");
      });

      test("by a password: told when it is wrong, kept over a reload, out everywhere", async () => {
        const { page, server, ClientId } = await come();
        await enter(page, person.email, "Wrong-Horse-7");
        await told(page, "alert", "Incorrect username or password.");
        assert.equal(await page.getByLabel("Email address").inputValue(), person.email);
        await page.route(`${server.endpoint}/`, (route) => route.abort());
        await press(page, "Sign in");
        await told(page, "alert", "The sign-in service does not answer.");
        await page.unroute(`${server.endpoint}/`);
        await fill(page, { Password: person.password });
        await press(page, "Sign in");
        await seen(page, "Welcome");
        await page.getByRole("definition").filter({ hasText: person.email }).waitFor();
        await page.reload();
        await seen(page, "Welcome");
        const RefreshToken = await kept(page, "refreshToken");
        await press(page, "Sign out on every device");
        await seen(page, "Sign in");
        assert.equal(await kept(page, "accessToken"), undefined);
        await assert.rejects(
          server.client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken })),
          refused("NotAuthorizedException"),
        );
      });

      test("by a passkey: added, used here and at the hosted pages, deleted", async () => {
        const { page, server } = await come();
        await seen(page, "Sign in");
        await press(page, "Sign in with a passkey");
        await told(page, "alert", "Enter your e-mail address first.");
        await enter(page);
        await seen(page, "Welcome");
        await press(page, "Add a passkey");
        await page.getByRole("listitem").waitFor();
        await press(page, "Add a passkey");
        await told(page, "alert", "This device has a passkey for your account already.");
        await leave(page);
        await fill(page, { "Email address": person.email });
        await press(page, "Sign in with a passkey");
        await seen(page, "Welcome");
        await leave(page);
        // The hosted pages are at the same host, so that the passkey is one for them as well: the browser offers it among
        // the names that it fills in, and this device takes it at once.
        const visited = page.waitForRequest(`${server.endpoint}/*/login?*`);
        await press(page, "Go to the sign-in page");
        await visited;
        await seen(page, "Welcome");
        await page.getByRole("button", { name: /^Delete the passkey / }).click();
        await page.getByText("You have none.").waitFor();
        await leaveThere(page);
        await fill(page, { "Email address": person.email });
        await press(page, "Sign in with a passkey");
        await told(page, "alert", "This account has no passkey here.");
        assert.equal(await kept(page, "accessToken"), undefined);
      });

      test("by what one chooses: a password that stays in the browser, or a code by e-mail", async () => {
        const { page, server } = await come();
        const calls: string[] = [];
        page.on("request", (request) => calls.push(request.postData() ?? ""));
        await fill(page, { "Email address": person.email });
        await press(page, "Other ways to sign in");
        await seen(page, "How do you want to sign in?");
        await press(page, "Password");
        await seen(page, "Enter your password");
        await fill(page, { Password: person.password });
        await press(page, "Sign in");
        await seen(page, "Welcome");
        assert.ok(calls.some((body) => body.includes("SRP_A")));
        assert.ok(!calls.some((body) => body.includes(person.password)));
        await leave(page);
        await fill(page, { "Email address": person.email });
        await press(page, "Other ways to sign in");
        await press(page, "Code by e-mail");
        await seen(page, "Enter the code");
        await fill(page, { Code: await server.code(person.email) });
        await press(page, "Continue");
        await seen(page, "Welcome");
      });

      test("from sign-up to being signed in, with a code from the inbox", async () => {
        const { page, server } = await come();
        const address = newAddress();
        await press(page, "Create an account");
        await fill(page, { "Email address": address, "New password": "short" });
        await press(page, "Create account");
        await told(page, "alert", /[Pp]assword/);
        await fill(page, { "New password": password });
        await press(page, "Create account");
        await seen(page, "Confirm your address");
        const sent = page.waitForResponse(
          (answer) =>
            answer.request().headers()["x-amz-target"]?.endsWith(".ResendConfirmationCode") ?? false,
        );
        await press(page, "Send another code");
        await sent;
        assert.equal((await server.inbox(address)).length, 2);
        await fill(page, { Code: await server.code(address) });
        await press(page, "Confirm");
        await seen(page, "Welcome");
        await page.getByRole("definition").filter({ hasText: address }).waitFor();
      });

      test("who did not confirm is asked to, in another visit too", async () => {
        const { page, server } = await come();
        const address = newAddress();
        await press(page, "Create an account");
        await fill(page, { "Email address": address, "New password": password });
        await press(page, "Create account");
        await seen(page, "Confirm your address");
        await come();
        await enter(page, address, password);
        await told(page, "status", "has not been confirmed");
        await fill(page, { Code: await server.code(address) });
        await press(page, "Confirm");
        await told(page, "status", "Your account is confirmed. Sign in.");
        await fill(page, { Password: password });
        await press(page, "Sign in");
        await seen(page, "Welcome");
      });

      test("a forgotten password is replaced with a code from the inbox", async () => {
        const { page, server, UserPoolId } = await come();
        const address = newAddress();
        await makeUser(server, UserPoolId, address, [
          { Name: "email", Value: address },
          { Name: "email_verified", Value: "true" },
        ]);
        await press(page, "Forgot your password?");
        await fill(page, { "Email address": address });
        await press(page, "Send a code");
        await told(page, "status", /on its way by e-mail to u\*\*\*@m\*\*\*/);
        await fill(page, { Code: "000000", "New password": another });
        await press(page, "Save password");
        await told(page, "alert", "That code is not right.");
        await fill(page, { Code: await server.code(address) });
        await press(page, "Save password");
        await told(page, "status", "Your new password is saved.");
        await fill(page, { Password: another });
        await press(page, "Sign in");
        await seen(page, "Welcome");
      });

      test("an authenticator app: set up, asked for, turned off", async () => {
        const { page, server, UserPoolId } = await come();
        const username = newAddress();
        await makeUser(server, UserPoolId, username);
        await enter(page, username, password);
        await seen(page, "Welcome");
        await press(page, "Set it up");
        const secret = (await page.locator(".key").textContent()) ?? "";
        assert.equal(await page.locator(":focus").getAttribute("name"), "code");
        await fill(page, { Code: totp(secret, server.clock.now) });
        await press(page, "Continue");
        await told(page, "status", "Your password is followed by a code");
        await leave(page);
        await enter(page, username, password);
        await seen(page, "Enter the code");
        // A code is good for one use.
        server.clock.advance(60_000);
        await fill(page, { Code: totp(secret, server.clock.now) });
        await press(page, "Continue");
        await seen(page, "Welcome");
        await press(page, "Turn it off");
        await told(page, "status", "Not in use.");
        await leave(page);
        await enter(page, username, password);
        await seen(page, "Welcome");
      });

      test("where a second factor is demanded: every step that can come", async () => {
        const room = await openAnother();
        const { page, server, UserPoolId } = await come(room);
        await forceMfaOn(server, room, { SoftwareTokenMfaConfiguration: { Enabled: true } });
        await enter(page, await invite(server, UserPoolId), password);
        await seen(page, "Choose a new password");
        await fill(page, { "New password": another });
        await press(page, "Save password");
        await seen(page, "Set up an authenticator app");
        const secret = (await page.locator(".key").textContent()) ?? "";
        await fill(page, { Code: totp(secret, server.clock.now) });
        await press(page, "Continue");
        await seen(page, "Welcome");
        await leave(page);

        await forceMfaOn(server, room);
        const phone = `+1555${String(Date.now()).slice(-7)}`;
        const address = newAddress();
        const Username = await makeUser(server, UserPoolId, address, [
          { Name: "email_verified", Value: "true" },
          { Name: "phone_number", Value: phone },
          { Name: "phone_number_verified", Value: "true" },
        ]);
        const settings = { EmailMfaSettings: { Enabled: true }, SMSMfaSettings: { Enabled: true } };
        await server.client.send(new AdminSetUserMFAPreferenceCommand({ UserPoolId, Username, ...settings }));
        for (const [way, to] of [
          ["Text message", phone],
          ["Email", address],
        ] as const) {
          await enter(page, address, password);
          await seen(page, "How do you want to confirm it?");
          await press(page, way);
          await seen(page, "Enter the code");
          await told(page, "status", "A code is on its way");
          await fill(page, { Code: await server.code(to) });
          await press(page, "Continue");
          await seen(page, "Welcome");
          await leave(page);
        }
      });
    },
    environment,
  );
});
