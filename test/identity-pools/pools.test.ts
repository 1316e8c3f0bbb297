/** The settings of identity pools, through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type CognitoIdentityClient,
  CreateIdentityPoolCommand,
  type CreateIdentityPoolCommandInput,
  DeleteIdentityPoolCommand,
  DescribeIdentityPoolCommand,
  GetIdCommand,
  GetIdentityPoolRolesCommand,
  GetPrincipalTagAttributeMapCommand,
  ListIdentityPoolsCommand,
  ListTagsForResourceCommand,
  SetIdentityPoolRolesCommand,
  type SetIdentityPoolRolesCommandInput,
  SetPrincipalTagAttributeMapCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateIdentityPoolCommand,
} from "@aws-sdk/client-cognito-identity";
import { refused } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { identityClient, makeIdentityPool, providerOf } from "./setup.ts";

const userPool = providerOf("us-east-1_AbCdEf123");
const role = "arn:aws:iam::000000000000:role/service/Some-Role";

/** Every setting at once. */
const everything = {
  IdentityPoolName: "Every setting",
  AllowUnauthenticatedIdentities: true,
  AllowClassicFlow: true,
  SupportedLoginProviders: {
    "accounts.google.com": "1-a.apps.googleusercontent.com",
    "graph.facebook.com": "7",
  },
  DeveloperProviderName: "login.mine",
  OpenIdConnectProviderARNs: ["arn:aws:iam::000000000000:oidc-provider/idp.example/tenant"],
  CognitoIdentityProviders: [{ ProviderName: userPool, ClientId: "client1", ServerSideTokenCheck: true }],
  SamlProviderARNs: ["arn:aws:iam::000000000000:saml-provider/corporate"],
  IdentityPoolTags: { team: "it" },
} as const satisfies CreateIdentityPoolCommandInput;

/** What CreateIdentityPool refuses. */
const badSettings: readonly (readonly [
  Partial<Record<keyof CreateIdentityPoolCommandInput, unknown>>,
  RegExp,
])[] = [
  [{ SupportedLoginProviders: { "login.example": "1" } }, /is not supported in SupportedLoginProviders/],
  [{ SupportedLoginProviders: { "api.twitter.com": "1;2" } }, /is not supported/],
  [{ OpenIdConnectProviderARNs: ["arn:aws:iam::000000000000:role/odd"] }, /is not the ARN of an OpenID/],
  [
    { OpenIdConnectProviderARNs: Array(2).fill(everything.OpenIdConnectProviderARNs[0]) },
    /names a provider twice/,
  ],
  [{ SamlProviderARNs: ["arn:aws:iam::000000000000:role/odd"] }, /is not the ARN of a SAML provider/],
  [{ DeveloperProviderName: "graph.facebook.com" }, /must not be the name of another provider/],
  [{ DeveloperProviderName: "cognito-identity.amazonaws.com" }, /must not be the name of another provider/],
  [
    {
      DeveloperProviderName: "id.example",
      OpenIdConnectProviderARNs: ["arn:aws:iam::000000000000:oidc-provider/id.example"],
    },
    /must not be the name of another provider/,
  ],
  [{ CognitoIdentityProviders: [{ ProviderName: "elsewhere", ClientId: "c" }] }, /is not a user pool/],
  [{ CognitoIdentityProviders: [{ ProviderName: userPool }] }, /needs ProviderName and ClientId/],
  [{ CognitoIdentityProviders: Array(2).fill({ ProviderName: userPool, ClientId: "c" }) }, /is given twice/],
  [{ IdentityPoolTags: { "aws:x": "y" } }, /reserved/],
];

const rules = (...Rules: object[]) => ({
  ...{ Type: "Rules", AmbiguousRoleResolution: "Deny" },
  RulesConfiguration: { Rules },
});
const rule = { Claim: "a", MatchType: "Equals", Value: "b", RoleARN: role };

/** What SetIdentityPoolRoles refuses. */
const badRoles: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ Roles: { authenticated: "arn:aws:iam::000000000000:user/x" } }, /is not the ARN of a role/],
  [{ Roles: { authenticated: "arn:aws:iam:::role/of-a-store" } }, /is not the ARN of a role/],
  [{ Roles: {}, RoleMappings: { p: { Type: "Token" } } }, /needs AmbiguousRoleResolution/],
  [{ Roles: {}, RoleMappings: { p: { ...rules(rule), Type: "Token" } } }, /cannot have rules/],
  [{ Roles: {}, RoleMappings: { p: { Type: "Rules", AmbiguousRoleResolution: "Deny" } } }, /needs rules/],
  [{ Roles: {}, RoleMappings: { p: rules(...Array(26).fill(rule)) } }, /at most 25 rules/],
  [
    { Roles: {}, RoleMappings: { p: rules({ ...rule, RoleARN: "arn:aws:iam::000000000000:user/x" }) } },
    /ARN of a role/,
  ],
];

