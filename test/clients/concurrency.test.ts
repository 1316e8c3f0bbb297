/** What may happen once happens once, however many ask at the same time; on both databases. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AdminCreateUserCommand,
  CognitoIdentityProviderClient,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forEachServer, rootKey, type TestServer } from "../api/server.ts";
import { makeClient, makePool, makeUser, password, SrpClient, signIn, tally, unique } from "./support.ts";

const times = <T>(count: number, run: (index: number) => Promise<T>) =>
  tally(Array.from({ length: count }, (_, index) => run(index)));

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);

forEachServer("concurrency", (open) => {
  const clients: CognitoIdentityProviderClient[] = [];
  after(() => {
    for (const client of clients) client.destroy();
  });

  const start = async () => {
    const server = await open();
    const poolId = await makePool(server);
    const client = await makeClient(server, poolId);
    // Sockets enough that the calls do run side by side.
    const sdk = new CognitoIdentityProviderClient({
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials: rootKey,
      maxAttempts: 1,
      requestHandler: { httpAgent: { maxSockets: 64, keepAlive: true } },
    });
    clients.push(sdk);
    return { server, poolId, client, sdk, ClientId: client.id };
  };

  test("one name under 20 parallel SignUps: one user", async () => {
    const { sdk, ClientId } = await start();
    const Username = unique("ada");
    const { answers, refusals } = await times(20, () =>
      sdk.send(new SignUpCommand({ ClientId, Username, Password: password })),
    );
    assert.equal(answers.length, 1);
    assert.deepEqual(refusals, { "UsernameExistsException: User already exists": 19 });
  });

  test("one code under 20 parallel ConfirmSignUps: one success", async () => {
    const { server, sdk, ClientId } = await start();
    const Username = unique("ada");
    const email = `${Username}@example.com`;
    await sdk.send(
      new SignUpCommand({
        ClientId,
        Username,
        Password: password,
        UserAttributes: [{ Name: "email", Value: email }],
      }),
    );
    const ConfirmationCode = await server.code(email);
    const { answers, refusals } = await times(20, () =>
      sdk.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode })),
    );
    assert.equal(answers.length, 1, JSON.stringify(refusals));
    const allowed =
      /^(?:NotAuthorizedException|ExpiredCodeException|CodeMismatchException|LimitExceededException):/;
    for (const refusal of Object.keys(refusals)) assert.match(refusal, allowed);
  });

  async function rotating(grace: number) {
    const { server, poolId, sdk } = await start();
    const client = await makeClient(server, poolId, {
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: grace },
    });
    const tokens = await signIn(server, client, await makeUser(server, poolId));
    const refresh = async (RefreshToken: string) => {
      const command = new GetTokensFromRefreshTokenCommand({ ClientId: client.id, RefreshToken });
      return (await sdk.send(command)).AuthenticationResult!;
    };
    return { sdk, tokens, refresh };
  }

  test("one refresh token under 20 parallel refreshes, no grace: one success, then none of the family", async () => {
    const { sdk, tokens, refresh } = await rotating(0);
    const { answers, refusals } = await times(20, () => refresh(tokens.RefreshToken));
    assert.equal(answers.length, 1, JSON.stringify(refusals));
    assert.equal(sum(refusals), 19);
    const allowed = /^(?:RefreshTokenReuseException|NotAuthorizedException): /;
    for (const refusal of Object.keys(refusals)) assert.match(refusal, allowed);
    const [winner] = answers;
    await assert.rejects(refresh(winner!.RefreshToken!), { name: "NotAuthorizedException" });
    await assert.rejects(sdk.send(new GetUserCommand({ AccessToken: winner!.AccessToken })), {
      name: "NotAuthorizedException",
      message: "Access Token has been revoked",
    });
  });

  test("one refresh token under 20 parallel refreshes, with grace: the same successor for all", async () => {
    const { tokens, refresh } = await rotating(10);
    const { answers, refusals } = await times(20, () => refresh(tokens.RefreshToken));
    assert.deepEqual(refusals, {});
    assert.equal(answers.length, 20);
    const successors = new Set(answers.map((answer) => answer.RefreshToken));
    assert.equal(successors.size, 1);
    assert.ok(!successors.has(tokens.RefreshToken));
    await refresh(answers[0]!.RefreshToken!);
  });

  test("one NEW_PASSWORD_REQUIRED session under 20 parallel answers: one success", async () => {
    const { poolId, sdk, ClientId } = await start();
    const Username = unique("grace");
    await sdk.send(
      new AdminCreateUserCommand({
        UserPoolId: poolId,
        Username,
        TemporaryPassword: "Temporary-1",
        MessageAction: "SUPPRESS",
      }),
    );
    const { Session } = await sdk.send(
      new InitiateAuthCommand({
        AuthFlow: "USER_PASSWORD_AUTH",
        ClientId,
        AuthParameters: { USERNAME: Username, PASSWORD: "Temporary-1" },
      }),
    );
    const { answers, refusals } = await times(20, (index) =>
      sdk.send(
        new RespondToAuthChallengeCommand({
          ClientId,
          ChallengeName: "NEW_PASSWORD_REQUIRED",
          Session,
          ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: `Permanent-${index}` },
        }),
      ),
    );
    assert.equal(answers.length, 1, JSON.stringify(refusals));
    assert.ok(answers[0]?.AuthenticationResult?.AccessToken);
    assert.equal(sum(refusals), 19);
    for (const refusal of Object.keys(refusals)) assert.match(refusal, /^NotAuthorizedException: /);
  });

  test("one SECRET_BLOCK under 20 parallel proofs: one success", async () => {
    const { server, poolId, sdk, ClientId } = await start();
    const name = await makeUser(server, poolId);
    const srp = new SrpClient();
    const offered = await sdk.send(
      new InitiateAuthCommand({
        AuthFlow: "USER_SRP_AUTH",
        ClientId,
        AuthParameters: { USERNAME: name, SRP_A: srp.srpA },
      }),
    );
    const ChallengeResponses = srp.prove(poolId, offered.ChallengeParameters!, password);
    const { answers, refusals } = await times(20, () =>
      sdk.send(
        new RespondToAuthChallengeCommand({
          ClientId,
          ChallengeName: "PASSWORD_VERIFIER",
          ChallengeResponses,
        }),
      ),
    );
    assert.equal(answers.length, 1, JSON.stringify(refusals));
    assert.deepEqual(refusals, { "NotAuthorizedException: Incorrect username or password.": 19 });
    // What lost was no wrong guess: the user is not locked out.
    await signIn(server, { id: ClientId }, name);
  });

  test("one group name under 10 parallel CreateGroups: one group", async () => {
    const { poolId, sdk } = await start();
    const { answers, refusals } = await times(10, () =>
      sdk.send(new CreateGroupCommand({ UserPoolId: poolId, GroupName: "staff" })),
    );
    assert.equal(answers.length, 1);
    assert.deepEqual(refusals, { "GroupExistsException: A group with the name already exists.": 9 });
  });

  const guess = (server: TestServer, sdk: CognitoIdentityProviderClient) => async (proof: Guess) => {
    const srp = new SrpClient();
    if (proof.flow === "USER_PASSWORD_AUTH") {
      return sdk.send(
        new InitiateAuthCommand({
          AuthFlow: proof.flow,
          ClientId: proof.ClientId,
          AuthParameters: { USERNAME: proof.name, PASSWORD: proof.secret },
        }),
      );
    }
    const offered = await sdk.send(
      new InitiateAuthCommand({
        AuthFlow: proof.flow,
        ClientId: proof.ClientId,
        AuthParameters: { USERNAME: proof.name, SRP_A: srp.srpA },
      }),
    );
    const now = new Date(server.clock.now);
    return sdk.send(
      new RespondToAuthChallengeCommand({
        ClientId: proof.ClientId,
        ChallengeName: "PASSWORD_VERIFIER",
        ChallengeResponses: srp.prove(proof.poolId, offered.ChallengeParameters!, proof.secret, now),
      }),
    );
  };
  interface Guess {
    readonly flow: "USER_PASSWORD_AUTH" | "USER_SRP_AUTH";
    readonly poolId: string;
    readonly ClientId: string;
    readonly name: string;
    readonly secret: string;
  }

  for (const flow of ["USER_PASSWORD_AUTH", "USER_SRP_AUTH"] as const) {
    test(`30 parallel wrong passwords by ${flow}: at most 5 are looked at`, async () => {
      const { server, poolId, sdk, ClientId } = await start();
      const name = await makeUser(server, poolId);
      const one = guess(server, sdk);
      const { answers, refusals } = await times(30, (index) =>
        one({ flow, poolId, ClientId, name, secret: `Wrong-Horse-${index}` }),
      );
      assert.equal(answers.length, 0);
      const wrong = refusals["NotAuthorizedException: Incorrect username or password."] ?? 0;
      assert.ok(wrong >= 1 && wrong <= 5, JSON.stringify(refusals));
      assert.equal(refusals["NotAuthorizedException: Password attempts exceeded"], 30 - wrong);
      // Locked, the right password is not told from a wrong one; later it is accepted.
      await assert.rejects(one({ flow, poolId, ClientId, name, secret: password }), {
        message: "Password attempts exceeded",
      });
      server.clock.advance(16 * 60_000);
      const right = await one({ flow, poolId, ClientId, name, secret: password });
      assert.ok(right.AuthenticationResult);
    });
  }
});
