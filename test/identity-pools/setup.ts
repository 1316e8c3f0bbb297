/** Clients, identity pools and roles of these tests. */
import assert from "node:assert/strict";
import {
  CognitoIdentityClient,
  type CognitoIdentityClientConfig,
  CreateIdentityPoolCommand,
  type CreateIdentityPoolCommandInput,
  type Credentials,
  SetIdentityPoolRolesCommand,
} from "@aws-sdk/client-cognito-identity";
import { insertRole, type Role } from "../../src/store/roles.ts";
import { unique } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";

/** With the root key, unless told otherwise; without credentials its calls are unsigned where that is possible. */
export function identityClient(
  { endpoint }: Pick<TestServer, "endpoint">,
  more: CognitoIdentityClientConfig = {},
): CognitoIdentityClient {
  return new CognitoIdentityClient({
    endpoint,
    region: "us-east-1",
    credentials: rootKey,
    maxAttempts: 1,
    ...more,
  });
}

/** What Logins and CognitoIdentityProviders call a user pool. */
export const providerOf = (userPoolId: string): string => `cognito-idp.us-east-1.amazonaws.com/${userPoolId}`;

export async function makeIdentityPool(
  client: CognitoIdentityClient,
  given: Partial<CreateIdentityPoolCommandInput> = {},
): Promise<string> {
  const made = await client.send(
    new CreateIdentityPoolCommand({
      IdentityPoolName: unique("pool"),
      AllowUnauthenticatedIdentities: false,
      ...given,
    }),
  );
  return made.IdentityPoolId ?? assert.fail("no pool id");
}

/** A trust policy for the identities of a pool that signed in, or for its guests. */
export const trusting = (poolId: string, amr: "authenticated" | "unauthenticated"): object => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { Federated: "cognito-identity.amazonaws.com" },
      Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
      Condition: {
        StringEquals: { "cognito-identity.amazonaws.com:aud": poolId },
        "ForAnyValue:StringLike": { "cognito-identity.amazonaws.com:amr": amr },
      },
    },
  ],
});

export const allowing = (Action: string | string[], Resource: string = "*"): object => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action, Resource }],
});

/** A role; its ARN. */
export async function makeRole(
  { app }: Pick<TestServer, "app">,
  trust: object,
  policies: Readonly<Record<string, object>> = {},
  more: Partial<Role> = {},
): Promise<string> {
  const name = unique("role");
  const role: Role = {
    name,
    id: `AROA${name.toUpperCase().padEnd(16, "X")}`,
    path: "/",
    description: "",
    trust: JSON.stringify(trust),
    policies: Object.fromEntries(
      Object.entries(policies).map(([key, value]) => [key, JSON.stringify(value)]),
    ),
    maxSessionSeconds: 3600,
    notBefore: 0,
    createdAt: app.clock(),
    updatedAt: app.clock(),
    ...more,
  };
  assert.ok(await insertRole(app.db, role));
  return `arn:aws:iam::${app.config.accountId}:role/${name}`;
}

/** Roles for the identities and the guests of a pool, with these permissions. */
export async function giveRoles(
  server: Pick<TestServer, "app">,
  client: CognitoIdentityClient,
  poolId: string,
  permissions: { readonly authenticated?: object; readonly unauthenticated?: object },
): Promise<Record<string, string>> {
  const Roles: Record<string, string> = {};
  for (const [kind, policy] of Object.entries(permissions))
    Roles[kind] = await makeRole(server, trusting(poolId, kind as "authenticated"), { permissions: policy });
  await client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: poolId, Roles }));
  return Roles;
}

/** Credentials of the API in the form that clients take. */
export const forClient = ({ AccessKeyId, SecretKey, SessionToken }: Credentials = {}) => ({
  accessKeyId: AccessKeyId!,
  secretAccessKey: SecretKey!,
  sessionToken: SessionToken!,
});
