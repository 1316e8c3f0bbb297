/**
 * What other people's tests expect of identity pools and STS, as far as AWS's documentation says the same: values, lengths and
 * limits, and the targets of requests that no SDK has made.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CreateIdentityPoolCommand,
  DeleteIdentitiesCommand,
  DeleteIdentityPoolCommand,
  DescribeIdentityPoolCommand,
  type DescribeIdentityPoolCommandOutput,
  GetIdCommand,
  GetOpenIdTokenForDeveloperIdentityCommand,
  paginateListIdentityPools,
  UpdateIdentityPoolCommand,
} from "@aws-sdk/client-cognito-identity";
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand } from "@aws-sdk/client-sts";
import { decodeJwt } from "jose";
import { call, signed } from "../kit/calls.ts";
import { makePool, refused, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { makeIdentityPool, makeRole, providerOf } from "./setup.ts";
import { allow, keysOf, makeKey, policy, stsClient, trustingAws } from "./sts-setup.ts";
import { developer, World } from "./world.ts";

const unknownId = "us-east-1:12345678-1234-4234-8234-123456789012";

/** Requests that break a constraint of the model, and what the error names. */
const constraints: readonly (readonly [operation: string, input: object, says: RegExp])[] = [
  ...["pool#name", "with?quest", "odd!", "semi;colon"].map(
    (IdentityPoolName) =>
      [
        "CreateIdentityPool",
        { IdentityPoolName, AllowUnauthenticatedIdentities: false },
        /^1 validation error detected: Value '.+' at 'identityPoolName' failed to satisfy constraint: Member must satisfy regular expression pattern: \[\\w\\s\+=,\.@-\]\+$/,
      ] as const,
  ),
  [
    "DescribeIdentityPool",
    { IdentityPoolId: "us-west-2_non-existent" },
    /'identityPoolId'.*\[\\w-\]\+:\[0-9a-f-\]\+/,
  ],
  ["DescribeIdentity", { IdentityId: "12345" }, /'identityId'/],
  [
    "ListIdentities",
    { IdentityPoolId: unknownId, MaxResults: 123 },
    /'maxResults'.*less than or equal to 60/,
  ],
  [
    "ListIdentities",
    { IdentityPoolId: unknownId, MaxResults: 0 },
    /'maxResults'.*greater than or equal to 1/,
  ],
  ["ListIdentityPools", { MaxResults: 61 }, /'maxResults'/],
  ["ListIdentityPools", {}, /'maxResults'.*must not be null/],
  ["LookupDeveloperIdentity", { IdentityPoolId: unknownId, MaxResults: 61 }, /'maxResults'/],
  ["GetId", { AccountId: "someaccount", IdentityPoolId: unknownId }, /'accountId'/],
  [
    "DeleteIdentities",
    { IdentityIdsToDelete: [] },
    /'identityIdsToDelete'.*length greater than or equal to 1/,
  ],
  [
    "GetOpenIdTokenForDeveloperIdentity",
    { IdentityPoolId: unknownId, Logins: {}, TokenDuration: 86_401 },
    /'tokenDuration'.*less than or equal to 86400/,
  ],
  [
    "SetIdentityPoolRoles",
    { IdentityPoolId: unknownId, Roles: { everybody: "arn:aws:iam::000000000000:role/some" } },
    /'roles'/,
  ],
];

