/** Several servers on one PostgreSQL: they start at once, know everything of each other at once, and must agree. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminListUserSessionsCommand,
  AdminRevokeUserSessionCommand,
  type CognitoIdentityProviderClient,
  ConfirmSignUpCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  GetUserCommand,
  GlobalSignOutCommand,
  InitiateAuthCommand,
  ListUserSessionsCommand,
  RevokeTokenCommand,
  SetUserPoolSessionConfigurationCommand,
  SignUpCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import pg from "pg";
import { PROGRAM_SCHEMA_VERSION } from "../../src/store/migrations/migrate.ts";
import { type Child, clientOf, endChild, main, refusal, startChild } from "../kit/child.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { createPostgres, dropPostgres, skipWithoutPostgres } from "../kit/postgres.ts";

const password = "Correct-Horse-7";
// A name of this machine: where others come in there is no inbox.
const sharedUrl = "http://localhost:4001";

async function emptyDatabase(): Promise<string> {
  const { name, url } = await createPostgres();
  databases.push(name);
  return url;
}
const databases: string[] = [];

async function rows(url: string, query: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(query)).rows;
  } finally {
    await client.end();
  }
}

function environment(database: string): Record<string, string> {
  return {
    POOLHOUSE_DATABASE: database,
    POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    POOLHOUSE_PUBLIC_URL: sharedUrl,
    POOLHOUSE_DATA: temporaryFolder(),
  };
}

describe("several servers", skipWithoutPostgres(), () => {
  const servers: Child[] = [];
  after(async () => {
    for (const server of servers) await endChild(server.process, "SIGKILL");
    for (const name of databases) await dropPostgres(name);
  });
  const start = async (env: Record<string, string>): Promise<Child & { endpoint: string }> => {
    const port = await freePort();
    const server = await startChild({ env: { ...env, POOLHOUSE_PORT: String(port) } });
    servers.push(server);
    return { ...server, endpoint: `http://127.0.0.1:${port}` };
  };

  test("started at once on an empty database all come up, with one of everything", async () => {
    const database = await emptyDatabase();
    const env = { ...environment(database), POOLHOUSE_LOG_LEVEL: "info" };
    // Without a configured root key: one of them makes it.
    const unset = { POOLHOUSE_ROOT_ACCESS_KEY_ID: "", POOLHOUSE_ROOT_SECRET_ACCESS_KEY: "" };
    const three = await Promise.all(
      [1, 2, 3].map(() => start({ ...env, ...unset, POOLHOUSE_DATA: temporaryFolder() })),
    );
    for (const { endpoint, process } of three) {
      assert.equal((await fetch(`${endpoint}/readyz`)).status, 200);
      assert.equal(await endChild(process, "SIGTERM"), 0);
    }
    const log = three.flatMap((server) => server.log.map((line) => JSON.parse(line)));
    const created = log.filter(({ msg }) => msg === "Created the tables of the database.");
    assert.equal(created.length, 1, "one server ran the migrations");
    assert.equal(created[0].version, PROGRAM_SCHEMA_VERSION);
    assert.deepEqual(
      log.filter(({ level }) => level >= 40),
      [],
    );
    assert.equal((await rows(database, "select * from access_keys where principal = 'root'")).length, 1);
    const keys = await rows(database, "select purpose from data_keys order by purpose");
    assert.deepEqual(
      keys.map(({ purpose }) => purpose),
      ["mac", "seal"],
    );
    const [meta] = await rows(database, "select value from poolhouse_meta where key = 'public_url'");
    assert.equal(meta?.["value"], sharedUrl);
  });

  describe("share what they know", () => {
    let one: CognitoIdentityProviderClient;
    let two: CognitoIdentityProviderClient;
    let inbox: string;
    let UserPoolId: string;
    let ClientId: string;

    before(async () => {
      const env = environment(await emptyDatabase());
      const [first, second] = await Promise.all([start(env), start(env)]);
      one = clientOf(first.endpoint);
      two = clientOf(second.endpoint);
      inbox = `${second.endpoint}/inbox/messages?to=`;
      const pool = { PoolName: "shared", AutoVerifiedAttributes: ["email" as const] };
      UserPoolId = (await one.send(new CreateUserPoolCommand(pool))).UserPool!.Id!;
      const made = await two.send(
        new CreateUserPoolClientCommand({
          UserPoolId,
          ClientName: "shared",
          ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        }),
      );
      ClientId = made.UserPoolClient!.ClientId!;
    });

    const makeUser = async (Username: string) => {
      const email = `${Username}@mail.example`;
      const UserAttributes = [{ Name: "email", Value: email }];
      await one.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
      const [message] = (await (await fetch(inbox + email)).json()) as { code: string }[];
      const ConfirmationCode = message!.code;
      await two.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode }));
    };
    const signIn = async (sdk: CognitoIdentityProviderClient, USERNAME: string, PASSWORD = password) => {
      const AuthParameters = { USERNAME, PASSWORD };
      const input = { ClientId, AuthFlow: "USER_PASSWORD_AUTH" as const, AuthParameters };
      return (await sdk.send(new InitiateAuthCommand(input))).AuthenticationResult!;
    };
    const refresh = (sdk: CognitoIdentityProviderClient, REFRESH_TOKEN: string) =>
      sdk.send(
        new InitiateAuthCommand({
          ClientId,
          AuthFlow: "REFRESH_TOKEN_AUTH",
          AuthParameters: { REFRESH_TOKEN },
        }),
      );

    test("a user signs up at one and in at the other; revoked at one is refused at the other at once", async () => {
      await makeUser("ada");
      const tokens = await signIn(two, "ada");
      const AccessToken = tokens.AccessToken!;
      assert.equal((await one.send(new GetUserCommand({ AccessToken }))).Username, "ada");
      await refresh(one, tokens.RefreshToken!);
      await one.send(new RevokeTokenCommand({ ClientId, Token: tokens.RefreshToken! }));
      await assert.rejects(refresh(two, tokens.RefreshToken!), { name: "NotAuthorizedException" });
      await assert.rejects(two.send(new GetUserCommand({ AccessToken })), { name: "NotAuthorizedException" });
    });

    test("a global sign-out and a disabled user are known everywhere at once", async () => {
      await makeUser("grace");
      const [here, there] = [await signIn(one, "grace"), await signIn(two, "grace")];
      await one.send(new GlobalSignOutCommand({ AccessToken: here.AccessToken! }));
      const read = two.send(new GetUserCommand({ AccessToken: there.AccessToken! }));
      await assert.rejects(read, { name: "NotAuthorizedException" });
      await two.send(new AdminDisableUserCommand({ UserPoolId, Username: "grace" }));
      await assert.rejects(signIn(one, "grace"), { name: "NotAuthorizedException" });
      await one.send(new AdminEnableUserCommand({ UserPoolId, Username: "grace" }));
      assert.ok((await signIn(two, "grace")).AccessToken);
    });

    test("a setting changed at one holds at the other from the next call on", async () => {
      const weak = { ClientId, Username: "linus", Password: "aaaaaaaa" };
      for (const [here, there] of [
        [one, two],
        [two, one],
      ] as const) {
        // Both have the pool in their caches before it changes.
        await assert.rejects(there.send(new SignUpCommand(weak)), { name: "InvalidPasswordException" });
        const PasswordPolicy = { MinimumLength: 8, RequireUppercase: false, RequireLowercase: true };
        const loose = { ...PasswordPolicy, RequireNumbers: false, RequireSymbols: false };
        const strict = { ...PasswordPolicy, RequireNumbers: true, RequireSymbols: true };
        const update = (policy: typeof loose) =>
          here.send(
            new UpdateUserPoolCommand({
              UserPoolId,
              AutoVerifiedAttributes: ["email"],
              Policies: { PasswordPolicy: policy },
            }),
          );
        await update(loose);
        await there.send(new SignUpCommand({ ...weak, Username: `linus-${here === one ? 1 : 2}` }));
        await update(strict);
        await assert.rejects(there.send(new SignUpCommand(weak)), { name: "InvalidPasswordException" });
      }
    });

    test("sessions are listed, counted and revoked together", async () => {
      await makeUser("mary");
      const configure = (MaxPerUser: number) =>
        one.send(
          new SetUserPoolSessionConfigurationCommand({
            UserPoolId,
            UserSessionTracking: "ENABLED",
            TokenSession: { MaxPerUser },
          }),
        );
      const list = async (sdk: CognitoIdentityProviderClient) =>
        (await sdk.send(new AdminListUserSessionsCommand({ UserPoolId, Username: "mary" }))).Sessions ?? [];
      await configure(3);
      const all = await Promise.all([1, 2, 3, 4].flatMap(() => [signIn(one, "mary"), signIn(two, "mary")]));
      assert.equal((await list(one)).length, 3);
      const good = await Promise.allSettled(
        all.map(({ AccessToken }) => two.send(new GetUserCommand({ AccessToken: AccessToken! }))),
      );
      assert.equal(good.filter(({ status }) => status === "fulfilled").length, 3);
      await configure(20);
      const { AccessToken = "" } = await signIn(two, "mary");
      const [own] = (await one.send(new ListUserSessionsCommand({ AccessToken }))).Sessions ?? [];
      assert.equal(own?.IsCurrentSession, true);
      const named = { UserPoolId, Username: "mary", SessionId: own?.SessionId };
      await one.send(new AdminRevokeUserSessionCommand(named));
      await assert.rejects(two.send(new GetUserCommand({ AccessToken })), { name: "NotAuthorizedException" });
      assert.equal((await list(two)).length, 3);
    });

    test("wrong passwords count together", async () => {
      await makeUser("eve");
      const said = new Set<string>();
      for (let guess = 0; guess < 6; guess++) {
        const error = await signIn(guess % 2 === 0 ? one : two, "eve", `Wrong-Horse-${guess}`).catch(
          (thrown: Error) => thrown,
        );
        said.add((error as Error).message);
      }
      assert.ok(said.has("Password attempts exceeded"), [...said].join());
      await assert.rejects(signIn(one, "eve"), { message: "Password attempts exceeded" });
      await assert.rejects(signIn(two, "eve"), { message: "Password attempts exceeded" });
      assert.equal((await two.send(new AdminGetUserCommand({ UserPoolId, Username: "eve" }))).Enabled, true);
    });
  });

  test("what they do not share refuses to start and says why", async () => {
    const database = await emptyDatabase();
    const env: Record<string, string> = { ...environment(database), POOLHOUSE_PORT: "0" };
    const { POOLHOUSE_MASTER_KEY: _, ...keyless } = env;
    assert.match(await refusal({ env: keyless }), /master key must be configured.*POOLHOUSE_MASTER_KEY/);
    const { POOLHOUSE_PUBLIC_URL: __, ...urlless } = env;
    assert.match(
      await refusal({ env: { ...urlless, POOLHOUSE_HOST: "0.0.0.0" } }),
      /public URL must be configured.*POOLHOUSE_PUBLIC_URL/,
    );
    const running = await start(env);
    const otherKey = randomBytes(32).toString("base64");
    assert.match(
      await refusal({ env: { ...env, POOLHOUSE_MASTER_KEY: otherKey } }),
      /master key does not fit this database/,
    );
    const elsewhere = { ...env, POOLHOUSE_PUBLIC_URL: "http://other.example" };
    assert.match(
      await refusal({ env: elsewhere }),
      /public URL http:\/\/localhost:4001, this one has http:\/\/other\.example.*poolhouse public-url --set/,
    );
    // A server that would guess its own is another one too.
    assert.match(
      await refusal({ env: urlless }),
      /public URL http:\/\/localhost:4001, this one has http:\/\/local/,
    );
    assert.equal((await fetch(`${running.endpoint}/readyz`)).status, 200);
    await endChild(running.process, "SIGTERM");

    const command = async (env: Record<string, string>, ...argv: string[]) => {
      const given = { env: { ...compileCache, PATH: process.env["PATH"], ...env } };
      return (
        await promisify(execFile)(process.execPath, [main, "public-url", ...argv], given)
      ).stdout.trim();
    };
    assert.equal(await command(env), sharedUrl);
    await assert.rejects(command(urlless, "--set"), /--set needs the new one/);
    assert.equal(await command(env), sharedUrl);
    assert.equal(
      await command(urlless, "--set", "--public-url", "http://other.example"),
      "http://other.example",
    );
    assert.match(
      await refusal({ env }),
      /public URL http:\/\/other\.example, this one has http:\/\/localhost:4001/,
    );
    const moved = await start(elsewhere);
    await endChild(moved.process, "SIGTERM");
  });
});
