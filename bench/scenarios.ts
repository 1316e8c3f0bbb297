/** The scenarios: one operation each, with its limit and the ratio to reach. */
import { federationScenarios } from "./federation-scenarios.ts";
import { Authenticator } from "./lib/authenticator.ts";
import { Connection, document } from "./lib/connection.ts";
import type { Operation } from "./lib/load.ts";
import type { Scenario } from "./lib/scenario.ts";
import { SrpClient } from "./lib/srp-client.ts";
import { type Stage, signedCall } from "./lib/stage.ts";
import { FreshCodes } from "./lib/totp.ts";
import { password, userAttributes, userName } from "./lib/users.ts";
import { oauthScenarios } from "./oauth-scenarios.ts";

interface Tokens {
  readonly AccessToken: string;
  readonly RefreshToken: string;
}

/** Users whose sign-ins are prepared: enough that no row is contended. */
const signedIn = 64;

async function initiate(
  connection: Connection,
  stage: Pick<Stage, "clientId">,
  flow: string,
  parameters: Record<string, string>,
) {
  const answer = await connection.call("InitiateAuth", {
    AuthFlow: flow,
    ClientId: stage.clientId,
    AuthParameters: parameters,
  });
  return document(answer) as unknown as Begun;
}

interface Begun {
  readonly AuthenticationResult: Tokens;
  readonly ChallengeName: string;
  readonly ChallengeParameters: Readonly<Record<string, string>>;
  readonly Session: string;
}

/** Answers the challenge of a sign-in, which must then be complete. */
async function finish(
  connection: Connection,
  { clientId }: Pick<Stage, "clientId">,
  { ChallengeName, Session }: Begun,
  ChallengeResponses: Readonly<Record<string, string>>,
): Promise<void> {
  const body = { ClientId: clientId, ChallengeName, Session, ChallengeResponses };
  const answer = await connection.call("RespondToAuthChallenge", body);
  if (document(answer)["AuthenticationResult"] === undefined) throw new Error(answer.body);
}

/** Spreads turns over all users, so that no row and no page stays warm. */
const anyIndex = (stage: Stage, turn: number) => (turn * 7919) % stage.users;
const someone = (stage: Stage, turn: number) => userName(anyIndex(stage, turn));

async function tokensOf(stage: Stage): Promise<Tokens[]> {
  const connection = new Connection(stage.server.port);
  const tokens: Tokens[] = [];
  for (let index = 0; index < Math.min(signedIn, stage.users); index++) {
    const parameters = { USERNAME: someone(stage, index), PASSWORD: password };
    tokens.push((await initiate(connection, stage, "USER_PASSWORD_AUTH", parameters)).AuthenticationResult);
  }
  connection.close();
  return tokens;
}

const signed =
  (stage: Stage, operation: string, input: (turn: number) => object): Operation =>
  async (connection, turn) =>
    document(
      await signedCall(connection, stage.server.port, operation, {
        UserPoolId: stage.poolId,
        ...input(turn),
      }),
    );

/** Passkeys of several users, registered over the wire on a page of the server's own origin. */
async function passkeysOf(stage: Stage): Promise<{ USERNAME: string; passkey: Authenticator }[]> {
  const connection = new Connection(stage.server.port);
  const passkeys = [];
  for (const [index, { AccessToken }] of (await tokensOf(stage)).entries()) {
    const passkey = new Authenticator(`http://localhost:${stage.server.port}`);
    const begun = document(await connection.call("StartWebAuthnRegistration", { AccessToken }));
    const Credential = passkey.create(begun["CredentialCreationOptions"] as never);
    document(await connection.call("CompleteWebAuthnRegistration", { AccessToken, Credential }));
    passkeys.push({ USERNAME: someone(stage, index), passkey });
  }
  connection.close();
  return passkeys;
}

/** Every filter that ListUsers documents, for one of the users. */
const filters: readonly [name: string, title: string, filter: (index: number) => string][] = [
  ["username", "username =", (index) => `username = "${userName(index)}"`],
  ["email", "email =", (index) => `email = "${userAttributes(index)["email"]}"`],
  ["email-prefix", "email ^=", (index) => `email ^= "${userName(index).slice(0, 9)}"`],
  ["phone", "phone_number =", (index) => `phone_number = "${userAttributes(index)["phone_number"]}"`],
  ["name", "name ^=", (index) => `name ^= "${userAttributes(index)["name"]}"`],
  ["given-name", "given_name =", (index) => `given_name = "${userAttributes(index)["given_name"]}"`],
  ["family-name", "family_name ^=", (index) => `family_name ^= "${userAttributes(index)["family_name"]}"`],
  ["user-status", "cognito:user_status =", () => `cognito:user_status = "CONFIRMED"`],
  ["status", "status =", () => `status = "Disabled"`],
];

