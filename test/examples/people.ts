/** examples/people as its operator runs it: set up by its own script, each program a process, on each kind of database. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { parseEnv, promisify } from "node:util";
import {
  AdminInitiateAuthCommand,
  type AuthenticationResultType,
} from "@aws-sdk/client-cognito-identity-provider";
import { openDatabase } from "../../examples/people/api/database.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { createPostgres, dropPostgres, unreachable } from "../kit/postgres.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";

export const root = join(import.meta.dirname, "..", "..");
export const example = join(root, "examples", "people");

export const mariadbUrl = process.env["POOLHOUSE_TEST_MARIADB"] ?? "mysql://root@127.0.0.1:3306/mysql";

export async function administerMariadb(statement: string): Promise<void> {
  const database = openDatabase(mariadbUrl);
  try {
    await database.raw(statement);
  } finally {
    await database.destroy();
  }
}

const left: (() => unknown)[] = [];
after(async () => {
  for (const end of left.toReversed()) await end();
});

async function createMariadb(): Promise<string> {
  const name = `people_test_${randomBytes(8).toString("hex")}`;
  await administerMariadb(`create database ${name}`);
  left.push(() => administerMariadb(`drop database ${name}`));
  const url = new URL(mariadbUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function newPostgres(): Promise<string> {
  const { name, url } = await createPostgres();
  left.push(() => dropPostgres(name));
  return url;
}

/** Each makes a new, empty database and gives its DATABASE_URL. */
export const stores: Readonly<Record<"sqlite" | "postgres" | "mariadb", () => Promise<string>>> = {
  sqlite: async () => join(temporaryFolder(), "people.sqlite"),
  postgres: newPostgres,
  mariadb: createMariadb,
};
export type StoreName = keyof typeof stores;

const noMariadb = await administerMariadb("select 1").then(
  () => undefined,
  (error: Error) => error,
);

/** Runs a suite on each kind of database; without one that can be reached it is skipped, but not where CI is set. */
export function forEachStore(
  suite: (fresh: () => Promise<string>, name: StoreName) => void,
  names: readonly StoreName[] = ["sqlite", "postgres", "mariadb"],
): void {
  for (const name of names) {
    const why = { sqlite: undefined, postgres: unreachable, mariadb: noMariadb }[name];
    describe(name, () => {
      if (why === undefined) suite(stores[name], name);
      else if (process.env["CI"]) test(`${name} can be reached`, () => Promise.reject(why));
      else test("all tests", { skip: `it cannot be reached: ${why.message}` }, () => {});
    });
  }
}

export interface Pool {
  readonly server: TestServer;
  readonly folder: string;
  /** What .env says. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A pool for the example, by its own script. */
export async function setUp(server: TestServer): Promise<Pool> {
  const folder = temporaryFolder();
  const env = {
    ...compileCache,
    PATH: process.env["PATH"],
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    WEB_URL: `http://localhost:${await freePort()}`,
    API_URL: `http://localhost:${await freePort()}`,
  };
  await promisify(execFile)(process.execPath, [join(example, "setup.ts")], { cwd: folder, env });
  const settings = parseEnv(readFileSync(join(folder, ".env"), "utf8")) as Record<string, string>;
  return { server, folder, settings };
}

/** Tokens of a user, by the API of administrators. */
export async function signInByApi(
  { server, settings }: Pool,
  USERNAME: string,
  change: { ClientId?: string; UserPoolId?: string } = {},
): Promise<AuthenticationResultType> {
  const { AuthenticationResult } = await server.client.send(
    new AdminInitiateAuthCommand({
      UserPoolId: settings["USER_POOL_ID"],
      ClientId: settings["SCRIPT_CLIENT_ID"],
      AuthFlow: "ADMIN_NO_SRP_AUTH",
      AuthParameters: { USERNAME, PASSWORD: settings["USERS_PASSWORD"]! },
      ...change,
    }),
  );
  return AuthenticationResult ?? assert.fail("no tokens");
}

export interface Program {
  readonly process: ChildProcess;
  /** What it has said so far, to both streams. */
  said(): string;
  /** Waits until it has said something. Throws if it ends before. */
  hear(what: RegExp): Promise<void>;
  /** Waits until it has ended. Its exit code. */
  readonly ended: Promise<number | null>;
}

export interface Command {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a program without waiting for it. `node` is the Node.js of this process. */
export function spawnCommand([first = "", ...argv]: readonly string[], { cwd, env }: Command): Program {
  const child = spawn(first === "node" ? process.execPath : first, argv, {
    cwd: cwd ?? temporaryFolder(),
    env: { ...compileCache, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  left.push(() => child.kill("SIGKILL"));
  let output = "";
  const heard = new EventTarget();
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      heard.dispatchEvent(new Event("more"));
    });
  // `close`, not `exit`: only then everything it said has been read.
  const ended = once(child, "close").then(([code]) => code as number | null);
  const hear = async (what: RegExp) => {
    while (!what.test(output)) {
      const more = once(heard, "more").then(() => true);
      if (!(await Promise.race([more, ended.then(() => false)])) && !what.test(output))
        assert.fail(`it has ended without saying ${what}: ${output}`);
    }
  };
  return { process: child, said: () => output, hear, ended };
}

/** What the API needs to start, for tests in which nobody signs in. */
const nobodySignsIn = {
  ...{ ISSUER: "http://localhost:1/none", CLIENT_ID: "none", SCRIPT_CLIENT_ID: "none" },
  NODE_OPTIONS: "--conditions=poolhouse-source",
};

export interface ApiOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** The folder of another release. */
  readonly release?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly argv?: readonly string[];
}

export type Api = Program & { readonly url: string };

/** An API on a free port unless the environment says where, without waiting for it. */
export async function spawnApi(
  databaseUrl: string,
  { settings = nobodySignsIn, release = example, env = {}, argv = [] }: ApiOptions = {},
): Promise<Api> {
  const API_URL = env["API_URL"] ?? `http://localhost:${await freePort()}/`;
  const all = { ...settings, DATABASE_URL: databaseUrl, ...env, API_URL };
  const command = ["node", ...argv, join(release, "api", "server.ts")];
  return { ...spawnCommand(command, { env: all }), url: API_URL };
}

export async function startApi(databaseUrl: string, options: ApiOptions = {}): Promise<Api> {
  const api = await spawnApi(databaseUrl, options);
  await api.hear(/The People API is at/);
  return api;
}

/** Ends a program as an operator does, and checks that it says nothing bad about it. */
export async function stopProgram(program: Program): Promise<void> {
  program.process.kill("SIGTERM");
  assert.equal(await program.ended, 0, program.said());
}

/** A copy of the example outside the repository, to be made another release. */
export function newRelease(change: (migrations: string) => void): string {
  const folder = temporaryFolder();
  for (const name of ["api", "settings.ts", "package.json"])
    cpSync(join(example, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  change(join(folder, "api", "migrations"));
  return folder;
}