forEachServer("identity pools", (open) => {
  let client: CognitoIdentityClient | undefined;
  const sdk = async () => (client ??= identityClient(await open()));
  after(() => client?.destroy());

  test("a pool is made, described, replaced and deleted", async () => {
    const identity = await sdk();
    const { $metadata: _, ...made } = await identity.send(new CreateIdentityPoolCommand(everything));
    const { IdentityPoolId, ...rest } = made;
    assert.match(IdentityPoolId!, /^us-east-1:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.deepEqual(rest, everything);
    const describe = async () => {
      const { $metadata: _meta, ...pool } = await identity.send(
        new DescribeIdentityPoolCommand({ IdentityPoolId }),
      );
      return pool;
    };
    assert.deepEqual(await describe(), made);
    await identity.send(new SetIdentityPoolRolesCommand({ IdentityPoolId, Roles: { authenticated: role } }));
    const least = { IdentityPoolName: "Least", AllowUnauthenticatedIdentities: false };
    const update = (more: object) =>
      identity.send(new UpdateIdentityPoolCommand({ IdentityPoolId, ...least, ...more }));
    await assert.rejects(
      update({ DeveloperProviderName: "login.other" }),
      refused("InvalidParameterException", /cannot be changed once it has been set/),
    );
    await update({});
    assert.deepEqual(await describe(), {
      ...{ IdentityPoolId, ...least },
      DeveloperProviderName: "login.mine",
      IdentityPoolTags: { team: "it" },
    });
    const { Roles } = await identity.send(new GetIdentityPoolRolesCommand({ IdentityPoolId }));
    assert.deepEqual(Roles, { authenticated: role }, "roles are not part of it");
    await identity.send(new DeleteIdentityPoolCommand({ IdentityPoolId }));
    const gone = refused("ResourceNotFoundException", `IdentityPool '${IdentityPoolId}' not found.`);
    await assert.rejects(describe(), gone);
    await assert.rejects(identity.send(new DeleteIdentityPoolCommand({ IdentityPoolId })), gone);
    await assert.rejects(identity.send(new GetIdCommand({ IdentityPoolId })), gone);
  });

  test("settings that mean nothing are refused", async () => {
    const identity = await sdk();
    const least = { IdentityPoolName: "bad", AllowUnauthenticatedIdentities: false };
    for (const [bad, says] of badSettings) {
      const input = { ...least, ...bad } as CreateIdentityPoolCommandInput;
      const create = identity.send(new CreateIdentityPoolCommand(input));
      await assert.rejects(create, refused("InvalidParameterException", says), JSON.stringify(bad));
    }
    const IdentityPoolId = await makeIdentityPool(identity);
    for (const [bad, says] of badRoles) {
      const input = { IdentityPoolId, ...bad } as SetIdentityPoolRolesCommandInput;
      const set = identity.send(new SetIdentityPoolRolesCommand(input));
      await assert.rejects(set, refused("InvalidParameterException", says), JSON.stringify(bad));
    }
  });

  test("roles, mappings and principal tags are kept as they were set", async () => {
    const identity = await sdk();
    const IdentityPoolId = await makeIdentityPool(identity);
    const set = {
      Roles: { authenticated: role, unauthenticated: role },
      RoleMappings: { [`${userPool}:client1`]: { ...rules(rule), Type: "Rules" as const } },
    } as unknown as Omit<SetIdentityPoolRolesCommandInput, "IdentityPoolId">;
    await identity.send(new SetIdentityPoolRolesCommand({ ...set, IdentityPoolId }));
    const { $metadata: _, ...got } = await identity.send(new GetIdentityPoolRolesCommand({ IdentityPoolId }));
    assert.deepEqual(got, { ...set, IdentityPoolId });
    const key = { IdentityPoolId, IdentityProviderName: userPool };
    const map = async () => {
      const { UseDefaults, PrincipalTags } = await identity.send(new GetPrincipalTagAttributeMapCommand(key));
      return { UseDefaults, PrincipalTags };
    };
    assert.deepEqual(await map(), { UseDefaults: false, PrincipalTags: {} });
    const PrincipalTags = { department: "custom:dept" };
    await identity.send(
      new SetPrincipalTagAttributeMapCommand({ ...key, UseDefaults: false, PrincipalTags }),
    );
    assert.deepEqual(await map(), { UseDefaults: false, PrincipalTags });
  });

  test("tags are added, listed and removed", async () => {
    const identity = await sdk();
    const ResourceArn = `arn:aws:cognito-identity:us-east-1:000000000000:identitypool/${await makeIdentityPool(identity)}`;
    const tags = async () => (await identity.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags;
    await identity.send(new TagResourceCommand({ ResourceArn, Tags: { a: "1", b: "2" } }));
    await identity.send(new TagResourceCommand({ ResourceArn, Tags: { b: "3" } }));
    assert.deepEqual(await tags(), { a: "1", b: "3" });
    await identity.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["a", "unknown"] }));
    assert.deepEqual(await tags(), { b: "3" });
    for (const [arn, error] of [
      [
        "arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:0",
        "ResourceNotFoundException",
      ],
      ["arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_a", "InvalidParameterException"],
    ] as const)
      await assert.rejects(
        identity.send(new ListTagsForResourceCommand({ ResourceArn: arn })),
        refused(error),
      );
  });

  test("all pools are listed, in pages", async () => {
    const identity = await sdk();
    const made = new Set([await makeIdentityPool(identity), await makeIdentityPool(identity)]);
    const seen: string[] = [];
    for (let NextToken: string | undefined; ; ) {
      const page = await identity.send(new ListIdentityPoolsCommand({ MaxResults: 1, NextToken }));
      assert.ok((page.IdentityPools ?? []).length <= 1);
      seen.push(...(page.IdentityPools ?? []).map(({ IdentityPoolId }) => IdentityPoolId!));
      NextToken = page.NextToken;
      if (NextToken === undefined) break;
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.deepEqual(
      [...made].filter((id) => !seen.includes(id)),
      [],
    );
  });
});
