/** Signing out by a form of another site: the browser withholds its cookie from it, and the session ends all the same. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";

/** Of another site than the server's: an address and a name are two. */
async function serveForm(action: () => string): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(
      `<!doctype html><title>Out</title><form method=post action="${action()}"><button id=out>Out</button></form>`,
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  keepOpen({ close: () => server.close() });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe("signing out from another site", needs("chromium"), () => {
  forOneServer("sqlite", "by POST", (open) => {
    test("the session is over, not only the cookie", async () => {
      const server = await open();
      let to = "";
      const elsewhere = await serveForm(() => to);
      const callback = `http://localhost:${keepOpen(await serveSite("in")).port}/callback`;
      const { UserPoolId, ClientId } = await makePool(
        server,
        {},
        {
          AllowedOAuthFlowsUserPoolClient: true,
          AllowedOAuthFlows: ["code"],
          AllowedOAuthScopes: ["openid"],
          CallbackURLs: [callback],
        },
      );
      await makeUser(server, UserPoolId, "ann");
      const base = `${server.endpoint}/${UserPoolId}`;
      to = `${base}/logout`;
      const request = { response_type: "code", client_id: ClientId, redirect_uri: callback };
      const url = `${base}/oauth2/authorize?${new URLSearchParams({ ...request, prompt: "none" })}`;
      const context = keepOpen(await browse());
      const page = await context.newPage();
      await page.goto(`${base}/login?${new URLSearchParams(request)}`);
      await page.fill("#username", "ann");
      await page.fill("#password", password);
      await page.press("#password", "Enter");
      await page.waitForURL(/[?&]code=/);
      const [cookie] = await context.cookies(base);
      const silent = async () => {
        const headers = { cookie: `${cookie?.name}=${cookie?.value}` };
        const answer = await fetch(url, { headers, redirect: "manual" });
        return answer.headers.get("location") ?? "";
      };
      assert.match(await silent(), /[?&]code=/);
      await page.goto(elsewhere);
      await page.click("#out");
      await page.waitForURL(`${base}/signout?`);
      await page.click("button.primary");
      await page.waitForURL(`${base}/signedout`);
      assert.deepEqual(
        (await context.cookies(base)).filter(({ name }) => name === cookie?.name),
        [],
      );
      assert.match(await silent(), /error=login_required/);
    });
  });
});
