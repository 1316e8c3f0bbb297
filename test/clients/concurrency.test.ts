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
  type InitiateAuthCommandOutput,
  RespondToAuthChallengeCommand,
  type RespondToAuthChallengeCommandOutput,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forEachServer, rootKey, type TestServer } from "../kit/server.ts";
import {
  makeClient,
  makePool,
  makeUser,
  password,
  SrpClient,
  signIn,
  tally,
  unique,
} from "../kit/support.ts";

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
    return { server, sdk, tokens, refresh };
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

  test("without grace a token is used once, even by a request from before its rotation", async () => {
    const { server, tokens, refresh } = await rotating(0);
    const successor = await refresh(tokens.RefreshToken);
    // As when a request was taken in earlier, or by a server whose clock is behind.
    server.clock.advance(-1_000);
    try {
      await assert.rejects(refresh(tokens.RefreshToken), { name: "RefreshTokenReuseException" });
      await assert.rejects(refresh(successor.RefreshToken!), { name: "NotAuthorizedException" });
    } finally {
      server.clock.advance(1_000);
    }
  });

  type Answer = InitiateAuthCommandOutput | RespondToAuthChallengeCommandOutput;
  interface Guessing {
    readonly server: TestServer;
    readonly sdk: CognitoIdentityProviderClient;
    readonly poolId: string;
    readonly ClientId: string;
    readonly name: string;
  }

  /** Makes a guess ready, so that the one call that is looked at can be sent when the others are. */
  const flows: Record<string, (on: Guessing, secret: string) => Promise<() => Promise<Answer>>> = {
    USER_PASSWORD_AUTH:
      async ({ sdk, ClientId, name }, PASSWORD) =>
      () =>
        sdk.send(
          new InitiateAuthCommand({
            AuthFlow: "USER_PASSWORD_AUTH",
            ClientId,
            AuthParameters: { USERNAME: name, PASSWORD },
          }),
        ),
    USER_SRP_AUTH: async ({ server, sdk, poolId, ClientId, name }, secret) => {
      const srp = new SrpClient();
      const offered = await sdk.send(
        new InitiateAuthCommand({
          AuthFlow: "USER_SRP_AUTH",
          ClientId,
          AuthParameters: { USERNAME: name, SRP_A: srp.srpA },
        }),
      );
      const now = new Date(server.clock.now);
      const ChallengeResponses = srp.prove(poolId, offered.ChallengeParameters!, secret, now);
      const ChallengeName = "PASSWORD_VERIFIER";
      return () =>
        sdk.send(new RespondToAuthChallengeCommand({ ClientId, ChallengeName, ChallengeResponses }));
    },
  };

  for (const [flow, ready] of Object.entries(flows)) {
    test(`30 parallel wrong passwords by ${flow}: at most 5 are looked at`, async () => {
      const { server, poolId, sdk, ClientId } = await start();
      const on = { server, sdk, poolId, ClientId, name: await makeUser(server, poolId) };
      const wrongText = "NotAuthorizedException: Incorrect username or password.";
      const lockedText = "Password attempts exceeded";
      const guesses = await Promise.all(
        Array.from({ length: 30 }, (_, index) => ready(on, `Wrong-Horse-${index}`)),
      );
      // No lock runs out meanwhile.
      server.clock.freeze();
      const { answers, refusals } = await times(30, (index) => guesses[index]!());
      assert.equal(answers.length, 0);
      const looked = refusals[wrongText] ?? 0;
      assert.ok(looked >= 1 && looked <= 5, JSON.stringify(refusals));
      assert.equal(refusals[`NotAuthorizedException: ${lockedText}`], 30 - looked);

      // Guesses that wait for each lock's end make it longer, up to a quarter of an hour.
      for (let count = 0; count < 6; count += 1) {
        server.clock.advance(15 * 60_000);
        const guess = await ready(on, "Wrong-Horse");
        await assert.rejects(guess(), { message: "Incorrect username or password." });
      }
      // Locked, the right password is not told from a wrong one; later it is accepted.
      const early = await ready(on, password);
      await assert.rejects(early(), { message: lockedText });
      server.clock.advance(16 * 60_000);
      const late = await ready(on, password);
      assert.ok((await late()).AuthenticationResult);
    });
  }
});
