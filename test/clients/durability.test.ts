/** The real program: what was answered survives kill -9, nothing secret lies readable in the data, SIGTERM exits 0. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  AdminCreateUserCommand,
  type CognitoIdentityProviderClient,
  ConfirmSignUpCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  ForgotPasswordCommand,
  InitiateAuthCommand,
  ListUserPoolsCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { type MadeClient, secretHash } from "../kit/people.ts";
import { newSdk, patient } from "../kit/sdk.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const started = new Set<ChildProcess>();
const clients: CognitoIdentityProviderClient[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
  for (const client of clients) client.destroy();
});

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly printed: string[];
}

/** `poolhouse serve` on a free port, once it says it is ready. */
async function serve(data: string): Promise<Running> {
  const child = spawn(
    process.execPath,
    [join(root, "src/main.ts"), "serve", "--port", "0", "--data", data, "--log-level", "warn"],
    { cwd: root, env: { ...compileCache, PATH: process.env["PATH"] }, stdio: ["ignore", "pipe", "pipe"] },
  );
  started.add(child);
  const printed: string[] = [];
  const errors: string[] = [];
  child.stderr.on("data", (chunk) => errors.push(String(chunk)));
  const exited = once(child, "exit").then(() => undefined);
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      printed.push(line);
      const url = /^Poolhouse ready at (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([ready, exited]);
  assert.ok(url, `the server ended: ${printed.join("\n")}\n${errors.join("")}`);
  return { child, url, printed };
}

function connect(url: string, data: string): CognitoIdentityProviderClient {
  const file = join(data, "secrets", "root-access-key.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const credentials = JSON.parse(readFileSync(file, "utf8"));
  const client = patient(newSdk(url, { credentials, maxAttempts: 3 }));
  clients.push(client);
  return client;
}

async function stop({ child }: Running, signal: NodeJS.Signals): Promise<[number | null, string | null]> {
  const exit = once(child, "exit") as Promise<[number | null, string | null]>;
  child.kill(signal);
  return exit;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test("data survives kill -9, holds nothing readable, and SIGTERM exits 0", async () => {
  const data = join(temporaryFolder(), "data");
  const first = await serve(data);
  assert.ok(first.printed.some((line) => line.includes("AWS_ACCESS_KEY_ID=")));
  const client = connect(first.url, data);
  const rootKey = JSON.parse(readFileSync(join(data, "secrets", "root-access-key.json"), "utf8"));

  // The words to look for later are long and random, so that a hit is no accident.
  const password = `Pw-${randomBytes(12).toString("hex")}-A`;
  const temporary = `Tmp-${randomBytes(12).toString("hex")}-A`;
  const { UserPool } = await client.send(
    new CreateUserPoolCommand({ PoolName: "durable", AutoVerifiedAttributes: ["email"] }),
  );
  const made = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId: UserPool!.Id,
      ClientName: "durable",
      GenerateSecret: true,
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    }),
  );
  const app: MadeClient = {
    ClientId: made.UserPoolClient!.ClientId!,
    ClientSecret: made.UserPoolClient!.ClientSecret,
  };
  const ada = { ClientId: app.ClientId, Username: "ada", SecretHash: secretHash("ada", app) };
  await client.send(
    new SignUpCommand({
      ...ada,
      Password: password,
      UserAttributes: [{ Name: "email", Value: "ada@example.com" }],
    }),
  );
  const newestCode = async (url: string) => {
    const messages = await (await fetch(`${url}/inbox/messages?to=ada@example.com`)).json();
    return String((messages as { code: string }[])[0]!.code);
  };
  const confirmation = await newestCode(first.url);
  await client.send(new ConfirmSignUpCommand({ ...ada, ConfirmationCode: confirmation }));
  await client.send(
    new AdminCreateUserCommand({
      UserPoolId: UserPool!.Id,
      Username: "grace",
      TemporaryPassword: temporary,
      UserAttributes: [{ Name: "email", Value: "grace@example.com" }],
    }),
  );
  const signIn = (sdk: CognitoIdentityProviderClient) =>
    sdk.send(
      new InitiateAuthCommand({
        AuthFlow: "USER_PASSWORD_AUTH",
        ClientId: app.ClientId,
        AuthParameters: { USERNAME: "ada", PASSWORD: password, SECRET_HASH: ada.SecretHash },
      }),
    );
  const refresh = (sdk: CognitoIdentityProviderClient, REFRESH_TOKEN: string) =>
    sdk.send(
      new InitiateAuthCommand({
        AuthFlow: "REFRESH_TOKEN_AUTH",
        ClientId: app.ClientId,
        AuthParameters: { REFRESH_TOKEN, SECRET_HASH: ada.SecretHash },
      }),
    );
  const challenge = await client.send(
    new InitiateAuthCommand({
      AuthFlow: "USER_PASSWORD_AUTH",
      ClientId: app.ClientId,
      AuthParameters: { USERNAME: "grace", PASSWORD: temporary, SECRET_HASH: secretHash("grace", app) },
    }),
  );
  await client.send(new ForgotPasswordCommand(ada));
  const resetCode = await newestCode(first.url);
  const tokens = (await signIn(client)).AuthenticationResult!;

  // The last answer has just arrived: nothing may still be on its way to the disk.
  assert.deepEqual(await stop(first, "SIGKILL"), [null, "SIGKILL"]);

  const secrets: Record<string, string> = {
    password,
    "temporary password": temporary,
    "client secret": app.ClientSecret!,
    "root secret": rootKey.secretAccessKey,
    "refresh token": tokens.RefreshToken!,
    "authenticator of the refresh token": tokens.RefreshToken!.split(".").at(-1)!,
    "access token": tokens.AccessToken!,
    "ID token": tokens.IdToken!,
    session: challenge.Session!,
    "private key": "PRIVATE KEY",
    "PKCS8 of an RSA key": "MIIEv",
    "argon2 hash": "$argon2",
  };
  const codes: Record<string, string> = { "confirmation code": confirmation, "reset code": resetCode };
  const search = () => {
    const files = filesUnder(join(data, "db"));
    const found = files.some((file) => readFileSync(file).includes(UserPool!.Id!));
    assert.ok(found, "the search looks where the data lies");
    for (const file of files) {
      const bytes = readFileSync(file);
      for (const [what, secret] of Object.entries(secrets)) {
        for (const encoding of ["utf8", "utf16le"] as const) {
          assert.equal(bytes.includes(Buffer.from(secret, encoding)), false, `${what} lies in ${file}`);
        }
        if (secret.length > 20) {
          const inBase64 = Buffer.from(secret).toString("base64").slice(0, -4);
          assert.equal(bytes.includes(inBase64), false, `${what} lies in ${file}, as base64`);
        }
      }
      // Six digits alone may stand there by chance; with no digit beside them they are the code.
      const text = bytes.toString("latin1");
      for (const [what, code] of Object.entries(codes)) {
        assert.doesNotMatch(
          text,
          new RegExp(`(?<![0-9a-fA-F.])${code}(?![0-9a-fA-F])`),
          `${what} lies in ${file}`,
        );
      }
    }
  };
  search();

  const second = await serve(data);
  assert.ok(!second.printed.some((line) => line.includes("AWS_SECRET_ACCESS_KEY")), "shown once");
  const again = connect(second.url, data);
  assert.ok((await refresh(again, tokens.RefreshToken!)).AuthenticationResult?.AccessToken);
  const anew = (await signIn(again)).AuthenticationResult!;
  assert.ok(anew.AccessToken);
  assert.equal((await fetch(`${second.url}/readyz`)).status, 200);
  again.destroy();
  assert.deepEqual(await stop(second, "SIGTERM"), [0, null]);
  search();
});

