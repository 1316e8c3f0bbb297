/** Pools, their clients, and people in them, made through the API. */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
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

/** Whoever the kit makes has this one. */
export const password = "Correct-Horse-7";

/** The form of a `sub`. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let serial = 0;
/** A name nobody else has among the tests of this file, which share a server. */
export const unique = (word: string) => `${word}${++serial}`;

/** Settings of a pool that verifies addresses by mail. */
export const verifiedByMail = {
  AutoVerifiedAttributes: ["email"],
} as const satisfies Partial<CreateUserPoolCommandInput>;

/** ExplicitAuthFlows of a client that knows its users by their passwords, however they are proven. */
export const everyFlow = [
  "ALLOW_USER_SRP_AUTH",
  "ALLOW_USER_PASSWORD_AUTH",
  "ALLOW_ADMIN_USER_PASSWORD_AUTH",
  "ALLOW_REFRESH_TOKEN_AUTH",
] as const satisfies CreateUserPoolClientCommandInput["ExplicitAuthFlows"];

/** An address nobody else uses in this run. */
export function newAddress(): string {
  return `user-${randomBytes(6).toString("hex")}@mail.example`;
}

/** The attributes of somebody whose new address is verified. */
export const verifiedMail = () => [
  { Name: "email", Value: newAddress() },
  { Name: "email_verified", Value: "true" },
];

export interface MadeClient {
  readonly ClientId: string;
  readonly ClientSecret: string | undefined;
}

export async function makePool(
  { client }: Pick<TestServer, "client">,
  pool: Partial<CreateUserPoolCommandInput> = {},
  app: Partial<CreateUserPoolClientCommandInput> = {},
): Promise<{ UserPoolId: string } & MadeClient> {
  const made = await client.send(new CreateUserPoolCommand({ PoolName: "people", ...pool }));
  const UserPoolId = made.UserPool?.Id ?? assert.fail("no pool id");
  return { UserPoolId, ...(await makeClient({ client }, UserPoolId, app)) };
}

export async function makeClient(
  { client }: Pick<TestServer, "client">,
  UserPoolId: string,
  app: Partial<CreateUserPoolClientCommandInput> = {},
): Promise<MadeClient> {
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

/** A confirmed user with a name and an e-mail address of their own. */
export function makeSomebody(
  server: Pick<TestServer, "client">,
  UserPoolId: string,
  attributes: Readonly<Record<string, string>> = {},
): Promise<string> {
  const Username = unique("user");
  const all = Object.entries({ email: `${Username}@example.com`, ...attributes });
  return makeUser(
    server,
    UserPoolId,
    Username,
    all.map(([Name, Value]) => ({ Name, Value })),
  );
}

export interface Tokens {
  readonly AccessToken: string;
  readonly IdToken: string;
  readonly RefreshToken: string;
  readonly ExpiresIn: number;
}

/** USER_PASSWORD_AUTH of a user without further challenges. */
export async function signIn(
  { client }: { client: CognitoIdentityProviderClient },
  ClientId: string,
  USERNAME: string,
  PASSWORD: string = password,
): Promise<Tokens> {
  const answer = await client.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD },
    }),
  );
  const { AccessToken, RefreshToken } = answer.AuthenticationResult ?? {};
  assert.ok(AccessToken, `no access token but ${answer.ChallengeName}`);
  assert.ok(RefreshToken, "no refresh token");
  return answer.AuthenticationResult as Tokens;
}

/** SECRET_HASH of somebody at a client that has a secret. */
export function secretHash(username: string, { ClientId, ClientSecret }: MadeClient): string {
  return createHmac("sha256", ClientSecret!).update(`${username}${ClientId}`).digest("base64");
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
