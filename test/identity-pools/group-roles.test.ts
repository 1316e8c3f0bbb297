/**
 * Roles by the groups of user pools ("Role-based access control", Amazon Cognito Developer Guide): from RoleArn and
 * Precedence of groups to whose credentials a user gets.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type AmbiguousRoleResolutionType,
  type CognitoIdentityClient,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  SetIdentityPoolRolesCommand,
} from "@aws-sdk/client-cognito-identity";
import { AdminAddUserToGroupCommand, CreateGroupCommand } from "@aws-sdk/client-cognito-identity-provider";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { decodeJwt } from "jose";
import { makePool, makeSomebody, signIn, unique } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { forClient, identityClient, makeIdentityPool, makeRole, providerOf, trusting } from "./setup.ts";
import { stsClient } from "./sts-setup.ts";

/** A group: the role, and the precedence. */
type Group = readonly [role?: "a" | "b" | undefined, precedence?: number];

/** What a user's groups give: the claims of the ID token, and the role of the credentials, by AmbiguousRoleResolution. */
interface Expected {
  readonly roles: string;
  readonly preferred: string | undefined;
  readonly Deny: string;
  readonly AuthenticatedRole: string;
}
const denied = "NotAuthorizedException";
const by = (roles: string, preferred: string | undefined, Deny: string, AuthenticatedRole = Deny) =>
  ({ roles, preferred, Deny, AuthenticatedRole }) as Expected;

const table: readonly (readonly [title: string, groups: readonly Group[], Expected])[] = [
  ["no group", [], by("", undefined, denied, "all")],
  ["a group without a role", [[undefined, 1]], by("", undefined, denied, "all")],
  ["one group, of no precedence", [["a"]], by("a", undefined, "a")],
  [
    "the lower precedence",
    [
      ["b", 2],
      ["a", 1],
    ],
    by("ab", "a", "a"),
  ],
  [
    "zero is the lowest",
    [
      ["a", 1],
      ["b", 0],
    ],
    by("ab", "b", "b"),
  ],
  ["none comes after all others", [["a"], ["b", 2147483647]], by("ab", "b", "b")],
  [
    "one precedence and two roles",
    [
      ["a", 5],
      ["b", 5],
    ],
    by("ab", undefined, denied, "all"),
  ],
  [
    "one precedence and one role",
    [
      ["a", 5],
      ["a", 5],
      ["b", 6],
    ],
    by("ab", "a", "a"),
  ],
  ["two groups of one role", [["a"], ["a"]], by("a", undefined, "a")],
  [
    "the best group has no role",
    [
      [undefined, 0],
      ["a", 1],
    ],
    by("a", "a", "a"),
  ],
];

interface World {
  readonly server: TestServer;
  readonly client: CognitoIdentityClient;
  readonly poolId: string;
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** ARNs of the roles a and b, of all who are authenticated, and of one that no group has. */
  readonly roles: Readonly<Record<"a" | "b" | "all" | "other", string>>;
}

async function makeWorld(open: () => Promise<TestServer>): Promise<World> {
  const server = await open();
  const client = identityClient(server);
  const { UserPoolId, ClientId } = await makePool(server);
  const poolId = await makeIdentityPool(client, {
    CognitoIdentityProviders: [{ ProviderName: providerOf(UserPoolId), ClientId }],
  });
  const role = () => makeRole(server, trusting(poolId, "authenticated"));
  const roles = { a: await role(), b: await role(), all: await role(), other: await role() };
  return { server, client, poolId, UserPoolId, ClientId, roles };
}

forEachServer("roles by groups", (open) => {
  let made: Promise<World> | undefined;
  const world = () => (made ??= makeWorld(open));
  after(async () => (await made)?.client.destroy());

  const resolve = async (AmbiguousRoleResolution: AmbiguousRoleResolutionType) => {
    const { client, poolId, UserPoolId, ClientId, roles } = await world();
    await client.send(
      new SetIdentityPoolRolesCommand({
        IdentityPoolId: poolId,
        Roles: { authenticated: roles.all },
        RoleMappings: {
          [`${providerOf(UserPoolId)}:${ClientId}`]: { Type: "Token", AmbiguousRoleResolution },
        },
      }),
    );
  };
  /** The ID token of a new user of new groups. */
  const memberOf = async (groups: readonly Group[]) => {
    const { server, UserPoolId, ClientId, roles } = await world();
    const Username = await makeSomebody(server, UserPoolId);
    for (const [role, Precedence] of groups) {
      const GroupName = unique("group");
      const RoleArn = role && roles[role];
      await server.client.send(new CreateGroupCommand({ UserPoolId, GroupName, RoleArn, Precedence }));
      await server.client.send(new AdminAddUserToGroupCommand({ UserPoolId, GroupName, Username }));
    }
    return (await signIn(server, ClientId, Username)).IdToken;
  };
  const letterOf = async (arn: unknown) => {
    const { roles } = await world();
    const name = String(arn).replace(/^.*role\/([^/]+).*$/, "$1");
    return Object.entries(roles).find(([, one]) => one.endsWith(`/${name}`))?.[0];
  };
  /** Whose credentials a token gives, by asking STS; or the error's name. */
  const roleOf = async (token: string, CustomRoleArn?: string) => {
    const { server, client, poolId, UserPoolId } = await world();
    const Logins = { [providerOf(UserPoolId)]: token };
    const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId, Logins }));
    try {
      const { Credentials } = await client.send(
        new GetCredentialsForIdentityCommand({ IdentityId, Logins, CustomRoleArn }),
      );
      const sts = stsClient(server, { credentials: forClient(Credentials) });
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
      sts.destroy();
      return letterOf(Arn);
    } catch (error) {
      return (error as Error).name;
    }
  };

  test("by precedence, and by AmbiguousRoleResolution where that decides nothing", async () => {
    for (const [title, groups, expected] of table) {
      const token = await memberOf(groups);
      const { "cognito:roles": roles = [], "cognito:preferred_role": preferred } = decodeJwt(token);
      const letters = await Promise.all((roles as string[]).map(letterOf));
      const found: Record<string, unknown> = {
        roles: letters.sort().join(""),
        preferred: preferred === undefined ? undefined : await letterOf(preferred),
      };
      for (const how of ["Deny", "AuthenticatedRole"] as const) {
        await resolve(how);
        found[how] = await roleOf(token);
      }
      assert.deepEqual(found, expected, title);
    }
  });

  test("CustomRoleArn is one of the token's roles, whatever is preferred or ambiguous", async () => {
    const { roles } = await world();
    await resolve("AuthenticatedRole");
    const token = await memberOf([
      ["a", 1],
      ["b", 2],
    ]);
    assert.equal(await roleOf(token, roles.b), "b");
    assert.equal(await roleOf(token, roles.a), "a");
    for (const role of [roles.other, roles.all]) assert.equal(await roleOf(token, role), denied);
    const ambiguous = await memberOf([
      ["a", 1],
      ["b", 1],
    ]);
    assert.equal(await roleOf(ambiguous, roles.b), "b");
    assert.equal(await roleOf(await memberOf([]), roles.all), denied);
    assert.equal(await roleOf(await memberOf([["a"]]), roles.b), denied);
  });
});
