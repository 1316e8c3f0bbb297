/** The README of examples/triggers, step by step in Chromium. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { findings } from "../browser/axe.ts";
import { browse } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { until } from "../kit/waiting.ts";
import { root, spawnCommand } from "./people.ts";

const text = readFileSync(join(root, "examples", "triggers", "README.md"), "utf8");
const [start, signUp] = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();

async function ask(page: Page, url: string, email: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Send me a link" }).click();
}

async function follow(page: Page, url: string): Promise<void> {
  await page.goto(url);
  assert.deepEqual(await findings(page), []);
  await ask(page, url, "ann@example.com");
  await heading(page, "Look into your mailbox");
  await page.getByRole("link", { name: "mailbox" }).click();
  await heading(page, "Mailbox");
  assert.match((await page.textContent("main")) ?? "", /To ann@example\.com/);
  const link = page.getByRole("link", { name: /\/link\?secret=/ }).first();
  const address = (await link.getAttribute("href")) ?? assert.fail("no link");
  await link.click();
  await heading(page, "Welcome, ann@example.com");
  const said = (await page.textContent("main")) ?? "";
  assert.match(said, /the ID token: member\./);
  assert.match(said, /the access token: .*articles\/read\./);
  assert.deepEqual(await findings(page), []);

  await page.getByRole("button", { name: "Sign out" }).click();
  await heading(page, "Members");
  await page.goto(address);
  await page.getByText(/in the browser in which you asked for it, once/).waitFor();

  await ask(page, url, "bob@example.net");
  await page.getByText("Only members can sign up").waitFor();
  await ask(page, url, "mallory@example.com");
  await page.getByText("This account is on hold").waitFor();

  // Somebody who reads the mail in another browser, and an answer that is none.
  await ask(page, url, "ann@example.com");
  await heading(page, "Look into your mailbox");
  const other = await browse();
  try {
    const stranger = await other.newPage();
    await stranger.goto(address);
    await stranger.getByText(/in the browser in which you asked for it/).waitFor();
  } finally {
    await other.close();
  }
  await page.goto(address);
  await page.getByText(/This link cannot be used/).waitFor();
}

/** Signs a guest up as the README does, at the server and with the client that were printed, and looks for the code. */
async function signUpGuest(page: Page, said: string): Promise<void> {
  const printed = (pattern: RegExp) => pattern.exec(said)?.[1] ?? assert.fail(said);
  const command = signUp!
    .replace("http://localhost:4747", printed(/\(Poolhouse: (\S+)\)/))
    .replace("CLIENT", printed(/with the client (\w+)\./));
  const { stdout } = await promisify(execFile)("/bin/bash", ["-ec", command]);
  assert.equal(JSON.parse(stdout).CodeDeliveryDetails.DeliveryMedium, "EMAIL");
  await until("the code is in the mailbox", async () => {
    await page.goto(printed(/The mailbox is at (\S+)/));
    return /To gil@example\.com\s*Your code: \d{6}/.test((await page.textContent("main")) ?? "");
  });
}

describe("the README of examples/triggers", needs("chromium"), () => {
  test("from a clone through its five steps", async () => {
    assert.equal(start, "npm run example triggers\n");
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    // Without npm, which would install a clone whose dependencies differ first. Tests beside this one use the usual ports.
    const command = [...scripts["example"]!.split(" "), "triggers", "--port", "21600"];
    const running = spawnCommand(command, { cwd: root, env: {} });
    const browser = await browse();
    try {
      await running.hear(/Ctrl-C ends it/);
      const [, url] = /^Open (\S+)/m.exec(running.said()) ?? assert.fail(running.said());
      const page = await browser.newPage();
      await follow(page, url!);
      await signUpGuest(page, running.said());
    } finally {
      await browser.close();
      // Its programs are its own to end.
      running.process.kill("SIGTERM");
      await running.ended;
    }
    assert.equal(await running.ended, 0, running.said());
  });
});
