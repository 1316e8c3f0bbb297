/** The issuer of identity pools' tokens: its discovery, as other people's libraries read it, and the rotation of its key. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, describe, test } from "node:test";
import {
  type CognitoIdentityClient,
  GetIdCommand,
  GetOpenIdTokenCommand,
} from "@aws-sdk/client-cognito-identity";
import { CreateUserPoolDomainCommand } from "@aws-sdk/client-cognito-identity-provider";
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { allowInsecureRequests, discovery } from "openid-client";
import { rotateIdentityKeys } from "../../src/domain/identities/rotate-identity-keys.ts";
import { publishedBeforeSigning } from "../../src/domain/tokens/rotate-keys.ts";
import { identityPoolsOwner, readSigningKeys } from "../../src/store/signing-keys.ts";
import { sweep } from "../../src/store/sweep.ts";
import { start } from "../clients/house.ts";
import { ask as askAt } from "../kit/ask.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { makePool, refused } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { identityClient, makeIdentityPool, makeRole, trusting } from "./setup.ts";
import { keysOf, stsClient } from "./sts-setup.ts";

const minute = 60_000;
const hour = 60 * minute;
const guests = { AllowUnauthenticatedIdentities: true, AllowClassicFlow: true };

const jwksOf = async (endpoint: string) => {
  const response = await fetch(`${endpoint}/identity/.well-known/jwks.json`);
  assert.equal(response.headers.get("cache-control"), "public, max-age=300");
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  return ((await response.json()) as { keys: { kid: string; x5c: string[]; x5t: string; n: string }[] }).keys;
};
const kidsOf = async (endpoint: string) => (await jwksOf(endpoint)).map(({ kid }) => kid);
const kidOf = (token: string) => decodeProtectedHeader(token).kid!;

async function guestToken(client: CognitoIdentityClient, IdentityPoolId: string): Promise<string> {
  const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId }));
  return (await client.send(new GetOpenIdTokenCommand({ IdentityId }))).Token!;
}

forEachServer("the issuer of identity pools", (open) => {
  let client: CognitoIdentityClient | undefined;
  after(() => client?.destroy());
  const made = async () => {
    const server = await open();
    client ??= identityClient(server);
    client.config.systemClockOffset = server.clock.now - Date.now();
    return { server, client, poolId: await makeIdentityPool(client, guests) };
  };

  test("is found by discovery, and its tokens verify by jose", async () => {
    const { server, client, poolId } = await made();
    const token = await guestToken(client, poolId);
    const issuer = `${server.endpoint}/identity`;
    const found = await discovery(new URL(issuer), "any", undefined, undefined, {
      execute: [allowInsecureRequests],
    });
    const { jwks_uri, issuer: named, id_token_signing_alg_values_supported } = found.serverMetadata();
    assert.deepEqual([named, id_token_signing_alg_values_supported], [issuer, ["RS256"]]);
    const keys = createRemoteJWKSet(new URL(jwks_uri!));
    const { payload } = await jwtVerify(token, keys, { issuer, audience: poolId, algorithms: ["RS256"] });
    assert.deepEqual(payload["amr"], ["unauthenticated"]);
    const [key] = await jwksOf(server.endpoint);
    const certificate = new X509Certificate(Buffer.from(key!.x5c[0]!, "base64"));
    assert.equal(certificate.publicKey.export({ format: "jwk" }).n, key!.n);
  });

  test("neither it nor STS is served at another host, or at a pool's domain", async () => {
    const { server } = await made();
    const { UserPoolId } = await makePool(server);
    await server.client.send(
      new CreateUserPoolDomainCommand({
        ...{ UserPoolId, Domain: "sts.pool.example" },
        CustomDomainConfig: { CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/any" },
      }),
    );
    const discovery = "/identity/.well-known/openid-configuration";
    const body = new URLSearchParams({ Action: "GetCallerIdentity", Version: "2011-06-15" });
    for (const [host, status] of [
      ["elsewhere.example", 421],
      ["sts.pool.example", 404],
    ] as const) {
      const headers = { host, accept: "application/json" };
      for (const path of [discovery, "/identity/.well-known/jwks.json", `/?${body}`])
        assert.equal(
          (await askAt(`${server.endpoint}${path}`, { headers })).status,
          status,
          `${host}${path}`,
        );
      assert.equal((await askAt(server.endpoint, { method: "POST", headers, body })).status, status, host);
    }
  });

  test("a rotation publishes the successor before it signs, the key that signs comes first, and the former goes at last", async () => {
    const { server, client, poolId } = await made();
    const { app, clock } = server;
    const former = kidOf(await guestToken(client, poolId));
    const rotate = (atOnce: boolean) => rotateIdentityKeys(app, { atOnce });
    const outcomes = await Promise.all([1, 2, 3].map(async () => (await rotate(false)).outcome));
    assert.deepEqual(outcomes.sort(), ["done", "under-way", "under-way"]);
    assert.equal((await rotate(false)).outcome, "under-way");
    clock.advance(minute + 1000);
    const published = await kidsOf(server.endpoint);
    assert.deepEqual([published.length, published[0]], [2, former]);
    const before = await guestToken(client, poolId);
    assert.equal(kidOf(before), former);
    clock.advance(publishedBeforeSigning);
    const successor = kidOf(await guestToken(client, poolId));
    assert.notEqual(successor, former);
    assert.ok(published.includes(successor));
    assert.deepEqual(await kidsOf(server.endpoint), [successor, former]);
    await sweep(app.db, clock.now + hour);
    const [old] = await readSigningKeys(app.db, identityPoolsOwner, clock.now);
    assert.equal(old?.privateKey, undefined);
    clock.advance(25 * hour);
    assert.deepEqual(await kidsOf(server.endpoint), [successor]);
    await sweep(app.db, clock.now);
    const [row, ...more] = await readSigningKeys(app.db, identityPoolsOwner, 0);
    assert.deepEqual([row?.kid, more.length], [successor, 0]);
  });

  test("after a leak: the new key signs, and former tokens are refused within a minute", async () => {
    const { server, client, poolId } = await made();
    const RoleArn = await makeRole(server, trusting(poolId, "unauthenticated"));
    const sts = stsClient(server);
    const exchange = (WebIdentityToken: string) =>
      sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: "app", WebIdentityToken }));
    const stolen = await guestToken(client, poolId);
    await exchange(stolen);
    assert.equal((await rotateIdentityKeys(server.app, { atOnce: true })).outcome, "done");
    server.clock.advance(minute + 1000);
    await assert.rejects(exchange(stolen), refused("InvalidIdentityTokenException"));
    await exchange(await guestToken(client, poolId));
    assert.equal((await kidsOf(server.endpoint)).length, 1);
    sts.destroy();
  });
});

describe("two servers on one database", () => {
  forEachDatabase((database, _open, fresh) => {
    test("a token of one is exchanged at the other, whose credentials the first accepts", async () => {
      const house = await start(fresh, database === "postgres" ? 2 : 1);
      const [first, second] = [house.servers[0]!, house.servers.at(-1)!].map(({ app }) => ({
        app,
        endpoint: `http://localhost:${app.config.port}`,
      })) as [Pick<TestServer, "app" | "endpoint">, Pick<TestServer, "app" | "endpoint">];
      const [client, other] = [identityClient(first), stsClient(second)];
      try {
        const poolId = await makeIdentityPool(client, guests);
        const RoleArn = await makeRole(second, trusting(poolId, "unauthenticated"));
        const token = await guestToken(client, poolId);
        assert.deepEqual(await kidsOf(first.endpoint), await kidsOf(second.endpoint));
        const { Credentials, AssumedRoleUser } = await other.send(
          new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: "app", WebIdentityToken: token }),
        );
        const sts = stsClient(first, { credentials: keysOf(Credentials) });
        assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Arn, AssumedRoleUser?.Arn);
        sts.destroy();
      } finally {
        client.destroy();
        other.destroy();
        await house.close();
      }
    });
  });
});
