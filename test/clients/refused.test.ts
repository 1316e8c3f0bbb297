/** What must be refused, with the documented type: sessions, signatures, flows, secret hashes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminCreateUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { call, type RawAnswer, signed } from "../kit/calls.ts";
import {
  everyFlow,
  makeClient,
  makePool,
  makeSomebody,
  password,
  secretHash,
  signIn,
  unique,
  verifiedByMail,
} from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";

forOneServer("sqlite", "refused", (open) => {
  const start = async (settings: Parameters<typeof makeClient>[2] = {}) => {
    const server = await open();
    const { UserPoolId: poolId } = await makePool(server, verifiedByMail);
    const client = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow, ...settings });
    return { server, poolId, client, endpoint: server.endpoint };
  };

  test("sessions that are made up, another client's, expired, or used", async () => {
    const { server, poolId, client, endpoint } = await start();
    const other = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow });
    const challenge = async () => {
      const Username = unique("grace");
      await server.client.send(
        new AdminCreateUserCommand({
          UserPoolId: poolId,
          Username,
          TemporaryPassword: "Temporary-1",
          MessageAction: "SUPPRESS",
        }),
      );
      const { body } = await call(endpoint, "InitiateAuth", {
        AuthFlow: "USER_PASSWORD_AUTH",
        ClientId: client.ClientId,
        AuthParameters: { USERNAME: Username, PASSWORD: "Temporary-1" },
      });
      assert.equal(body["ChallengeName"], "NEW_PASSWORD_REQUIRED");
      return { Username, Session: body["Session"] as string };
    };
    const respond = (Username: string, Session: unknown, ClientId = client.ClientId) =>
      call(endpoint, "RespondToAuthChallenge", {
        ClientId,
        ChallengeName: "NEW_PASSWORD_REQUIRED",
        Session,
        ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: password },
      });
    const message = (answer: RawAnswer) => {
      assert.deepEqual([answer.status, answer.type], [400, "NotAuthorizedException"], answer.message);
      return answer.message;
    };
    const { Username, Session } = await challenge();
    const stranger = await challenge();
    const invalid = "Invalid session for the user.";
    assert.equal(message(await respond(Username, "a".repeat(200))), invalid);
    assert.equal(message(await respond(Username, `${Session.slice(0, -8)}AAAAAAAA`)), invalid);
    assert.equal(message(await respond(Username, Session.slice(0, 40))), invalid);
    assert.equal(message(await respond(Username, Session, other.ClientId)), invalid);
    assert.equal(message(await respond(Username, stranger.Session)), invalid);
    const without = await respond(Username, undefined);
    assert.deepEqual(
      [without.status, without.type, without.message],
      [400, "InvalidParameterException", "Missing required parameter Session"],
    );
    assert.equal((await respond(Username, Session)).status, 200);
    assert.equal(
      message(await respond(Username, Session)),
      "Invalid session for the user, session can only be used once.",
    );
    const late = await challenge();
    server.clock.advance(181_000);
    assert.equal(
      message(await respond(late.Username, late.Session)),
      "Invalid session for the user, session is expired.",
    );
  });

  test("administrators' calls that are unsigned, or signed wrongly", async () => {
    const { server, poolId, endpoint } = await start();
    const body = { UserPoolId: poolId };
    const type = async (answer: Promise<RawAnswer>) => {
      const { status, type } = await answer;
      assert.equal(status, 400);
      return type;
    };
    assert.equal((await signed(server, "DescribeUserPool", body)).status, 200);
    const operations: Record<string, object> = {
      DescribeUserPool: body,
      ListUserPools: { MaxResults: 1 },
      DeleteUserPool: body,
      AdminCreateUser: { ...body, Username: "eve" },
      AdminInitiateAuth: { ...body, ClientId: "x", AuthFlow: "ADMIN_NO_SRP_AUTH" },
    };
    for (const [operation, input] of Object.entries(operations)) {
      assert.equal(await type(call(endpoint, operation, input)), "MissingAuthenticationTokenException");
    }
    const late = { now: server.clock.now - 6 * 60_000 };
    const early = { now: server.clock.now + 6 * 60_000 };
    const header = (name: string, value: (was: string) => string) => ({
      after: (headers: Record<string, string>) => {
        headers[name] = value(headers[name]!);
      },
    });
    const dropped = (name: string) => header("authorization", (was) => was.replace(`;${name}`, ""));
    const cases: [string, Parameters<typeof signed>[3], string][] = [
      ["the wrong secret", { secretAccessKey: "another-secret" }, "InvalidSignatureException"],
      ["an unknown key", { accessKeyId: "AKIANOSUCHKEY0000000" }, "UnrecognizedClientException"],
      ["another service", { service: "s3" }, "InvalidSignatureException"],
      ["the other pools' service", { service: "cognito-identity" }, "InvalidSignatureException"],
      ["six minutes late", late, "InvalidSignatureException"],
      ["six minutes early", early, "InvalidSignatureException"],
      ["a session token nobody gave out", { sessionToken: "token" }, "UnrecognizedClientException"],
      ["a date changed later", header("x-amz-date", () => "20200101T000000Z"), "InvalidSignatureException"],
      ["the target unsigned", dropped("x-amz-target"), "InvalidSignatureException"],
      ["the date unsigned", dropped("x-amz-date"), "InvalidSignatureException"],
      [
        "another target",
        header("x-amz-target", () => "AWSCognitoIdentityProviderService.DeleteUserPool"),
        "InvalidSignatureException",
      ],
      [
        "no signature",
        header("authorization", (was) => was.replace(/Signature=.*/, "")),
        "IncompleteSignatureException",
      ],
      [
        "another algorithm",
        header("authorization", (was) => was.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")),
        "IncompleteSignatureException",
      ],
      ["a bearer token", header("authorization", () => "Bearer token"), "IncompleteSignatureException"],
      ["an empty header", header("authorization", () => "AWS4-HMAC-SHA256"), "IncompleteSignatureException"],
    ];
    for (const [what, how, expected] of cases) {
      const answer = await signed(server, "DescribeUserPool", body, how);
      assert.deepEqual([answer.status, answer.type], [400, expected], `${what}: ${answer.message}`);
    }
    assert.equal((await signed(server, "DescribeUserPool", body)).status, 200, "the pool is still there");
  });

  test("flows that the client does not allow, or that are the other call's", async () => {
    const { server, poolId } = await start();
    const { ClientId } = await makeClient(server, poolId, { ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH"] });
    const open = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow });
    const name = await makeSomebody(server, poolId);
    const { RefreshToken } = await signIn(server, open.ClientId, name);
    const AuthParameters = {
      USERNAME: name,
      PASSWORD: password,
      SRP_A: "abcdef",
      REFRESH_TOKEN: RefreshToken,
    };
    const initiate = (client: string, AuthFlow: string) =>
      call(server.endpoint, "InitiateAuth", { AuthFlow, ClientId: client, AuthParameters });
    const byAdmin = (client: string, AuthFlow: string) =>
      signed(server, "AdminInitiateAuth", { UserPoolId: poolId, AuthFlow, ClientId: client, AuthParameters });
    const notAllowed = [
      "USER_PASSWORD_AUTH",
      "USER_SRP_AUTH",
      "REFRESH_TOKEN_AUTH",
      "REFRESH_TOKEN",
      "USER_AUTH",
    ];
    for (const flow of notAllowed) {
      const answer = await initiate(ClientId, flow);
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], flow);
    }
    for (const flow of ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH", "USER_SRP_AUTH"]) {
      const answer = await byAdmin(ClientId, flow);
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], flow);
    }
    for (const answer of [
      await initiate(open.ClientId, "ADMIN_USER_PASSWORD_AUTH"),
      await initiate(open.ClientId, "ADMIN_NO_SRP_AUTH"),
      await byAdmin(open.ClientId, "USER_PASSWORD_AUTH"),
    ]) {
      assert.deepEqual(
        [answer.status, answer.type, answer.message],
        [400, "InvalidParameterException", "Initiate Auth method not supported."],
      );
    }
    for (const flow of ["", "PASSWORD", "user_password_auth", "__proto__", "constructor"]) {
      const answer = await initiate(open.ClientId, flow);
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], flow);
      assert.match(answer.message, /enum value set/);
    }
    // Another client's refresh token, and another pool's client.
    const second = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow });
    const foreign = await initiate(second.ClientId, "REFRESH_TOKEN_AUTH");
    assert.deepEqual([foreign.type, foreign.message], ["NotAuthorizedException", "Invalid Refresh Token."]);
    const { UserPoolId: elsewhere } = await makePool(server, verifiedByMail);
    const crossed = await signed(server, "AdminInitiateAuth", {
      UserPoolId: elsewhere,
      ClientId: open.ClientId,
      AuthFlow: "ADMIN_NO_SRP_AUTH",
      AuthParameters,
    });
    assert.deepEqual([crossed.status, crossed.type], [400, "ResourceNotFoundException"]);
  });

  test("a secret hash that is missing or wrong", async () => {
    const { server, poolId, client, endpoint } = await start({ GenerateSecret: true });
    const name = await makeSomebody(server, poolId);
    const right = secretHash(name, client);
    const wrong = secretHash("somebody-else", client);
    const ClientId = client.ClientId;
    const auth = { AuthFlow: "USER_PASSWORD_AUTH", ClientId };
    const parameters = { USERNAME: name, PASSWORD: password };
    const good = await call(endpoint, "InitiateAuth", {
      ...auth,
      AuthParameters: { ...parameters, SECRET_HASH: right },
    });
    assert.equal(good.status, 200);
    const { RefreshToken } = good.body["AuthenticationResult"] as { RefreshToken: string };
    const flows: Record<string, (hash: string | undefined) => Promise<RawAnswer>> = {
      USER_PASSWORD_AUTH: (SECRET_HASH) =>
        call(endpoint, "InitiateAuth", { ...auth, AuthParameters: { ...parameters, SECRET_HASH } }),
      USER_SRP_AUTH: (SECRET_HASH) =>
        call(endpoint, "InitiateAuth", {
          AuthFlow: "USER_SRP_AUTH",
          ClientId,
          AuthParameters: { USERNAME: name, SRP_A: "abcdef0123456789", SECRET_HASH },
        }),
      REFRESH_TOKEN_AUTH: (SECRET_HASH) =>
        call(endpoint, "InitiateAuth", {
          AuthFlow: "REFRESH_TOKEN_AUTH",
          ClientId,
          AuthParameters: { REFRESH_TOKEN: RefreshToken, SECRET_HASH },
        }),
      ADMIN_NO_SRP_AUTH: (SECRET_HASH) =>
        signed(server, "AdminInitiateAuth", {
          UserPoolId: poolId,
          ClientId,
          AuthFlow: "ADMIN_NO_SRP_AUTH",
          AuthParameters: { ...parameters, SECRET_HASH },
        }),
      RespondToAuthChallenge: (SECRET_HASH) =>
        call(endpoint, "RespondToAuthChallenge", {
          ClientId,
          ChallengeName: "NEW_PASSWORD_REQUIRED",
          Session: "a".repeat(64),
          ChallengeResponses: { USERNAME: name, NEW_PASSWORD: password, SECRET_HASH },
        }),
      SignUp: (SecretHash) =>
        call(endpoint, "SignUp", { ClientId, Username: unique("eve"), Password: password, SecretHash }),
      ConfirmSignUp: (SecretHash) =>
        call(endpoint, "ConfirmSignUp", { ClientId, Username: name, ConfirmationCode: "000000", SecretHash }),
      ResendConfirmationCode: (SecretHash) =>
        call(endpoint, "ResendConfirmationCode", { ClientId, Username: name, SecretHash }),
      ForgotPassword: (SecretHash) =>
        call(endpoint, "ForgotPassword", { ClientId, Username: name, SecretHash }),
      ConfirmForgotPassword: (SecretHash) =>
        call(endpoint, "ConfirmForgotPassword", {
          ClientId,
          Username: name,
          ConfirmationCode: "000000",
          Password: password,
          SecretHash,
        }),
      GetTokensFromRefreshToken: (ClientSecret) =>
        call(endpoint, "GetTokensFromRefreshToken", { ClientId, RefreshToken, ClientSecret }),
      RevokeToken: (ClientSecret) =>
        call(endpoint, "RevokeToken", { ClientId, Token: RefreshToken, ClientSecret }),
    };
    for (const [flow, run] of Object.entries(flows)) {
      for (const hash of [undefined, wrong, "AAAA", "a".repeat(44)]) {
        if (hash?.includes("=") && /^(?:GetTokens|Revoke)/.test(flow)) continue; // No such secret can be written.
        const answer = await run(hash);
        const expected =
          flow === "RevokeToken"
            ? /^(?:UnauthorizedException|NotAuthorizedException|InvalidParameterException)$/
            : /^(?:NotAuthorizedException|InvalidParameterException)$/;
        assert.equal(answer.status, 400, `${flow} with ${hash}`);
        assert.match(answer.type ?? "", expected, `${flow} with ${hash}: ${answer.message}`);
        if (answer.type === "InvalidParameterException") assert.match(answer.message, /clientSecret/);
      }
    }
    const missing = await flows["USER_PASSWORD_AUTH"]!(undefined);
    assert.equal(
      missing.message,
      `Client ${ClientId} is configured with secret but SECRET_HASH was not received`,
    );
    assert.equal((await flows["REFRESH_TOKEN_AUTH"]!(right)).status, 200, "nothing was revoked");
  });
});
