/** Silent renewal in Chromium: a page asks in a frame, with prompt=none, whether somebody is still signed in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UpdateUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { press } from "./gallery.ts";

/** In a frame it tells the page around it how it was called. */
const application = `<!doctype html><html lang=en><title>Application</title><body><script>
  if (parent !== window) parent.postMessage(location.pathname + location.search, "*");
  addEventListener("message", ({ data }) => { if (data !== "all was told") window.told = data; });
</script>`;

/** Opens an address in a frame of the page, and waits until it has told something or come to its end. */
async function inFrame(page: Page, address: string): Promise<{ told: URLSearchParams; url: string }> {
  await page.evaluate(`new Promise((resolve) => {
    delete window.told;
    document.querySelector("iframe")?.remove();
    const frame = document.createElement("iframe");
    frame.onload = () => {
      // Messages come in order: with this one, those of the frame have come.
      addEventListener("message", ({ data }) => data === "all was told" && resolve());
      postMessage("all was told", "*");
    };
    frame.src = ${JSON.stringify(address)};
    document.body.append(frame);
  })`);
  const told: unknown = await page.evaluate("window.told");
  const url = page.frames().at(-1)?.url() ?? "";
  return { told: new URLSearchParams(String(told ?? "").split("?")[1]), url };
}

forOneServer("sqlite", "silent renewal in Chromium", (open, database) => {
  async function setUp() {
    const server = await open();
    const site = await serveSite(application);
    keepOpen(site);
    const [near, far] = ["localhost", "127.0.0.1"].map((host) => `http://${host}:${site.port}/app`);
    const app = await makePool(
      server,
      {},
      {
        CallbackURLs: [near!, far!],
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code"],
        AllowedOAuthScopes: ["openid"],
      },
    );
    await makeUser(server, app.UserPoolId, "ann");
    const base = `${server.endpoint}/${app.UserPoolId}`;
    const address = (
      redirect_uri: string,
      more: Record<string, string> = { prompt: "none" },
      path = "/oauth2/authorize",
    ) =>
      `${base}${path}?${new URLSearchParams({ client_id: app.ClientId, redirect_uri, response_type: "code", state: "s-1", ...more })}`;
    const allow = (clients: string) =>
      server.client.send(
        new UpdateUserPoolCommand({
          UserPoolId: app.UserPoolId,
          UserPoolTags: { "poolhouse:silent-renewal": clients },
        }),
      );
    const context = await browse();
    keepOpen(context);
    const page = await context.newPage();
    const signIn = async () => {
      await page.goto(address(near!, {}));
      await page.fill("#username", "ann");
      await page.fill("#password", password);
      await press(page);
      await page.waitForURL(`${near}?*`);
    };
    return { app, base, page, near: near!, far: far!, address, allow, signIn };
  }

  test("for a client that is allowed it: a code while there is a session, login_required without", async () => {
    const { app, base, page, near, address, allow, signIn } = await setUp();
    await allow(`another, ${app.ClientId}`);
    await page.goto(near);
    const none = await inFrame(page, address(near));
    assert.deepEqual([none.told.get("error"), none.told.get("state")], ["login_required", "s-1"]);
    await signIn();
    await page.goto(near);
    const { told, url } = await inFrame(page, address(near));
    assert.ok(url.startsWith(`${near}?code=`), url);
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: app.ClientId,
      code: told.get("code") ?? "",
      redirect_uri: near,
    });
    assert.equal((await fetch(`${base}/oauth2/token`, { method: "POST", body })).status, 200);
  });

  test("no page with a form is ever in a frame, nor a code that was not asked for silently", async () => {
    const { page, near, address, allow, signIn } = await setUp();
    await allow("*");
    await signIn();
    await page.goto(near);
    const pages = [address(near, {}), address(near, { prompt: "login" }), address(near, {}, "/login")];
    const error = address("http://localhost:1/app");
    for (const each of [...pages, address(near, {}, "/signup"), error]) {
      const { told, url } = await inFrame(page, each);
      assert.deepEqual([[...told], url], [[], "chrome-error://chromewebdata/"], each);
    }
  });

  test("for any other client there is no answer in a frame that depends on who is signed in", async () => {
    const { page, near, address, allow, signIn } = await setUp();
    await allow("another");
    for (const turn of ["nobody", "somebody"]) {
      if (turn === "somebody") await signIn();
      await page.goto(near);
      const { told } = await inFrame(page, address(near));
      assert.equal(told.get("error"), "interaction_required", turn);
    }
    await page.goto(address(near));
    assert.ok(new URL(page.url()).searchParams.get("code"), "outside a frame it is answered");
  });

  // The browser decides here, not the database.
  if (database === "sqlite")
    test("not from another site: its frames have no cookies of ours", async () => {
      const { page, far, address, allow, signIn } = await setUp();
      await allow("*");
      await signIn();
      await page.goto(far);
      assert.equal((await inFrame(page, address(far))).told.get("error"), "login_required");
    });
});