test("SIGTERM lets calls that run finish, and waits for no connection that is silent", async () => {
  const data = join(temporaryFolder(), "data");
  const running = await serve(data);
  const client = connect(running.url, data);
  const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: "busy" }));
  const made = await client.send(
    new CreateUserPoolClientCommand({ UserPoolId: UserPool!.Id, ClientName: "busy" }),
  );
  const port = Number(new URL(running.url).port);
  const silent = connectSocket(port, "127.0.0.1");
  await once(silent, "connect");
  silent.on("error", () => {});
  const slow = connectSocket(port, "127.0.0.1");
  const body = JSON.stringify({ AccessToken: "none" });
  const target = "x-amz-target: AWSCognitoIdentityProviderService.GetUser";
  slow.write(`POST / HTTP/1.1\r\nhost: localhost\r\n${target}\r\ncontent-length: ${body.length}\r\n\r\n{`);
  const twenty = Array.from({ length: 20 }, (_, index) => index);
  // Opens the connections, so that all calls are under way when the first is answered.
  await Promise.all(twenty.map(() => client.send(new ListUserPoolsCommand({ MaxResults: 1 }))));
  const calls = twenty.map((index) =>
    client.send(
      new SignUpCommand({
        ClientId: made.UserPoolClient!.ClientId,
        Username: `ada${index}`,
        Password: "Correct-Horse-1",
      }),
    ),
  );
  await Promise.race(calls);
  const silentEnded = once(silent, "close");
  const stopped = stop(running, "SIGTERM");
  // The silent connection is closed while a call is still coming in: nothing was forced, or that one were lost too.
  await silentEnded;
  slow.end(body.slice(1));
  assert.match(await text(slow), /^HTTP\/1\.1 400 .*NotAuthorizedException/s);
  assert.deepEqual(await stopped, [0, null]);
  assert.equal((await Promise.all(calls)).length, 20);
});

test("an unknown flag refuses to start and is named", async () => {
  const child = spawn(process.execPath, [join(root, "src/main.ts"), "serve", "--colour", "red"], {
    env: { ...compileCache, PATH: process.env["PATH"] },
    stdio: ["ignore", "ignore", "pipe"],
  });
  started.add(child);
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += String(chunk);
  });
  const [code] = (await once(child, "exit")) as [number];
  assert.notEqual(code, 0);
  assert.match(errors, /--colour/);
});
