/** examples/web-app as its user runs it: set up by its own script in a folder of its own, each program a process. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv, promisify } from "node:util";
import {
  AdminInitiateAuthCommand,
  type AuthenticationResultType,
} from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";

const programs = join(import.meta.dirname, "..", "..", "examples", "web-app");

export interface Example {
  readonly server: TestServer;
  readonly folder: string;
  /** Of processes that administer the pool. */
  readonly environment: NodeJS.ProcessEnv;
  /** What .env says. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A URL of the application. */
export const at = ({ settings }: Example, path: string) => new URL(path, settings["APP_URL"]).href;

export async function setUp(server: TestServer): Promise<Example> {
  const folder = temporaryFolder();
  const environment = {
    ...process.env,
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    APP_URL: `http://localhost:${await freePort()}`,
    PASSPORT_URL: `http://localhost:${await freePort()}`,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [join(programs, "setup.ts")], {
    cwd: folder,
    env: environment,
  });
  const settings = parseEnv(readFileSync(join(folder, ".env"), "utf8")) as Record<string, string>;
  assert.ok(stdout.includes(settings["USERS_PASSWORD"]!), stdout);
  return { server, folder, environment, settings };
}

/** Where the pool would send a browser that has begun to sign in, with a code that is none. */
export function answerTo(authorization: string, path: string, { settings }: Example): string {
  const { searchParams } = new URL(authorization);
  const answer = new URL(`${path}?code=x`, searchParams.get("redirect_uri")!);
  answer.searchParams.set("state", searchParams.get("state")!);
  answer.searchParams.set("iss", settings["ISSUER"]!);
  return answer.href;
}

/** Runs a program to its end. */
export const run = ({ folder, environment }: Example, name: string, ...argv: string[]) =>
  promisify(execFile)(process.execPath, ["--env-file=.env", join(programs, name), ...argv], {
    cwd: folder,
    env: environment,
  });

/** Starts a program, and waits until it says where it is. What .env says gives way to `change`. */
export async function start(
  { folder }: Example,
  name: string,
  change: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const argv = ["--env-file=.env", join(programs, name)];
  // Long: what the tests call answers, however busy the machine is.
  const env = { ...compileCache, PATH: process.env["PATH"], POOL_TIMEOUT: "60000", ...change };
  const child = spawn(process.execPath, argv, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr!.pipe(process.stderr);
  let output = "";
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (/ is at http/.test(output)) return child;
  }
  throw new Error(`${name} did not start: ${output}`);
}

/** At the page of the pool that the application sent the browser to. */
export async function signInAs(page: Page, { settings }: Example, name: string): Promise<void> {
  await page.fill("#username", name);
  await page.fill("#password", settings["USERS_PASSWORD"]!);
  await page.locator("form button.primary").first().click();
}

/** Tokens for a program: no browser, the API of administrators. */
export async function signInByApi(
  { server, settings }: Example,
  USERNAME: string,
  change: {
    AuthFlow?: "ADMIN_NO_SRP_AUTH" | "ADMIN_USER_PASSWORD_AUTH";
    ClientId?: string;
    UserPoolId?: string;
  } = {},
): Promise<AuthenticationResultType> {
  const { AuthenticationResult } = await server.client.send(
    new AdminInitiateAuthCommand({
      UserPoolId: settings["USER_POOL_ID"],
      ClientId: settings["SCRIPT_CLIENT_ID"],
      AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD: settings["USERS_PASSWORD"]! },
      ...change,
    }),
  );
  return AuthenticationResult ?? assert.fail("no tokens");
}

/** How many sign-ins of the application have a refresh token that is valid. */
export async function openFamilies({
  server,
  settings,
}: Pick<Example, "server" | "settings">): Promise<number> {
  const { open } = await server.app.db.kysely
    .selectFrom("token_families")
    .select((select) => select.fn.countAll().as("open"))
    .where("client_id", "=", settings["CLIENT_ID"]!)
    .where("revoked_at", "is", null)
    .executeTakeFirstOrThrow();
  return Number(open);
}
