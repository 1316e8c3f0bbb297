/** What an administrator does while users sign in: no token survives that should not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminInitiateAuthCommand,
  AdminSetUserPasswordCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  GetUserCommand,
  InitiateAuthCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forEachServer, type TestServer } from "../kit/server.ts";

const rounds = 5;
const parallel = 8;

async function setUp({ client }: TestServer): Promise<{ UserPoolId: string; ClientId: string }> {
  const pool = await client.send(new CreateUserPoolCommand({ PoolName: "races" }));
  const UserPoolId = pool.UserPool!.Id!;
  const app = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: "app",
      ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    }),
  );
  const ClientId = app.UserPoolClient!.ClientId!;
  await client.send(new SignUpCommand({ ClientId, Username: "ann", Password: "Password-0" }));
  return { UserPoolId, ClientId };
}

forEachServer("races", (open) => {
  type Change = (round: number, setup: { UserPoolId: string; ClientId: string }) => Promise<unknown>;

  /** Signs in many times while `change` runs; after `settled`, no token that was handed out may work any more. */
  async function race(change: Change, settled: Change = async () => undefined) {
    const server = await open();
    const { client } = server;
    const setup = await setUp(server);
    let issued = 0;
    for (let round = 1; round <= rounds; round++) {
      const PASSWORD = `Password-${round}`;
      const user = { UserPoolId: setup.UserPoolId, Username: "ann" };
      await client.send(new AdminSetUserPasswordCommand({ ...user, Password: PASSWORD, Permanent: true }));
      const signIn = () =>
        client.send(
          new AdminInitiateAuthCommand({
            ...setup,
            AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
            AuthParameters: { USERNAME: "ann", PASSWORD },
          }),
        );
      const before = await signIn();
      const running = Array.from({ length: parallel }, () => signIn().catch(() => undefined));
      await change(round, setup);
      const answers = [before, ...(await Promise.all(running))];
      await settled(round, setup);
      for (const answer of answers) {
        const tokens = answer?.AuthenticationResult;
        if (tokens === undefined) continue;
        issued += 1;
        const used = client.send(new GetUserCommand({ AccessToken: tokens.AccessToken }));
        await assert.rejects(used, { name: "NotAuthorizedException" });
        const refresh = { REFRESH_TOKEN: tokens.RefreshToken! };
        await assert.rejects(
          client.send(
            new InitiateAuthCommand({
              ClientId: setup.ClientId,
              AuthFlow: "REFRESH_TOKEN_AUTH",
              AuthParameters: refresh,
            }),
          ),
          { name: "NotAuthorizedException" },
        );
      }
    }
    assert.ok(issued >= rounds);
  }

  test("a password set while sign-ins with the old one run leaves none of their tokens", () =>
    race(async (round, { UserPoolId }) => {
      const { client } = await open();
      const Password = `Another-${round}`;
      await client.send(
        new AdminSetUserPasswordCommand({ UserPoolId, Username: "ann", Password, Permanent: true }),
      );
    }));

  test("disabling while sign-ins run leaves none of their tokens, also after enabling", () =>
    race(
      async (_round, { UserPoolId }) => {
        const { client } = await open();
        await client.send(new AdminDisableUserCommand({ UserPoolId, Username: "ann" }));
      },
      async (_round, { UserPoolId }) => {
        const { client } = await open();
        await client.send(new AdminEnableUserCommand({ UserPoolId, Username: "ann" }));
      },
    ));
});
