/** Several servers on one database, and applications that use them without pause. */

import assert from "node:assert/strict";
import {
  type CognitoIdentityProviderClient,
  GetUserCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { JwtVerifier } from "aws-jwt-verify";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import { pino } from "pino";
import { loadConfig } from "../../src/config/config.ts";
import { type RunningServer, startServer } from "../../src/server.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../../src/store/open.ts";
import { dataFolderOf } from "../kit/databases.ts";
import {
  everyFlow,
  makeClient,
  makePool,
  makeSomebody,
  password,
  type Tokens,
  verifiedByMail,
} from "../kit/people.ts";
import { newSdk, rootKey } from "../kit/sdk.ts";
import { besideTests, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";

export interface House {
  readonly servers: readonly RunningServer[];
  readonly sdks: readonly CognitoIdentityProviderClient[];
  /** As a command opens it, beside the servers. */
  readonly beside: OpenedDatabase;
  readonly options: OpenOptions;
  readonly poolId: string;
  readonly clientId: string;
  readonly users: readonly string[];
  close(): Promise<void>;
}

/** @param clock the time of all servers, epoch milliseconds */
export async function start(
  fresh: () => Promise<OpenOptions>,
  count: number,
  clock: () => number = Date.now,
): Promise<House> {
  const options = await fresh();
  const servers: RunningServer[] = [];
  for (let n = 0; n < count; n++) {
    const environment: Record<string, string | undefined> = {
      POOLHOUSE_PORT: "0",
      POOLHOUSE_PUBLIC_URL: servers[0]?.url,
      POOLHOUSE_DATABASE: options.url,
      POOLHOUSE_MASTER_KEY: options.masterKey,
      POOLHOUSE_DATA: dataFolderOf(options.url),
      POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
      POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    };
    servers.push(
      await startServer(loadConfig([], environment), {
        log: pino({ level: "silent" }),
        clock,
        ...besideTests,
      }),
    );
  }
  const sdks = servers.map((server) => newSdk(`http://localhost:${server.app.config.port}`));
  const first = { client: sdks[0]!, endpoint: servers[0]!.url } as TestServer;
  const { UserPoolId: poolId } = await makePool(first, verifiedByMail);
  const { ClientId: clientId } = await makeClient(first, poolId, {
    ExplicitAuthFlows: everyFlow,
    AuthSessionValidity: 15,
    PreventUserExistenceErrors: "ENABLED",
    AccessTokenValidity: 1,
    IdTokenValidity: 1,
    TokenValidityUnits: { AccessToken: "days", IdToken: "days" },
  });
  const users = [
    await makeSomebody(first, poolId),
    await makeSomebody(first, poolId),
    await makeSomebody(first, poolId),
  ];
  const beside = await openDatabase({ ...options, secondary: true });
  const close = async () => {
    for (const sdk of sdks) sdk.destroy();
    await beside.close();
    for (const server of servers) await server.close();
  };
  return { servers, sdks, beside, options, poolId, clientId, users, close };
}

/** Verifies as an application does: the key sets are kept for as long as each library keeps them by default. */
export function application({ servers, poolId, clientId }: House) {
  const issuer = `${servers[0]!.url}/${poolId}`;
  const jwksUri = `${issuer}/.well-known/jwks.json`;
  const keys = createRemoteJWKSet(new URL(jwksUri));
  const jwksCache = new SimpleJwksCache({
    fetcher: { fetch: async (uri) => (await fetch(uri)).arrayBuffer() },
  });
  const aws = JwtVerifier.create({ issuer, audience: null, jwksUri }, { jwksCache });
  return {
    async verify(tokens: Pick<Tokens, "AccessToken" | "IdToken">): Promise<JWTPayload> {
      await aws.verify(tokens.AccessToken);
      await jwtVerify(tokens.IdToken, keys, { issuer, audience: clientId, algorithms: ["RS256"] });
      return (await jwtVerify(tokens.AccessToken, keys, { issuer, algorithms: ["RS256"] })).payload;
    },
    kids: async () => {
      const published = (await (await fetch(jwksUri)).json()) as { keys: { kid: string }[] };
      return published.keys.map((key) => key.kid);
    },
  };
}

export type Application = ReturnType<typeof application>;

/** One user's day: SRP through one server after the other, verified, known at the other, refreshed, verified. */
export async function round(house: House, app: Application, user: string, turn: number): Promise<Tokens> {
  const sdk = (offset: number) => house.sdks[(turn + offset) % house.sdks.length]!;
  const srp = new SrpClient();
  const challenge = await sdk(0).send(
    new InitiateAuthCommand({
      AuthFlow: "USER_SRP_AUTH",
      ClientId: house.clientId,
      AuthParameters: { USERNAME: user, SRP_A: srp.srpA },
    }),
  );
  const signedIn = await sdk(1).send(
    new RespondToAuthChallengeCommand({
      ChallengeName: "PASSWORD_VERIFIER",
      ClientId: house.clientId,
      ChallengeResponses: srp.prove(
        house.poolId,
        challenge.ChallengeParameters!,
        password,
        new Date(Date.now()),
      ),
    }),
  );
  const tokens = signedIn.AuthenticationResult as Tokens;
  await app.verify(tokens);
  await sdk(0).send(new GetUserCommand({ AccessToken: tokens.AccessToken }));
  const refreshed = await refresh(house, tokens, turn);
  await app.verify(refreshed);
  await sdk(1).send(new GetUserCommand({ AccessToken: refreshed.AccessToken }));
  return tokens;
}

export async function refresh(house: House, { RefreshToken }: Tokens, turn: number): Promise<Tokens> {
  const answer = await house.sdks[turn % house.sdks.length]!.send(
    new InitiateAuthCommand({
      AuthFlow: "REFRESH_TOKEN_AUTH",
      ClientId: house.clientId,
      AuthParameters: { REFRESH_TOKEN: RefreshToken },
    }),
  );
  return { ...(answer.AuthenticationResult as Tokens), RefreshToken };
}

/** Goes round with every user until it is stopped. The first failure is kept. */
export function load(house: House, app: Application) {
  const rounds = house.users.map(() => 0);
  let failure: unknown;
  let stopped = false;
  let progressed = () => {};
  let gate: Promise<void> = Promise.resolve();
  let waiting = 0;
  const pass = async () => {
    waiting++;
    progressed();
    await gate;
    waiting--;
  };
  const running = house.users.map(async (user, index) => {
    for (; !stopped && failure === undefined; rounds[index]!++, progressed()) {
      await pass();
      await round(house, app, user, rounds[index]! + index).catch((error: unknown) => {
        failure ??= error;
      });
    }
    progressed();
  });
  const until = async (isSo: () => boolean) => {
    while (failure === undefined && !isSo())
      await new Promise<void>((resolve) => {
        progressed = resolve;
      });
    assert.ifError(failure);
  };
  return {
    /** Does something while nobody is in the midst of a sign-in, which does not outlive a leap of the clock. */
    async between(work: () => void): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      await until(() => waiting === house.users.length);
      work();
      resolve();
    },
    /** Until every user has gone round once from beginning to end. */
    async goRound(): Promise<void> {
      const target = rounds.map((done) => done + 2);
      await until(() => rounds.every((done, index) => done >= target[index]!));
    },
    async stop(): Promise<void> {
      stopped = true;
      await Promise.all(running);
      assert.ifError(failure);
    },
  };
}
