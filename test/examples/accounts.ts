/** examples/accounts as its user runs it, and the network between it and Poolhouse, which can fail at any call. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { buffer } from "node:stream/consumers";
import { after } from "node:test";
import { parseEnv, promisify } from "node:util";
import {
  AdminInitiateAuthCommand,
  type AuthenticationResultType,
  ListUsersCommand,
  type UserType,
} from "@aws-sdk/client-cognito-identity-provider";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { password } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";

const programs = join(import.meta.dirname, "..", "..", "examples", "accounts");

/**
 * What a call meets. `hang`: the connection stays, but no answer comes. `lose`: it is done, but the connection breaks before
 * the answer. At a kill, the one who calls is killed.
 */
export type Harm = "refuse" | "cut" | "hang" | "lose" | "kill before" | "kill after";

export interface Relay {
  readonly url: string;
  /** The operations that were called, in order. */
  readonly calls: string[];
  /** What a call meets; undefined: nothing. */
  plan: (operation: string) => Harm | undefined;
  kill: () => void;
  close(): void;
}

/** A network that passes every call on, unless there is a plan for it. */
export async function startRelay(endpoint: string): Promise<Relay> {
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const operation = String(incoming.headers["x-amz-target"]).split(".").at(-1)!;
    relay.calls.push(operation);
    const harm = relay.plan(operation);
    if (harm === "kill before") relay.kill();
    if (harm === "cut" || harm === "kill before") return void outgoing.destroy();
    if (harm === "hang") return;
    if (harm === "refuse") return void outgoing.writeHead(500).end();
    const { method, headers } = incoming;
    const onward = request(endpoint, { method: method!, headers });
    onward.end(await buffer(incoming));
    const [answer] = (await once(onward, "response")) as [IncomingMessage];
    const body = await buffer(answer);
    if (harm === "kill after") relay.kill();
    if (harm !== undefined) return void outgoing.destroy();
    outgoing.writeHead(answer.statusCode!, answer.headers).end(body);
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const relay: Relay = {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    calls: [],
    plan: () => undefined,
    kill: () => {},
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return relay;
}

export interface Example {
  readonly server: TestServer;
  readonly folder: string;
  readonly relay: Relay;
  /** What .env says. */
  readonly settings: Readonly<Record<string, string>>;
  /** The key of the program, allowed what the example says it needs. */
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly UserPoolId: string;
  readonly ClientId: string;
}

/** A server, again after each of its ends. */
export interface Running {
  readonly app: Example;
  child: ChildProcess;
}

/** The example of a suite, started when it is first asked for, and ended with the suite. */
export function startOnce(open: () => Promise<TestServer>): () => Promise<Running> {
  let started: Promise<Running> | undefined;
  after(async () => {
    const running = await started;
    running?.child.kill();
    running?.app.relay.close();
  });
  const begin = async () => {
    const app = await setUp(await open());
    return { app, child: await start(app) };
  };
  return () => {
    started ??= begin();
    return started;
  };
}

async function setUp(server: TestServer): Promise<Example> {
  const folder = temporaryFolder();
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    ACCOUNTS_URL: `http://localhost:${await freePort()}`,
  };
  await promisify(execFile)(process.execPath, [join(programs, "setup.ts")], { cwd: folder, env });
  const settings = parseEnv(readFileSync(join(folder, ".env"), "utf8")) as Record<string, string>;
  const policy = readFileSync(join(folder, "policy.json"), "utf8");
  return {
    server,
    folder,
    relay: await startRelay(server.endpoint),
    settings,
    key: await createAccessKey(server.app, "accounts", policy),
    UserPoolId: settings["USER_POOL_ID"]!,
    ClientId: settings["CLIENT_ID"]!,
  };
}

/**
 * Starts the server behind the relay, and waits until it says where it is. Unless told otherwise it calls once, and is so patient that a
 * busy machine is not taken for a pool that hangs.
 */
export async function start(
  { folder, relay, key }: Example,
  { attempts = 1, patience = 60_000 } = {},
): Promise<ChildProcess> {
  const env = {
    ...compileCache,
    PATH: process.env["PATH"],
    AWS_ENDPOINT_URL: relay.url,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_MAX_ATTEMPTS: String(attempts),
    POOL_TIMEOUT: String(patience),
  };
  // Its standard error has the failures that these tests make.
  const child = spawn(process.execPath, ["--env-file=.env", join(programs, "server.ts")], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (/ is at http/.test(said)) return child;
  }
  throw new Error(`it did not start: ${said}`);
}

/** A URL of the example. */
export const at = ({ settings }: Example, path: string) => new URL(path, settings["ACCOUNTS_URL"]).href;

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
  readonly headers: Headers;
}

async function answered(response: Response): Promise<Answer> {
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as Record<string, string> };
}

const json = { "content-type": "application/json" };

/** POST /accounts with a body as it stands. */
export const postRaw = async (example: Example, body: string, headers: Record<string, string> = json) =>
  answered(await fetch(at(example, "/accounts"), { method: "POST", headers, body }));

export const post = (example: Example, email: string, change: object = {}) =>
  postRaw(example, JSON.stringify({ name: "Ann", email, password, ...change }));

export async function me(example: Example, token: string | undefined): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return answered(await fetch(at(example, "/me"), { headers }));
}

/** Tokens from the pool itself. */
export async function signIn(
  { server, UserPoolId, ClientId }: Pick<Example, "server" | "UserPoolId" | "ClientId">,
  USERNAME: string,
  PASSWORD = password,
): Promise<AuthenticationResultType> {
  const { AuthenticationResult, ChallengeName } = await server.client.send(
    new AdminInitiateAuthCommand({
      UserPoolId,
      ClientId,
      AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD },
    }),
  );
  return AuthenticationResult ?? assert.fail(`no tokens but ${ChallengeName}`);
}

export async function usersOf({ server, UserPoolId }: Example, email: string): Promise<UserType[]> {
  const Filter = `email = "${email}"`;
  const { Users } = await server.client.send(new ListUsersCommand({ UserPoolId, Filter }));
  return Users ?? [];
}

/** The server's records of an address, read from a copy: it lets nobody else at its file. */
export function recordsOf({ folder }: Example, email: string): Record<string, unknown>[] {
  const copy = join(folder, "copy.db");
  copyFileSync(join(folder, "accounts.db"), copy);
  const db = new DatabaseSync(copy);
  try {
    return db.prepare("SELECT * FROM accounts WHERE email = ?").all(email);
  } finally {
    db.close();
  }
}

/** There is one account of the address: its record, ready; its user of the same name, with this password. */
export async function isWhole(example: Example, email: string, PASSWORD = password): Promise<string> {
  const [record, ...more] = recordsOf(example, email);
  assert.equal(record?.["state"], "ready");
  assert.deepEqual(more, []);
  const id = String(record["id"]);
  const users = await usersOf(example, email);
  assert.deepEqual(
    users.map(({ Username, UserStatus }) => [Username, UserStatus]),
    [[id, "CONFIRMED"]],
  );
  const { AccessToken } = await signIn(example, email, PASSWORD);
  const { status, body } = await me(example, AccessToken);
  assert.equal(status, 200);
  assert.equal(body["id"], id);
  assert.equal(body["email"], email);
  assert.deepEqual(await example.server.inbox(email), [], "nothing was sent");
  return id;
}

export async function isNowhere(example: Example, email: string): Promise<void> {
  assert.deepEqual(recordsOf(example, email), []);
  assert.deepEqual(await usersOf(example, email), []);
}
