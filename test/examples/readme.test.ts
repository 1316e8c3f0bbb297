/** The READMEs of the examples, by paste, in what a clone has once `npm start` has installed it. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { serve, stop } from "../cli/program.ts";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { freePort } from "../kit/ports.ts";
import { callAsGuest } from "./identity-pool.ts";
import { newVisitor } from "./visitor.ts";

const root = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);

/** What a README wants to be typed, one string a block. */
function commands(example: string): string[] {
  const text = readFileSync(join(root, "examples", example, "README.md"), "utf8");
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
}

/** A clone, installed, in which nobody has set an example up; `npm start` has started its server. */
async function makeClone() {
  const clone = temporaryFolder();
  cpSync(join(root, "package.json"), join(clone, "package.json"));
  const filter = (path: string) => ![".env", "policy.json", "node_modules"].includes(basename(path));
  cpSync(join(root, "examples"), join(clone, "examples"), { recursive: true, filter });
  for (const name of ["node_modules", "bin", "src"]) symlinkSync(join(root, name), join(clone, name));
  const data = join(clone, "poolhouse-data");
  const server = await serve("--demo", "--data", data);
  const here = (script: string | undefined) => script!.replaceAll("http://localhost:4747", server.url);
  return { clone, data, server, here };
}

let made: ReturnType<typeof makeClone> | undefined;
const place = () => {
  made ??= makeClone();
  return made;
};

const running: ChildProcess[] = [];
after(async () => {
  for (const { pid, exitCode } of running) if (exitCode === null) process.kill(-pid!, "SIGKILL");
  if (made !== undefined) await stop((await made).server.process);
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
  const { clone, server, here } = await place();
  const [start, setUpAndStart, callApi, passport, ...more] = commands("web-app");
  assert.deepEqual([start, more], ["npm run example web-app\n", []]);
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
  }
});

const freeUrl = async () => `http://localhost:${await freePort()}/`;
const json = { "content-type": "application/json" };

test("examples/accounts, step by step", async () => {
  const { clone, here } = await place();
  const [, setUpAndStart, ...more] = commands("accounts");
  assert.deepEqual(more, []);
  const env = { ...process.env, ACCOUNTS_URL: await freeUrl() };
  await type(here(setUpAndStart), /The accounts server is at/, { cwd: clone, env });
  const body = JSON.stringify({ name: "Ann", email: "ann@mail.example", password: "Correct-Horse-7" });
  const url = new URL("/accounts", env.ACCOUNTS_URL);
  const created = await fetch(url, { method: "POST", headers: json, body });
  assert.equal(created.status, 201, await created.text());
});

test("examples/api-login, step by step, and the web application that calls it", async () => {
  const { clone, here } = await place();
  const [, callApi, setUpAndStart, web, ...more] = commands("api-login");
  assert.deepEqual(more, []);
  // The examples of the other tests are set up in the same clone.
  rmSync(join(clone, "examples", "web-app", ".env"), { force: true });
  const env = {
    ...process.env,
    APP_URL: await freeUrl(),
    PASSPORT_URL: await freeUrl(),
    API_URL: await freeUrl(),
  };
  const output = await type(here(setUpAndStart), /The API is at/, { cwd: clone, env });
  const [, password = assert.fail(output)] = /Their password: (\S+)/.exec(output) ?? [];
  const [login, repairs] = callApi!.replaceAll("http://localhost:3002/", env.API_URL).split("\n");
  const bash = async (script: string) => (await run("/bin/bash", ["-ec", script])).stdout;
  const { access_token } = JSON.parse(await bash(login!.replace("…", password)));
  const answer = JSON.parse(await bash(repairs!.replace("<access_token>", access_token)));
  assert.equal(answer.repairs[0].text, "The elevator");
  // Where the application is, its .env says.
  await type(web!, /The notice board is at/, { cwd: clone, env: process.env });
  const shown = await newVisitor().signIn(new URL("/sign-in", env.APP_URL), "rita", password);
  assert.match(shown.text, /href="\/repairs"/);
});

test("examples/api-authorizer, step by step, with the tokens that its setup says how to get", async () => {
  const { clone, here } = await place();
  const [, setUpAndStart, offline, ...more] = commands("api-authorizer");
  assert.deepEqual([offline, more], ["npm run offline -w examples/api-authorizer\n", []]);
  const env = { ...process.env, API_URL: await freeUrl() };
  const output = await type(here(setUpAndStart), /The API is at/, { cwd: clone, env });
  const [person, program, call] = [...output.matchAll(/^ {2}curl .*(?:\n {4}.*)*/gm)].map(([one]) => one);
  const bash = async (script: string) => JSON.parse((await run("/bin/bash", ["-ec", script])).stdout);
  const { AccessToken } = (await bash(person!)).AuthenticationResult;
  const { access_token: own } = await bash(program!);
  for (const token of [AccessToken, own])
    assert.equal((await bash(call!.replace("<access token>", token))).orders.length, 2);
});

test("examples/identity-pool, step by step", async () => {
  const { clone, here } = await place();
  const [, setUpAndStart, , ...more] = commands("identity-pool");
  assert.deepEqual(more, []);
  const env = { ...process.env, PAGE_URL: await freeUrl() };
  const output = await type(here(setUpAndStart), /The museum is at/, { cwd: clone, env });
  assert.match(output, /^museum-guests: created$/m);
  const settings = readFileSync(join(clone, "examples", "identity-pool", ".env"), "utf8");
  const { status, body } = await callAsGuest(settings, "/api/me");
  assert.deepEqual([status, body.arn?.split("/")[1]], [200, "museum-guests"], body.message);
  assert.equal((await callAsGuest(settings, "/api/visitors")).status, 403);
});

test("examples/people, step by step", async () => {
  const { clone, here } = await place();
  const [, , setUpAndStart, web, container, ...more] = commands("people").filter(
    (block) => !block.startsWith("mariadb "),
  );
  assert.match(container!, /^docker compose up$/m);
  assert.deepEqual(more, []);
  const env = { ...process.env, WEB_URL: await freeUrl(), API_URL: await freeUrl() };
  const output = await type(here(setUpAndStart), /The People API is at/, { cwd: clone, env });
  const [, password = assert.fail(output)] = /Their password: (\S+)/.exec(output) ?? [];
  await type(web!, /People Web is at/, { cwd: clone, env: process.env });
  const shown = await newVisitor().signIn(new URL("/sign-in", env.WEB_URL), "ada", password);
  assert.match(shown.text, /There is nobody here yet/);
});

test("examples/appauth: the client of an app", needs("aws-cli"), async () => {
  const { clone, data, here } = await place();
  const [create, ...more] = commands("appauth");
  assert.deepEqual(more, []);
  const key = JSON.parse(readFileSync(join(data, "secrets", "root-access-key.json"), "utf8")) as {
    accessKeyId: string;
    secretAccessKey: string;
  };
  const env = {
    PATH: `/usr/bin:${process.env["PATH"]}`,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
  };
  const { stdout } = await run("/bin/bash", ["-ec", here(create)], { cwd: clone, env });
  const { UserPoolClient } = JSON.parse(stdout) as { UserPoolClient: Record<string, unknown> };
  assert.deepEqual(UserPoolClient["CallbackURLs"], ["com.example.notes:/oauth2redirect"]);
  assert.equal(UserPoolClient["ClientSecret"], undefined);
});
