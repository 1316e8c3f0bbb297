/** The bench's bulk load: what it leaves is what the server's own operations would have left. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  InitiateAuthCommand,
  ListUsersCommand,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { pino } from "pino";
import { password, userAttributes, userName } from "../../bench/lib/users.ts";
import { loadConfig } from "../../src/config/config.ts";
import { startServer } from "../../src/server.ts";
import { neverBehind, rootKey } from "../api/server.ts";
import { dataFolderOf, forEachDatabase } from "../store/databases.ts";
import { SrpClient } from "./support.ts";

const program = join(import.meta.dirname, "..", "..", "bench", "load-users.ts");
const UserPoolId = "us-east-1_Bench1234";
const ClientId = "benchclient";

forEachDatabase((_database, _open, fresh) => {
  test("loaded users are found, and sign in by password and by SRP", async () => {
    const { url, masterKey } = await fresh();
    const keys = {
      POOLHOUSE_MASTER_KEY: masterKey,
      POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
      POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    };
    const argv = ["--database", url, "--users", "1200", "--verifiers", "2"];
    const env = JSON.parse(JSON.stringify({ ...process.env, ...keys }));
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...argv], { env });
    assert.match(stdout, /^1200 users, every 600th with a verifier/);

    const settings = { ...keys, POOLHOUSE_DATABASE: url, POOLHOUSE_DATA: dataFolderOf(url) };
    const log = pino({ level: "silent" });
    const server = await startServer(loadConfig(["--port", "0"], settings), {
      log,
      monotonic: neverBehind,
    });
    const client = new CognitoIdentityProviderClient({
      endpoint: server.url,
      region: "us-east-1",
      credentials: rootKey,
      maxAttempts: 1,
    });
    try {
      const pool = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
      assert.equal(pool.UserPool?.EstimatedNumberOfUsers, 1200);
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
