/** examples/people in Chromium, without script: who gets in, what Admin does, what others see, and how it ends. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  AdminUserGlobalSignOutCommand,
  DeleteUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, Page } from "playwright-core";
import { openDatabase } from "../../examples/people/api/database.ts";
import { findings } from "../browser/axe.ts";
import { browse } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { freePort } from "../kit/ports.ts";
import { openRelay } from "../kit/relay.ts";
import { forEachServer } from "../kit/server.ts";
import { example, type Pool, type Program, setUp, spawnApi, spawnCommand, stores } from "./people.ts";
import { openFamilies } from "./web-app.ts";

/** Where to put a picture of every page; none are taken without. */
const pictures = process.env["TEST_PICTURES"];

/** A clock that goes ahead by what standard input says, in milliseconds. */
const movableClock = `data:text/javascript,${encodeURIComponent(
  "const now = Date.now; let ahead = 0; Date.now = () => now() + ahead;" +
    "process.stdin.on('data', (more) => { ahead += Number(more); console.log('ahead', ahead); }).unref();",
)}`;

/** Web reaches the pool and the API through networks that pass everything on, unless a test holds it back. */
const passing: Record<"pool" | "api", () => boolean | Promise<boolean>> = {
  pool: () => true,
  api: () => true,
};
const poolPort = await freePort();
const poolNetwork = await openRelay({ host: "127.0.0.1", port: poolPort }, () => passing.pool());
const networks = [poolNetwork];
after(async () => {
  for (const network of networks) await network.cut();
});
const poolEnvironment = {
  POOLHOUSE_PORT: String(poolPort),
  POOLHOUSE_PUBLIC_URL: `http://localhost:${poolNetwork.port}`,
};

const withNetwork = (suite: Parameters<typeof forEachServer>[1]) =>
  forEachServer("with a server", suite, poolEnvironment);

interface House {
  readonly pool: Pool;
  readonly api: Program;
  readonly web: Program;
  at(path: string): string;
}

async function openHouse(pool: Pool): Promise<House> {
  const databaseUrl = await stores.sqlite();
  const { settings } = pool;
  const api = await spawnApi(databaseUrl, { settings, env: { API_URL: settings["API_URL"]! } });
  await api.hear(/The People API is at/);
  const database = openDatabase(databaseUrl);
  const given = ["Grace", "Edsger", "Barbara", "Donald", "Frances", "Alan", "Radia", "Niklaus", "Margaret"];
  const last = ["Hopper", "Dijkstra", "Liskov", "Knuth", "Allen"];
  for (const [at, name] of given.flatMap((one) => last.map((two) => `${one} ${two}`)).entries()) {
    const email = `${name.toLowerCase().replace(" ", ".")}@mail.example`;
    const status = ["active", "away", "left"][at % 3];
    const [id] = await database("people").insert({ name, email, status }).returning("id");
    if (at % 4 > 0)
      await database("addresses").insert({
        ...{ person_id: id.id, street: `${at} Harbour Street`, postcode: `12${at}`, city: "Groningen" },
      });
  }
  await database.destroy();
  const { port } = new URL(settings["API_URL"]!);
  const network = await openRelay({ host: "localhost", port: Number(port) }, () => passing.api());
  networks.push(network);
  const web = spawnCommand(["node", "--import", movableClock, join(example, "web", "server.ts")], {
    env: { ...settings, API_URL: `http://localhost:${network.port}/` },
  });
  await web.hear(/People Web is at/);
  return { pool, api, web, at: (path) => new URL(path, settings["WEB_URL"]).href };
}

const heading = async (page: Page) => (await page.textContent("h1")) ?? "";
const mainText = async (page: Page) => (await page.textContent("main")) ?? "";
const names = (page: Page) => page.locator(".people h2").allTextContents();
const press = (page: Page, name: string) => page.getByRole("button", { name }).click();
const follow = (page: Page, name: string) => page.getByRole("link", { name, exact: true }).click();
const fill = async (page: Page, fields: Readonly<Record<string, string>>) => {
  for (const [label, value] of Object.entries(fields))
    await page.getByLabel(label, { exact: true }).fill(value);
};

