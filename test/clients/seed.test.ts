/** `npm run seed`, and with it the bench's bulk load: what it leaves is what the server's own operations would have left. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  AdminGetUserCommand,
  type CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  InitiateAuthCommand,
  ListUsersCommand,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { pino } from "pino";
import { password, userAttributes, userName } from "../../bench/lib/users.ts";
import { loadConfig } from "../../src/config/config.ts";
import { startServer } from "../../src/server.ts";
import { dataFolderOf, forEachDatabase, temporaryFolder } from "../kit/databases.ts";
import { newSdk, rootKey } from "../kit/sdk.ts";
import { besideTests } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";

const program = join(import.meta.dirname, "..", "..", "tools", "seed.ts");
const UserPoolId = "us-east-1_Seed12345";
const ClientId = "seedclient";

async function seed(argv: readonly string[], settings: Readonly<Record<string, string | undefined>>) {
  const env = JSON.parse(JSON.stringify({ ...process.env, ...settings }));
  return (await promisify(execFile)(process.execPath, [program, ...argv], { env })).stdout;
}

test("what is asked for wrongly ends with 2 and says what is wrong", async () => {
  const POOLHOUSE_DATA = temporaryFolder();
  const wrong: readonly (readonly [string[], RegExp, number])[] = [
    [["--users", "many"], /--users must be a number from 1 to 10000000, not many/, 2],
    [["--users", "0"], /--users must be/, 2],
    [["--users", "5", "--verifiers", "-1"], /verifiers/, 2],
    [["--people", "5"], /Unknown option --people\.\nUsage: npm run seed/, 2],
    [["5"], /Usage: npm run seed/, 2],
    [["--pool", "demo"], /--pool must be the id of a pool, not demo/, 2],
    [["--port", "x"], /port/, 2],
    [["--pool", "us-east-1_Nowhere1"], /There is no pool us-east-1_Nowhere1/, 1],
  ];
  for (const [argv, stderr, code] of wrong)
    await assert.rejects(seed(argv, { POOLHOUSE_DATA, POOLHOUSE_DATABASE: undefined }), { code, stderr });
});

forEachDatabase((_database, _open, fresh) => {
  test("loaded users are found, and sign in by password and by SRP", async () => {
    const { url, masterKey } = await fresh();
    const keys = {
      POOLHOUSE_MASTER_KEY: masterKey,
      POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
      POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    };
    const settings = { ...keys, POOLHOUSE_DATABASE: url, POOLHOUSE_DATA: dataFolderOf(url) };
    const loaded = await seed(["--users", "1200", "--verifiers", "2"], settings);
    assert.match(loaded, /^1200 users, one in 600 with a verifier/);
    assert.match(loaded, /client seedclient: user0000000 to user0001199/);
    const further = await seed(["--users", "3", "--pool", UserPoolId], settings);
    assert.match(further, /^3 users, all with a verifier/);
    assert.match(further, /user0001200 to user0001202/);

    const log = pino({ level: "silent" });
    const server = await startServer(loadConfig(["--port", "0"], settings), {
      log,
      ...besideTests,
    });
    const client = newSdk(server.url);
    try {
      const pool = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
      // Beyond 1,000 it is what the database estimates.
      assert.ok(Number(pool.UserPool?.EstimatedNumberOfUsers) > 1_000);
      const user = await client.send(new AdminGetUserCommand({ UserPoolId, Username: userName(1199) }));
      const attributes = Object.fromEntries(user.UserAttributes!.map(({ Name, Value }) => [Name, Value]));
      assert.deepEqual(attributes, { ...userAttributes(1199), sub: attributes["sub"] });
      for (const name of ["email", "phone_number", "name"]) {
        const Filter = `${name} = "${userAttributes(700)[name]}"`;
        const { Users } = await client.send(new ListUsersCommand({ UserPoolId, Filter }));
        assert.deepEqual(
          Users?.map(({ Username }) => Username),
          [userName(700)],
        );
      }
      const byPassword = await client.send(
        new InitiateAuthCommand({
          ClientId,
          AuthFlow: "USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME: userName(601), PASSWORD: password },
        }),
      );
      assert.ok(byPassword.AuthenticationResult?.AccessToken);
      assert.ok((await srpSignIn(client, userName(600))).AuthenticationResult?.AccessToken);
      await assert.rejects(srpSignIn(client, userName(602)), { name: "NotAuthorizedException" });
    } finally {
      client.destroy();
      await server.close();
    }
  });
});

async function srpSignIn(client: CognitoIdentityProviderClient, USERNAME: string) {
  const srp = new SrpClient();
  const AuthParameters = { USERNAME, SRP_A: srp.srpA };
  const started = await client.send(
    new InitiateAuthCommand({ ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters }),
  );
  return client.send(
    new RespondToAuthChallengeCommand({
      ClientId,
      ChallengeName: "PASSWORD_VERIFIER",
      ChallengeResponses: srp.prove(UserPoolId, started.ChallengeParameters!, password),
    }),
  );
}
