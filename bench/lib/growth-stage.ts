/** A server whose pool has little or much of something, and calls as its users and administrators make them. */
import { Authenticator } from "./authenticator.ts";
import { type Answer, Connection, document } from "./connection.ts";
import type { Operation } from "./load.ts";
import type { BenchServer } from "./server.ts";
import { signedCall } from "./stage.ts";
import { password } from "./users.ts";

export interface GrowthStage {
  readonly server: BenchServer;
  readonly url: string;
  readonly poolId: string;
  readonly clientId: string;
  /** Users who can sign in: `userName(0)` … */
  readonly users: number;
  /** How much of it there is. */
  readonly size: number;
}

/** What is known when a database is filled, before its server has started. */
export type Place = Pick<GrowthStage, "poolId" | "clientId" | "size">;

/** Operations; costly ones, which hash a password, are measured less often. */
export type Operations = readonly (readonly [title: string, operation: Operation, costly?: "costly"])[];

export interface Tokens {
  readonly AccessToken: string;
  readonly IdToken: string;
  readonly RefreshToken: string;
}

/** The document of an answer; asks again while the server, which other work on the machine holds up, turns callers away. */
async function patiently(request: () => Promise<Answer>): Promise<Record<string, unknown>> {
  for (;;) {
    const answer = await request();
    if (answer.status !== 429 && !answer.body.includes("TooManyRequestsException")) return document(answer);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An unsigned call. */
export const call =
  (operation: string, input: (turn: number) => object): Operation =>
  async (connection, turn) =>
    patiently(() => connection.call(operation, input(turn)));

/** A call of an administrator about the pool. */
export const signed =
  (
    { server, poolId }: GrowthStage,
    operation: string,
    input: (turn: number) => object = () => ({}),
  ): Operation =>
  async (connection, turn) =>
    patiently(() => signedCall(connection, server.port, operation, { UserPoolId: poolId, ...input(turn) }));

/** One answer to a call of an administrator. */
export async function ask(
  stage: GrowthStage,
  operation: string,
  input: object = {},
): Promise<Record<string, unknown>> {
  const connection = new Connection(stage.server.port);
  const answer = await signed(stage, operation, () => input)(connection, 0);
  connection.close();
  return answer as Record<string, unknown>;
}

/** Signs a user in with the password. */
export async function signIn(
  { server, clientId }: Pick<GrowthStage, "server" | "clientId">,
  USERNAME: string,
): Promise<Tokens> {
  const connection = new Connection(server.port);
  const answer = await patiently(() =>
    connection.call("InitiateAuth", {
      ClientId: clientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD: password },
    }),
  );
  connection.close();
  return answer["AuthenticationResult"] as Tokens;
}

export const refresh = (stage: GrowthStage, tokens: readonly Tokens[]): Operation =>
  call("InitiateAuth", (turn) => ({
    ClientId: stage.clientId,
    AuthFlow: "REFRESH_TOKEN_AUTH",
    AuthParameters: { REFRESH_TOKEN: tokens[turn % tokens.length]!.RefreshToken },
  }));

/** A sign-in with a passkey, which costs no password hash: two requests. */
export async function passkeySignIn(stage: GrowthStage, USERNAME: string): Promise<Operation> {
  const { AccessToken } = await signIn(stage, USERNAME);
  const connection = new Connection(stage.server.port);
  const passkey = new Authenticator(`http://localhost:${stage.server.port}`);
  const begun = document(await connection.call("StartWebAuthnRegistration", { AccessToken }));
  const Credential = passkey.create(begun["CredentialCreationOptions"] as never);
  document(await connection.call("CompleteWebAuthnRegistration", { AccessToken, Credential }));
  connection.close();
  return async (connection) => {
    const begin = {
      ...{ ClientId: stage.clientId, AuthFlow: "USER_AUTH" },
      AuthParameters: { USERNAME, PREFERRED_CHALLENGE: "WEB_AUTHN" },
    };
    const offer = (await patiently(() => connection.call("InitiateAuth", begin))) as unknown as {
      readonly Session: string;
      readonly ChallengeParameters: Readonly<Record<string, string>>;
    };
    const CREDENTIAL = passkey.get(offer.ChallengeParameters["CREDENTIAL_REQUEST_OPTIONS"]!);
    const response = {
      ...{ ClientId: stage.clientId, ChallengeName: "WEB_AUTHN", Session: offer.Session },
      ChallengeResponses: { USERNAME, CREDENTIAL },
    };
    const answer = await patiently(() => connection.call("RespondToAuthChallenge", response));
    const { AuthenticationResult } = answer;
    if (AuthenticationResult === undefined) throw new Error(JSON.stringify(answer));
    return AuthenticationResult;
  };
}

/** The token of the page after about `count` of `count` times two entries. */
export async function pageAt(
  stage: GrowthStage,
  operation: string,
  {
    limit,
    count,
    token = "NextToken",
    input = {},
  }: {
    readonly limit: object;
    readonly count: number;
    readonly token?: string;
    readonly input?: object;
  },
): Promise<object> {
  let page: object = {};
  for (let passed = 0; passed < count; passed += Number(Object.values(limit)[0])) {
    const answer = await ask(stage, operation, { ...input, ...limit, ...page });
    if (answer[token] === undefined) break;
    page = { [token]: answer[token] };
  }
  return page;
}
