/** The README of examples/legacy-cms, step by step in Chromium. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { findings } from "../browser/axe.ts";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { until } from "../kit/waiting.ts";
import { programs } from "./legacy-cms.ts";
import { root, spawnCommand } from "./people.ts";

const run = promisify(execFile);
const text = readFileSync(join(programs, "README.md"), "utf8");
const [start, login] = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);

const chosen = "Another-Horse-8";

interface Place {
  readonly page: Page;
  readonly cms: string;
  readonly legacy: string;
  readonly poolhouse: string;
  readonly password: string;
}

const heading = (page: Page, name: string | RegExp) =>
  page.getByRole("heading", { level: 1, name }).waitFor();
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const submit = (page: Page) => page.locator("form button.primary").first().click();

async function signIn({ page, cms, password }: Place, name: string): Promise<void> {
  await page.goto(cms);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.fill("#username", name);
  await page.fill("#password", password);
  await submit(page);
}

async function signOut({ page, cms }: Place): Promise<void> {
  await page.goto(cms);
  await press(page, "Sign out");
  await heading(page, "The CMS");
}

async function code({ poolhouse }: Place, to: string): Promise<string> {
  let found: string | null | undefined;
  await until("the code is there", async () => {
    const answer = await fetch(`${poolhouse}/inbox/messages?to=${encodeURIComponent(to)}`);
    [found] = ((await answer.json()) as { code: string | null }[]).map((message) => message.code);
    return typeof found === "string";
  });
  return found!;
}

/** Steps 1 to 3: who signs in moves, the others wait for the legacy service. */
async function moveAtSignIn(place: Place): Promise<void> {
  const { page, legacy } = place;
  await signIn(place, "ada");
  await heading(page, "Articles of Ada Lovelace");
  assert.match(
    (await page.textContent("main")) ?? "",
    /number \d+\.[\s\S]*The first article of Ada Lovelace/,
  );
  assert.deepEqual(await findings(page), []);

  await page.goto(legacy);
  assert.deepEqual(await findings(page), []);
  await press(page, "Switch off");
  await page.getByRole("button", { name: "Switch on" }).waitFor();
  await signOut(place);
  await signIn(place, "ada");
  await heading(page, "Articles of Ada Lovelace");
  await signOut(place);
  await signIn(place, "grace");
  await page.getByText("Incorrect username or password.").waitFor();

  await page.goto(legacy);
  await press(page, "Switch on");
  await page.getByRole("button", { name: "Switch off" }).waitFor();
  await signIn(place, "grace");
  await heading(page, "Articles of Grace Hopper");
}

/** Step 4: who has forgotten the password moves, too. */
async function moveByForgetting(place: Place): Promise<void> {
  const { page, cms } = place;
  await signOut(place);
  await page.goto(cms);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Forgot password?" }).click();
  await page.fill("#username", "mary");
  await submit(page);
  await page.locator("input[autocomplete=one-time-code]").fill(await code(place, "mary@example.com"));
  await page.fill("#password", chosen);
  await submit(page);
  await page.getByText("Your password has been changed.").waitFor();
  await page.fill("#username", "mary");
  await page.fill("#password", chosen);
  await submit(page);
  await heading(page, "Articles of Mary Somerville");
}

/** Step 5: somebody new. */
async function signUp(place: Place): Promise<void> {
  const { page, cms } = place;
  await signOut(place);
  await page.goto(cms);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Create one" }).click();
  const fill = async (name: string) => {
    await page.fill("#username", name);
    await page.fill("#email", "newt@new.example");
    await page.fill("#password", chosen);
    await submit(page);
  };
  await fill("Ada");
  await page.getByText("This name is taken").waitFor();
  await fill("newt");
  await page.locator("input[autocomplete=one-time-code]").fill(await code(place, "newt@new.example"));
  // The page submits a code that is complete.
  await heading(page, "Articles of newt");
  assert.match((await page.textContent("main")) ?? "", /You have not written anything yet/);
}

describe("the README of examples/legacy-cms", needs("chromium"), () => {
  test("from a clone through its five steps, and the apps' login; and again with what it kept", async () => {
    assert.equal(start, "npm run example legacy-cms\n");
    const folder = temporaryFolder();
    const first = await begin("--keep", folder, "--port", "21500");
    try {
      const { place, said } = first;
      assert.equal(said(/^Open (\S+)/m), place.cms);
      await moveAtSignIn(place);
      await moveByForgetting(place);
      await signUp(place);
      const here = login!.replace("old-…", place.password).replace("http://localhost:3021/", place.legacy);
      const { stdout } = await run("/bin/bash", ["-ec", here]);
      assert.match(stdout, /"username":"ada"/);
    } finally {
      await first.end();
    }
    const again = await begin("--keep", folder);
    try {
      const { place } = again;
      assert.deepEqual([place.cms, place.password], [first.place.cms, first.place.password]);
      await signIn(place, "ada");
      await heading(place.page, "Articles of Ada Lovelace");
    } finally {
      await again.end();
    }
  });
});

/** Starts the example, without npm, which would install a clone whose dependencies differ first. */
async function begin(...argv: string[]) {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const running = spawnCommand([...scripts["example"]!.split(" "), "legacy-cms", ...argv], {
    cwd: root,
    env: {},
  });
  const said = (pattern: RegExp) => pattern.exec(running.said())?.[1] ?? assert.fail(running.said());
  const browser = await browse();
  const end = async () => {
    await browser.close();
    // Its programs are its own to end.
    running.process.kill("SIGTERM");
    assert.equal(await running.ended, 0, running.said());
  };
  await running.hear(/Ctrl-C ends it/);
  const place: Place = {
    page: await browser.newPage(),
    cms: said(/^The CMS is at (\S+)/m),
    legacy: said(/^The legacy service is at (\S+)/m),
    poolhouse: said(/Poolhouse: (\S+)\)/),
    password: said(/Their password: (\S+)/),
  };
  return { place, said, end };
}
