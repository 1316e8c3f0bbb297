/** Calls that are not what the model says: the documented validation errors with HTTP 400, never a 500. */

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { call, signed } from "../kit/calls.ts";
import { everyFlow, makeClient, makePool, password, verifiedByMail } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";

forOneServer("postgres", "malformed", (open) => {
  const start = async () => {
    const server = await open();
    const { UserPoolId: poolId } = await makePool(server, verifiedByMail);
    const client = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow });
    return { server, poolId, client, endpoint: server.endpoint };
  };

  test("bodies that are not what the model says", async () => {
    const { endpoint, client } = await start();
    const raw: [string, string | Uint8Array][] = [
      ["no JSON", "{"],
      ["a text", '"x"'],
      ["a list", "[]"],
      ["a number", "1"],
      ["null", "null"],
      ["a comma too many", '{"ClientId":"x",}'],
      ["single quotes", "{'ClientId':'x'}"],
      ["two documents", "{}{}"],
      ["XML", "<a/>"],
      ["a form", "Action=SignUp&Version=2016-04-18"],
      ["no UTF-8", Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
      ["a NUL", "\u0000"],
      ["ten thousand brackets", "[".repeat(10_000)],
      ["ten thousand objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
    ];
    for (const operation of ["SignUp", "InitiateAuth", "GetUser", "ConfirmSignUp"]) {
      for (const [what, body] of raw) {
        const answer = await call(endpoint, operation, body);
        assert.deepEqual(
          [answer.status, answer.type],
          [400, "SerializationException"],
          `${operation}: ${what}`,
        );
      }
    }
    const typed: [string, object][] = [
      ["SignUp", { ClientId: 1, Username: "a", Password: password }],
      ["SignUp", { ClientId: client.ClientId, Username: ["a"], Password: password }],
      ["SignUp", { ClientId: client.ClientId, Username: "a", Password: true }],
      ["SignUp", { ClientId: client.ClientId, Username: "half a pair: \ud800", Password: password }],
      ["SignUp", { ClientId: client.ClientId, Username: "a", Password: password, UserAttributes: {} }],
      ["SignUp", { ClientId: client.ClientId, Username: "a", Password: password, UserAttributes: ["x"] }],
      ["SignUp", { ClientId: client.ClientId, Username: "a", Password: password, ClientMetadata: [] }],
      ["SignUp", { ClientId: client.ClientId, Username: "a", Password: password, ClientMetadata: { a: 1 } }],
      ["InitiateAuth", { ClientId: client.ClientId, AuthFlow: 1 }],
      [
        "InitiateAuth",
        { ClientId: client.ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: "USERNAME=a" },
      ],
      [
        "InitiateAuth",
        { ClientId: client.ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: {} } },
      ],
      ["ConfirmSignUp", { ClientId: client.ClientId, Username: "a", ConfirmationCode: 123456 }],
      [
        "ConfirmSignUp",
        { ClientId: client.ClientId, Username: "a", ConfirmationCode: "1", ForceAliasCreation: "yes" },
      ],
      ["GetUser", { AccessToken: { token: 1 } }],
    ];
    for (const [operation, body] of typed) {
      const answer = await call(endpoint, operation, body);
      const what = `${operation} ${JSON.stringify(body)}`;
      assert.deepEqual([answer.status, answer.type], [400, "SerializationException"], what);
      assert.equal("Message" in answer.body, true, "spelled with a capital");
    }
  });

  test("members that are missing, null, empty, too long, or outside what is listed", async () => {
    const { server, poolId, client, endpoint } = await start();
    const long = "a".repeat(3_000);
    const ClientId = client.ClientId;
    const ok = { ClientId, Username: "ada", Password: password };
    const withoutLogin: [string, object, RegExp][] = [
      ["SignUp", {}, /^[23] validation errors detected: .*Value null at 'clientId'/],
      [
        "SignUp",
        { ClientId, Password: password },
        /Value null at 'username' failed .*Member must not be null/,
      ],
      ["SignUp", { ...ok, Username: null }, /Value null at 'username'/],
      ["SignUp", { ...ok, Username: "" }, /at 'username' .*length greater than or equal to 1/],
      ["SignUp", { ...ok, Username: long }, /at 'username' .*length less than or equal to 128/],
      ["SignUp", { ...ok, Username: "a b\n" }, /at 'username' .*regular expression pattern/],
      ["SignUp", { ...ok, Password: long }, /at 'password' .*length less than or equal to 256/],
      ["SignUp", { ...ok, ClientId: "a-b" }, /at 'clientId' .*regular expression pattern/],
      ["SignUp", { ...ok, ClientId: long }, /at 'clientId' .*length less than or equal to 128/],
      ["SignUp", { ...ok, UserAttributes: [{ Value: "x" }] }, /at 'userAttributes\.1\.member\.name'/],
      [
        "SignUp",
        { ...ok, UserAttributes: [{ Name: "name", Value: long }] },
        /length less than or equal to 2048/,
      ],
      ["SignUp", { ...ok, UserAttributes: [{ Name: "flavor", Value: "x" }] }, /flavor/],
      [
        "SignUp",
        { ...ok, UserAttributes: [{ Name: "email", Value: "nonsense" }] },
        /Invalid email address format\./,
      ],
      [
        "SignUp",
        { ...ok, UserAttributes: [{ Name: "phone_number", Value: "1" }] },
        /Invalid phone number format\./,
      ],
      ["ConfirmSignUp", { ClientId, Username: "ada" }, /Value null at 'confirmationCode'/],
      ["ConfirmSignUp", { ClientId, Username: "ada", ConfirmationCode: long }, /less than or equal to 2048/],
      ["InitiateAuth", { ClientId }, /Value null at 'authFlow'/],
      ["InitiateAuth", { ClientId, AuthFlow: "USER_PASSWORD_AUTH" }, /^Missing required parameter USERNAME$/],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: "ada", PASSWORD: null } },
        /^Missing required parameter PASSWORD$/,
      ],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters: { USERNAME: "ada" } },
        /^Missing required parameter SRP_A$/,
      ],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: {} },
        /^Missing required parameter REFRESH_TOKEN$/,
      ],
      ["RespondToAuthChallenge", { ClientId, ChallengeName: "NOPE" }, /enum value set/],
      [
        "RespondToAuthChallenge",
        { ClientId, ChallengeName: "PASSWORD_VERIFIER" },
        /Missing required parameter USERNAME/,
      ],
      [
        "RespondToAuthChallenge",
        { ClientId, ChallengeName: "PASSWORD_VERIFIER", Session: "short" },
        /at 'session' .*length greater than or equal to 20/,
      ],
      ["GetUser", {}, /Value null at 'accessToken'/],
      ["GetUser", { AccessToken: "not a token" }, /at 'accessToken' .*regular expression pattern/],
      ["GetTokensFromRefreshToken", { ClientId }, /Value null at 'refreshToken'/],
      ["ForgotPassword", { Username: "ada" }, /Value null at 'clientId'/],
    ];
    for (const [operation, body, message] of withoutLogin) {
      const answer = await call(endpoint, operation, body);
      const what = `${operation} ${JSON.stringify(body).slice(0, 200)}: ${answer.type} ${answer.message}`;
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], what);
      assert.match(answer.message, message, what);
    }
    const UserPoolId = poolId;
    const ofAdministrators: [string, object, RegExp][] = [
      ["ListUserPools", {}, /Value null at 'maxResults'/],
      ["ListUserPools", { MaxResults: 0 }, /at 'maxResults' .*value greater than or equal to 1/],
      ["ListUserPools", { MaxResults: 61 }, /at 'maxResults' .*value less than or equal to 60/],
      ["CreateUserPool", {}, /Value null at 'poolName'/],
      ["CreateUserPool", { PoolName: "a".repeat(129) }, /less than or equal to 128/],
      [
        "CreateUserPool",
        { PoolName: "p", MfaConfiguration: "MAYBE" },
        /enum value set: \[OFF, ON, OPTIONAL\]|enum value set/,
      ],
      ["DescribeUserPool", { UserPoolId: "nonsense" }, /at 'userPoolId' .*regular expression pattern/],
      ["ListUsers", { UserPoolId, Limit: 61 }, /less than or equal to 60/],
      ["ListUsers", { UserPoolId, Filter: "a".repeat(257) }, /less than or equal to 256/],
      ["ListUsers", { UserPoolId, PaginationToken: "made-up" }, /./],
      ["ListUserPools", { MaxResults: 1, NextToken: "made-up" }, /./],
      ["AdminCreateUser", { UserPoolId }, /Value null at 'username'/],
      [
        "CreateUserPoolClient",
        { UserPoolId, ClientName: "c", ExplicitAuthFlows: ["NOPE"] },
        /explicitAuthFlows/,
      ],
      ["CreateGroup", { UserPoolId, GroupName: "g", Precedence: -1 }, /greater than or equal to 0/],
      ["AdminAddUserToGroup", { UserPoolId, Username: "ada" }, /Value null at 'groupName'/],
    ];
    for (const [operation, body, message] of ofAdministrators) {
      const answer = await signed(server, operation, body);
      const what = `${operation} ${JSON.stringify(body).slice(0, 200)}: ${answer.type} ${answer.message}`;
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], what);
      assert.match(answer.message, message, what);
    }
  });

  test("targets that do not exist, clients that do not exist, and hosts that are not this one's", async () => {
    const { endpoint, server } = await start();
    for (const target of [
      "AWSCognitoIdentityProviderService.NoSuchOperation",
      "AWSCognitoIdentityProviderService.__proto__",
      "AWSCognitoIdentityProviderService.constructor",
      "AWSCognitoIdentityProviderService.",
      "SignUp",
      "",
      "AWSCognitoIdentityService.SignUp",
      "AWSCognitoIdentityProviderService.SignUp.More",
    ]) {
      const answer = await call(endpoint, "", {}, { "x-amz-target": target });
      assert.deepEqual([answer.status, answer.body], [400, { __type: "UnknownOperationException" }], target);
    }
    const ClientId = "0".repeat(26);
    const unknown: [string, object][] = [
      ["SignUp", { ClientId, Username: "ada", Password: password }],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: "a", PASSWORD: "b" } },
      ],
      ["ForgotPassword", { ClientId, Username: "ada" }],
    ];
    for (const [operation, body] of unknown) {
      const answer = await call(endpoint, operation, body);
      assert.deepEqual(
        [answer.status, answer.type, answer.message],
        [400, "ResourceNotFoundException", `User pool client ${ClientId} does not exist.`],
      );
    }
    // A notYet operation says so after it was authorized and checked, not before.
    assert.equal(
      (await call(endpoint, "CreateUserPoolReplica", {})).type,
      "MissingAuthenticationTokenException",
    );
    const later = await signed(server, "CreateUserPoolReplica", {});
    assert.equal(later.type, "InvalidParameterException");
    const huge = await fetch(endpoint, {
      method: "POST",
      headers: { "x-amz-target": "AWSCognitoIdentityProviderService.SignUp" },
      body: "x".repeat(4 * 1024 * 1024),
    });
    assert.equal(huge.status, 400);
    assert.equal(huge.headers.get("x-amzn-errortype"), "SerializationException:");
    const { port } = new URL(endpoint);
    const status = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { host, "x-amz-target": "AWSCognitoIdentityProviderService.SignUp" };
        const request = httpRequest({ host: "127.0.0.1", port, method: "POST", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.on("error", reject).end("{}");
      });
    assert.equal(await status(`localhost:${port}`), 400);
    assert.equal(await status("rebound.example.com"), 421);
  });
});
