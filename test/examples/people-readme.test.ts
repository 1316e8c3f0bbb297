/** The README of examples/people, by paste: what it says to type, and what it says to open. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { browse } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { example, root, spawnCommand } from "./people.ts";

const run = promisify(execFile);
const text = readFileSync(join(example, "README.md"), "utf8");
const [start, call] = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);

describe("the README of examples/people", needs("chromium"), () => {
  test("from a clone to signed in, a program that calls the API, and the end", async () => {
    assert.equal(start, "npm run example people\n");
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    // Without npm, which would install a clone whose dependencies differ first. Tests beside this one use the usual ports.
    const command = [...scripts["example"]!.split(" "), "people", "--port", "21700"];
    const running = spawnCommand(command, { cwd: root, env: {} });
    const said = (pattern: RegExp) => pattern.exec(running.said())?.[1] ?? assert.fail(running.said());
    try {
      await running.hear(/Ctrl-C ends it/);
      await follow(said);
    } finally {
      // Its programs are its own to end.
      running.process.kill("SIGTERM");
      await running.ended;
    }
    assert.equal(await running.ended, 0, running.said());
  });
});

async function follow(said: (pattern: RegExp) => string): Promise<void> {
  const [webUrl, poolUrl] = [said(/^Open (\S+)/m), said(/Poolhouse: (\S+)\)/)];
  const env = {
    PATH: process.env["PATH"],
    CLIENT: said(/Client for scripts: (\S+)/),
    PASSWORD: said(/Their password: (\S+)/),
  };
  const browser = await browse();
  try {
    const page = await browser.newPage();
    await page.goto(webUrl);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.fill("#username", "ada");
    await page.fill("#password", env.PASSWORD);
    await page.locator("form button.primary").first().click();
    await page.waitForURL(new URL("/people", webUrl).href);
    assert.match((await page.textContent("main")) ?? "", /There is nobody here yet/);

    const apiUrl = said(/People API is at (\S+)/);
    const here = call!
      .replaceAll("http://localhost:4747/", `${poolUrl}/`)
      .replaceAll("http://localhost:3011/", apiUrl);
    const { stdout } = await run("/bin/bash", ["-ec", here], { env });
    assert.match(stdout, /^HTTP\/1.1 201 [\s\S]*"id":1[\s\S]*"people":\[\{"id":1,"name":"Grace Hopper"/);
    await page.reload();
    assert.match((await page.textContent("main")) ?? "", /Grace Hopper/);
  } finally {
    await browser.close();
  }
}
