/**
 * `npm run test:apps`: examples/web-app and examples/api-login killed at each of the first steps of a visit. Whoever
 * comes back when they have been started again is served from the beginning, and the pool has nothing half done.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import type { BrowserContext } from "playwright-core";
import { browse } from "../kit/chromium.ts";
import { freePort } from "../kit/ports.ts";
import { rootKey } from "../kit/sdk.ts";
import { forEachServer } from "../kit/server.ts";
import { at, type Example, run, setUp, signInAs, start } from "./web-app.ts";

const points = 20;
const preload = join(import.meta.dirname, "kill-at-request.ts");

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, "exit");
}

/**
 * Kills a program at each step, and visits it again after a start that nothing disturbs.
 * @param visit throws if the program ended
 * @returns how often it was killed
 */
async function killAtEach(
  example: Example,
  name: string,
  more: Readonly<Record<string, string>>,
  visit: () => Promise<void>,
): Promise<number> {
  /** Also where it is not yet ready. */
  const isKilled = async (point: number) => {
    const change = {
      ...more,
      NODE_OPTIONS: `${example.settings["NODE_OPTIONS"]} --import=${preload}`,
      KILL_AT: String(point),
    };
    const doomed = await start(example, name, change).catch(() => undefined);
    if (doomed === undefined) return true;
    const fault = visit().then(
      () => undefined,
      (error: unknown) => error,
    );
    // What waits for the killed program would wait for long.
    await Promise.race([fault, once(doomed, "exit")]);
    await end(doomed);
    if (doomed.signalCode === "SIGKILL") return true;
    assert.ifError(await fault);
    return false;
  };
  let killed = 0;
  for (let point = 1; point <= points; point++) {
    if (await isKilled(point)) killed += 1;
    const next = await start(example, name, more);
    await visit();
    await end(next);
  }
  return killed;
}

forEachServer("examples that are killed", (open) => {
  test("web-app: the browser that comes back signs in again", async () => {
    const example = await setUp(await open());
    const context = await browse();
    after(() => context.close());
    const killed = await killAtEach(example, "server.ts", {}, () => visitPages(example, context));
    assert.equal(killed, points);
  });

  test("api-login: the program that comes back signs in again", async () => {
    const app = await setUp(await open());
    const api = `http://localhost:${await freePort()}/`;
    const example = { ...app, environment: { ...app.environment, API_URL: api } };
    await run(example, "../api-login/setup.ts");
    const key = {
      AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
      AWS_ENDPOINT_URL: app.server.endpoint,
      AWS_REGION: "us-east-1",
    };
    const killed = await killAtEach(example, "../api-login/server.ts", key, () => useApi(example, api));
    assert.equal(killed, points);
  });
});

/** From the sign-in to the sign-out, whether or not the pool still knows the browser. */
async function visitPages(example: Example, context: BrowserContext): Promise<void> {
  await Promise.all(context.pages().map((left) => left.close()));
  const page = await context.newPage();
  try {
    await page.goto(at(example, "/notices"));
    if (page.url().startsWith(example.server.endpoint)) await signInAs(page, example, "eddy");
    await page.waitForURL(at(example, "/notices"));
    assert.match((await page.textContent("header")) ?? "", /eddy/);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(example.settings["APP_URL"]!);
    const answer = await page.request.get(at(example, "/api/notices"));
    assert.equal(answer.status(), 401);
  } finally {
    await page.close();
  }
}

async function useApi({ settings }: Example, api: string): Promise<void> {
  const call = async (path: string, body: object | undefined, token?: string) => {
    const answer = await fetch(new URL(path, api), {
      ...(body && { method: "POST", body: JSON.stringify(body) }),
      headers: {
        "content-type": "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? {} : JSON.parse(text) };
  };
  const { body } = await call("/login", { username: "eddy", password: settings["USERS_PASSWORD"] });
  const added = await call("/repairs", { text: "The gate" }, body.access_token);
  assert.equal(added.status, 201);
  const { refresh_token } = body;
  const again = await call("/refresh", { refresh_token });
  assert.equal(again.status, 200);
  assert.equal((await call("/logout", { refresh_token })).status, 204);
  assert.equal((await call("/refresh", { refresh_token })).status, 401);
}
