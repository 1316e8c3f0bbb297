/** certification/plan.json, set up by its script and carried out in Chromium as the conformance suite would. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { setUpSuite } from "../../certification/set-up.ts";
import { browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { forOneServer } from "../kit/server.ts";

type Command = readonly [string, string, string, ...(string | number)[]];
interface Task {
  readonly task: string;
  readonly match: string;
  readonly optional?: boolean;
  readonly commands?: readonly Command[];
}
interface Block {
  readonly match: string;
  readonly tasks: readonly Task[];
}
interface Plan {
  readonly alias: string;
  readonly server: { readonly discoveryUrl: string };
  readonly client: { readonly client_id: string; readonly client_secret: string };
  readonly client2: Plan["client"];
  readonly client_secret_post: Plan["client"];
  readonly browser: readonly Block[];
  readonly override: Readonly<Record<string, { readonly browser: readonly Block[] }>>;
}

const fits = (pattern: string, url: string) =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(url);

const selectors: Readonly<Record<string, (value: string) => string>> = {
  id: (value) => `#${value}`,
  css: (value) => value,
};

/** The suite's own way: the first block that fits the address, its tasks one by one on the page that is shown. */
async function carryOut(page: Page, blocks: readonly Block[], url: string): Promise<string[]> {
  const block = blocks.find(({ match }) => fits(match, url)) ?? assert.fail(`nothing is for ${url}`);
  await page.goto(url);
  const done: string[] = [];
  for (const { task, match, optional, commands = [] } of block.tasks) {
    await page.waitForLoadState();
    if (!fits(match, page.url())) {
      assert.ok(optional, `${task}: at ${page.url()} instead of ${match}`);
      continue;
    }
    for (const [command, type, target, ...rest] of commands) {
      const found = page.locator(selectors[type]!(target));
      await found.waitFor({ state: "attached" });
      assert.equal(await found.count(), 1, `${task}: ${target}`);
      if (command === "text") await found.fill(String(rest[0]));
      else if (command === "click") await found.click();
      else {
        // It waits for what an element shows, not for what a page contains.
        const [shown = ""] = await found.allInnerTexts();
        assert.match(shown, new RegExp(String(rest[1] ?? "")), `${task}: ${target}`);
      }
    }
    done.push(task);
  }
  return done;
}

describe("certification", needs("chromium"), () => {
  forOneServer("sqlite", "the plan of the conformance suite", (open) => {
    let made: Promise<{ plan: Plan; suite: string }> | undefined;
    const setUp = () => {
      made ??= (async () => {
        const { client, endpoint } = await open();
        const site = await serveSite(
          "<!doctype html><html lang=en><title>Suite</title><p id=submission_complete>Done.",
        );
        keepOpen(site);
        const suite = `http://localhost:${site.port}`;
        const text = await setUpSuite({ client, endpoint, suite });
        assert.doesNotMatch(text, /\{\{|""/);
        return { plan: JSON.parse(text) as Plan, suite };
      })();
      return made;
    };
    const newPage = async (): Promise<Page> => {
      const context: BrowserContext = await browse();
      keepOpen(context);
      return context.newPage();
    };
    const authorize = (
      { plan, suite }: Awaited<ReturnType<typeof setUp>>,
      more: Record<string, string> = {},
    ) => {
      const base = plan.server.discoveryUrl.replace("/.well-known/openid-configuration", "");
      const redirect_uri = `${suite}/test/a/${plan.alias}/callback`;
      const { client_id } = plan.client;
      const query = new URLSearchParams({
        response_type: "code",
        scope: "openid",
        client_id,
        redirect_uri,
        ...more,
      });
      return { base, url: `${base}/oauth2/authorize?${query}`, redirect_uri };
    };

    test("discovery, both clients by both methods, and modules that exist", async () => {
      const made = await setUp();
      const { plan } = made;
      const { base, redirect_uri } = authorize(made);
      assert.equal(
        ((await (await fetch(plan.server.discoveryUrl)).json()) as { issuer: string }).issuer,
        base,
      );
      for (const { client_id, client_secret } of [plan.client, plan.client2, plan.client_secret_post]) {
        const form = { grant_type: "authorization_code", code: "none", redirect_uri };
        const basic = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}`;
        const ask = (body: Record<string, string>, headers: Record<string, string>) =>
          fetch(`${base}/oauth2/token`, { method: "POST", body: new URLSearchParams(body), headers });
        for (const answer of [
          await ask(form, { authorization: basic }),
          await ask({ ...form, client_id, client_secret }, {}),
        ])
          assert.equal(((await answer.json()) as { error: string }).error, "invalid_grant");
      }
      const modules = readFileSync(new URL("../oauth/conformance.test.ts", import.meta.url), "utf8");
      for (const name of Object.keys(plan.override)) assert.ok(modules.includes(name), name);
    });

    test("signing in and out, asked again, and refused", async () => {
      const made = await setUp();
      const { browser, override } = made.plan;
      const page = await newPage();
      const { url, base } = authorize(made);
      const both = ["Sign in", "Verify complete"];
      assert.deepEqual(await carryOut(page, browser, url), both);
      assert.deepEqual(await carryOut(page, browser, url), ["Verify complete"], "who is in need not sign in");
      for (const module of ["oidcc-prompt-login", "oidcc-max-age-1"]) {
        const again = authorize(
          made,
          module === "oidcc-prompt-login" ? { prompt: "login" } : { max_age: "0" },
        );
        assert.deepEqual(await carryOut(page, override[module]!.browser, again.url), both, module);
      }
      const elsewhere = authorize(made, { redirect_uri: `${made.suite}/test/a/poolhouse/callback/evil` });
      const refused = override["oidcc-ensure-registered-redirect-uri"]!.browser;
      assert.deepEqual(await carryOut(page, refused, elsewhere.url), ["Expect the error page"]);
      const out = (parameters: Record<string, string>) => `${base}/logout?${new URLSearchParams(parameters)}`;
      const { client_id } = made.plan.client;
      const post_logout_redirect_uri = `${made.suite}/test/a/poolhouse/post_logout_redirect`;
      const left = await carryOut(page, browser, out({ client_id, post_logout_redirect_uri }));
      assert.deepEqual(left, ["Sign out", "Back at the client"], "without a hint the user is asked");
      const prefix = "oidcc-rp-initiated-logout-";
      const ends: Readonly<Record<string, Record<string, string>>> = {
        "bad-post-logout-redirect-uri": {
          client_id,
          post_logout_redirect_uri: `${post_logout_redirect_uri}/bad`,
        },
        "query-added-to-post-logout-redirect-uri": {
          client_id,
          post_logout_redirect_uri: `${post_logout_redirect_uri}?a=b`,
        },
        "modified-id-token-hint": { id_token_hint: "a.b.c", post_logout_redirect_uri },
        "bad-id-token-hint": { id_token_hint: "bad", post_logout_redirect_uri },
        "no-id-token-hint": { post_logout_redirect_uri },
        "no-params": {},
        "no-post-logout-redirect-uri": { client_id },
        "only-state": { state: "s" },
      };
      for (const module of Object.keys(override).filter((name) => name.startsWith(prefix))) {
        const parameters = ends[module.slice(prefix.length)] ?? assert.fail(module);
        const done = (await carryOut(page, override[module]!.browser, out(parameters))).at(-1);
        assert.match(done ?? "", /^Expect the (?:error page|page that says so)$/, module);
      }
    });
  });
});