forEachServer("expectations", (open) => {
  let made: Promise<World> | undefined;
  const world = () => (made ??= World.make(open));
  after(async () => (await made)?.client.destroy());
  const header = (target: string) => ({ "x-amz-target": target });

  test("of the model's constraints", async () => {
    const { server } = await world();
    for (const [operation, input, says] of constraints) {
      const target = `AWSCognitoIdentityService.${operation}`;
      const answer = await signed(server, operation, input, { service: "cognito-identity", target });
      assert.deepEqual([answer.status, answer.type], [400, "ValidationException"], operation);
      assert.match(answer.message, says);
    }
  });

  test("of names that a pool can have, and of pools that are not there", async () => {
    const { client } = await world();
    for (const IdentityPoolName of ["x", "pool-", "pool_name", "with space", "+=,.@-", "0"]) {
      const input = { IdentityPoolName, AllowUnauthenticatedIdentities: false };
      const { IdentityPoolId } = await client.send(new CreateIdentityPoolCommand(input));
      const described = await client.send(new DescribeIdentityPoolCommand({ IdentityPoolId }));
      assert.equal(described.IdentityPoolName, IdentityPoolName);
    }
    const gone = refused("ResourceNotFoundException", `IdentityPool '${unknownId}' not found.`);
    const IdentityPoolId = unknownId;
    for (const command of [
      new DescribeIdentityPoolCommand({ IdentityPoolId }),
      new DeleteIdentityPoolCommand({ IdentityPoolId }),
      new GetIdCommand({ IdentityPoolId }),
      new GetOpenIdTokenForDeveloperIdentityCommand({ IdentityPoolId, Logins: { someone: "x" } }),
    ])
      await assert.rejects(
        client.send(command as DescribeIdentityPoolCommand),
        gone,
        command.constructor.name,
      );
    const deleted = await client.send(new DeleteIdentitiesCommand({ IdentityIdsToDelete: [unknownId] }));
    assert.deepEqual(deleted.UnprocessedIdentityIds, []);
  });

  test("of settings that are replaced one by one, and are gone with the pool", async () => {
    const { client, server } = await world();
    const [one, two] = [await makePool(server), await makePool(server)];
    const least = { IdentityPoolName: "pool", AllowUnauthenticatedIdentities: false };
    const clientOf = ({ UserPoolId, ClientId }: typeof one) => [
      { ProviderName: providerOf(UserPoolId), ClientId, ServerSideTokenCheck: false },
    ];
    const arn = (kind: string) => [`arn:aws:iam::000000000000:${kind}`];
    const changes: readonly (readonly [keyof DescribeIdentityPoolCommandOutput, unknown, unknown])[] = [
      ["IdentityPoolName", "first", "second"],
      ["AllowUnauthenticatedIdentities", true, false],
      ["AllowClassicFlow", true, false],
      ["SupportedLoginProviders", { "accounts.google.com": "1" }, { "www.amazon.com": "2" }],
      ["OpenIdConnectProviderARNs", arn("oidc-provider/one.example"), arn("oidc-provider/two.example")],
      ["CognitoIdentityProviders", clientOf(one), clientOf(two)],
      ["SamlProviderARNs", arn("saml-provider/one"), arn("saml-provider/two")],
      ["IdentityPoolTags", { a: "1" }, { b: "2" }],
    ];
    const ids: string[] = [];
    for (const [member, before, after] of changes) {
      const input = { ...least, [member]: before } as typeof least;
      const { IdentityPoolId = "", ...created } = await client.send(new CreateIdentityPoolCommand(input));
      ids.push(IdentityPoolId);
      assert.deepEqual(created[member as "IdentityPoolName"], before);
      const { $metadata: _updated, ...updated } = await client.send(
        new UpdateIdentityPoolCommand({ ...least, [member]: after, IdentityPoolId }),
      );
      const { $metadata: _described, ...described } = await client.send(
        new DescribeIdentityPoolCommand({ IdentityPoolId }),
      );
      assert.deepEqual(described[member as "IdentityPoolName"], after, member);
      assert.deepEqual(updated, described);
    }
    for (const IdentityPoolId of ids) await client.send(new DeleteIdentityPoolCommand({ IdentityPoolId }));
    for await (const page of paginateListIdentityPools({ client }, { MaxResults: 60 }))
      for (const { IdentityPoolId = "" } of page.IdentityPools ?? [])
        assert.ok(!ids.includes(IdentityPoolId));
  });

  test("of identities: their ids, the account, tokens and how long these are valid", async () => {
    const { client, server, poolId } = await world();
    const { accountId } = server.app.config;
    const guest = await client.send(new GetIdCommand({ IdentityPoolId: poolId, AccountId: accountId }));
    assert.match(
      guest.IdentityId!,
      /^us-east-1:[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
    );
    for (const TokenDuration of [1, 123, 86_400, undefined]) {
      const { IdentityId, Token } = await client.send(
        new GetOpenIdTokenForDeveloperIdentityCommand({
          ...{ IdentityPoolId: poolId, TokenDuration, Logins: { [developer]: unique("dev") } },
        }),
      );
      const { sub, aud, iat, exp } = decodeJwt(Token!);
      assert.deepEqual([sub, aud, exp! - iat!], [IdentityId, poolId, TokenDuration ?? 900]);
    }
    const strange = new GetIdCommand({ IdentityPoolId: poolId, Logins: { someurl: "12345" } });
    await assert.rejects(client.send(strange), refused("NotAuthorizedException"));
  });

  test("of targets: with the package's name, as the API reference has them", async () => {
    const { client, server } = await world();
    const IdentityPoolId = await makeIdentityPool(client, { AllowUnauthenticatedIdentities: true });
    const long = "com.amazonaws.cognito.identity.model.AWSCognitoIdentityService";
    const { body } = await call(server.endpoint, "", { IdentityPoolId }, header(`${long}.GetId`));
    assert.match(String(body["IdentityId"]), /^us-east-1:/);
    const input = { IdentityPoolId, MaxResults: 10 };
    const list = { service: "cognito-identity", target: `${long}.ListIdentities` } as const;
    const listed = await signed(server, "", input, list);
    assert.equal((listed.body["Identities"] as object[]).length, 1);
    const unsigned = await call(server.endpoint, "", input, header(`${long}.ListIdentities`));
    assert.equal(unsigned.type, "MissingAuthenticationTokenException");
    const { ClientId } = await makePool(server);
    const users = "com.amazonaws.cognito.identity.idp.model.AWSCognitoIdentityProviderService";
    const signIn = {
      ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: "x", PASSWORD: "y" },
    };
    const nobody = await call(server.endpoint, "", signIn, header(`${users}.InitiateAuth`));
    assert.equal(nobody.type, "UserNotFoundException");
    for (const target of [
      `${users}.GetId`,
      `com.amazonaws.AWSCognitoIdentityService.GetId`,
      `${long}.`,
      `${long}.constructor`,
    ])
      assert.equal(
        (await call(server.endpoint, "", {}, header(target))).type,
        "UnknownOperationException",
        target,
      );
  });

  test("of STS: lengths, names and times of credentials, and who has them", async () => {
    const { server } = await world();
    const { clock, app } = server;
    const key = await makeKey(server, policy(allow(["sts:AssumeRole"])));
    const RoleArn = await makeRole(server, trustingAws(key.arn));
    const roleName = RoleArn.replace(/^.*\//, "");
    const sts = stsClient(server, { credentials: key, systemClockOffset: clock.now - Date.now() });
    const RoleSessionName = "session-name";
    // Without a version a policy is of the first one.
    const Policy = JSON.stringify({ Statement: [allow("S3:ListBucket", "arn:aws:s3:::foobar-tester")] });
    const before = Math.floor(clock.now / 1000) * 1000;
    const assumed = await sts.send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName, Policy, DurationSeconds: 900 }),
    );
    const { AccessKeyId, SecretAccessKey, Expiration } = assumed.Credentials!;
    assert.match(AccessKeyId!, /^ASIA[A-Z2-7]{16}$/);
    assert.match(SecretAccessKey!, /^[A-Za-z0-9/+]{40}$/);
    const left = Expiration!.getTime() - before - 900_000;
    assert.ok(left >= 0 && left <= Math.ceil((clock.now - before) / 1000) * 1000, String(left));
    const { Arn, AssumedRoleId } = assumed.AssumedRoleUser!;
    assert.equal(Arn, `arn:aws:sts::${app.config.accountId}:assumed-role/${roleName}/${RoleSessionName}`);
    assert.match(AssumedRoleId!, new RegExp(`^AROA[A-Z0-9]{16,17}:${RoleSessionName}$`));
    const session = stsClient(server, { credentials: keysOf(assumed.Credentials) });
    const { $metadata: _, ...caller } = await session.send(new GetCallerIdentityCommand({}));
    assert.deepEqual(caller, { Account: app.config.accountId, Arn, UserId: AssumedRoleId });
    const { $metadata: _own, ...own } = await sts.send(new GetCallerIdentityCommand({}));
    assert.deepEqual(own, { Account: app.config.accountId, Arn: key.arn, UserId: key.accessKeyId });
    for (const DurationSeconds of [123, 899])
      await assert.rejects(
        sts.send(new GetSessionTokenCommand({ DurationSeconds })),
        refused("ValidationError", /'durationSeconds'.*greater than or equal to 900/),
      );
    session.destroy();
    sts.destroy();
  });
});
