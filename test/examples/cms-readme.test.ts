/** The README of examples/cms, step by step in Chromium, all programs being processes; and its code in PHP. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import type { BrowserContext, Page } from "playwright-core";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { until } from "../kit/waiting.ts";
import { byWhole, whole } from "../kit/whole.ts";
import { enter, flagsIn, heading, programs, signUp } from "./cms.ts";
import { root, spawnCommand } from "./people.ts";

const run = promisify(execFile);
const readme = readFileSync(join(programs, "README.md"), "utf8");
const [start, login] = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);

/** Starts the example as `npm run example` does, but for the installation. */
async function begin(...argv: string[]) {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const command = [...scripts["example"]!.split(" "), "cms", ...argv];
  const running = spawnCommand(command, { cwd: root, env: {} });
  await running.hear(/Ctrl-C ends it/);
  const said = (pattern: RegExp) => pattern.exec(running.said())?.[1] ?? assert.fail(running.said());
  const browsers: BrowserContext[] = [];
  return {
    said,
    newPage: async () => {
      const browser = await browse({}, flagsIn(running.said()));
      browsers.push(browser);
      return browser.newPage();
    },
    end: async () => {
      for (const browser of browsers) await browser.close();
      // Its programs are its own to end.
      running.process.kill("SIGTERM");
      assert.equal(await running.ended, 0, running.said());
    },
  };
}

async function codeAt(poolhouse: string, to: string): Promise<string> {
  let found: string | null | undefined;
  await until("the code is there", async () => {
    const answer = await fetch(`${poolhouse}/inbox/messages?to=${encodeURIComponent(to)}`);
    [found] = ((await answer.json()) as { code: string | null }[]).map(({ code }) => code);
    return typeof found === "string";
  });
  return found!;
}

async function signIn(page: Page, cms: string, name: string, password: string): Promise<void> {
  await page.goto(cms);
  await page.getByRole("link", { name: "Sign in or sign up" }).click();
  await enter(page, name, password);
  await page.waitForURL(`${cms}articles`);
}

async function signOut(page: Page, cms: string): Promise<void> {
  await page.goto(cms);
  await page.getByRole("link", { name: "Sign out", exact: true }).click();
  await page.getByRole("link", { name: "Sign in or sign up" }).waitFor();
}

test("the README of examples/cms has the code of php/index.php, and all files", () => {
  const php = readFileSync(join(programs, "php", "index.php"), "utf8");
  const [, code = assert.fail()] = /^```php\n([\s\S]*?)^```/m.exec(readme) ?? [];
  assert.ok(php.includes(code));
  assert.equal(start, "npm run example cms\n");
});

describe("the README of examples/cms", whole ? needs("chromium") : { skip: byWhole }, () => {
  test("its steps but for the waiting, and the apps' login; and again with what it kept", async () => {
    const folder = temporaryFolder();
    const first = await begin("--keep", folder, "--port", "21700");
    const old = first.said(/Their password: (\S+)/);
    const cms = first.said(/^Open (\S+)/m);
    try {
      const page = await first.newPage();
      await page.goto(cms);
      await page.getByRole("link", { name: "Sign in or sign up" }).click();
      const somebody = { username: "newt", password: "Another-Horse-8" };
      await signUp(page, somebody, (to) => codeAt(first.said(/Poolhouse: (\S+)\)/), to));
      await heading(page, "Articles of newt");
      await page.getByRole("link", { name: "the shop" }).click();
      await heading(page, "The shop");
      await page.getByRole("link", { name: "Sign out" }).click();
      await page.locator("#password").waitFor();

      await signIn(page, cms, "ada", old);
      await heading(page, "Articles of Ada Lovelace");
      assert.equal((await page.goto(`${cms}editors`))?.status(), 403);
      await signOut(page, cms);
      await signIn(page, cms, "edna", first.said(/Her password: (\S+)/));
      await page.getByRole("link", { name: "all articles" }).click();
      await heading(page, "All articles");
      await signOut(page, cms);

      const pages = [page, await first.newPage()];
      for (const one of pages) await signIn(one, cms, "ada", old);
      await page.getByRole("link", { name: "sign out everywhere" }).click();
      await page.getByRole("link", { name: "Sign in or sign up" }).waitFor();
      // Within the seconds for which a gateway believes what it remembers.
      await pages[1]!.goto(`${cms}articles`);
      await pages[1]!.locator("#password").waitFor();

      const legacy = first.said(/^The legacy service is at (\S+)/m);
      const here = login!.replace("old-…", old).replace("http://localhost:3054/", legacy);
      assert.match((await run("/bin/bash", ["-ec", here])).stdout, /"username":"ada"/);
    } finally {
      await first.end();
    }
    const again = await begin("--keep", folder);
    try {
      const page = await again.newPage();
      await signIn(page, again.said(/^Open (\S+)/m), "ada", again.said(/Their password: (\S+)/));
      await heading(page, "Articles of Ada Lovelace");
    } finally {
      await again.end();
    }
  });
});
