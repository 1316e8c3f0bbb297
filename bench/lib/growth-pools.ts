/** Many user pools, each with a client, keys, a user and a refresh token, stored as the server does it. */
import { randomBytes } from "node:crypto";
import { makeRefreshToken } from "../../src/domain/tokens/refresh-token.ts";
import { generateSigningPair, keyOfPair } from "../../src/domain/tokens/signing-keys.ts";
import type { PoolDocument } from "../../src/domain/user-pools/load-pool.ts";
import { loginNames } from "../../src/domain/user-pools/login-names.ts";
import { newSub } from "../../src/domain/users/new-user.ts";
import { uuid4 } from "../../src/lib/uuid.ts";
import { insertClient, readClient } from "../../src/store/clients.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { insertSigningKey } from "../../src/store/signing-keys.ts";
import { insertFamily } from "../../src/store/token-families.ts";
import { insertPool, readPool } from "../../src/store/user-pools.ts";
import { insertUser, noMfa, type User } from "../../src/store/users.ts";
import { Connection, document } from "./connection.ts";
import { call, type GrowthStage, type Operations, type Place, pageAt, signed } from "./growth-stage.ts";
import type { Operation } from "./load.ts";
import { userAttributes } from "./users.ts";

const poolId = (index: number) => `us-east-1_Bench${String(index).padStart(4, "0")}`;
const clientId = (index: number) => `bench${String(index).padStart(21, "0")}`;
const username = "ann";

/** Keys of refresh tokens: they follow from the pool's number. */
const familyKey = (index: number) => Buffer.alloc(32, `key of ${index}`);
const familyId = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;

export async function fillPools(db: Db, place: Place): Promise<void> {
  const pool = await readPool(db, place.poolId);
  const client = await readClient(db, place.poolId, place.clientId);
  if (pool === undefined || client === undefined) throw new Error("There is no pool to copy.");
  const pair = await generateSigningPair();
  const now = Date.now();
  for (let index = 0; index < place.size; index++) {
    const id = poolId(index);
    await insertPool(db, { ...pool, poolId: id, name: `bench ${index}` });
    const ofPool = { ...client, poolId: id, clientId: clientId(index) };
    await insertClient(db, ofPool, undefined);
    const times = { createdAt: now, activeFrom: now - 1000 };
    for (const use of ["id", "access"] as const)
      await insertSigningKey(
        db,
        id,
        await keyOfPair(pair, randomBytes(16).toString("base64url"), use, times),
      );
    await insertAnn(db, index, pool.document as PoolDocument, now);
  }
}

async function insertAnn(db: Db, index: number, document: PoolDocument, now: number): Promise<void> {
  const user: User = {
    ...{
      poolId: poolId(index),
      id: newSub(randomBytes),
      username,
      version: 1,
      status: "CONFIRMED",
      enabled: true,
    },
    ...{ signOuts: 0, attributes: userAttributes(index), pendingAttributes: {}, mfa: noMfa },
    ...{ createdAt: now, updatedAt: now },
  };
  const names = loginNames({ document }, username, user.attributes, { confirmed: true });
  const family = {
    ...{ poolId: user.poolId, id: familyId(index), userId: user.id, clientId: clientId(index) },
    ...{
      originJti: uuid4(randomBytes),
      key: familyKey(index),
      generation: 0,
      rotatedAt: undefined,
      authTime: now,
    },
    ...{
      scope: "aws.cognito.signin.user.admin",
      deviceKey: undefined,
      createdAt: now,
      expiresAt: now + 86_400_000,
    },
    ...{
      revokedAt: undefined,
      origin: "api" as const,
      resource: undefined,
      twoFactors: false,
      provider: undefined,
    },
  };
  await inTransaction(db, async (tx) => {
    await insertUser(tx, user, names);
    await insertFamily(tx, family, { credentialVersion: 0, signOuts: 0 });
  });
}

/** Goes through the pools in an order in which neighbours do not follow each other. */
const any = (stage: GrowthStage, turn: number) => (turn * 7919) % stage.size;

function refreshIn(stage: GrowthStage): Operation {
  return call("InitiateAuth", (turn) => {
    const index = any(stage, turn);
    const family = { poolId: poolId(index), id: familyId(index), key: familyKey(index) };
    const AuthParameters = { REFRESH_TOKEN: makeRefreshToken(family, 0) };
    return { ClientId: clientId(index), AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters };
  });
}

export async function ofEveryPool(stage: GrowthStage): Promise<Operations> {
  const connection = new Connection(stage.server.port);
  const refresh = refreshIn(stage);
  const tokens: string[] = [];
  for (let index = 0; index < stage.size; index++) {
    const answer = (await refresh(connection, index)) as {
      readonly AuthenticationResult: { readonly AccessToken: string };
    };
    tokens[any(stage, index)] = answer.AuthenticationResult.AccessToken;
  }
  connection.close();
  const page = await pageAt(stage, "ListUserPools", { limit: { MaxResults: 5 }, count: stage.size - 5 });
  const list = (given: object) => signed(stage, "ListUserPools", () => ({ MaxResults: 5, ...given }));
  const inPool = (operation: string, input: object = {}) =>
    signed(stage, operation, (turn) => ({ UserPoolId: poolId(any(stage, turn)), ...input }));
  return [
    ["Refresh", refresh],
    ["GetUser", call("GetUser", (turn) => ({ AccessToken: tokens[any(stage, turn)] }))],
    ["AdminGetUser", inPool("AdminGetUser", { Username: username })],
    ["DescribeUserPool", inPool("DescribeUserPool")],
    ["ListUserPools, first page", list({})],
    ["ListUserPools, last page", list(page)],
    ["Key set of a pool", keySet(stage)],
  ];
}

const keySet =
  (stage: GrowthStage): Operation =>
  async (connection, turn) =>
    document(await connection.request("GET", `/${poolId(any(stage, turn))}/.well-known/jwks.json`));
