/** People who sign in through identity providers as they should not: in several tabs, backwards, again, and without cookies. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { redeem } from "../federation/browser-way.ts";
import {
  enterOpenId,
  enterSaml,
  type PlaceWithPages,
  type ProviderName,
  placeWithPages,
} from "../federation/provider-pages.ts";
import { browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { forOneServer } from "../kit/server.ts";
import { byWhole, whole } from "../kit/whole.ts";
import { claimsOf } from "../oauth/support.ts";

/** Most of this is known from requests without a browser (test/federation/browser-way.test.ts). */
const more = { skip: whole ? false : byWhole };

describe("tabs of a browser at identity providers", needs("chromium"), () => {
  forOneServer("postgres", "with a server", (open) => {
    let made: Promise<{ place: PlaceWithPages; app: string }> | undefined;

    async function come() {
      const server = await open();
      made ??= (async () => {
        const site = keepOpen(await serveSite("<!doctype html><html lang=en><title>Notes</title>Notes."));
        const app = `http://localhost:${site.port}/`;
        return { app, place: await placeWithPages(server, app) };
      })();
      const context = await browse({ locale: "en-US" });
      return { ...(await made), context, tab: await context.newPage() };
    }

    type World = Awaited<ReturnType<typeof come>>;

    /** The application sends a tab to sign in. */
    function begin(
      { place, app }: World,
      tab: Page,
      more: { readonly state: string; readonly identity_provider?: ProviderName; readonly prompt?: string },
    ) {
      const request = {
        client_id: place.ClientId,
        redirect_uri: app,
        response_type: "code",
        scope: "openid",
      };
      return tab.goto(`${place.base}/oauth2/authorize?${new URLSearchParams({ ...request, ...more })}`);
    }

    /** What the application was told at its redirect URI. */
    async function told({ app }: World, tab: Page): Promise<URLSearchParams> {
      await tab.waitForURL(`${app}?*`);
      return new URL(tab.url()).searchParams;
    }

    /** Whom the application takes a tab's user for, by the code that was issued for its own state. */
    async function userIn(world: World, tab: Page, state: string): Promise<unknown> {
      const answer = await told(world, tab);
      assert.equal(answer.get("state"), state);
      const code = answer.get("code") ?? assert.fail(`${answer}`);
      const tokens = await redeem(world.place, code, { redirect_uri: world.app });
      assert.ok(tokens["id_token"], JSON.stringify(tokens));
      return claimsOf(tokens["id_token"])["cognito:username"];
    }

    /** Who is signed in at the pool's pages, as the application finds out; undefined for nobody. */
    async function signedIn(world: World, context: BrowserContext): Promise<unknown> {
      const tab = await context.newPage();
      await begin(world, tab, { state: "who", prompt: "none" });
      const user = (await told(world, tab)).has("code") ? await userIn(world, tab, "who") : undefined;
      await tab.close();
      return user;
    }

    /** The tab ended at the page that says that this did not work, on which nothing is told to the application. */
    async function atErrorPage({ place }: World, tab: Page): Promise<void> {
      await tab.waitForURL(`${place.base}/error?*`);
      assert.equal(await tab.locator("h1").count(), 1);
      assert.match((await tab.locator("main").textContent()) ?? "", /again/i);
    }

    test("two tabs at two providers: each application gets the person of its own tab", async () => {
      const world = await come();
      const { context, tab: a } = world;
      const b = await context.newPage();
      await begin(world, a, { state: "a", identity_provider: "Google" });
      await begin(world, b, { state: "b", identity_provider: "Partner" });
      await enterOpenId(b, "ben");
      assert.equal(await userIn(world, b, "b"), "Partner_ben");
      assert.equal(await signedIn(world, context), "Partner_ben");
      await enterOpenId(a, "ann");
      assert.equal(await userIn(world, a, "a"), "Google_ann");
      assert.equal(await signedIn(world, context), "Google_ann", "the later one is the browser's");
      // The button of the same provider in two tabs.
      await context.clearCookies();
      for (const tab of [a, b]) {
        await begin(world, tab, { state: tab === a ? "c" : "d" });
        await tab.getByRole("link", { name: /^Continue with \W?Partner/ }).click();
        await tab.waitForSelector("[name=login]");
      }
      await enterOpenId(a, "cleo");
      assert.equal(await userIn(world, a, "c"), "Partner_cleo");
      await enterOpenId(b, "dan");
      assert.equal(await userIn(world, b, "d"), "Partner_dan");
      await context.close();
    });

    test(
      "two tabs that begin at the same moment: each ends as its own person or with the error page",
      more,
      async () => {
        const world = await come();
        const { context, tab: a } = world;
        const b = await context.newPage();
        const tabs = [
          { tab: a, state: "a", identity_provider: "Google", name: "ann" },
          { tab: b, state: "b", identity_provider: "Partner", name: "ben" },
        ] as const;
        await Promise.all(
          tabs.map(({ tab, state, identity_provider }) => begin(world, tab, { state, identity_provider })),
        );
        const arrived: unknown[] = [];
        for (const { tab, state, identity_provider, name } of tabs) {
          await enterOpenId(tab, name);
          await tab.waitForURL((url) => /[?&](?:state|error)=/.test(url.search));
          if (!tab.url().startsWith(world.app)) await atErrorPage(world, tab);
          else {
            arrived.push(await userIn(world, tab, state));
            assert.equal(arrived.at(-1), `${identity_provider}_${name}`);
          }
        }
        assert.ok(arrived.length > 0);
        assert.equal(await signedIn(world, context), arrived.at(-1));
        await context.close();
      },
    );

    test(
      "backwards after the return: the page says who is signed in, and lets somebody else",
      more,
      async () => {
        const world = await come();
        const { context, tab, place } = world;
        await begin(world, tab, { state: "first" });
        const page = tab.url();
        assert.ok(page.startsWith(`${place.base}/login?`), page);
        const through = (name: ProviderName) =>
          tab.getByRole("link", { name: new RegExp(`^Continue with \\W?${name}`) }).click();
        const back = async () => {
          for (let steps = 0; tab.url() !== page; steps++) {
            assert.ok(steps < 5, tab.url());
            await tab.goBack();
          }
        };
        await through("Google");
        await enterOpenId(tab, "ann");
        assert.equal(await userIn(world, tab, "first"), "Google_ann");
        await back();
        await tab.getByText(/^Continue as \W?ann@example\.com/).click();
        assert.equal(await userIn(world, tab, "first"), "Google_ann");
        await back();
        await tab.getByText("Use another account").click();
        await through("Partner");
        await enterOpenId(tab, "ben");
        assert.equal(await userIn(world, tab, "first"), "Partner_ben");
        await context.close();
      },
    );

    for (const provider of ["Google", "Campus"] as const)
      test(
        `${provider}'s answer is opened again, here and elsewhere: it signs nobody in`,
        provider === "Google" ? {} : more,
        async () => {
          const world = await come();
          const { context, tab, place } = world;
          const answers: string[] = [];
          tab.on("request", (request) => {
            if (/\/idpresponse\?/.test(request.url())) answers.push(request.url());
          });
          await begin(world, tab, { state: "s", identity_provider: provider });
          await (provider === "Google" ? enterOpenId(tab, "ann") : enterSaml(tab, "1001"));
          const user = `${provider}_${provider === "Google" ? "ann" : "1001"}`;
          assert.equal(await userIn(world, tab, "s"), user);
          const [answer = "", ...others] = answers;
          assert.deepEqual(others, []);
          assert.ok(answer.startsWith(place.base), answer);
          await tab.goto(answer);
          await atErrorPage(world, tab);
          await tab.reload();
          await atErrorPage(world, tab);
          assert.equal(await signedIn(world, context), user, "who was signed in still is");
          const stranger = await browse({ locale: "en-US" });
          const elsewhere = await stranger.newPage();
          await elsewhere.goto(answer);
          await atErrorPage(world, elsewhere);
          assert.equal(await signedIn(world, stranger), undefined);
          await stranger.close();
          await context.close();
        },
      );

    test(
      "cookies that are cleared at the provider: the error page, nobody is signed in, and the next time works",
      more,
      async () => {
        const world = await come();
        const { context, tab } = world;
        for (const provider of ["Google", "Campus"] as const) {
          const enter = () => (provider === "Google" ? enterOpenId(tab, "ann") : enterSaml(tab, "1001"));
          await begin(world, tab, { state: "s", identity_provider: provider });
          await context.clearCookies({ domain: "localhost" });
          await enter();
          await atErrorPage(world, tab);
          assert.equal(await signedIn(world, context), undefined);
          await context.clearCookies();
          await begin(world, tab, { state: "t", identity_provider: provider });
          await enter();
          assert.match(String(await userIn(world, tab, "t")), new RegExp(`^${provider}_`));
          await context.clearCookies();
        }
        await context.close();
      },
    );
  });
});
