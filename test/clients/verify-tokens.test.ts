/** Tokens as others verify them: aws-jwt-verify and jose by the published keys, and the claims they find. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  CreateGroupCommand,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { CognitoJwtVerifier, JwtVerifier } from "aws-jwt-verify";
import { type Jwks, SimpleJwksCache } from "aws-jwt-verify/jwk";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import {
  everyFlow,
  makeClient,
  makePool,
  makeSomebody,
  signIn,
  uuid,
  verifiedByMail,
} from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

/** aws-jwt-verify's own fetcher speaks https only; the cache that asks is its own. */
const overHttp = () =>
  new SimpleJwksCache({ fetcher: { fetch: async (uri) => (await fetch(uri)).arrayBuffer() } });

async function publishedKeys(server: TestServer, poolId: string): Promise<Jwks> {
  const response = await fetch(`${server.endpoint}/${poolId}/.well-known/jwks.json`);
  assert.equal(response.status, 200);
  return (await response.json()) as Jwks;
}

forOneServer("postgres", "tokens", (open) => {
  const start = async (settings: Parameters<typeof makePool>[1] = {}) => {
    const server = await open();
    const { UserPoolId: poolId } = await makePool(server, { ...verifiedByMail, ...settings });
    const client = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow });
    const issuer = `${server.endpoint}/${poolId}`;
    return { server, poolId, client, issuer, jwksUri: `${issuer}/.well-known/jwks.json` };
  };

  test("aws-jwt-verify's JwtVerifier accepts both, each for its use", async () => {
    const { server, poolId, client, issuer, jwksUri } = await start();
    const tokens = await signIn(server, client.ClientId, await makeSomebody(server, poolId));
    const ids = JwtVerifier.create({ issuer, audience: client.ClientId, jwksUri }, { jwksCache: overHttp() });
    assert.equal((await ids.verify(tokens.IdToken))["token_use"], "id");
    const accesses = JwtVerifier.create(
      {
        issuer,
        audience: null,
        jwksUri,
        customJwtCheck: ({ payload }) => assert.equal(payload["client_id"], client.ClientId),
      },
      { jwksCache: overHttp() },
    );
    assert.equal((await accesses.verify(tokens.AccessToken))["token_use"], "access");
    // An access token has no audience, and another client's ID token another one.
    await assert.rejects(ids.verify(tokens.AccessToken));
    const other = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow });
    const foreign = await signIn(server, other.ClientId, await makeSomebody(server, poolId));
    await assert.rejects(ids.verify(foreign.IdToken), /Audience not allowed/);
    // Of another pool: another issuer, and keys this one does not publish.
    const elsewhere = await start();
    const stranger = await signIn(
      server,
      elsewhere.client.ClientId,
      await makeSomebody(server, elsewhere.poolId),
    );
    await assert.rejects(accesses.verify(stranger.AccessToken));
  });

  test("jose verifies both by the remote key set, and by discovery", async () => {
    const { server, poolId, client, issuer } = await start();
    const tokens = await signIn(server, client.ClientId, await makeSomebody(server, poolId));
    const discovered = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as {
      issuer: string;
      jwks_uri: string;
    };
    assert.equal(discovered.issuer, issuer);
    const keys = createRemoteJWKSet(new URL(discovered.jwks_uri));
    await jwtVerify(tokens.IdToken, keys, { issuer, audience: client.ClientId, algorithms: ["RS256"] });
    await jwtVerify(tokens.AccessToken, keys, { issuer, algorithms: ["RS256"] });
    const [head, body, signature] = tokens.IdToken.split(".");
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(tokens.IdToken), sub: "someone" }));
    assert.ok(body);
    await assert.rejects(jwtVerify(`${head}.${forged.toString("base64url")}.${signature}`, keys));
  });

  test("CognitoJwtVerifier accepts a pool with the issuer of AWS", async () => {
    const { server, poolId, client } = await start({ UserPoolTags: { "poolhouse:issuer": "aws" } });
    const tokens = await signIn(server, client.ClientId, await makeSomebody(server, poolId));
    assert.equal(decodeJwt(tokens.IdToken).iss, `https://cognito-idp.us-east-1.amazonaws.com/${poolId}`);
    const jwks = await publishedKeys(server, poolId);
    const expected = { userPoolId: poolId, clientId: client.ClientId };
    const ids = CognitoJwtVerifier.create({ ...expected, tokenUse: "id" });
    const accesses = CognitoJwtVerifier.create({ ...expected, tokenUse: "access" });
    ids.cacheJwks(jwks);
    accesses.cacheJwks(jwks);
    assert.equal((await ids.verify(tokens.IdToken)).token_use, "id");
    assert.equal((await accesses.verify(tokens.AccessToken)).client_id, client.ClientId);
    await assert.rejects(ids.verify(tokens.AccessToken));
    await assert.rejects(accesses.verify(tokens.IdToken));
  });

  test("the published keys are public, two, and of different uses", async () => {
    const { server, poolId, client } = await start();
    const tokens = await signIn(server, client.ClientId, await makeSomebody(server, poolId));
    const { keys } = await publishedKeys(server, poolId);
    assert.equal(keys.length, 2);
    for (const key of keys) {
      assert.deepEqual(Object.keys(key).toSorted(), ["alg", "e", "kid", "kty", "n", "use"]);
      assert.deepEqual([key.kty, key.alg, key.use], ["RSA", "RS256", "sig"]);
      assert.equal(Buffer.from(String(key["n"]), "base64url").length, 256);
    }
    const [id, access] = [tokens.IdToken, tokens.AccessToken].map((token) => decodeProtectedHeader(token));
    assert.deepEqual(Object.keys(id!).toSorted(), ["alg", "kid"]);
    assert.deepEqual(Object.keys(access!).toSorted(), ["alg", "kid"]);
    assert.notEqual(id!.kid, access!.kid);
    assert.deepEqual([id!.kid, access!.kid].toSorted(), keys.map((key) => key["kid"]).toSorted());
    const cors = await fetch(`${server.endpoint}/${poolId}/.well-known/jwks.json`);
    assert.equal(cors.headers.get("access-control-allow-origin"), "*");
    const none = await fetch(`${server.endpoint}/us-east-1_nOtThere1/.well-known/jwks.json`);
    assert.equal(none.status, 404);
  });

  test("claims and their types are Cognito's", async () => {
    const { server, poolId, client, issuer } = await start({
      AutoVerifiedAttributes: ["email"],
      Schema: [
        { Name: "level", AttributeDataType: "Number", Mutable: true },
        { Name: "member", AttributeDataType: "Boolean", Mutable: true },
        { Name: "team", AttributeDataType: "String", Mutable: true },
      ],
    });
    const name = await makeSomebody(server, poolId, {
      email_verified: "true",
      phone_number: "+15555550100",
      phone_number_verified: "false",
      address: "1 Main Street",
      given_name: "Ada",
      "custom:level": "7",
      "custom:member": "true",
      "custom:team": "blue",
    });
    const group = { UserPoolId: poolId, GroupName: "staff" };
    const RoleArn = "arn:aws:iam::000000000000:role/staff";
    await server.client.send(new CreateGroupCommand({ ...group, RoleArn, Precedence: 0 }));
    await server.client.send(new AdminAddUserToGroupCommand({ ...group, Username: name }));
    const tokens = await signIn(server, client.ClientId, name);
    const id = decodeJwt(tokens.IdToken);
    const access = decodeJwt(tokens.AccessToken);

    const { sub, jti, origin_jti, event_id, iat, exp, auth_time, ...idRest } = id;
    assert.deepEqual(idRest, {
      aud: client.ClientId,
      iss: issuer,
      token_use: "id",
      "cognito:username": name,
      "cognito:groups": ["staff"],
      "cognito:roles": [RoleArn],
      "cognito:preferred_role": RoleArn,
      email: `${name}@example.com`,
      email_verified: true,
      phone_number: "+15555550100",
      phone_number_verified: false,
      address: { formatted: "1 Main Street" },
      given_name: "Ada",
      "custom:level": "7",
      "custom:member": "true",
      "custom:team": "blue",
    });
    for (const word of [sub, jti, origin_jti, event_id]) assert.match(String(word), uuid);
    for (const time of [iat, exp, auth_time]) assert.ok(Number.isSafeInteger(time));
    assert.equal(exp! - iat!, 3600);
    assert.ok(Math.abs(server.clock.now / 1000 - iat!) < 60);

    const { jti: accessJti, iat: issued, exp: expires, ...accessRest } = access;
    assert.deepEqual(accessRest, {
      sub,
      iss: issuer,
      token_use: "access",
      client_id: client.ClientId,
      username: name,
      scope: "aws.cognito.signin.user.admin",
      "cognito:groups": ["staff"],
      origin_jti,
      event_id,
      auth_time,
    });
    assert.notEqual(accessJti, jti);
    assert.equal(expires! - issued!, tokens.ExpiresIn);
  });

  test("without groups there is no claim; a refresh keeps auth_time, origin_jti and event_id", async () => {
    const { server, poolId, client } = await start();
    const tokens = await signIn(server, client.ClientId, await makeSomebody(server, poolId));
    const before = decodeJwt(tokens.IdToken);
    for (const claim of ["cognito:groups", "cognito:roles", "cognito:preferred_role"]) {
      assert.ok(!(claim in before), claim);
    }
    server.clock.advance(120_000);
    const answer = await server.client.send(
      new InitiateAuthCommand({
        AuthFlow: "REFRESH_TOKEN_AUTH",
        ClientId: client.ClientId,
        AuthParameters: { REFRESH_TOKEN: tokens.RefreshToken },
      }),
    );
    const after = decodeJwt(answer.AuthenticationResult!.IdToken!);
    for (const claim of ["auth_time", "origin_jti", "event_id", "sub"]) {
      assert.equal(after[claim], before[claim], claim);
    }
    assert.notEqual(after.jti, before.jti);
    assert.ok(after.iat! >= before.iat! + 119);
  });

  test("the client's token validity and readable attributes are kept", async () => {
    const { server, poolId } = await start();
    const client = await makeClient(server, poolId, {
      ExplicitAuthFlows: everyFlow,
      AccessTokenValidity: 10,
      IdTokenValidity: 2,
      RefreshTokenValidity: 1,
      TokenValidityUnits: { AccessToken: "minutes", IdToken: "hours", RefreshToken: "days" },
      ReadAttributes: ["email"],
    });
    const tokens = await signIn(
      server,
      client.ClientId,
      await makeSomebody(server, poolId, { given_name: "Ada" }),
    );
    const [id, access] = [decodeJwt(tokens.IdToken), decodeJwt(tokens.AccessToken)];
    assert.equal(access.exp! - access.iat!, 600);
    assert.equal(id.exp! - id.iat!, 7200);
    assert.equal(tokens.ExpiresIn, 600);
    assert.ok("email" in id && !("given_name" in id));
  });
});
