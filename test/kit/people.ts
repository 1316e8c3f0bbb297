/** What the tests of user operations share: a pool with a client, and somebody in it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  type AttributeType,
  type CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { TestServer } from "./server.ts";

export const password = "Correct-Horse-7";

/** An address nobody else uses in this run. */
export function newAddress(): string {
  return `user-${randomBytes(6).toString("hex")}@mail.example`;
}

/** The attributes of somebody whose new address is verified. */
export const verifiedMail = () => [
  { Name: "email", Value: newAddress() },
  { Name: "email_verified", Value: "true" },
];

export async function makePool(
  { client }: Pick<TestServer, "client">,
  pool: Partial<CreateUserPoolCommandInput> = {},
  app: Partial<CreateUserPoolClientCommandInput> = {},
): Promise<{ UserPoolId: string; ClientId: string; ClientSecret: string | undefined }> {
  const made = await client.send(new CreateUserPoolCommand({ PoolName: "people", ...pool }));
  const UserPoolId = made.UserPool?.Id ?? assert.fail("no pool id");
  return { UserPoolId, ...(await makeClient({ client }, UserPoolId, app)) };
}

export async function makeClient(
  { client }: Pick<TestServer, "client">,
  UserPoolId: string,
  app: Partial<CreateUserPoolClientCommandInput> = {},
): Promise<{ ClientId: string; ClientSecret: string | undefined }> {
  const made = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: "people",
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      ...app,
    }),
  );
  const { ClientId, ClientSecret } = made.UserPoolClient ?? {};
  return { ClientId: ClientId ?? assert.fail("no client id"), ClientSecret };
}

/** A confirmed user with a password, who has been sent nothing. */
export async function makeUser(
  { client }: Pick<TestServer, "client">,
  UserPoolId: string,
  Username: string,
  UserAttributes: AttributeType[] = [],
): Promise<string> {
  const made = await client.send(
    new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes, MessageAction: "SUPPRESS" }),
  );
  await client.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent: true }),
  );
  return made.User?.Username ?? assert.fail("no username");
}

export async function signIn(
  { client }: { client: CognitoIdentityProviderClient },
  ClientId: string,
  USERNAME: string,
  PASSWORD: string = password,
): Promise<{ AccessToken: string; RefreshToken: string }> {
  const answer = await client.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD },
    }),
  );
  const { AccessToken, RefreshToken } = answer.AuthenticationResult ?? {};
  return {
    AccessToken: AccessToken ?? assert.fail(`no access token but ${answer.ChallengeName}`),
    RefreshToken: RefreshToken ?? assert.fail("no refresh token"),
  };
}

/** The wire's list as an object. */
export function attributesOf(list: AttributeType[] | undefined): Record<string, string | undefined> {
  return Object.fromEntries((list ?? []).map(({ Name, Value }) => [Name, Value]));
}

/** What a call must fail with. */
export function refused(
  name: string,
  message?: string | RegExp,
): { name: string; message?: string | RegExp } {
  return message === undefined ? { name } : { name, message };
}
