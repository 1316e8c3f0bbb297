/** The AWS SDK for JavaScript v3, unmodified: the whole life of a pool, its clients and its users. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminConfirmSignUpCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  AdminRespondToAuthChallengeCommand,
  CodeMismatchException,
  CognitoIdentityProviderClient,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  DeleteUserPoolClientCommand,
  DeleteUserPoolCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  ForgotPasswordCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  GlobalSignOutCommand,
  InitiateAuthCommand,
  ListUsersCommand,
  NotAuthorizedException,
  paginateListUserPools,
  paginateListUsers,
  RefreshTokenReuseException,
  ResourceNotFoundException,
  RevokeTokenCommand,
  SignUpCommand,
  UpdateUserPoolCommand,
  UserNotFoundException,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { forEachServer } from "../kit/server.ts";
import {
  makeClient,
  makePool,
  makeUser,
  password,
  secretHash,
  signIn,
  unique,
  uuid,
} from "../kit/support.ts";

const named = (name: string, message?: string) => (error: Error) => {
  assert.equal(error.name, name, error.message);
  if (message !== undefined) assert.equal(error.message, message);
  return true;
};

forEachServer("AWS SDK for JavaScript v3", (open) => {
  test("a pool and a client are made, described, changed and deleted", async () => {
    const server = await open();
    const { client } = server;
    const poolId = await makePool(server, { UserPoolTags: { team: "ada" } });
    assert.match(poolId, /^us-east-1_[0-9A-Za-z]{9}$/);
    const described = await client.send(new DescribeUserPoolCommand({ UserPoolId: poolId }));
    assert.equal(described.UserPool?.Arn, `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${poolId}`);
    assert.deepEqual(described.UserPool?.AutoVerifiedAttributes, ["email"]);
    assert.ok(described.UserPool?.CreationDate instanceof Date);
    await client.send(
      new UpdateUserPoolCommand({
        UserPoolId: poolId,
        Policies: { PasswordPolicy: { MinimumLength: 12, TemporaryPasswordValidityDays: 3 } },
      }),
    );
    const changed = await client.send(new DescribeUserPoolCommand({ UserPoolId: poolId }));
    assert.equal(changed.UserPool?.Policies?.PasswordPolicy?.MinimumLength, 12);
    assert.equal(
      changed.UserPool?.AutoVerifiedAttributes,
      undefined,
      "an update replaces what it leaves out",
    );
    const made = await makeClient(server, poolId, { GenerateSecret: true });
    assert.match(made.id, /^[0-9a-z]{26}$/);
    assert.match(made.secret ?? "", /^[0-9a-z]{24,64}$/);
    const shown = await client.send(
      new DescribeUserPoolClientCommand({ UserPoolId: poolId, ClientId: made.id }),
    );
    assert.equal(shown.UserPoolClient?.ClientSecret, made.secret);
    await client.send(new DeleteUserPoolClientCommand({ UserPoolId: poolId, ClientId: made.id }));
    await client.send(new DeleteUserPoolCommand({ UserPoolId: poolId }));
    await assert.rejects(client.send(new DescribeUserPoolCommand({ UserPoolId: poolId })), (error) => {
      assert.ok(error instanceof ResourceNotFoundException);
      assert.equal(error.message, `User pool ${poolId} does not exist.`);
      return true;
    });
  });

  test("with a client secret: sign up, confirm, sign in, refresh, forgotten password", async () => {
    const server = await open();
    const { client } = server;
    const poolId = await makePool(server);
    const made = await makeClient(server, poolId, { GenerateSecret: true });
    const ClientId = made.id;
    const Username = unique("ada");
    const email = `${Username}@example.com`;
    const SecretHash = secretHash(Username, made);
    const signUp = {
      ClientId,
      Username,
      Password: password,
      SecretHash,
      UserAttributes: [{ Name: "email", Value: email }],
    };
    const signedUp = await client.send(new SignUpCommand(signUp));
    assert.equal(signedUp.UserConfirmed, false);
    assert.match(signedUp.UserSub!, uuid);
    await assert.rejects(client.send(new SignUpCommand(signUp)), UsernameExistsException);
    await assert.rejects(
      client.send(new ConfirmSignUpCommand({ ClientId, Username, SecretHash, ConfirmationCode: "000000" })),
      CodeMismatchException,
    );
    const ConfirmationCode = await server.code(email);
    await client.send(new ConfirmSignUpCommand({ ClientId, Username, SecretHash, ConfirmationCode }));

    const parameters = { USERNAME: Username, PASSWORD: password, SECRET_HASH: SecretHash };
    const byPassword = await client.send(
      new InitiateAuthCommand({ AuthFlow: "USER_PASSWORD_AUTH", ClientId, AuthParameters: parameters }),
    );
    assert.deepEqual(byPassword.ChallengeParameters, {});
    assert.deepEqual([byPassword.ChallengeName, byPassword.Session], [undefined, undefined]);
    const result = byPassword.AuthenticationResult!;
    assert.equal(result.TokenType, "Bearer");
    assert.equal(result.ExpiresIn, 3600);
    assert.match(result.RefreshToken!, /^[A-Za-z0-9-_=.]+$/);

    const byAdmin = await client.send(
      new AdminInitiateAuthCommand({
        UserPoolId: poolId,
        ClientId,
        AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
        AuthParameters: parameters,
      }),
    );
    assert.ok(byAdmin.AuthenticationResult?.AccessToken);

    for (const name of [Username, signedUp.UserSub!]) {
      const refreshed = await client.send(
        new InitiateAuthCommand({
          AuthFlow: "REFRESH_TOKEN_AUTH",
          ClientId,
          AuthParameters: { REFRESH_TOKEN: result.RefreshToken!, SECRET_HASH: secretHash(name, made) },
        }),
      );
      assert.ok(refreshed.AuthenticationResult?.IdToken);
      assert.equal(refreshed.AuthenticationResult.RefreshToken, undefined);
    }
    const modern = await client.send(
      new GetTokensFromRefreshTokenCommand({
        ClientId,
        ClientSecret: made.secret,
        RefreshToken: result.RefreshToken,
      }),
    );
    assert.ok(modern.AuthenticationResult?.AccessToken);
    assert.equal(modern.AuthenticationResult.RefreshToken, undefined, "no rotation, no new refresh token");
    await assert.rejects(
      client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: result.RefreshToken })),
      NotAuthorizedException,
    );

    await client.send(new ForgotPasswordCommand({ ClientId, Username, SecretHash }));
    await client.send(
      new ConfirmForgotPasswordCommand({
        ClientId,
        Username,
        SecretHash,
        ConfirmationCode: await server.code(email),
        Password: "Another-Horse-2",
      }),
    );
    await client.send(
      new InitiateAuthCommand({
        AuthFlow: "USER_PASSWORD_AUTH",
        ClientId,
        AuthParameters: { ...parameters, PASSWORD: "Another-Horse-2" },
      }),
    );
  });

  test("an administrator makes a user, who signs in through the administrator's server", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await makePool(server);
    const { id: ClientId } = await makeClient(server, UserPoolId);
    const Username = unique("grace");
    const created = await client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username,
        UserAttributes: [{ Name: "email", Value: `${Username}@example.com` }],
        DesiredDeliveryMediums: ["EMAIL"],
      }),
    );
    assert.equal(created.User?.UserStatus, "FORCE_CHANGE_PASSWORD");
    const [invitation] = await server.inbox(`${Username}@example.com`);
    const temporary = /password is (\S+)/.exec(invitation?.body ?? "")?.[1]?.replace(/\.$/, "");
    assert.ok(temporary, `no temporary password in: ${invitation?.body}`);
    const started = await client.send(
      new AdminInitiateAuthCommand({
        UserPoolId,
        ClientId,
        AuthFlow: "ADMIN_NO_SRP_AUTH",
        AuthParameters: { USERNAME: Username, PASSWORD: temporary },
      }),
    );
    assert.equal(started.ChallengeName, "NEW_PASSWORD_REQUIRED");
    assert.ok(started.Session!.length >= 20);
    assert.equal(started.ChallengeParameters?.["requiredAttributes"], "[]");
    const finished = await client.send(
      new AdminRespondToAuthChallengeCommand({
        UserPoolId,
        ClientId,
        ChallengeName: "NEW_PASSWORD_REQUIRED",
        Session: started.Session,
        ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: password },
      }),
    );
    assert.ok(finished.AuthenticationResult?.AccessToken);
    const user = await client.send(new AdminGetUserCommand({ UserPoolId, Username }));
    assert.equal(user.UserStatus, "CONFIRMED");
    await assert.rejects(
      client.send(new AdminGetUserCommand({ UserPoolId, Username: "nobody" })),
      (error) => error instanceof UserNotFoundException && error.message === "User does not exist.",
    );
  });

  test("refresh tokens rotate, with and without grace", async () => {
    const server = await open();
    const { client } = server;
    const poolId = await makePool(server);
    const refresh = (ClientId: string, RefreshToken: string) =>
      client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken }));

    const strict = await makeClient(server, poolId, {
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
    });
    const name = await makeUser(server, poolId);
    const first = await signIn(server, strict, name);
    const second = (await refresh(strict.id, first.RefreshToken)).AuthenticationResult!;
    assert.ok(second.RefreshToken && second.RefreshToken !== first.RefreshToken);
    const third = (await refresh(strict.id, second.RefreshToken)).AuthenticationResult!;
    await assert.rejects(refresh(strict.id, first.RefreshToken), RefreshTokenReuseException);
    await assert.rejects(
      refresh(strict.id, third.RefreshToken!),
      named("NotAuthorizedException", "Refresh Token has been revoked"),
    );
    await assert.rejects(
      client.send(new GetUserCommand({ AccessToken: third.AccessToken })),
      named("NotAuthorizedException", "Access Token has been revoked"),
    );

    const lenient = await makeClient(server, poolId, {
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 10 },
    });
    const start = await signIn(server, lenient, name);
    const once = (await refresh(lenient.id, start.RefreshToken)).AuthenticationResult!;
    const again = (await refresh(lenient.id, start.RefreshToken)).AuthenticationResult!;
    assert.equal(again.RefreshToken, once.RefreshToken, "the same successor within the grace period");
    server.clock.advance(11_000);
    await assert.rejects(refresh(lenient.id, start.RefreshToken), RefreshTokenReuseException);
    await assert.rejects(refresh(lenient.id, once.RefreshToken!), named("NotAuthorizedException"));
  });

  test("RevokeToken ends one sign-in, GlobalSignOut all of them", async () => {
    const server = await open();
    const { client } = server;
    const poolId = await makePool(server);
    const made = await makeClient(server, poolId);
    const name = await makeUser(server, poolId);
    const getUser = (AccessToken: string) => client.send(new GetUserCommand({ AccessToken }));
    const refresh = (REFRESH_TOKEN: string) =>
      client.send(
        new InitiateAuthCommand({
          AuthFlow: "REFRESH_TOKEN_AUTH",
          ClientId: made.id,
          AuthParameters: { REFRESH_TOKEN },
        }),
      );
    const [one, two, three] = [
      await signIn(server, made, name),
      await signIn(server, made, name),
      await signIn(server, made, name),
    ];
    await client.send(new RevokeTokenCommand({ ClientId: made.id, Token: one.RefreshToken }));
    await client.send(new RevokeTokenCommand({ ClientId: made.id, Token: one.RefreshToken }));
    await assert.rejects(
      getUser(one.AccessToken),
      named("NotAuthorizedException", "Access Token has been revoked"),
    );
    await assert.rejects(
      refresh(one.RefreshToken),
      named("NotAuthorizedException", "Refresh Token has been revoked"),
    );
    await assert.rejects(
      client.send(new RevokeTokenCommand({ ClientId: made.id, Token: two.AccessToken })),
      named("UnsupportedTokenTypeException"),
    );
    assert.equal((await getUser(two.AccessToken)).Username, name);
    await client.send(new GlobalSignOutCommand({ AccessToken: two.AccessToken }));
    for (const ended of [two, three]) {
      await assert.rejects(getUser(ended.AccessToken), named("NotAuthorizedException"));
      await assert.rejects(refresh(ended.RefreshToken), named("NotAuthorizedException"));
    }
    const anew = await signIn(server, made, name);
    assert.equal((await getUser(anew.AccessToken)).Username, name);
  });

  test("groups appear in the tokens, by precedence, with the preferred role", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await makePool(server);
    const made = await makeClient(server, UserPoolId);
    const Username = await makeUser(server, UserPoolId);
    const groups = [
      { GroupName: "readers", Precedence: 20, RoleArn: "arn:aws:iam::000000000000:role/reader" },
      { GroupName: "admins", Precedence: 1, RoleArn: "arn:aws:iam::000000000000:role/admin" },
      { GroupName: "plain" },
    ];
    for (const group of groups) {
      await client.send(new CreateGroupCommand({ UserPoolId, ...group }));
      await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: group.GroupName }));
    }
    const tokens = await signIn(server, made, Username);
    const id = decodeJwt(tokens.IdToken);
    assert.deepEqual(id["cognito:groups"], ["admins", "readers", "plain"]);
    assert.deepEqual(id["cognito:roles"], [groups[1]?.RoleArn, groups[0]?.RoleArn]);
    assert.equal(id["cognito:preferred_role"], groups[1]?.RoleArn);
    const access = decodeJwt(tokens.AccessToken);
    assert.deepEqual(access["cognito:groups"], ["admins", "readers", "plain"]);
    assert.equal(access["cognito:roles"], undefined);
  });

  test("paginators go through all users and all pools, each once", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await makePool(server);
    const names = [];
    for (let count = 0; count < 7; count += 1) names.push(await makeUser(server, UserPoolId));
    const seen: string[] = [];
    let pages = 0;
    for await (const page of paginateListUsers({ client, pageSize: 3 }, { UserPoolId })) {
      pages += 1;
      seen.push(...(page.Users ?? []).map((user) => user.Username!));
    }
    assert.deepEqual(seen.toSorted(), names.toSorted());
    assert.ok(pages >= 3);
    const found = await client.send(
      new ListUsersCommand({ UserPoolId, Filter: `email ^= "${names[3]}@"`, AttributesToGet: ["email"] }),
    );
    assert.deepEqual(
      found.Users?.map((user) => user.Username),
      [names[3]],
    );
    assert.deepEqual(found.Users?.[0]?.Attributes, [{ Name: "email", Value: `${names[3]}@example.com` }]);

    const made = new Set([
      await makePool(server),
      await makePool(server),
      await makePool(server),
      UserPoolId,
    ]);
    const pools: string[] = [];
    for await (const page of paginateListUserPools({ client, pageSize: 2 }, { MaxResults: 2 })) {
      pools.push(...(page.UserPools ?? []).map((pool) => pool.Id!));
    }
    assert.equal(new Set(pools).size, pools.length);
    for (const id of made) assert.ok(pools.includes(id));
  });

  test("a client without credentials uses what users use, and nothing of administrators", async () => {
    const server = await open();
    const poolId = await makePool(server);
    const { id: ClientId } = await makeClient(server, poolId);
    const Username = unique("anon");
    const visitor = new CognitoIdentityProviderClient({
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "AKIAVISITOR000000000", secretAccessKey: "x" },
    });
    try {
      await visitor.send(new SignUpCommand({ ClientId, Username, Password: password }));
      await assert.rejects(
        visitor.send(new AdminConfirmSignUpCommand({ UserPoolId: poolId, Username })),
        named("UnrecognizedClientException", "The security token included in the request is invalid."),
      );
      await server.client.send(new AdminConfirmSignUpCommand({ UserPoolId: poolId, Username }));
      const answer = await visitor.send(
        new InitiateAuthCommand({
          AuthFlow: "USER_PASSWORD_AUTH",
          ClientId,
          AuthParameters: { USERNAME: Username, PASSWORD: password },
        }),
      );
      assert.ok(answer.AuthenticationResult?.AccessToken);
    } finally {
      visitor.destroy();
    }
  });
});
