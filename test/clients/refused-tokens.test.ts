/** Access tokens that must be refused, by every operation that takes one, before it does anything. */
import assert from "node:assert/strict";
import {
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  type webcrypto,
} from "node:crypto";
import { test } from "node:test";
import { GetUserCommand, RevokeTokenCommand } from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt, decodeProtectedHeader, exportJWK, exportSPKI, importJWK } from "jose";
import { forEachServer, type TestServer } from "../api/server.ts";
import { call, makeClient, makePool, makeUser, password, signIn } from "./support.ts";

const encode = (value: object | string | Buffer) =>
  Buffer.from(typeof value === "string" || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString(
    "base64url",
  );

function jwtBy(key: KeyObject, header: object, claims: object): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${encode(sign("sha256", Buffer.from(text), key))}`;
}

/** Everything that takes an access token, and would do something. */
const tokenOperations: Readonly<Record<string, object>> = {
  GetUser: {},
  UpdateUserAttributes: { UserAttributes: [{ Name: "name", Value: "Eve" }] },
  DeleteUserAttributes: { UserAttributeNames: ["email"] },
  ChangePassword: { PreviousPassword: password, ProposedPassword: "Another-Horse-2" },
  GetUserAttributeVerificationCode: { AttributeName: "email" },
  VerifyUserAttribute: { AttributeName: "email", Code: "000000" },
  GlobalSignOut: {},
  DeleteUser: {},
};

async function refusedEverywhere(server: TestServer, token: string, message: string, what: string) {
  for (const [operation, input] of Object.entries(tokenOperations)) {
    const answer = await call(server.endpoint, operation, { AccessToken: token, ...input });
    assert.deepEqual(
      [answer.status, answer.type, answer.message],
      [400, "NotAuthorizedException", message],
      `${what}: ${operation}`,
    );
    assert.equal(answer.headers.get("x-amzn-errortype"), "NotAuthorizedException:");
  }
}

forEachServer("access tokens refused", (open) => {
  const start = async () => {
    const server = await open();
    const poolId = await makePool(server);
    const client = await makeClient(server, poolId);
    return { server, poolId, client };
  };

  test("access tokens that are made up, changed, or of another kind", async () => {
    const { server, poolId, client } = await start();
    const name = await makeUser(server, poolId);
    const { AccessToken, IdToken } = await signIn(server, client, name);
    const header = decodeProtectedHeader(AccessToken);
    const claims = decodeJwt(AccessToken);
    const [head, body, signature] = AccessToken.split(".") as [string, string, string];
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = await exportJWK(publicKey);
    const { keys } = (await (await fetch(`${server.endpoint}/${poolId}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string; n: string }[];
    };
    const published = keys.find((key) => key.kid === header.kid)!;
    const publishedPem = await exportSPKI((await importJWK(published, "RS256")) as webcrypto.CryptoKey);
    const mac = (secret: string | Buffer) => {
      const text = `${encode({ ...header, alg: "HS256" })}.${body}`;
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    };
    const otherPool = await makePool(server);
    const otherClient = await makeClient(server, otherPool);
    const other = await signIn(server, otherClient, await makeUser(server, otherPool));
    const idKid = decodeProtectedHeader(IdToken).kid;
    const cases: Record<string, string> = {
      "another key under the same kid": jwtBy(privateKey, header, claims),
      "an altered payload": `${head}.${encode({ ...claims, username: "root", sub: randomUUID() })}.${signature}`,
      "an altered header": `${encode({ ...header, typ: "JWT" })}.${body}.${signature}`,
      "alg none": `${encode({ ...header, alg: "none" })}.${body}.`,
      "alg None, with a signature": `${encode({ ...header, alg: "None" })}.${body}.${signature}`,
      "no signature": `${head}.${body}.`,
      "HS256 by the public key's PEM": mac(publishedPem),
      "HS256 by the trimmed PEM": mac(publishedPem.trim()),
      "HS256 by the modulus": mac(Buffer.from(published.n, "base64url")),
      "HS256 by nothing": mac(""),
      "an embedded jwk": jwtBy(privateKey, { ...header, jwk }, claims),
      "an embedded jwk, no kid": jwtBy(privateKey, { alg: "RS256", jwk }, claims),
      "a jku": jwtBy(
        privateKey,
        { ...header, jku: `${server.endpoint}/${otherPool}/.well-known/jwks.json` },
        claims,
      ),
      "an x5c": jwtBy(
        privateKey,
        { ...header, x5c: [publicKey.export({ type: "spki", format: "der" }).toString("base64")] },
        claims,
      ),
      "an unknown kid": jwtBy(privateKey, { ...header, kid: "unknown" }, claims),
      "a kid that is a path": jwtBy(privateKey, { ...header, kid: "../../dev/null" }, claims),
      "a critical extension": jwtBy(privateKey, { ...header, crit: ["b64"], b64: false }, claims),
      "the ID token": IdToken,
      "the ID token's body under the access token's head": `${head}.${IdToken.split(".")[1]}.${signature}`,
      "the access token's body under the ID key's kid": `${encode({ ...header, kid: idKid })}.${body}.${signature}`,
      "another pool's signature on this client's claims": jwtBy(
        privateKey,
        decodeProtectedHeader(other.AccessToken),
        claims,
      ),
      "this pool's client in another pool's token": `${other.AccessToken.split(".")[0]}.${encode({ ...(decodeJwt(other.AccessToken) as object), client_id: client.id })}.${other.AccessToken.split(".")[2]}`,
      "two parts": `${head}.${body}`,
      "four parts": `${AccessToken}.x`,
      "no JSON": `${encode("x")}.${encode("y")}.${encode("z")}`,
      "claims that are a list": `${head}.${encode([])}.${signature}`,
      "a word": "token",
      dots: "..",
    };
    for (const [what, token] of Object.entries(cases)) {
      await refusedEverywhere(server, token, "Invalid Access Token", what);
    }
    // Nothing of it had an effect, and the real one still works.
    const user = await server.client.send(new GetUserCommand({ AccessToken }));
    assert.ok(user.UserAttributes?.some((one) => one.Name === "email"));
    assert.ok(!user.UserAttributes?.some((one) => one.Name === "name"));
    await signIn(server, client, name);
  });

  test("access tokens of before: expired, revoked, of a deleted user", async () => {
    const { server, poolId, client } = await start();
    const old = await signIn(server, client, await makeUser(server, poolId));
    server.clock.advance(61 * 60_000);
    await refusedEverywhere(server, old.AccessToken, "Access Token has expired", "expired");
    const revoked = await signIn(server, client, await makeUser(server, poolId));
    await server.client.send(new RevokeTokenCommand({ ClientId: client.id, Token: revoked.RefreshToken }));
    await refusedEverywhere(server, revoked.AccessToken, "Access Token has been revoked", "revoked");
    const gone = await signIn(server, client, await makeUser(server, poolId));
    assert.equal((await call(server.endpoint, "DeleteUser", { AccessToken: gone.AccessToken })).status, 200);
    const answer = await call(server.endpoint, "GetUser", { AccessToken: gone.AccessToken });
    assert.equal(answer.status, 400);
    assert.match(answer.type ?? "", /^(?:UserNotFoundException|NotAuthorizedException)$/);
  });
});
