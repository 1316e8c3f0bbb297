/** A web page of another origin, in Chromium: SRP by amazon-cognito-identity-js, and the AWS SDK v3 past its preflight. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { browse, bundle, serveSite } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import {
  everyFlow,
  makeClient,
  makePool,
  makeSomebody,
  password,
  unique,
  verifiedByMail,
} from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const pageOf = (settings: object) => `<!doctype html><html lang="en"><title>Another site</title>
<input id="username"><input id="password" type="password">
<button id="srp">Sign in by SRP</button><button id="sdk">Sign in by the SDK</button>
<p id="who"></p><p id="email"></p>
<script>window.settings = ${JSON.stringify(settings)}</script><script src="/page.js"></script></html>`;

const opened: { close(): unknown }[] = [];

async function visit(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browse(options);
  opened.push(context);
  return context;
}

interface Preflight {
  readonly asked: string;
  readonly allowed: string;
}

/** What the browser asked before its calls, and what it was allowed; the DevTools protocol tells. */
async function watchPreflights(page: Page): Promise<Preflight[]> {
  const asked = new Map<string, string>();
  const seen: Preflight[] = [];
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const name = (headers: Record<string, string>, wanted: string) =>
    Object.entries(headers).find(([key]) => key.toLowerCase() === wanted)?.[1] ?? "";
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.method === "OPTIONS")
      asked.set(requestId, name(request.headers, "access-control-request-headers"));
  });
  devtools.on("Network.responseReceived", ({ requestId, response }) => {
    const wanted = asked.get(requestId);
    if (wanted !== undefined)
      seen.push({ asked: wanted, allowed: name(response.headers, "access-control-allow-headers") });
  });
  return seen;
}

describe("a web page in Chromium", needs("chromium"), () => {
  forOneServer("postgres", "from another origin", (open) => {
    // Before the server's own end, which waits for the browser's connections.
    after(async () => {
      for (const one of opened.splice(0).toReversed()) await one.close();
    });

    const start = async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server, verifiedByMail);
      const client = await makeClient(server, UserPoolId, { ExplicitAuthFlows: everyFlow });
      const name = await makeSomebody(server, UserPoolId, { email_verified: "true" });
      const settings = { endpoint: server.endpoint, UserPoolId, ClientId: client.ClientId };
      const site = await serveSite(pageOf(settings), await bundle(new URL("page.js", import.meta.url)));
      opened.push(site);
      const url = `http://127.0.0.1:${site.port}/`;
      const page = await (await visit()).newPage();
      const problems: string[] = [];
      page.on("pageerror", (error) => problems.push(error.message));
      await page.goto(url);
      assert.notEqual(new URL(url).origin, new URL(server.endpoint).origin);
      const signIn = async (button: string, secret = password) => {
        await page.evaluate("for (const p of document.querySelectorAll('p')) p.textContent = ''");
        await page.fill("#username", name);
        await page.fill("#password", secret);
        await page.click(button);
        const said = page.locator("#who:not(:empty)");
        await said.waitFor();
        return said.textContent();
      };
      return { server, name, page, signIn, problems };
    };

    test("signs in by SRP, reads the user, and is told errors", async () => {
      const { name, page, signIn, problems } = await start();
      const preflights = await watchPreflights(page);
      assert.equal(await signIn("#srp"), name);
      assert.equal(await page.textContent("#email"), `${name}@example.com`);
      assert.equal(
        await signIn("#srp", "Wrong-Horse-1"),
        "NotAuthorizedException: Incorrect username or password.",
      );
      assertAllowed(preflights, ["x-amz-target", "x-amz-user-agent", "cache-control"]);
      assert.deepEqual(problems, []);
    });

    test("signs in by the AWS SDK v3, whose headers pass the preflight", async () => {
      const { name, page, signIn, problems } = await start();
      const preflights = await watchPreflights(page);
      assert.equal(await signIn("#sdk"), name);
      assert.equal(
        await signIn("#sdk", "Wrong-Horse-1"),
        "NotAuthorizedException: Incorrect username or password.",
      );
      assertAllowed(preflights, ["x-amz-target", "amz-sdk-request", "amz-sdk-invocation-id"]);
      assert.deepEqual(problems, []);
    });

    test("may not read the inbox, which a person may", async () => {
      const { server, page } = await start();
      const to = await signUp(server);
      const read = await page.evaluate(`fetch(${JSON.stringify(`${server.endpoint}/inbox/messages?to=${to}`)})
        .then((answer) => "read: " + answer.status, () => "refused")`);
      assert.equal(read, "refused");
      for (const colorScheme of ["light", "dark"] as const) {
        const context = await visit({ colorScheme, viewport: { width: 900, height: 900 } });
        const inbox = await context.newPage();
        const problems: string[] = [];
        inbox.on("console", (message) => problems.push(message.text()));
        await inbox.goto(`${server.endpoint}/inbox`);
        await inbox.getByText(to).first().waitFor();
        const code = await server.code(to);
        assert.ok((await inbox.getByText(code, { exact: true }).count()) > 0, "the code stands by itself");
        const folder = process.env["TEST_SCREENSHOTS"] ?? temporaryFolder();
        const shot = await inbox.screenshot({ path: `${folder}/inbox-${colorScheme}.png` });
        assert.ok(shot.length > 5_000, "something was drawn");
        assert.deepEqual(problems, []);
      }
    });
  });
});

async function signUp(server: TestServer): Promise<string> {
  const { ClientId } = await makePool(server, verifiedByMail);
  const Username = unique("ada");
  const Value = `${Username}@example.com`;
  await server.client.send(
    new SignUpCommand({
      ClientId,
      Username,
      Password: password,
      UserAttributes: [{ Name: "email", Value }],
    }),
  );
  return Value;
}

function assertAllowed(preflights: readonly Preflight[], headers: readonly string[]): void {
  assert.ok(preflights.length > 0, "the browser asked first");
  const asked = new Set(preflights.flatMap((one) => one.asked.split(",")));
  for (const header of headers) assert.ok(asked.has(header), `${header} was not asked for: ${[...asked]}`);
  for (const one of preflights) {
    const allowed = new Set(one.allowed.split(","));
    for (const header of one.asked.split(",")) assert.ok(allowed.has(header), `${header} is not allowed`);
  }
}
