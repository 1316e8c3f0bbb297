/** Sign-in through the API: which flow may start, what each state of a user answers, and what comes next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  AdminResetUserPasswordCommand,
  AdminRespondToAuthChallengeCommand,
  AdminSetUserPasswordCommand,
  type AuthFlowType,
  CreateUserPoolClientCommand,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  SetUserPoolMfaConfigCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { secretHash } from "../../src/lib/secret-hash.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

const password = "Correct-horse-1";
const allFlows = [
  "ALLOW_USER_PASSWORD_AUTH",
  "ALLOW_USER_SRP_AUTH",
  "ALLOW_ADMIN_USER_PASSWORD_AUTH",
  "ALLOW_REFRESH_TOKEN_AUTH",
] as const;

interface Setup {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly secret: string | undefined;
}

async function setUp(
  server: TestServer,
  options: {
    pool?: Partial<CreateUserPoolCommandInput>;
    client?: Partial<CreateUserPoolClientCommandInput>;
  } = {},
): Promise<Setup> {
  const pool = await server.client.send(new CreateUserPoolCommand({ PoolName: "sign-in", ...options.pool }));
  const UserPoolId = pool.UserPool!.Id!;
  const client = await server.client.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: "app",
      ExplicitAuthFlows: [...allFlows],
      ...options.client,
    }),
  );
  return {
    server,
    UserPoolId,
    ClientId: client.UserPoolClient!.ClientId!,
    secret: client.UserPoolClient!.ClientSecret,
  };
}

async function addUser({ server, UserPoolId }: Setup, Username = "ann"): Promise<void> {
  await server.client.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username,
      MessageAction: "SUPPRESS",
      TemporaryPassword: "Temporary-1",
    }),
  );
  await server.client.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent: true }),
  );
}

const signIn = ({ server, ClientId }: Setup, USERNAME = "ann", PASSWORD = password, extra: object = {}) =>
  server.client.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD, ...extra },
    }),
  );

const refusal = (name: string, message: string | RegExp) => ({ name, message });
const wrong = refusal("NotAuthorizedException", "Incorrect username or password.");

forEachServer("sign-in", (open) => {
  test("each flow starts only where it may, and only for clients that allow it", async () => {
    const setup = await setUp(await open());
    await addUser(setup);
    const none = await setUp(setup.server, { client: { ExplicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"] } });
    const parameters = { USERNAME: "ann", PASSWORD: password, SRP_A: "ab12", REFRESH_TOKEN: "x" };
    const start = (to: Setup, AuthFlow: AuthFlowType, admin: boolean) => {
      const input = { ClientId: to.ClientId, AuthFlow, AuthParameters: parameters };
      return admin
        ? setup.server.client.send(new AdminInitiateAuthCommand({ ...input, UserPoolId: to.UserPoolId }))
        : setup.server.client.send(new InitiateAuthCommand(input));
    };
    const unsupported = "Initiate Auth method not supported.";
    for (const flow of ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"] as const) {
      await assert.rejects(start(setup, flow, false), refusal("InvalidParameterException", unsupported));
      assert.ok((await start(setup, flow, true)).AuthenticationResult?.AccessToken);
      await assert.rejects(start(none, flow, true), refusal("InvalidParameterException", /not enabled/));
    }
    await assert.rejects(
      start(setup, "USER_PASSWORD_AUTH", true),
      refusal("InvalidParameterException", unsupported),
    );
    assert.equal((await start(setup, "USER_SRP_AUTH", true)).ChallengeName, "PASSWORD_VERIFIER");
    assert.equal((await start(setup, "USER_SRP_AUTH", false)).ChallengeName, "PASSWORD_VERIFIER");
    const notEnabled = refusal("InvalidParameterException", /not enabled/);
    for (const flow of ["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "CUSTOM_AUTH", "USER_AUTH"] as const) {
      await assert.rejects(start(none, flow, false), notEnabled);
    }
    await assert.rejects(
      start(setup, "NO_SUCH_FLOW" as AuthFlowType, false),
      refusal("InvalidParameterException", /enum value set/),
    );
  });

  test("a missing parameter is named", async () => {
    const setup = await setUp(await open());
    const { client } = setup.server;
    const cases: [AuthFlowType, Record<string, string>, string][] = [
      ["USER_PASSWORD_AUTH", { PASSWORD: "x" }, "Missing required parameter USERNAME"],
      ["USER_PASSWORD_AUTH", { USERNAME: "x" }, "Missing required parameter PASSWORD"],
      ["USER_SRP_AUTH", { USERNAME: "x" }, "Missing required parameter SRP_A"],
      ["REFRESH_TOKEN_AUTH", {}, "Missing required parameter REFRESH_TOKEN"],
    ];
    for (const [AuthFlow, AuthParameters, message] of cases) {
      await assert.rejects(
        client.send(new InitiateAuthCommand({ ClientId: setup.ClientId, AuthFlow, AuthParameters })),
        refusal("InvalidParameterException", message),
      );
    }
    const { ClientId } = setup;
    for (const SRP_A of ["0", "1", "zz", "f".repeat(800)]) {
      const AuthParameters = { USERNAME: "ann", SRP_A };
      await assert.rejects(
        client.send(new InitiateAuthCommand({ ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters })),
        { name: "InvalidParameterException" },
      );
    }
  });

  test("what a user's state answers, and only to who knows the password", async () => {
    const setup = await setUp(await open());
    const { server, UserPoolId, ClientId } = setup;
    const { client } = server;
    await addUser(setup, "disabled");
    await client.send(new AdminDisableUserCommand({ UserPoolId, Username: "disabled" }));
    await addUser(setup, "reset");
    await client.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username: "reset", Password: password, Permanent: true }),
    );
    await client.send(new SignUpCommand({ ClientId, Username: "unconfirmed", Password: password }));
    for (const name of ["disabled", "unconfirmed"]) {
      await assert.rejects(signIn(setup, name, "Wrong-horse-1"), wrong);
    }
    await assert.rejects(signIn(setup, "disabled"), refusal("NotAuthorizedException", "User is disabled."));
    await assert.rejects(
      signIn(setup, "unconfirmed"),
      refusal("UserNotConfirmedException", "User is not confirmed."),
    );
    await client.send(new AdminConfirmSignUpCommand({ UserPoolId, Username: "unconfirmed" }));
    assert.ok((await signIn(setup, "unconfirmed")).AuthenticationResult);
  });

  test("a user whom an administrator reset must choose a password", async () => {
    const setup = await setUp(await open(), { pool: { AutoVerifiedAttributes: ["email"] } });
    const { server, UserPoolId } = setup;
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: "ann",
        MessageAction: "SUPPRESS",
        UserAttributes: [
          { Name: "email", Value: "ann@example.com" },
          { Name: "email_verified", Value: "true" },
        ],
      }),
    );
    await server.client.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username: "ann", Password: password, Permanent: true }),
    );
    await server.client.send(new AdminResetUserPasswordCommand({ UserPoolId, Username: "ann" }));
    await assert.rejects(
      signIn(setup),
      refusal("PasswordResetRequiredException", "Password reset required for the user"),
    );
  });

  test("unknown users: LEGACY says so, ENABLED answers as for a wrong password and fakes SRP stably", async () => {
    const server = await open();
    const legacy = await setUp(server, { client: { PreventUserExistenceErrors: "LEGACY" } });
    await assert.rejects(signIn(legacy, "nobody"), refusal("UserNotFoundException", "User does not exist."));
    const hiding = await setUp(server, { client: { PreventUserExistenceErrors: "ENABLED" } });
    await assert.rejects(signIn(hiding, "nobody"), wrong);
    const srp = async (USERNAME: string) => {
      const answer = await server.client.send(
        new InitiateAuthCommand({
          ClientId: hiding.ClientId,
          AuthFlow: "USER_SRP_AUTH",
          AuthParameters: { USERNAME, SRP_A: "ab12" },
        }),
      );
      return answer.ChallengeParameters!;
    };
    await addUser(hiding, "somebody");
    const [first, second, other, real] = [
      await srp("nobody"),
      await srp("nobody"),
      await srp("noone"),
      await srp("somebody"),
    ];
    assert.equal(first["SALT"], second["SALT"]);
    assert.notEqual(first["SALT"], other["SALT"]);
    assert.notEqual(first["SRP_B"], second["SRP_B"]);
    assert.equal(first["USER_ID_FOR_SRP"], "nobody");
    assert.deepEqual(Object.keys(first).sort(), Object.keys(real).sort());
    assert.equal(first["SECRET_BLOCK"]!.length, real["SECRET_BLOCK"]!.length);
    // 16 random bytes as a number: a zero byte leads if the top bit is set, and those of the number itself are dropped.
    for (const { SALT } of [first, other, real]) assert.match(SALT!, /^(?:00[89a-f]|[0-7])[0-9a-f]{20,31}$/);
    await assert.rejects(
      server.client.send(
        new RespondToAuthChallengeCommand({
          ClientId: hiding.ClientId,
          ChallengeName: "PASSWORD_VERIFIER",
          ChallengeResponses: {
            USERNAME: "nobody",
            PASSWORD_CLAIM_SECRET_BLOCK: first["SECRET_BLOCK"]!,
            PASSWORD_CLAIM_SIGNATURE: Buffer.alloc(32).toString("base64"),
            TIMESTAMP: "Sat Nov 21 08:00:00 UTC 2026",
          },
        }),
      ),
      wrong,
    );
  });

  test("five wrong passwords lock the account for a second, then two, and a quiet quarter of an hour forgives", async () => {
    const setup = await setUp(await open());
    const { clock } = setup.server;
    await addUser(setup);
    const locked = refusal("NotAuthorizedException", "Password attempts exceeded");
    for (let guess = 1; guess <= 5; guess++) await assert.rejects(signIn(setup, "ann", "Wrong-1234"), wrong);
    await assert.rejects(signIn(setup), locked);
    clock.advance(1_000);
    await assert.rejects(signIn(setup, "ann", "Wrong-1234"), wrong);
    clock.advance(1_500);
    await assert.rejects(signIn(setup), locked);
    clock.advance(500);
    assert.ok((await signIn(setup)).AuthenticationResult, "the right password after the lock");
    for (let guess = 1; guess <= 4; guess++) await assert.rejects(signIn(setup, "ann", "Wrong-1234"), wrong);
    clock.advance(31 * 60_000);
    for (let guess = 1; guess <= 4; guess++) await assert.rejects(signIn(setup, "ann", "Wrong-1234"), wrong);
    assert.ok((await signIn(setup)).AuthenticationResult);
  });

  test("a client with a secret demands the SECRET_HASH of the submitted name", async () => {
    const setup = await setUp(await open(), { client: { GenerateSecret: true } });
    await addUser(setup);
    const hash = (name: string) => ({ SECRET_HASH: secretHash(setup.secret!, name, setup.ClientId) });
    await assert.rejects(signIn(setup), refusal("NotAuthorizedException", /SECRET_HASH was not received/));
    await assert.rejects(
      signIn(setup, "ann", password, hash("bob")),
      refusal("NotAuthorizedException", /SecretHash does not match/),
    );
    const answer = await signIn(setup, "ann", password, hash("ann"));
    const refresh = (extra: object) =>
      setup.server.client.send(
        new InitiateAuthCommand({
          ClientId: setup.ClientId,
          AuthFlow: "REFRESH_TOKEN_AUTH",
          AuthParameters: { REFRESH_TOKEN: answer.AuthenticationResult!.RefreshToken!, ...extra },
        }),
      );
    await assert.rejects(refresh({}), refusal("NotAuthorizedException", /SECRET_HASH was not received/));
    await assert.rejects(refresh(hash("bob")), { name: "NotAuthorizedException" });
    assert.ok((await refresh(hash("ann"))).AuthenticationResult!.IdToken);
  });

  test("NEW_PASSWORD_REQUIRED: policy, required attributes, one success; the refused password keeps the Session", async () => {
    const setup = await setUp(await open(), {
      pool: {
        Schema: [
          { Name: "email", Required: true, Mutable: true },
          { Name: "nickname", Required: true, Mutable: true },
        ],
      },
    });
    const { server, UserPoolId, ClientId } = setup;
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: "ann",
        MessageAction: "SUPPRESS",
        TemporaryPassword: "Temporary-1",
        UserAttributes: [{ Name: "email", Value: "ann@example.com" }],
      }),
    );
    const start = await server.client.send(
      new AdminInitiateAuthCommand({
        UserPoolId,
        ClientId,
        AuthFlow: "ADMIN_NO_SRP_AUTH",
        AuthParameters: { USERNAME: "ann", PASSWORD: "Temporary-1" },
      }),
    );
    assert.equal(start.ChallengeName, "NEW_PASSWORD_REQUIRED");
    const parameters = start.ChallengeParameters!;
    assert.equal(parameters["USER_ID_FOR_SRP"], "ann");
    assert.deepEqual(JSON.parse(parameters["requiredAttributes"]!), ["userAttributes.nickname"]);
    assert.equal(JSON.parse(parameters["userAttributes"]!).email, "ann@example.com");
    const respond = (responses: object) =>
      server.client.send(
        new AdminRespondToAuthChallengeCommand({
          UserPoolId,
          ClientId,
          ChallengeName: "NEW_PASSWORD_REQUIRED",
          Session: start.Session,
          ChallengeResponses: { USERNAME: "ann", ...responses },
        }),
      );
    const nickname = { "userAttributes.nickname": "Annie" };
    await assert.rejects(
      respond({ NEW_PASSWORD: password }),
      refusal("InvalidParameterException", "Invalid attributes given, nickname is missing"),
    );
    await assert.rejects(respond({ NEW_PASSWORD: "short", ...nickname }), {
      name: "InvalidPasswordException",
    });
    await assert.rejects(
      respond({ NEW_PASSWORD: password, ...nickname, "userAttributes.email": "mallory@example.com" }),
      refusal("NotAuthorizedException", "Cannot modify an already provided email"),
    );
    await assert.rejects(
      respond({ USERNAME: "bob", NEW_PASSWORD: password, ...nickname }),
      refusal("NotAuthorizedException", "Invalid session for the user."),
    );
    const done = await respond({ NEW_PASSWORD: password, ...nickname });
    assert.ok(done.AuthenticationResult?.IdToken);
    await assert.rejects(
      respond({ NEW_PASSWORD: password, ...nickname }),
      refusal("NotAuthorizedException", "Invalid session for the user, session can only be used once."),
    );
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }));
    assert.equal(user.UserStatus, "CONFIRMED");
    assert.ok(user.UserAttributes!.some(({ Name, Value }) => Name === "nickname" && Value === "Annie"));
  });

  test("a temporary password lapses after the days of the policy", async () => {
    const setup = await setUp(await open(), {
      pool: { Policies: { PasswordPolicy: { MinimumLength: 8, TemporaryPasswordValidityDays: 2 } } },
    });
    const { server, UserPoolId } = setup;
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: "ann",
        MessageAction: "SUPPRESS",
        TemporaryPassword: "temporary",
      }),
    );
    server.clock.advance(2 * 86_400_000 - 5_000);
    assert.equal((await signIn(setup, "ann", "temporary")).ChallengeName, "NEW_PASSWORD_REQUIRED");
    server.clock.advance(5_000);
    await assert.rejects(
      signIn(setup, "ann", "temporary"),
      refusal(
        "NotAuthorizedException",
        "Temporary password has expired and must be reset by an administrator.",
      ),
    );
  });

  test("a pool that demands MFA lets nobody in with one factor", async () => {
    const setup = await setUp(await open());
    const { server, UserPoolId } = setup;
    await addUser(setup);
    await server.client.send(
      new SetUserPoolMfaConfigCommand({
        UserPoolId,
        MfaConfiguration: "ON",
        SoftwareTokenMfaConfiguration: { Enabled: true },
      }),
    );
    const answer = await signIn(setup);
    assert.equal(answer.ChallengeName, "MFA_SETUP");
    assert.equal(answer.AuthenticationResult, undefined);
  });

  test("a trigger whose function nobody has described is refused, never skipped", async () => {
    const arn = "arn:aws:lambda:us-east-1:000000000000:function:decide";
    const server = await open();
    for (const trigger of ["PreAuthentication", "PostAuthentication", "PreTokenGeneration"]) {
      const setup = await setUp(server, { pool: { LambdaConfig: { [trigger]: arn } } });
      await addUser(setup);
      const message = `${trigger} invocation failed due to error ResourceNotFoundException.`;
      await assert.rejects(signIn(setup), refusal("UnexpectedLambdaException", message));
    }
    const setup = await setUp(server, { pool: { LambdaConfig: { PreSignUp: arn } } });
    await assert.rejects(addUser(setup), { name: "UnexpectedLambdaException" });
    await assert.rejects(
      server.client.send(
        new SignUpCommand({ ClientId: setup.ClientId, Username: "ann", Password: password }),
      ),
      { name: "UnexpectedLambdaException" },
    );
  });
});
