/**
 * The AWS SDK for JavaScript v2 running the account-creation code of seed 002 as it is printed, then what the article
 * goes on with: sign-in from a web page by amazon-cognito-identity-js, and verification of the JWT by the published keys.
 */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserPool,
  type CognitoUserSession,
} from "amazon-cognito-identity-js";
import { JwtVerifier } from "aws-jwt-verify";
import type { Jwks } from "aws-jwt-verify/jwk";
import AWS from "aws-sdk";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { makeSomebody, password, unique } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

interface Challenged {
  readonly AuthenticationResult?: { readonly AccessToken: string };
}
type CreateCognitoUser = (userId: string, email: string, password: string) => Promise<Challenged | undefined>;
type Seed = (configuration: object, poolId: string, clientId: string) => CreateCognitoUser;

const seed = createRequire(import.meta.url)("./seed-002.cjs") as Seed;

const configurationOf = (server: TestServer) => ({
  endpoint: server.endpoint,
  region: "us-east-1",
  accessKeyId: rootKey.accessKeyId,
  secretAccessKey: rootKey.secretAccessKey,
});

function signInOnThePage(
  server: TestServer,
  ids: { UserPoolId: string; ClientId: string },
  Username: string,
  Password: string,
): Promise<CognitoUserSession> {
  const user = new CognitoUser({
    Username,
    Pool: new CognitoUserPool({ ...ids, endpoint: server.endpoint }),
  });
  return new Promise((onSuccess, onFailure) =>
    user.authenticateUser(new AuthenticationDetails({ Username, Password }), { onSuccess, onFailure }),
  );
}

forOneServer("postgres", "AWS SDK for JavaScript v2", (open) => {
  test("seed 002: an API server makes an account, a page signs in, the API verifies", async () => {
    const server = await open();
    const cognito = new AWS.CognitoIdentityServiceProvider(configurationOf(server));
    const pool = await cognito
      .createUserPool({ PoolName: "accounts", AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } })
      .promise();
    const UserPoolId = pool.UserPool!.Id!;
    const client = await cognito
      .createUserPoolClient({
        UserPoolId,
        ClientName: "web",
        GenerateSecret: false,
        ExplicitAuthFlows: ["ADMIN_NO_SRP_AUTH"],
      })
      .promise();
    const ClientId = client.UserPoolClient!.ClientId!;

    const createCognitoUser = seed(configurationOf(server), UserPoolId, ClientId);
    const userId = "9f1c2d3e";
    const created = await createCognitoUser(userId, "ada@example.com", password);
    assert.ok(created?.AuthenticationResult?.AccessToken, "the code printed an error and gave no tokens");
    assert.deepEqual(await server.inbox("ada@example.com"), [], "no welcome message");
    const user = await cognito.adminGetUser({ UserPoolId, Username: userId }).promise();
    assert.equal(user.UserStatus, "CONFIRMED");

    const session = await signInOnThePage(server, { UserPoolId, ClientId }, userId, password);
    const token = session.getAccessToken().getJwtToken();

    const jwksUri = `${server.endpoint}/${UserPoolId}/.well-known/jwks.json`;
    const issuer = `${server.endpoint}/${UserPoolId}`;
    const byJose = await jwtVerify(token, createRemoteJWKSet(new URL(jwksUri)), { issuer });
    assert.equal(byJose.payload["username"], userId);
    const verifier = JwtVerifier.create({ issuer, audience: null, jwksUri });
    verifier.cacheJwks((await (await fetch(jwksUri)).json()) as Jwks);
    const payload = await verifier.verify(token);
    assert.equal(payload["username"], userId);

    await assert.rejects(
      cognito.signUp({ ClientId, Username: unique("self"), Password: password }).promise(),
      (error: AWS.AWSError) => error.code === "NotAuthorizedException" && error.statusCode === 400,
    );
  });

  test("errors have the code and status of AWS, and its request id", async () => {
    const server = await open();
    const cognito = new AWS.CognitoIdentityServiceProvider(configurationOf(server));
    const { UserPool } = await cognito.createUserPool({ PoolName: "errors" }).promise();
    const UserPoolId = UserPool!.Id!;
    const name = await makeSomebody(server, UserPoolId);
    const codeOf = (request: { promise(): Promise<unknown> }) =>
      request.promise().then(
        () => assert.fail("was accepted"),
        ({ code, statusCode, requestId }: AWS.AWSError) => {
          assert.match(requestId ?? "", /\S/);
          return [code, statusCode];
        },
      );
    assert.deepEqual(await codeOf(cognito.adminCreateUser({ UserPoolId, Username: name })), [
      "UsernameExistsException",
      400,
    ]);
    assert.deepEqual(await codeOf(cognito.adminGetUser({ UserPoolId, Username: "nobody" })), [
      "UserNotFoundException",
      400,
    ]);
    assert.deepEqual(await codeOf(cognito.describeUserPool({ UserPoolId: "us-east-1_nOtThere1" })), [
      "ResourceNotFoundException",
      400,
    ]);
    assert.deepEqual(await codeOf(cognito.listUsers({ UserPoolId, Limit: 61 })), [
      "InvalidParameterException",
      400,
    ]);
  });
});
