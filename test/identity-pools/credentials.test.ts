/** Identities and their credentials, through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type CognitoIdentityClient,
  DeleteIdentitiesCommand,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  GetIdentityPoolRolesCommand,
  GetOpenIdTokenCommand,
  ListIdentitiesCommand,
  SetIdentityPoolRolesCommand,
} from "@aws-sdk/client-cognito-identity";
import { DescribeUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { fromCognitoIdentityPool } from "@aws-sdk/credential-providers";
import { makePool, makeSomebody, refused, signIn } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import {
  allowing,
  forClient,
  giveRoles,
  identityClient,
  makeIdentityPool,
  makeRole,
  providerOf,
  trusting,
} from "./setup.ts";

const describing = allowing("cognito-idp:DescribeUserPool");

interface World {
  readonly server: TestServer;
  readonly client: CognitoIdentityClient;
  readonly userPoolId: string;
  readonly clientId: string;
  readonly poolId: string;
}

forEachServer("credentials of identities", (open) => {
  let made: Promise<World> | undefined;
  const world = () => (made ??= makeWorld(open));
  after(async () => (await made)?.client.destroy());

  test("a user exchanges an ID token for credentials that may do what the role may", async () => {
    const { server, client, userPoolId, poolId, clientId } = await world();
    const Logins = { [providerOf(userPoolId)]: (await newUser(server, userPoolId, clientId)).IdToken };
    const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId, Logins }));
    assert.match(
      IdentityId!,
      /^us-east-1:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const again = await client.send(new GetIdCommand({ IdentityPoolId: poolId, Logins }));
    assert.equal(again.IdentityId, IdentityId);
    const given = await client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
    assert.equal(given.IdentityId, IdentityId);
    assert.match(given.Credentials!.AccessKeyId!, /^ASIA[A-Z2-7]{16}$/);
    const sdk = newSdk(server.endpoint, { credentials: forClient(given.Credentials) });
    const described = await sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }));
    assert.equal(described.UserPool?.Id, userPoolId);
    await assert.rejects(
      makePool({ client: sdk }),
      refused("AccessDeniedException", /assumed-role\/role\d+\/CognitoIdentityCredentials is not authorized/),
    );
    sdk.destroy();
  });

  test("that a token was accepted before helps no other text, and only until it expires", async () => {
    const { server, client, userPoolId, poolId, clientId } = await world();
    const name = providerOf(userPoolId);
    const identify = (token: string) =>
      client.send(new GetIdCommand({ IdentityPoolId: poolId, Logins: { [name]: token } }));
    const mine = (await newUser(server, userPoolId, clientId)).IdToken;
    const theirs = (await newUser(server, userPoolId, clientId)).IdToken;
    const [{ IdentityId }, other] = [await identify(mine), await identify(theirs)];
    assert.equal((await identify(mine)).IdentityId, IdentityId);
    assert.notEqual(other.IdentityId, IdentityId);
    const [header, body] = mine.split(".");
    const signature = theirs.split(".")[2];
    for (const token of [`${header}.${body}.${signature}`, `${header}.${body}.`, `${mine}A`, `${mine}.x`])
      await assert.rejects(identify(token), refused("NotAuthorizedException", /^Invalid login token\. Not/));
    const { now } = server.clock;
    server.clock.advance(3_600_000);
    client.config.systemClockOffset = server.clock.now - Date.now();
    await assert.rejects(identify(mine), refused("NotAuthorizedException", /expired/));
    server.clock.advance(now - server.clock.now);
    client.config.systemClockOffset = 0;
  });

  test("a login gets as many identities a day as the limit says; what is refused adds none", async () => {
    const { server, client, userPoolId, poolId: IdentityPoolId, clientId } = await world();
    const Logins = { [providerOf(userPoolId)]: (await newUser(server, userPoolId, clientId)).IdToken };
    const identify = () => client.send(new GetIdCommand({ IdentityPoolId, Logins }));
    const forget = (IdentityId: string) =>
      client.send(new DeleteIdentitiesCommand({ IdentityIdsToDelete: [IdentityId] }));
    const limit = server.app.config.limits["identities-per-login"];
    const ids = new Set<string>();
    for (let at = 0; at < limit; at++) {
      const { IdentityId } = await identify();
      ids.add(IdentityId!);
      await forget(IdentityId!);
    }
    assert.equal(ids.size, limit);
    const list = new ListIdentitiesCommand({ IdentityPoolId, MaxResults: 60 });
    const before = (await client.send(list)).Identities;
    for (let again = 0; again < 2; again++)
      await assert.rejects(identify(), refused("TooManyRequestsException"));
    assert.deepEqual((await client.send(list)).Identities, before);
  });

  test("fromCognitoIdentityPool signs calls", async () => {
    const { server, userPoolId, poolId, clientId } = await world();
    const { IdToken } = await newUser(server, userPoolId, clientId);
    const sdk = newSdk(server.endpoint, {
      credentials: fromCognitoIdentityPool({
        identityPoolId: poolId,
        logins: { [providerOf(userPoolId)]: IdToken },
        clientConfig: { endpoint: server.endpoint, region: "us-east-1" },
      }),
    });
    const described = await sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }));
    assert.equal(described.UserPool?.Id, userPoolId);
    sdk.destroy();
  });

  test("a guest becomes the user who signs in, with the same identity", async () => {
    const { server, client, userPoolId, poolId, clientId } = await world();
    const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId }));
    const guest = await client.send(new GetCredentialsForIdentityCommand({ IdentityId }));
    const sdk = newSdk(server.endpoint, { credentials: forClient(guest.Credentials) });
    await assert.rejects(
      sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId })),
      refused("AccessDeniedException", /explicit deny in a session policy/),
    );
    sdk.destroy();
    const Logins = { [providerOf(userPoolId)]: (await newUser(server, userPoolId, clientId)).IdToken };
    const user = await client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
    assert.equal(user.IdentityId, IdentityId);
    await assert.rejects(
      client.send(new GetCredentialsForIdentityCommand({ IdentityId })),
      refused("NotAuthorizedException", `Access to Identity '${IdentityId}' is forbidden.`),
    );
    const stranger = { [providerOf(userPoolId)]: (await newUser(server, userPoolId, clientId)).IdToken };
    await assert.rejects(
      client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins: stranger })),
      refused("NotAuthorizedException"),
    );
  });

  test("a trust policy tests what it can test of AssumeRoleWithWebIdentity", async () => {
    const { server, client, userPoolId, poolId, clientId } = await world();
    const Logins = { [providerOf(userPoolId)]: (await newUser(server, userPoolId, clientId)).IdToken };
    const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId, Logins }));
    const roles = await client.send(new GetIdentityPoolRolesCommand({ IdentityPoolId: poolId }));
    const credentialsUnder = async (statement: object) => {
      const trust = trusting(poolId, "authenticated") as { Statement: object[] };
      trust.Statement.push({ Principal: "*", Action: "sts:*", ...statement });
      const Roles = { ...roles.Roles, authenticated: await makeRole(server, trust) };
      await client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: poolId, Roles }));
      return client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
    };
    const denyIf = (Condition: object) => credentialsUnder({ Effect: "Deny", Condition });
    const misconfigured = refused("InvalidIdentityPoolConfigurationException");
    try {
      for (const condition of [
        { DateGreaterThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } },
        { Bool: { "aws:SecureTransport": "false" } },
        { StringEquals: { "aws:RequestedRegion": "us-east-1" } },
      ])
        await assert.rejects(denyIf(condition), misconfigured, JSON.stringify(condition));
      assert.ok(await denyIf({ DateLessThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } }));
    } finally {
      await client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: poolId, Roles: roles.Roles }));
    }
  });

  test("the basic flow is refused unless the pool allows it", async () => {
    const { client, poolId } = await world();
    const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId }));
    await assert.rejects(
      client.send(new GetOpenIdTokenCommand({ IdentityId })),
      refused("InvalidParameterException", "Basic (classic) flow is not enabled, please use enhanced flow."),
    );
  });
});

async function makeWorld(open: () => Promise<TestServer>): Promise<World> {
  const server = await open();
  const client = identityClient(server);
  const { UserPoolId, ClientId } = await makePool(server);
  const poolId = await makeIdentityPool(client, {
    AllowUnauthenticatedIdentities: true,
    CognitoIdentityProviders: [{ ProviderName: providerOf(UserPoolId), ClientId }],
  });
  await giveRoles(server, client, poolId, { authenticated: describing, unauthenticated: describing });
  return { server, client, userPoolId: UserPoolId, clientId: ClientId, poolId };
}

const newUser = async (server: TestServer, userPoolId: string, clientId: string) =>
  signIn(server, clientId, await makeSomebody(server, userPoolId));
