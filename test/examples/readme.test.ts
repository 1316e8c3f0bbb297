/** The READMEs of the examples, by paste, in what a clone has once `npm start` has installed it. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { serve, stop } from "../cli/program.ts";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { freePort } from "../kit/ports.ts";

const root = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);

/** What a README wants to be typed, one string a block. */
function commands(example: string): string[] {
  const text = readFileSync(join(root, "examples", example, "README.md"), "utf8");
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
}

/** A clone, installed, in which nobody has set anything up. */
function makeClone(): string {
  const clone = temporaryFolder();
  cpSync(join(root, "package.json"), join(clone, "package.json"));
  const filter = (path: string) => ![".env", "node_modules"].includes(basename(path));
  cpSync(join(root, "examples"), join(clone, "examples"), { recursive: true, filter });
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  return clone;
}

const running: ChildProcess[] = [];
after(() => {
  for (const { pid, exitCode } of running) if (exitCode === null) process.kill(-pid!, "SIGKILL");
});

/** Types commands of which the last goes on, until it has said something. */
async function type(script: string, until: RegExp, options: { cwd: string; env: NodeJS.ProcessEnv }) {
  const argv = ["-ec", script];
  const child = spawn("/bin/bash", argv, {
    ...options,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.push(child);
  let output = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (until.test(output)) return output;
  }
  throw new Error(`it ended: ${output}`);
}

test("examples/web-app: from a clone to signed in, and its API", async () => {
  const clone = makeClone();
  const [start, setUpAndStart, callApi, passport, ...more] = commands("web-app");
  assert.deepEqual([start, more], ["npm run example web-app\n", []]);
  const server = await serve("--demo", "--data", join(clone, "poolhouse-data"));
  const here = (script: string | undefined) => script!.replaceAll("http://localhost:4747", server.url);
  const [appUrl, passportUrl] = [
    `http://localhost:${await freePort()}/`,
    `http://localhost:${await freePort()}/`,
  ];
  const env = { ...process.env, APP_URL: appUrl, PASSPORT_URL: passportUrl };
  const browser = await browse();
  try {
    const output = await type(here(setUpAndStart), /The notice board is at/, { cwd: clone, env });
    const [, password = assert.fail(output)] = /Their password: (\S+)/.exec(output) ?? [];
    const page = await browser.newPage();
    const signIn = async () => {
      await page.fill("#username", "rita");
      await page.fill("#password", password);
      await page.locator("form button.primary").first().click();
      await page.waitForURL((url) => !url.href.startsWith(server.url));
    };
    await page.goto(appUrl);
    await page.getByRole("link", { name: "Sign in" }).click();
    await signIn();
    assert.equal(await page.textContent("h1"), "Notices");

    const exports = here(setUpAndStart).split("\n").slice(0, 3).join("\n");
    const { stdout } = await run("/bin/bash", ["-ec", `${exports}\n${callApi}`], { cwd: clone, env });
    assert.match(stdout, /^200 \{"notices":[\s\S]*^201 \{"text":"Cake at four","by":"eddy"\}/m);

    await type(here(passport), /The application with passport is at/, { cwd: clone, env });
    await browser.clearCookies();
    await page.goto(passportUrl);
    await page.getByRole("link", { name: "Sign in" }).click();
    await signIn();
    assert.match((await page.textContent("main")) ?? "", /Cake at four/);
  } finally {
    await browser.close();
    await stop(server.process);
  }
});

test("examples/appauth: the client of an app", needs("aws-cli"), async () => {
  const folder = temporaryFolder();
  const server = await serve("--demo", "--data", join(folder, "poolhouse-data"));
  try {
    const [create, ...more] = commands("appauth");
    assert.deepEqual(more, []);
    const key = JSON.parse(
      readFileSync(join(folder, "poolhouse-data", "secrets", "root-access-key.json"), "utf8"),
    ) as { accessKeyId: string; secretAccessKey: string };
    const env = {
      PATH: `/usr/bin:${process.env["PATH"]}`,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    };
    const script = create!.replaceAll("http://localhost:4747", server.url);
    const { stdout } = await run("/bin/bash", ["-ec", script], { cwd: folder, env });
    const { UserPoolClient } = JSON.parse(stdout) as { UserPoolClient: Record<string, unknown> };
    assert.deepEqual(UserPoolClient["CallbackURLs"], ["com.example.notes:/oauth2redirect"]);
    assert.equal(UserPoolClient["ClientSecret"], undefined);
  } finally {
    await stop(server.process);
  }
});
