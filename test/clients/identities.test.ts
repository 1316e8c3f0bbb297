/**
 * Identity pools by clients that know only Amazon's: boto3 and aws-cli of Debian and the AWS SDK for JavaScript v2. What they
 * send does not depend on the database.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import AWS from "aws-sdk";
import {
  allowing,
  giveRoles,
  identityClient,
  makeIdentityPool,
  makeRole,
  providerOf,
} from "../identity-pools/setup.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeSomebody, signIn } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("boto3_identities.py", import.meta.url));

const environment = {
  PATH: "/usr/bin:/bin",
  HOME: temporaryFolder(),
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_PAGER: "",
  AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
  AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
  PYTHONDONTWRITEBYTECODE: "1",
};

async function signedIn(server: TestServer) {
  const { UserPoolId, ClientId } = await makePool(server);
  const { IdToken } = await signIn(server, ClientId, await makeSomebody(server, UserPoolId));
  return { UserPoolId, ClientId, IdToken, provider: providerOf(UserPoolId) };
}

/** An identity pool whose users may describe user pools, and a user. */
async function exchange(server: TestServer) {
  const user = await signedIn(server);
  const client = identityClient(server);
  const poolId = await makeIdentityPool(client, {
    AllowUnauthenticatedIdentities: true,
    CognitoIdentityProviders: [{ ProviderName: user.provider, ClientId: user.ClientId }],
  });
  const describing = allowing("cognito-idp:DescribeUserPool");
  await giveRoles(server, client, poolId, { authenticated: describing, unauthenticated: describing });
  client.destroy();
  return { ...user, poolId };
}

forOneServer("sqlite", "identity pools by other clients", (open) => {
  describe("boto3", needs("boto3"), () => {
    test("all 23 operations", async () => {
      const server = await open();
      const { ClientId, IdToken, provider } = await signedIn(server);
      const trust = {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Federated: "cognito-identity.amazonaws.com" },
            Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
          },
        ],
      };
      const env = {
        ...environment,
        ENDPOINT: server.endpoint,
        PROVIDER: provider,
        CLIENT_ID: ClientId,
        ID_TOKEN: IdToken,
        ROLE: await makeRole(server, trust),
        POOL_ARN_PREFIX: `arn:aws:cognito-identity:us-east-1:${server.app.config.accountId}:identitypool/`,
      };
      const { stdout } = await run("/usr/bin/python3", [script], { env });
      assert.equal(stdout.trim(), "done");
    });
  });

  describe("aws-cli", needs("aws-cli"), () => {
    test("from an ID token to a call that its credentials sign", async () => {
      const server = await open();
      const { UserPoolId, IdToken, provider, poolId } = await exchange(server);
      const aws = async (args: readonly string[], more: NodeJS.ProcessEnv = {}) => {
        const words = ["--endpoint-url", server.endpoint, "--output", "json", ...args];
        const { stdout } = await run("/usr/bin/aws", words, { env: { ...environment, ...more } });
        return JSON.parse(stdout);
      };
      const logins = ["--logins", JSON.stringify({ [provider]: IdToken })];
      const made = await aws(["cognito-identity", "get-id", "--identity-pool-id", poolId, ...logins]);
      const { IdentityId, Credentials } = await aws([
        ...["cognito-identity", "get-credentials-for-identity", "--identity-id", made.IdentityId],
        ...logins,
      ]);
      assert.equal(IdentityId, made.IdentityId);
      const described = await aws(["cognito-idp", "describe-user-pool", "--user-pool-id", UserPoolId], {
        AWS_ACCESS_KEY_ID: Credentials.AccessKeyId,
        AWS_SECRET_ACCESS_KEY: Credentials.SecretKey,
        AWS_SESSION_TOKEN: Credentials.SessionToken,
      });
      assert.equal(described.UserPool.Id, UserPoolId);
    });
  });

  test("SDK v2: CognitoIdentityCredentials of a guest, who then signs in", async () => {
    const server = await open();
    const { UserPoolId, IdToken, provider, poolId } = await exchange(server);
    const where = { endpoint: server.endpoint, region: "us-east-1", maxRetries: 0 };
    const credentials = new AWS.CognitoIdentityCredentials({ IdentityPoolId: poolId }, where);
    await credentials.getPromise();
    const guest = credentials.identityId;
    Object.assign(credentials.params, { Logins: { [provider]: IdToken } });
    credentials.expired = true;
    await credentials.refreshPromise();
    assert.equal(credentials.identityId, guest);
    const cognito = new AWS.CognitoIdentityServiceProvider({ ...where, credentials });
    const described = await cognito.describeUserPool({ UserPoolId }).promise();
    assert.equal(described.UserPool?.Id, UserPoolId);
  });
});
