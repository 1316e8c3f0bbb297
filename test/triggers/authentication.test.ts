/** PreAuthentication, PostAuthentication and PreTokenGeneration. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
  CreateGroupCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  InitiateAuthCommand,
  type LambdaConfigType,
  RespondToAuthChallengeCommand,
  UpdateUserPoolClientCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { makePool, makeSomebody, password, refused, signIn, unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { eventsOf, forOneServerWithFunctions, script, scripted, sourcesOf } from "./functions.ts";

const flows = [
  "ALLOW_USER_PASSWORD_AUTH",
  "ALLOW_ADMIN_USER_PASSWORD_AUTH",
  "ALLOW_USER_SRP_AUTH",
  "ALLOW_REFRESH_TOKEN_AUTH",
] as const;

const tokensBy = (LambdaVersion: "V1_0" | "V2_0" | "V3_0"): LambdaConfigType => ({
  PreTokenGenerationConfig: { LambdaVersion, LambdaArn: scripted },
});

forOneServerWithFunctions("postgres", "the triggers of a sign-in", (open) => {
  const place = async (LambdaConfig: LambdaConfigType, hides = false) => {
    const server = await open();
    const pool = await makePool(
      server,
      { LambdaConfig },
      {
        ExplicitAuthFlows: [...flows],
        PreventUserExistenceErrors: hides ? "ENABLED" : "LEGACY",
      },
    );
    const username = await makeSomebody(server, pool.UserPoolId, { email_verified: "false" });
    return { server, username, ...pool };
  };
  const initiate = ({ client }: TestServer, ClientId: string, USERNAME: string, more: object = {}) =>
    client.send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME, PASSWORD: password },
        ...more,
      }),
    );
  const around = { PreAuthentication: scripted, PostAuthentication: scripted };

  test("their events, field by field; ClientMetadata reaches the first as validationData", async () => {
    const { server, username, UserPoolId, ClientId } = await place(around, true);
    await initiate(server, ClientId, username, { ClientMetadata: { from: "app" } });
    const [before = assert.fail("no event"), after, ...more] = eventsOf(UserPoolId);
    assert.deepEqual(more, []);
    const { sub, ...attributes } = before.request["userAttributes"] as Record<string, string>;
    assert.match(sub ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual(attributes, {
      "cognito:user_status": "CONFIRMED",
      email: `${username}@example.com`,
      email_verified: "false",
    });
    assert.deepEqual(before, {
      version: "1",
      triggerSource: "PreAuthentication_Authentication",
      region: "us-east-1",
      userPoolId: UserPoolId,
      userName: username,
      callerContext: { ...before.callerContext, clientId: ClientId },
      request: {
        userAttributes: { sub, ...attributes },
        validationData: { from: "app" },
        userNotFound: false,
      },
      response: {},
    });
    assert.deepEqual(after, {
      ...before,
      triggerSource: "PostAuthentication_Authentication",
      request: { userAttributes: { sub, ...attributes } },
    });
  });

  test("either may refuse, in every flow; who is refused gets no tokens", async () => {
    for (const source of ["PreAuthentication_Authentication", "PostAuthentication_Authentication"]) {
      const { server, username, UserPoolId, ClientId } = await place(around);
      script(UserPoolId, source, { throws: "Not today" });
      const [trigger] = source.split("_");
      const no = refused("UserLambdaValidationException", `${trigger} failed with error Not today.`);
      await assert.rejects(initiate(server, ClientId, username), no);
      const AuthParameters = { USERNAME: username, PASSWORD: password };
      const AuthFlow = "ADMIN_USER_PASSWORD_AUTH" as const;
      await assert.rejects(
        server.client.send(new AdminInitiateAuthCommand({ UserPoolId, ClientId, AuthFlow, AuthParameters })),
        no,
      );
      await assert.rejects(bySrp(server, UserPoolId, ClientId, username), no);
      script(UserPoolId, source, undefined);
      await bySrp(server, UserPoolId, ClientId, username);
    }
  });

  test("a wrong password ends before the second; names that nobody has are told to the first", async () => {
    const { server, username, UserPoolId, ClientId } = await place(around, true);
    const wrong = { AuthParameters: { USERNAME: username, PASSWORD: "wrong" } };
    const no = refused("NotAuthorizedException", "Incorrect username or password.");
    await assert.rejects(initiate(server, ClientId, username, wrong), no);
    assert.deepEqual(sourcesOf(UserPoolId), ["PreAuthentication_Authentication"]);
    await assert.rejects(initiate(server, ClientId, "nobody"), no);
    const [event] = eventsOf(UserPoolId);
    assert.deepEqual(event?.request, { userAttributes: {}, validationData: null, userNotFound: true });
    assert.equal(event?.userName, "nobody");
    const open = await place(around);
    await assert.rejects(initiate(server, open.ClientId, "nobody"), { name: "UserNotFoundException" });
    assert.deepEqual(eventsOf(open.UserPoolId), [], "a client that says who exists says so at once");
  });

  test("claims of V1_0: ID tokens alone, text alone, protected ones silently stay", async () => {
    const { server, username, UserPoolId, ClientId } = await place(tokensBy("V1_0"));
    const { client } = server;
    const RoleArn = "arn:aws:iam::000000000000:role/staff";
    await client.send(new CreateGroupCommand({ UserPoolId, GroupName: "staff", RoleArn, Precedence: 1 }));
    await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: username, GroupName: "staff" }));
    const source = "TokenGeneration_Authentication";
    const details = {
      claimsToAddOrOverride: { tier: "gold", sub: "other", "cognito:username": "root", iss: "x", email: "e" },
      claimsToSuppress: ["email_verified", "aud", "tier2"],
    };
    script(UserPoolId, source, { response: { claimsOverrideDetails: details } });
    const { AccessToken, IdToken } = await signIn(server, ClientId, username);
    const [event] = eventsOf(UserPoolId);
    assert.equal(event?.version, "1");
    assert.deepEqual(event?.request["groupConfiguration"], {
      groupsToOverride: ["staff"],
      iamRolesToOverride: [RoleArn],
      preferredRole: RoleArn,
    });
    assert.equal(event?.request["scopes"], undefined);
    assert.deepEqual(event?.response, { claimsOverrideDetails: null });
    const id = decodeJwt(IdToken);
    const before = decodeJwt((await signInWithout(server, ClientId, username, UserPoolId, source)).IdToken);
    assert.equal(id["tier"], "gold");
    assert.equal(id["email"], "e");
    assert.equal(id["email_verified"], undefined);
    for (const name of ["sub", "iss", "aud", "cognito:username", "cognito:groups", "cognito:roles"])
      assert.deepEqual(id[name], before[name], name);
    assert.equal(decodeJwt(AccessToken)["tier"], undefined);

    const groupOverrideDetails = { groupsToOverride: ["a", "b"], preferredRole: "r" };
    script(UserPoolId, source, { response: { claimsOverrideDetails: { groupOverrideDetails } } });
    const other = await signIn(server, ClientId, username);
    assert.deepEqual(decodeJwt(other.AccessToken)["cognito:groups"], ["a", "b"]);
    assert.deepEqual(decodeJwt(other.IdToken)["cognito:groups"], ["a", "b"]);
    assert.equal(decodeJwt(other.IdToken)["cognito:roles"], undefined);
    assert.equal(decodeJwt(other.IdToken)["cognito:preferred_role"], "r");
    script(UserPoolId, source, {
      response: { claimsOverrideDetails: { groupOverrideDetails: null } },
    });
    const none = await signIn(server, ClientId, username);
    assert.equal(decodeJwt(none.AccessToken)["cognito:groups"], undefined);
    script(UserPoolId, source, {
      response: { claimsOverrideDetails: { claimsToAddOrOverride: { n: 1 } } },
    });
    await assert.rejects(signIn(server, ClientId, username), { name: "InvalidLambdaResponseException" });
  });

  test("claims and scopes of V2_0 in access tokens, which stay good for our own API", async () => {
    const { server, username, UserPoolId, ClientId } = await place(tokensBy("V2_0"));
    const source = "TokenGeneration_Authentication";
    const accessTokenGeneration = {
      claimsToAddOrOverride: { plan: { seats: 3 }, client_id: "x", username: "y", scope: "z", exp: 1 },
      claimsToSuppress: ["jti", "auth_time"],
      scopesToAdd: ["read:all", "two words", "aws.cognito.signin.user.admin2"],
      scopesToSuppress: ["nothing"],
    };
    const idTokenGeneration = { claimsToAddOrOverride: { list: [1, "b"], email_verified: { no: 1 } } };
    script(UserPoolId, source, {
      response: { claimsAndScopeOverrideDetails: { accessTokenGeneration, idTokenGeneration } },
    });
    const { AccessToken, IdToken } = await signIn(server, ClientId, username);
    const [event] = eventsOf(UserPoolId);
    assert.equal(event?.version, "2");
    assert.deepEqual(event?.request["scopes"], ["aws.cognito.signin.user.admin"]);
    const access = decodeJwt(AccessToken);
    assert.deepEqual(access["plan"], { seats: 3 });
    assert.equal(access["scope"], "aws.cognito.signin.user.admin read:all");
    assert.equal(access["client_id"], ClientId);
    assert.equal(access["username"], username);
    assert.ok(access.exp! > 1 && access.jti && access["auth_time"]);
    assert.deepEqual(decodeJwt(IdToken)["list"], [1, "b"]);
    assert.equal(decodeJwt(IdToken)["email_verified"], false);
    const { Username } = await server.client.send(new GetUserCommand({ AccessToken }));
    assert.equal(Username, username);

    const scopesToSuppress = ["aws.cognito.signin.user.admin"];
    script(UserPoolId, source, {
      response: { claimsAndScopeOverrideDetails: { accessTokenGeneration: { scopesToSuppress } } },
    });
    const without = await signIn(server, ClientId, username);
    await assert.rejects(server.client.send(new GetUserCommand({ AccessToken: without.AccessToken })), {
      name: "NotAuthorizedException",
    });
  });

  test("a refusal at a refresh leaves the refresh token as good as it was", async () => {
    const { server, username, UserPoolId, ClientId } = await place(tokensBy("V3_0"));
    const { RefreshToken } = await signIn(server, ClientId, username);
    eventsOf(UserPoolId);
    const refresh = () =>
      initiate(server, ClientId, username, {
        AuthFlow: "REFRESH_TOKEN_AUTH",
        AuthParameters: { REFRESH_TOKEN: RefreshToken },
      });
    script(UserPoolId, "TokenGeneration_RefreshTokens", { throws: "Blocked" });
    await assert.rejects(
      refresh(),
      refused("UserLambdaValidationException", "PreTokenGeneration failed with error Blocked."),
    );
    script(UserPoolId, "TokenGeneration_RefreshTokens", undefined);
    assert.ok((await refresh()).AuthenticationResult?.AccessToken);
    const events = eventsOf(UserPoolId);
    assert.deepEqual(
      events.map(({ triggerSource, version }) => [triggerSource, version]),
      [
        ["TokenGeneration_RefreshTokens", "3"],
        ["TokenGeneration_RefreshTokens", "3"],
      ],
    );
  });

  test("claims that cannot be signed are refused before the refresh token is used up", async () => {
    const { server, username, UserPoolId, ClientId } = await place(tokensBy("V2_0"));
    await server.client.send(
      new UpdateUserPoolClientCommand({
        ...{ UserPoolId, ClientId, ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] },
        RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
      }),
    );
    const { RefreshToken } = await signIn(server, ClientId, username);
    const refresh = () =>
      server.client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken }));
    const levels = 6000;
    const deep = `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const answer = `{"idTokenGeneration":{"claimsToAddOrOverride":{"deep":${deep}}}}`;
    script(UserPoolId, "TokenGeneration_RefreshTokens", {
      json: `{"response":{"claimsAndScopeOverrideDetails":${answer}}}`,
    });
    await assert.rejects(
      refresh(),
      refused("InvalidLambdaResponseException", "Unrecognizable lambda output"),
    );
    script(UserPoolId, "TokenGeneration_RefreshTokens", undefined);
    assert.ok((await refresh()).AuthenticationResult?.AccessToken);
  });

  test("a new password: its own source, and the metadata of the answer", async () => {
    const all = { ...around, ...tokensBy("V1_0") };
    const { server, UserPoolId, ClientId } = await place(all);
    const { client } = server;
    const Username = unique("user");
    await client.send(
      new AdminCreateUserCommand({
        ...{ UserPoolId, Username, TemporaryPassword: password },
        MessageAction: "SUPPRESS",
      }),
    );
    const { ChallengeName, Session } = await initiate(server, ClientId, Username, {
      ClientMetadata: { at: "start" },
    });
    await client.send(
      new RespondToAuthChallengeCommand({
        ...{ ClientId, ChallengeName, Session },
        ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: "Other-Horse-8" },
        ClientMetadata: { at: "answer" },
      }),
    );
    assert.deepEqual(
      eventsOf(UserPoolId).map(({ triggerSource, request }) => [
        triggerSource,
        request["validationData"],
        request["clientMetadata"],
      ]),
      [
        ["PreAuthentication_Authentication", { at: "start" }, undefined],
        ["PostAuthentication_Authentication", undefined, { at: "answer" }],
        ["TokenGeneration_NewPasswordChallenge", undefined, { at: "answer" }],
      ],
    );
  });

  test("turned off, they are not asked", async () => {
    const { server, username, UserPoolId, ClientId } = await place(around);
    await server.client.send(new UpdateUserPoolCommand({ UserPoolId, LambdaConfig: {} }));
    await signIn(server, ClientId, username);
    assert.deepEqual(eventsOf(UserPoolId), []);
  });
});

async function signInWithout(
  server: TestServer,
  ClientId: string,
  username: string,
  poolId: string,
  source: string,
) {
  script(poolId, source, undefined);
  return signIn(server, ClientId, username);
}

async function bySrp({ client }: TestServer, poolId: string, ClientId: string, USERNAME: string) {
  const srp = new SrpClient();
  const { ChallengeParameters: parameters = {} } = await client.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_SRP_AUTH",
      AuthParameters: { USERNAME, SRP_A: srp.srpA },
    }),
  );
  return client.send(
    new RespondToAuthChallengeCommand({
      ClientId,
      ChallengeName: "PASSWORD_VERIFIER",
      ChallengeResponses: srp.prove(poolId, parameters, password),
    }),
  );
}