describe("examples/people in Chromium", needs("chromium"), () => {
  withNetwork((open, database) => {
    // The pool's own database makes no difference here.
    if (database !== "sqlite") return;
    const contexts: BrowserContext[] = [];
    after(async () => {
      for (const one of contexts) await one.close();
    });
    let opened: Promise<House> | undefined;
    const house = () => {
      opened ??= open().then(setUp).then(openHouse);
      return opened;
    };

    /** A browser of its own, at the first page. */
    async function visit({ at }: House): Promise<Page> {
      const context = await browse({ javaScriptEnabled: false });
      contexts.push(context);
      const page = await context.newPage();
      await page.goto(at("/"));
      return page;
    }

    async function enter(place: House, name: string): Promise<Page> {
      const page = await visit(place);
      await follow(page, "Sign in");
      await signInAs(page, place, name);
      return page;
    }

    async function signInAs(page: Page, { pool, at }: House, name: string): Promise<void> {
      await page.fill("#username", name);
      await page.fill("#password", pool.settings["USERS_PASSWORD"]!);
      await page.locator("form button.primary").first().click();
      await page.waitForURL(at("/people"));
    }

    test("Admin lists, pages and searches", async () => {
      const page = await enter(await house(), "ada");
      assert.match((await page.textContent("header")) ?? "", /ada\s*Admin/);
      assert.match(await mainText(page), /45 people/);
      const seen: string[] = [];
      for (const next of [2, 3, undefined]) {
        seen.push(...(await names(page)));
        if (next === undefined) break;
        await follow(page, "Next");
        await page.getByText(`Page ${next} of 3`).waitFor();
      }
      assert.equal(new Set(seen).size, 45);
      assert.deepEqual(seen, seen.toSorted());
      assert.equal(await page.getByRole("link", { name: "Next" }).count(), 0);
      await fill(page, { "Name or email": "hop" });
      await press(page, "Search");
      await page.getByText("9 people found").waitFor();
      assert.equal(await page.inputValue("#search"), "hop");
      await page.goto((await house()).at("/people?search=hop&page=4"));
      assert.equal(page.url(), (await house()).at("/people?search=hop&page=1"), "the last there is");
      await fill(page, { "Name or email": "<nobody>" });
      await press(page, "Search");
      await page.getByText("Nobody found for “<nobody>”.").waitFor();
      assert.equal(await page.inputValue("#search"), "<nobody>");
      await follow(page, "show everybody");
      assert.match(await mainText(page), /45 people/);
      const long = await page.goto((await house()).at(`/people?search=${"!".repeat(6_000)}`));
      assert.equal(long?.status(), 200);
      assert.match(await mainText(page), /Nobody found/);
    });

    test("Admin adds, edits and deletes; what is typed is text", async () => {
      const page = await enter(await house(), "ada");
      await follow(page, "Add a person");
      await fill(page, { Name: 'Ada <b>"Countess"</b> Byron', Email: "ada@mail.example" });
      await fill(page, { Street: "12 St James's Square", City: "London" });
      await press(page, "Save");
      await page.getByRole("alert").waitFor();
      assert.match(await mainText(page), /Not saved/);
      assert.equal(await page.locator("[aria-invalid]").count(), 1, "all of an address or nothing");
      assert.match(await mainText(page), /Postcode is missing: an address needs/);
      await fill(page, { Postcode: "SW1Y 4JH" });
      await page.getByLabel("Status").selectOption("away");
      await press(page, "Save");
      const said = await page.getByRole("status").textContent();
      assert.equal(said, 'Ada <b>"Countess"</b> Byron has been saved.');
      await page.reload();
      assert.equal(await page.getByRole("status").count(), 0, "said once");

      await fill(page, { "Name or email": "countess" });
      await press(page, "Search");
      await page.getByText("One person found").waitFor();
      const item = (await page.locator(".people li").textContent()) ?? "";
      assert.match(item, /<b>"Countess".*away.*ada@mail.example.*12 St James's Square, SW1Y 4JH London/s);
      const mail = page.getByRole("link", { name: "ada@mail.example" });
      assert.equal(await mail.getAttribute("href"), "mailto:ada@mail.example");
      await page.getByRole("link", { name: /^Edit Ada/ }).click();
      assert.equal(await page.inputValue("#street"), "12 St James's Square");
      await fill(page, { Name: "Ada Lovelace", Street: "", Postcode: "", City: "" });
      await press(page, "Save");
      await fill(page, { "Name or email": "ada@mail" });
      await press(page, "Search");
      assert.deepEqual(await names(page), ["Ada Lovelace"]);
      assert.doesNotMatch(await mainText(page), /London/);

      await page.getByRole("link", { name: "Edit Ada Lovelace" }).click();
      const address = page.url();
      assert.equal(await page.getByRole("button", { name: "Delete permanently" }).isVisible(), false);
      await page.getByText("Delete…").click();
      await press(page, "Delete permanently");
      assert.equal(await page.getByRole("status").textContent(), "Ada Lovelace has been deleted.");
      assert.match(await mainText(page), /45 people/);
      assert.equal((await page.goto(address))?.status(), 404);
      assert.match(await mainText(page), /does not exist/);
    });

    test("a reader sees everybody and no way to change them, and is refused", async () => {
      const { at } = await house();
      const page = await enter(await house(), "rob");
      assert.equal((await names(page)).length, 20);
      assert.equal(await page.getByRole("link", { name: /Add|Edit/ }).count(), 0);
      for (const path of ["/people/new", "/people/1"]) {
        assert.equal((await page.goto(at(path)))?.status(), 403);
        assert.equal(await heading(page), "Not allowed");
      }
      const headers = { origin: new URL(at("/")).origin };
      const form = { name: "Mallory", email: "m@mail.example", status: "active" };
      for (const path of ["/people", "/people/1", "/people/1/delete"]) {
        const answer = await page.request.post(at(path), { form, headers });
        assert.equal(answer.status(), 403, path);
        assert.match(await answer.text(), /Only users in the group Admin/, "the API's own words");
      }
      await page.goto(at("/people"));
      assert.match(await mainText(page), /45 people/);
    });

    test("a form of another website does nothing, nor does one of somebody who is signed out", async () => {
      const { at } = await house();
      const page = await enter(await house(), "ada");
      const form = { name: "Mallory", email: "m@mail.example", status: "active" };
      for (const headers of [{ origin: "http://localhost:1" }, {}]) {
        const answer = await page.request.post(at("/people"), { form, headers });
        assert.equal(answer.status(), 403);
      }
      await page.context().clearCookies();
      const headers = { origin: new URL(at("/")).origin };
      for (const path of ["/people", "/people/1", "/people/1/delete"]) {
        const answer = await page.request.post(at(path), { form, headers, maxRedirects: 0 });
        assert.equal(answer.status(), 401, path);
        assert.match(await answer.text(), /You were signed out; nothing was changed\. <a href="\/sign-in"/);
      }
    });

    test("what is sent after a sign-out is kept until the next sign-in", async () => {
      const place = await house();
      const page = await enter(place, "ada");
      await follow(page, "Add a person");
      await fill(page, { Name: "Kept <Ken>", Email: "ken@mail.example" });
      const other = await page.context().newPage();
      await other.goto(place.at("/people"));
      await press(other, "Sign out");
      await other.waitForURL(place.at("/"));
      await press(page, "Save");
      assert.match((await page.getByRole("alert").textContent()) ?? "", /^You were signed out; nothing was/);
      const opening = page.context().waitForEvent("page");
      await follow(page, "Sign in");
      await signInAs(await opening, place, "ada");
      await press(page, "Save");
      assert.equal(await page.getByRole("status").textContent(), "Kept <Ken> has been saved.");
      await fill(page, { "Name or email": "ken@" });
      await press(page, "Search");
      await page.getByRole("link", { name: "Edit Kept <Ken>" }).click();
      await page.getByText("Delete…").click();
      await press(page, "Delete permanently");
    });

    test("what is too much is refused for that, and fields take no more than the API", async () => {
      const { at } = await house();
      const page = await enter(await house(), "ada");
      await follow(page, "Add a person");
      const limits: Record<string, string> = {
        name: "200",
        email: "254",
        street: "200",
        postcode: "20",
        city: "100",
      };
      for (const [id, limit] of Object.entries(limits))
        assert.equal(await page.locator(`#${id}`).getAttribute("maxlength"), limit, id);
      const headers = { origin: new URL(at("/")).origin };
      const fields = Object.fromEntries(Array.from({ length: 1_001 }, (_, number) => [`f${number}`, ""]));
      for (const form of [{ name: "x".repeat(110_000) }, fields]) {
        const answer = await page.request.post(at("/people"), { form, headers });
        assert.equal(answer.status(), 413);
        assert.match(await answer.text(), /That is too much text\./);
      }
    });

    test("two tabs that sign in both arrive", async () => {
      const place = await house();
      const page = await visit(place);
      const other = await page.context().newPage();
      for (const tab of [page, other]) await tab.goto(place.at("/sign-in"));
      for (const tab of [page, other]) await signInAs(tab, place, "rob");
      assert.equal((await names(other)).length, 20);
    });

    test("tabs that come back from the pool at the same moment both end signed in", async () => {
      const place = await house();
      const page = await enter(place, "rob");
      // The pool knows the browser, and sends it back at once. Where to, the browser does not see here.
      const comeBack = async () => {
        const options = { maxRedirects: 0 };
        const atPool = (await page.request.get(place.at("/sign-in"), options)).headers()["location"]!;
        return (await page.request.get(atPool, options)).headers()["location"]!;
      };
      for (const isSameAnswer of [false, true]) {
        const first = await comeBack();
        const tabs = [first, isSameAnswer ? first : await comeBack()];
        const before = await openFamilies(place.pool);
        const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
        passing.pool = () => {
          asked.resolve();
          return held.promise;
        };
        try {
          const running = tabs.map((tab) => page.request.get(tab, { maxRedirects: 0 }));
          await asked.promise;
          // Another request of this browser comes after both.
          await page.request.get(place.at("/style.css"));
          passing.pool = () => true;
          held.resolve(true);
          const places = (await Promise.all(running)).map((answer) => answer.headers()["location"]);
          assert.deepEqual(places.toSorted(), ["/", "/people"]);
        } finally {
          passing.pool = () => true;
        }
        assert.equal(await openFamilies(place.pool), before + 1, "one code was exchanged, once");
        await page.goto(place.at("/"));
        assert.equal((await names(page)).length, 20);
      }
    });

    test("an answer of the pool that this browser has not asked for is refused", async () => {
      const { at } = await house();
      const page = await visit(await house());
      assert.equal((await page.goto(at("/callback?code=x&state=y")))?.status(), 400);
      await page.goto(at("/sign-in"));
      assert.equal((await page.goto(at("/callback?code=x&state=y")))?.status(), 400);
      assert.equal(await heading(page), "Sign-in failed");
    });

    test("sign-out ends it here and at the pool", async () => {
      const { at } = await house();
      const page = await enter(await house(), "rob");
      await press(page, "Sign out");
      await page.waitForURL(at("/"));
      assert.equal(await heading(page), "Who is who");
      await page.goBack();
      assert.doesNotMatch(await page.content(), /Hopper|<span>rob/);
      await page.goto(at("/people"));
      assert.equal(await page.locator("#password").count(), 1, "the pool asks again");
    });

    test("a request that still runs at sign-out does not bring the session back", async () => {
      const { at } = await house();
      const page = await enter(await house(), "ada");
      const other = await page.context().newPage();
      await other.goto(at("/people/new"));
      const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
      passing.api = () => {
        asked.resolve();
        return held.promise;
      };
      // Its outcome would be noted in the session.
      const headers = { origin: new URL(at("/")).origin };
      const form = { name: "Late", email: "late@mail.example", status: "left" };
      const saving = page.request.post(at("/people"), { form, headers, maxRedirects: 0 });
      await asked.promise;
      const cookies = await page.context().cookies(at("/"));
      await press(other, "Sign out");
      await other.waitForURL(at("/"));
      passing.api = () => true;
      held.resolve(true);
      assert.equal((await saving).headers()["location"], "/people");
      await page.context().clearCookies();
      await page.context().addCookies(cookies);
      await page.goto(at("/"));
      assert.equal(await heading(page), "Who is who", "the cookie is signed out");
    });

    test("an API and a pool that do not answer end in pages that say so; sign-out ends the session all the same", async () => {
      const { at } = await house();
      const page = await enter(await house(), "rob");
      const cookies = await page.context().cookies(at("/"));
      try {
        passing.api = () => false;
        assert.equal((await page.goto(at("/people")))?.status(), 503);
        assert.match(await mainText(page), /The People API did not answer\. Please try/);
        passing.pool = () => false;
        await press(page, "Sign out");
        assert.equal(await heading(page), "Signed out of this site only");
        await page.context().addCookies(cookies);
        await page.goto(at("/"));
        assert.equal(await heading(page), "Who is who");
      } finally {
        Object.assign(passing, { pool: () => true, api: () => true });
      }
    });

    test("what could not be saved comes back as it was typed, and can be sent again", async () => {
      const page = await enter(await house(), "ada");
      await follow(page, "Add a person");
      await fill(page, { Name: "Ann <Again>", Email: "again@mail.example", City: "Ulm" });
      await fill(page, { Street: "Weinhof 1", Postcode: "89073" });
      await page.getByLabel("Status").selectOption("left");
      try {
        passing.api = () => false;
        await press(page, "Save");
        assert.match((await page.getByRole("alert").textContent()) ?? "", /did not answer\. Check whether/);
      } finally {
        passing.api = () => true;
      }
      await press(page, "Save");
      assert.equal(await page.getByRole("status").textContent(), "Ann <Again> has been saved.");
      await fill(page, { "Name or email": "again@" });
      await press(page, "Search");
      assert.match(await mainText(page), /Ann <Again>.*left.*Weinhof 1, 89073 Ulm/s);
      await page.getByRole("link", { name: /^Edit Ann/ }).click();
      await page.getByText("Delete…").click();
      await press(page, "Delete permanently");
    });

    test("an access token that has expired is replaced, until an administrator ends the session", async () => {
      const place = await house();
      const page = await enter(place, "rob");
      const pass = async (ahead: number) => {
        place.web.process.stdin!.write("360000");
        await place.web.hear(new RegExp(`ahead ${ahead}`));
      };
      await pass(360_000);
      await page.reload();
      assert.equal((await names(page)).length, 20);
      await pass(720_000);
      const headers = { origin: new URL(place.at("/")).origin };
      const form = { name: "Typed", email: "typed@mail.example" };
      try {
        passing.pool = () => false;
        const answer = await page.request.post(place.at("/people"), { form, headers });
        assert.equal(answer.status(), 503);
        assert.match(await answer.text(), /The user pool does not answer[\s\S]*value="Typed"/);
      } finally {
        passing.pool = () => true;
      }
      const UserPoolId = place.pool.settings["USER_POOL_ID"];
      await place.pool.server.client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username: "rob" }));
      await pass(1_080_000);
      await page.reload();
      assert.equal(await page.locator("#password").count(), 1);
    });

    test("no page breaks WCAG 2.2 AA or is wider than its window, in light and dark", async () => {
      const place = await house();
      const page = await (await browse()).newPage();
      contexts.push(page.context());
      const look = async (name: string) => {
        for (const width of [360, 1280])
          for (const colorScheme of ["light", "dark"] as const) {
            await page.setViewportSize({ width, height: 800 });
            await page.emulateMedia({ colorScheme });
            if (pictures !== undefined) await picture(page, `${name}-${width}-${colorScheme}`);
            assert.deepEqual(await findings(page), [], `${name} ${width} ${colorScheme}`);
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            assert.equal(overflow, 0, `${name} is wider than ${width}px`);
          }
      };
      await page.goto(place.at("/"));
      await look("welcome");
      await follow(page, "Sign in");
      await signInAs(page, place, "ada");
      // Items look alike; a few of them are enough.
      await page.goto(place.at("/people?search=hop"));
      await look("list");
      await page.goto(place.at("/people/2"));
      await page.getByText("Delete…").click();
      await look("edit");
      const wrong = { Name: "Ada", Email: "ada@mail.example", City: "London" };
      await page.goto(place.at("/people/new"));
      await fill(page, wrong);
      await press(page, "Save");
      await look("wrong");
      await page.goto(place.at("/people/2"));
      await press(page, "Save");
      await page.getByRole("status").waitFor();
      await look("saved");
    });

    test("an API that is gone is said, and what comes back is used again", async () => {
      const place = await house();
      const page = await enter(place, "ada");
      place.api.process.kill("SIGTERM");
      await place.api.ended;
      assert.equal((await page.goto(place.at("/people")))?.status(), 503);
      assert.match(await mainText(page), /The People API did not answer\. Please try/);
      assert.match((await page.textContent("header")) ?? "", /ada/);
      const { settings } = place.pool;
      const again = await spawnApi(await stores.sqlite(), {
        settings,
        env: { API_URL: settings["API_URL"]! },
      });
      await again.hear(/The People API is at/);
      assert.equal((await page.goto(place.at("/people")))?.status(), 200);
      assert.match(await mainText(page), /There is nobody here yet\. Add the first person\./);
    });

    test("a pool that does not know People Web any more is its operator's matter, and the log's", async () => {
      const place = await house();
      const { settings, server } = place.pool;
      const page = await enter(place, "rob");
      const stranger = await visit(place);
      const begun = await stranger.request.get(place.at("/sign-in"), { maxRedirects: 0 });
      const callback = new URL(place.at("/callback?code=x"));
      const { searchParams } = new URL(begun.headers()["location"]!);
      callback.searchParams.set("state", searchParams.get("state")!);
      callback.searchParams.set("iss", settings["ISSUER"]!);
      const [UserPoolId, ClientId] = [settings["USER_POOL_ID"], settings["CLIENT_ID"]];
      await server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId }));
      assert.equal((await stranger.goto(callback.href))?.status(), 500);
      await place.web.hear(/invalid_client/);
      place.web.process.stdin!.write("360000");
      await place.web.hear(/ahead 1440000/);
      assert.equal((await page.goto(place.at("/people")))?.status(), 500);
      assert.equal(await page.getByRole("button", { name: "Sign out" }).count(), 1);
      assert.equal(place.web.said().match(/^ResponseBodyError/gm)?.length, 2, place.web.said());
    });
  });
});

async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures!, { recursive: true });
  await page.screenshot({ path: join(pictures!, `people-${name}.png`), fullPage: true });
}