export const scenarios: readonly Scenario[] = [
  {
    name: "sign-up",
    title: "SignUp",
    limit: { hash: 1 },
    prepare: async (stage) => {
      const run = Math.random().toString(36).slice(2, 8);
      return async (connection, turn) =>
        document(
          await connection.call("SignUp", {
            ClientId: stage.clientId,
            Username: `new-${run}-${turn}`,
            Password: password,
            UserAttributes: [{ Name: "email", Value: `new-${run}-${turn}@example.com` }],
          }),
        );
    },
  },
  {
    name: "password",
    title: "Password sign-in",
    limit: { hash: 1, signature: 2 },
    goal: { sqlite: 0.85, postgres: 0.8 },
    prepare: async (stage) => async (connection, turn) =>
      initiate(connection, stage, "USER_PASSWORD_AUTH", {
        USERNAME: someone(stage, turn),
        PASSWORD: password,
      }),
  },
  {
    name: "srp",
    title: "SRP sign-in",
    limit: { exponentiation: 3, signature: 2 },
    goal: { sqlite: 0.8, postgres: 0.72 },
    prepare: async (stage) => {
      const client = new SrpClient(stage.poolId, password);
      const sampled = Math.floor(stage.users / stage.stride);
      return async (connection, turn) => {
        const USERNAME = userName((turn % sampled) * stage.stride);
        const offer = await initiate(connection, stage, "USER_SRP_AUTH", { USERNAME, SRP_A: client.srpA });
        await finish(connection, stage, offer, client.prove(offer.ChallengeParameters));
      };
    },
  },
  {
    name: "totp",
    title: "TOTP sign-in",
    limit: { hash: 1, signature: 2 },
    softwareTokens: 5_000,
    prepare: async ({ tokens }) => {
      if (tokens === undefined) throw new Error("There are no users with software tokens.");
      const codes = new FreshCodes(tokens.users);
      return async (connection) => {
        const index = codes.next();
        const USERNAME = userName(index);
        const offer = await initiate(connection, tokens, "USER_PASSWORD_AUTH", {
          USERNAME,
          PASSWORD: password,
        });
        const SOFTWARE_TOKEN_MFA_CODE = codes.take(index);
        await finish(connection, tokens, offer, { USERNAME, SOFTWARE_TOKEN_MFA_CODE });
      };
    },
  },
  {
    name: "passkey",
    title: "Passkey sign-in",
    limit: { verification: 1, signature: 2 },
    prepare: async (stage) => {
      const passkeys = await passkeysOf(stage);
      return async (connection, turn) => {
        const { USERNAME, passkey } = passkeys[turn % passkeys.length]!;
        const preferring = { USERNAME, PREFERRED_CHALLENGE: "WEB_AUTHN" };
        const offer = await initiate(connection, stage, "USER_AUTH", preferring);
        const CREDENTIAL = passkey.get(offer.ChallengeParameters["CREDENTIAL_REQUEST_OPTIONS"]!);
        await finish(connection, stage, offer, { USERNAME, CREDENTIAL });
      };
    },
  },
  {
    name: "refresh",
    title: "Refresh",
    limit: { signature: 2 },
    goal: { sqlite: 0.65, postgres: 0.58 },
    prepare: async (stage) => {
      const tokens = await tokensOf(stage);
      return async (connection, turn) =>
        initiate(connection, stage, "REFRESH_TOKEN_AUTH", {
          REFRESH_TOKEN: tokens[turn % tokens.length]!.RefreshToken,
        });
    },
  },
  {
    name: "get-user",
    title: "GetUser",
    limit: { http: 1 },
    goal: { sqlite: 0.25, postgres: 0.15 },
    prepare: async (stage) => {
      const tokens = await tokensOf(stage);
      return async (connection, turn) =>
        document(
          await connection.call("GetUser", { AccessToken: tokens[turn % tokens.length]!.AccessToken }),
        );
    },
  },
  {
    name: "admin-get-user",
    title: "AdminGetUser",
    goal: { ms: 0.3 },
    prepare: async (stage) => signed(stage, "AdminGetUser", (turn) => ({ Username: someone(stage, turn) })),
  },
  {
    name: "list-users",
    title: "ListUsers, 10 a page",
    prepare: async (stage) => signed(stage, "ListUsers", () => ({ Limit: 10 })),
  },
  ...filters.map(
    ([name, title, filter]): Scenario => ({
      name: `list-users-${name}`,
      title: `ListUsers, ${title}`,
      prepare: async (stage) =>
        signed(stage, "ListUsers", (turn) => ({ Limit: 10, Filter: filter(anyIndex(stage, turn)) })),
    }),
  ),
  ...oauthScenarios,
  ...federationScenarios,
];
