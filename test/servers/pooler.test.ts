/** Servers behind a connection pooler in transaction mode: each transaction may get another connection of PostgreSQL. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  type CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { sql } from "kysely";
import { readAccessKeyStatus } from "../../src/store/access-keys.ts";
import { inTransaction } from "../../src/store/db.ts";
import { takeLease } from "../../src/store/engine/lease.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../../src/store/open.ts";
import { type Child, clientOf, endChild, startChild } from "../kit/child.ts";
import { silent, temporaryFolder } from "../kit/databases.ts";
import { type Pooler, poolerConnections, skipWithoutPooler, startPooler } from "../kit/pgbouncer.ts";
import { freePort } from "../kit/ports.ts";
import { createPostgres, dropPostgres } from "../kit/postgres.ts";
import { SrpClient } from "../kit/srp-client.ts";

const Password = "Correct-Horse-7";
const noNames = /connection pooler/;

describe("behind a connection pooler", skipWithoutPooler(), () => {
  const masterKey = randomBytes(32).toString("base64");
  const servers: Child[] = [];
  const opened: OpenedDatabase[] = [];
  let pooler: Pooler;
  let database: { name: string; url: string };
  before(async () => {
    [pooler, database] = await Promise.all([startPooler(), createPostgres()]);
  });
  after(async () => {
    await Promise.all(opened.map((one) => one.close()));
    for (const server of servers) await endChild(server.process, "SIGKILL");
    await pooler.stop();
    await dropPostgres(database.name);
  });

  const start = async () => {
    const port = String(await freePort());
    const env = {
      POOLHOUSE_PORT: port,
      POOLHOUSE_DATABASE: pooler.urlOf(database.name),
      POOLHOUSE_MASTER_KEY: masterKey,
      POOLHOUSE_PUBLIC_URL: "http://localhost:4001",
      POOLHOUSE_LOG_LEVEL: "info",
      POOLHOUSE_DATA: temporaryFolder(),
    };
    const server = await startChild({ env });
    servers.push(server);
    return { ...server, client: clientOf(`http://127.0.0.1:${port}`, 3) };
  };
  const open = async (options: Partial<OpenOptions> = {}) => {
    const url = pooler.urlOf(database.name);
    const one = await openDatabase({ url, masterKey, log: silent, ...options });
    opened.push(one);
    return one.db;
  };

  test("two servers start on an empty database, and answer calls side by side", async () => {
    const both = await Promise.all([start(), start()]);
    const [{ client: one }, { client: two }] = both;
    const { UserPool } = await one.send(new CreateUserPoolCommand({ PoolName: "pooled" }));
    const UserPoolId = UserPool!.Id!;
    const made = await two.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: "pooled",
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      }),
    );
    const ClientId = made.UserPoolClient!.ClientId!;
    await one.send(new SignUpCommand({ ClientId, Username: "ada", Password }));
    await two.send(new AdminConfirmSignUpCommand({ UserPoolId, Username: "ada" }));
    const initiate = (
      client: CognitoIdentityProviderClient,
      AuthFlow: "USER_PASSWORD_AUTH" | "USER_SRP_AUTH" | "REFRESH_TOKEN_AUTH",
      AuthParameters: Record<string, string>,
    ) => client.send(new InitiateAuthCommand({ ClientId, AuthFlow, AuthParameters }));

    const byPassword = await initiate(one, "USER_PASSWORD_AUTH", { USERNAME: "ada", PASSWORD: Password });
    const REFRESH_TOKEN = byPassword.AuthenticationResult!.RefreshToken!;
    const srp = new SrpClient();
    const challenge = await initiate(two, "USER_SRP_AUTH", { USERNAME: "ada", SRP_A: srp.srpA });
    const bySrp = await two.send(
      new RespondToAuthChallengeCommand({
        ClientId,
        ChallengeName: "PASSWORD_VERIFIER",
        Session: challenge.Session,
        ChallengeResponses: srp.prove(UserPoolId, challenge.ChallengeParameters!, Password),
      }),
    );
    assert.ok(bySrp.AuthenticationResult?.AccessToken);
    const refreshed = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        initiate(n % 2 === 0 ? one : two, "REFRESH_TOKEN_AUTH", { REFRESH_TOKEN }),
      ),
    );
    assert.ok(refreshed.every(({ AuthenticationResult }) => AuthenticationResult?.AccessToken));
    for (const { log } of both) {
      const lines = log.map((line) => JSON.parse(line) as { level: number; msg: string });
      assert.equal(lines.filter(({ msg, level }) => level === 30 && noNames.test(msg)).length, 1);
      assert.deepEqual(
        lines.filter(({ level }) => level >= 40),
        [],
      );
    }
  });

  test("one of two holds a lease", async () => {
    const [one, two] = [await open(), await open()];
    const lease = (holder: string) => ({ name: "work", holder, expiresAt: 2_000 });
    const taken = await Promise.all([
      takeLease(one.kysely, lease("one"), 1_000),
      takeLease(two.kysely, lease("two"), 1_000),
    ]);
    assert.deepEqual(taken.sort(), [false, true]);
  });

  test("settings of a transaction end with it, and connections have their name", async () => {
    const db = await open({ applicationName: "poolhouse behind a pooler" });
    const setting = async (name: string, on = db) => {
      const { rows } = await sql<{ value: string }>`select current_setting(${name}) as value`.execute(
        on.kysely,
      );
      return rows[0]?.value;
    };
    const timeout = "idle_in_transaction_session_timeout";
    assert.equal(await inTransaction(db, (tx) => setting(timeout, tx)), "15s");
    assert.equal(await setting(timeout), "0");
    assert.equal(await setting("application_name"), "poolhouse behind a pooler");
  });

  test("names fail if they are forced: servers share the connections that know them", async () => {
    const failed: string[] = [];
    for (let n = 0; n <= poolerConnections; n++) {
      const db = await open({ namedStatements: "on", poolSize: 1 });
      await readAccessKeyStatus(db, "none").catch((error: { code?: string }) =>
        failed.push(error.code ?? String(error)),
      );
    }
    assert.ok(failed.length > 0, "nobody noticed");
    // duplicate_prepared_statement
    assert.deepEqual([...new Set(failed)], ["42P05"]);
  });

  test("a server says that there is a pooler only if there is one", async () => {
    const said: string[] = [];
    const log = { ...silent, info: (_fields: object, message: string) => said.push(message) };
    for (const url of [database.url, pooler.urlOf(database.name)]) await open({ url, log });
    assert.equal(said.filter((message) => noNames.test(message)).length, 1);
  });
});
