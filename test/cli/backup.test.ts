/** docs/operating.md, "Backup and restore", by paste, while users are being written. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminSetUserPasswordCommand,
  type CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { createPostgres, dropPostgres, skipWithoutPostgres } from "../kit/postgres.ts";
import { newSdk, patient, rootKey } from "../kit/sdk.ts";
import { until } from "../kit/waiting.ts";

const root = join(import.meta.dirname, "..", "..");
const password = "Kept-Password-1";

/** The shell snippets of the section, in order. */
const [bySqlite3, byNode, restore, byPostgres] = readFileSync(join(root, "docs", "operating.md"), "utf8")
  .split("## Backup and restore\n")[1]!
  .match(/(?<=^```sh\n)[^`]*?(?=^```)/gm)!;

const path = `${dirname(process.execPath)}:${process.env["PATH"]}`;
const paste = (script: string, cwd: string, env: Readonly<Record<string, string>> = {}) =>
  promisify(execFile)("sh", ["-e", "-c", script], { cwd, env: { ...process.env, PATH: path, ...env } });

async function serve(cwd: string, env: Readonly<Record<string, string>> = {}) {
  const port = new URL(env["POOLHOUSE_PUBLIC_URL"] ?? "http://localhost:0").port;
  const child = spawn(process.execPath, [join(root, "src", "main.ts"), "serve", "--port", port], {
    cwd,
    env: {
      ...process.env,
      POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
      POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
      ...env,
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  for await (const chunk of child.stdout) {
    output += chunk;
    const [, endpoint] = /^Poolhouse ready at (\S+).*\n/m.exec(output) ?? [];
    if (endpoint === undefined) continue;
    const client = patient(newSdk(endpoint));
    const stop = async () => {
      client.destroy();
      child.kill("SIGTERM");
      await once(child, "exit");
    };
    return { client, stop };
  }
  throw new Error(`the server did not start: ${output}`);
}

/** Makes users one after the other until told to stop; `made` grows with each that was acknowledged. */
function keepWriting(client: CognitoIdentityProviderClient, UserPoolId: string) {
  const made: string[] = [];
  let stopped = false;
  const done = (async () => {
    while (!stopped) {
      const Username = `user-${made.length}`;
      await client.send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: "SUPPRESS" }));
      const Password = password;
      await client.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
      made.push(Username);
    }
  })();
  return {
    made,
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

async function makePool(client: CognitoIdentityProviderClient) {
  const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: "kept" }));
  const UserPoolId = UserPool!.Id!;
  const { UserPoolClient } = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: "kept",
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    }),
  );
  return { UserPoolId, ClientId: UserPoolClient!.ClientId! };
}

/** Everybody acknowledged before the backup is in it, and their secrets open. */
async function assertKept(
  client: CognitoIdentityProviderClient,
  { UserPoolId, ClientId }: { UserPoolId: string; ClientId: string },
  users: readonly string[],
): Promise<void> {
  for (const Username of users) await client.send(new AdminGetUserCommand({ UserPoolId, Username }));
  const AuthParameters = { USERNAME: users.at(-1)!, PASSWORD: password };
  const signIn = new InitiateAuthCommand({ ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters });
  assert.ok((await client.send(signIn)).AuthenticationResult?.AccessToken);
}

const tools = [
  ["sqlite3", bySqlite3!, existsSync("/usr/bin/sqlite3")],
  ["node", byNode!, true],
] as const;
for (const [tool, backUp, present] of tools) {
  const options = { skip: !present && `${tool} is not installed` };
  test(`the embedded store, backed up by ${tool} while it is written to, and restored`, options, async () => {
    const [here, there] = [temporaryFolder(), temporaryFolder()];
    const first = await serve(here);
    const pool = await makePool(first.client);
    const writer = keepWriting(first.client, pool.UserPoolId);
    await until("5 are written", () => writer.made.length >= 5);
    const before = [...writer.made];
    await paste(backUp, here);
    await writer.stop();
    await first.stop();

    copyFileSync(join(here, "backup.sqlite"), join(there, "backup.sqlite"));
    copyFileSync(join(here, "poolhouse-data", "secrets", "master-key"), join(there, "master-key"));
    await paste(restore!, there);
    const second = await serve(there);
    try {
      await assertKept(second.client, pool, before);
    } finally {
      await second.stop();
    }
  });
}

test(
  "PostgreSQL, backed up while it is written to, and restored elsewhere",
  skipWithoutPostgres(),
  async () => {
    const databases = [await createPostgres(), await createPostgres()];
    const urls = databases.map(({ url }) => url);
    const master = { POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64") };
    try {
      const here = temporaryFolder();
      const first = await serve(here, { ...master, POOLHOUSE_DATABASE: urls[0]! });
      const pool = await makePool(first.client);
      const writer = keepWriting(first.client, pool.UserPoolId);
      await until("5 are written", () => writer.made.length >= 5);
      const before = [...writer.made];
      await paste(byPostgres!, here, { POOLHOUSE_DATABASE: urls[0]!, NEW_DATABASE: urls[1]! });
      await writer.stop();
      await first.stop();
      const restored = { ...master, POOLHOUSE_DATABASE: urls[1]! };
      // The copy knows the URL of the servers it was made of; this one is elsewhere.
      const moved = { ...restored, POOLHOUSE_PUBLIC_URL: `http://localhost:${await freePort()}` };
      const program = [join(root, "src", "main.ts"), "public-url", "--set"];
      await promisify(execFile)(process.execPath, program, { env: { ...process.env, ...moved } });
      const second = await serve(temporaryFolder(), moved);
      try {
        await assertKept(second.client, pool, before);
      } finally {
        await second.stop();
      }
    } finally {
      for (const { name } of databases) await dropPostgres(name);
    }
  },
);
