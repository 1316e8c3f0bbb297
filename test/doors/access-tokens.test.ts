/** Every operation that an access token authorizes × every invalid token: refused, without any effect. */
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
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt, decodeProtectedHeader, exportJWK, exportSPKI, importJWK } from "jose";
import { shapeOf } from "../../src/wire/model.ts";
import { arrive, identity, newSubject, offer, tokensOf } from "../federation/people.ts";
import { makeClient, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { oauthClient } from "../oauth/support.ts";
import { everyRow } from "./database.ts";
import { authorizedBy, type KnownOperation } from "./operations.ts";
import { inBatches, post, unsigned } from "./wire.ts";
import { makeWorld } from "./world.ts";

interface BadToken {
  readonly token: string | undefined;
  readonly type: string;
  readonly message: string;
}

interface Tokens {
  readonly AccessToken: string;
  readonly IdToken: string;
  readonly RefreshToken: string;
}

const refusedAs = (message: string) => (token: string) => ({
  token,
  type: "NotAuthorizedException",
  message,
});
const invalid = refusedAs("Invalid Access Token");
const revoked = refusedAs("Access Token has been revoked");

const encode = (value: object | string | Buffer) =>
  Buffer.from(typeof value === "string" || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString(
    "base64url",
  );

function jwtBy(key: KeyObject, header: object, claims: object): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${encode(sign("sha256", Buffer.from(text), key))}`;
}

async function signIn({ client }: TestServer, ClientId: string, USERNAME: string): Promise<Tokens> {
  const AuthParameters = { USERNAME, PASSWORD: password };
  const answer = await client.send(
    new sdk.InitiateAuthCommand({ ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters }),
  );
  return answer.AuthenticationResult as Tokens;
}

/** The pool's published key with this kid, in each form that a careless verifier could take for an HMAC secret. */
async function publishedKey(server: TestServer, poolId: string, kid: string | undefined) {
  const answer = await fetch(`${server.endpoint}/${poolId}/.well-known/jwks.json`);
  const { keys } = (await answer.json()) as { keys: { kid: string; n: string }[] };
  const jwk = keys.find((key) => key.kid === kid) ?? assert.fail("the key is not published");
  const pem = await exportSPKI((await importJWK(jwk, "RS256")) as webcrypto.CryptoKey);
  return { jwk, pem };
}

/** Tokens that were made up, altered, or are of another kind. */
async function forgeries(
  server: TestServer,
  of: { UserPoolId: string; tokens: Tokens; other: Tokens; otherPool: string },
): Promise<Record<string, BadToken>> {
  const { tokens, other } = of;
  const header = decodeProtectedHeader(tokens.AccessToken);
  const claims = decodeJwt(tokens.AccessToken);
  const [head, body, signature] = tokens.AccessToken.split(".") as [string, string, string];
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = await exportJWK(publicKey);
  const published = await publishedKey(server, of.UserPoolId, header.kid);
  const x5c = [publicKey.export({ type: "spki", format: "der" }).toString("base64")];
  const jku = `${server.endpoint}/${of.otherPool}/.well-known/jwks.json`;
  const mac = (secret: string | Buffer) => {
    const text = `${encode({ ...header, alg: "HS256" })}.${body}`;
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  };
  const idKid = decodeProtectedHeader(tokens.IdToken).kid;
  const [otherHead, , otherSignature] = other.AccessToken.split(".");
  const claimsHere = { ...decodeJwt(other.AccessToken), client_id: claims["client_id"] };
  const made: Record<string, string> = {
    "another key under the same kid": jwtBy(privateKey, header, claims),
    "an altered payload": `${head}.${encode({ ...claims, username: "root", sub: randomUUID() })}.${signature}`,
    "a later expiry": `${head}.${encode({ ...claims, exp: claims.exp! + 3600 })}.${signature}`,
    "more scopes": `${head}.${encode({ ...claims, scope: `${claims["scope"]} openid` })}.${signature}`,
    "an altered header": `${encode({ ...header, typ: "JWT" })}.${body}.${signature}`,
    "alg none": `${encode({ ...header, alg: "none" })}.${body}.`,
    "alg None, with a signature": `${encode({ ...header, alg: "None" })}.${body}.${signature}`,
    "no alg": `${encode({ kid: header.kid })}.${body}.${signature}`,
    "no signature": `${head}.${body}.`,
    "half a signature": `${head}.${body}.${signature.slice(0, 100)}`,
    "HS256 by the public key's PEM": mac(published.pem),
    "HS256 by the trimmed PEM": mac(published.pem.trim()),
    "HS256 by the modulus": mac(Buffer.from(published.jwk.n, "base64url")),
    "HS256 by the JWK": mac(JSON.stringify(published.jwk)),
    "HS256 by nothing": mac(""),
    "an embedded jwk": jwtBy(privateKey, { ...header, jwk }, claims),
    "an embedded jwk, no kid": jwtBy(privateKey, { alg: "RS256", jwk }, claims),
    "a jku": jwtBy(privateKey, { ...header, jku }, claims),
    "a jku on a signature that is right": `${encode({ ...header, jku })}.${body}.${signature}`,
    "an x5c": jwtBy(privateKey, { ...header, x5c }, claims),
    "an x5u": jwtBy(privateKey, { ...header, x5u: jku }, claims),
    "an unknown kid": jwtBy(privateKey, { ...header, kid: "unknown" }, claims),
    "a kid that is a path": jwtBy(privateKey, { ...header, kid: "../../dev/null" }, claims),
    "a kid that is SQL": jwtBy(privateKey, { ...header, kid: "' or 1=1 --" }, claims),
    "a kid that is no text": jwtBy(privateKey, { ...header, kid: [header.kid] }, claims),
    "another pool's kid": jwtBy(privateKey, decodeProtectedHeader(other.AccessToken), claims),
    "another pool's token for this pool's client": `${otherHead}.${encode(claimsHere)}.${otherSignature}`,
    "a critical extension": jwtBy(privateKey, { ...header, crit: ["b64"], b64: false }, claims),
    "the ID token": tokens.IdToken,
    "the ID token's body under the access token's head": `${head}.${tokens.IdToken.split(".")[1]}.${signature}`,
    "the access token's body under the ID key's kid": `${encode({ ...header, kid: idKid })}.${body}.${signature}`,
    "the refresh token": tokens.RefreshToken,
    "two parts": `${head}.${body}`,
    "four parts": `${tokens.AccessToken}.x`,
    "no JSON": `${encode("x")}.${encode("y")}.${encode("z")}`,
    "claims that are a list": `${head}.${encode([])}.${signature}`,
    "claims that are null": `${head}.${encode("null")}.${signature}`,
    "a client that is __proto__": `${head}.${encode({ ...claims, client_id: "__proto__" })}.${signature}`,
    "a client with a NUL": `${head}.${encode({ ...claims, client_id: "a\0b" })}.${signature}`,
    "a user with a NUL": `${head}.${encode({ ...claims, sub: "a\0b" })}.${signature}`,
    "a session with a NUL": `${head}.${encode({ ...claims, event_id: "a\0b" })}.${signature}`,
    "a session with half a pair": `${head}.${encode({ ...claims, event_id: "\ud800" })}.${signature}`,
    "a client that is no text": `${head}.${encode({ ...claims, client_id: [claims["client_id"]] })}.${signature}`,
    "a word": "token",
    dots: "..",
  };
  return Object.fromEntries(Object.entries(made).map(([what, token]) => [what, invalid(token)]));
}

/** Tokens that were once valid and have ended, each in a different way. */
async function ended(
  server: TestServer,
  UserPoolId: string,
  ClientId: string,
): Promise<Record<string, BadToken>> {
  const { client } = server;
  const bad: Record<string, BadToken> = {};
  const end = async (
    what: string,
    how: (user: { Username: string; tokens: Tokens }) => Promise<unknown>,
    as: (token: string) => BadToken = revoked,
  ) => {
    const attributes = [
      { Name: "email", Value: newAddress() },
      { Name: "email_verified", Value: "true" },
    ];
    const Username = await makeUser(server, UserPoolId, `user${Object.keys(bad).length}`, attributes);
    const tokens = await signIn(server, ClientId, Username);
    await how({ Username, tokens });
    bad[what] = as(tokens.AccessToken);
  };
  const gone = (token: string) => ({
    token,
    type: "UserNotFoundException",
    message: "User does not exist.",
  });
  const admin = { UserPoolId };
  await end("signed out", ({ tokens }) => client.send(new sdk.GlobalSignOutCommand(tokens)));
  await end("signed out by an administrator", ({ Username }) =>
    client.send(new sdk.AdminUserGlobalSignOutCommand({ ...admin, Username })),
  );
  await end("revoked", ({ tokens }) =>
    client.send(new sdk.RevokeTokenCommand({ ClientId, Token: tokens.RefreshToken })),
  );
  await end("of a disabled user", ({ Username }) =>
    client.send(new sdk.AdminDisableUserCommand({ ...admin, Username })),
  );
  await end("of a user disabled and enabled again", async ({ Username }) => {
    await client.send(new sdk.AdminDisableUserCommand({ ...admin, Username }));
    await client.send(new sdk.AdminEnableUserCommand({ ...admin, Username }));
  });
  await end("before an administrator set a password", ({ Username }) =>
    client.send(
      new sdk.AdminSetUserPasswordCommand({
        ...admin,
        Username,
        Password: "Another-Horse-8",
        Permanent: true,
      }),
    ),
  );
  await end("before an administrator set a temporary password", ({ Username }) =>
    client.send(new sdk.AdminSetUserPasswordCommand({ ...admin, Username, Password: "Another-Horse-8" })),
  );
  await end("before a reset", ({ Username }) =>
    client.send(new sdk.AdminResetUserPasswordCommand({ ...admin, Username })),
  );
  await end(
    "of a deleted user",
    ({ Username }) => client.send(new sdk.AdminDeleteUserCommand({ ...admin, Username })),
    gone,
  );
  await end(
    "of a user who deleted himself",
    ({ tokens }) => client.send(new sdk.DeleteUserCommand(tokens)),
    gone,
  );
  await end(
    "of a user deleted and made again",
    async ({ Username }) => {
      await client.send(new sdk.AdminDeleteUserCommand({ ...admin, Username }));
      await makeUser(server, UserPoolId, Username);
    },
    gone,
  );
  const Username = await makeUser(server, UserPoolId, "anybody");
  const lost = await makeClient(server, UserPoolId);
  bad["of a deleted client"] = invalid((await signIn(server, lost.ClientId, Username)).AccessToken);
  await client.send(new sdk.DeleteUserPoolClientCommand({ ...admin, ClientId: lost.ClientId }));
  const pool = await makePool(server);
  await makeUser(server, pool.UserPoolId, "anybody");
  bad["of a deleted pool"] = invalid((await signIn(server, pool.ClientId, "anybody")).AccessToken);
  await client.send(new sdk.DeleteUserPoolCommand({ UserPoolId: pool.UserPoolId }));
  return bad;
}

/** Refusals that only the operation itself can have made. */
const reached: Readonly<Record<string, string>> = {
  VerifyUserAttribute: "CodeMismatchException",
  VerifySoftwareToken: "EnableSoftwareTokenMFAException",
  CompleteWebAuthnRegistration: "InvalidParameterException",
  DeleteWebAuthnCredential: "ResourceNotFoundException",
  // The token comes from a sign-in on another device.
  ConfirmDevice: "ResourceNotFoundException",
};

function needsToken({ facts, shapes }: KnownOperation): boolean {
  const input = shapeOf(shapes, facts.input!);
  return input.type === "structure" && input.members["AccessToken"]?.required === true;
}

/**
 * What a new user of an identity provider is refused, with a token that is good: there is no password, device, passkey or other
 * session to change, no address, and no code that was sent.
 */
const hasNone: Readonly<Record<string, string>> = {
  ChangePassword: "NotAuthorizedException",
  CompleteWebAuthnRegistration: "InvalidParameterException",
  ConfirmDevice: "ResourceNotFoundException",
  DeleteWebAuthnCredential: "ResourceNotFoundException",
  ForgetDevice: "ResourceNotFoundException",
  GetDevice: "ResourceNotFoundException",
  GetUserAttributeVerificationCode: "InvalidParameterException",
  RevokeUserSession: "ResourceNotFoundException",
  UpdateDeviceStatus: "ResourceNotFoundException",
  VerifySoftwareToken: "EnableSoftwareTokenMFAException",
  VerifyUserAttribute: "ExpiredCodeException",
};

forOneServer("sqlite", "access tokens", (open) => {
  test("that of a user of an identity provider opens every operation", async () => {
    const server = await open();
    const world = await makeWorld(server);
    const { UserPoolId } = world;
    const { ClientId } = await makeClient(server, UserPoolId, oauthClient);
    const place = { server, UserPoolId, ClientId, base: `${server.endpoint}/${UserPoolId}` };
    await offer(place, "Corporate");
    const tokenOf = async () => {
      const signedIn = await arrive(place, identity(newSubject()));
      const scope = "openid aws.cognito.signin.user.admin";
      return String((await tokensOf(place, signedIn, { scope })).body["access_token"]);
    };
    const [own, leaving] = [await tokenOf(), await tokenOf()];
    const ends = ["GlobalSignOut", "DeleteUser"];
    const seen: Record<string, string> = {};
    for (const operation of authorizedBy("access-token", "access-token-or-session").toSorted(
      (a, b) => ends.indexOf(a.name) - ends.indexOf(b.name),
    )) {
      const AccessToken = operation.name === "DeleteUser" ? leaving : own;
      const body = JSON.stringify({ ...world.input(operation), AccessToken });
      const answer = await post(server.endpoint, unsigned(server.endpoint, operation, body));
      if (answer.status !== 200) seen[operation.name] = answer.type ?? "";
    }
    assert.deepEqual(seen, hasNone);
  });

  test("what is not a live access token opens nothing and changes nothing", async () => {
    const server = await open();
    server.clock.freeze();
    const world = await makeWorld(server);
    const { UserPoolId, ClientId, Username } = world;
    const old = await signIn(server, ClientId, Username);
    server.clock.advance(3_600_000);
    const tokens = await signIn(server, ClientId, Username);
    const elsewhere = await makePool(server);
    await makeUser(server, elsewhere.UserPoolId, "ann");
    const other = await signIn(server, elsewhere.ClientId, "ann");
    const bad: Record<string, BadToken> = {
      "no token": {
        token: undefined,
        type: "InvalidParameterException",
        message:
          "1 validation error detected: Value null at 'accessToken' failed to satisfy constraint: Member must not be null",
      },
      expired: refusedAs("Access Token has expired")(old.AccessToken),
      ...(await forgeries(server, { UserPoolId, tokens, other, otherPool: elsewhere.UserPoolId })),
      ...(await ended(server, UserPoolId, ClientId)),
    };
    const before = await everyRow(server.app);
    const operations = authorizedBy("access-token", "access-token-or-session");
    const call = async (operation: (typeof operations)[number], AccessToken: string | undefined) => {
      const body = JSON.stringify({ ...world.input(operation), AccessToken });
      return post(server.endpoint, unsigned(server.endpoint, operation, body));
    };
    const cases = operations.flatMap((operation) =>
      Object.entries(bad).map(([what, token]) => ({ operation, what, token })),
    );
    const wrong: string[] = [];
    await inBatches(cases, async ({ operation, what, token }) => {
      const { status, type, message } = await call(operation, token.token);
      // Operations that do not declare UserNotFoundException report a revoked token instead.
      const undeclared =
        !operation.facts.errors.includes(token.type) && token.type === "UserNotFoundException";
      // If the model lets the token be absent, the form of the call is fine.
      const isOptional = token.token === undefined && !needsToken(operation);
      const expected = undeclared ? revoked("") : isOptional ? invalid("") : token;
      if (status === 400 && type === expected.type && message === expected.message) return;
      wrong.push(`${operation.name}, ${what}: ${status} ${type} ${message}`);
    });
    assert.deepEqual(wrong, []);
    assert.deepEqual(await everyRow(server.app), before, "nothing changed");

    // The control: with the token that the forgeries were derived from, each of them is admitted.
    const refused: string[] = [];
    const ends = ["ForgetDevice", "GlobalSignOut", "DeleteUser"];
    const leaver = await signIn(server, ClientId, await makeUser(server, UserPoolId, "leaver"));
    for (const operation of operations.toSorted((a, b) => ends.indexOf(a.name) - ends.indexOf(b.name))) {
      const { AccessToken } = operation.name === "DeleteUser" ? leaver : tokens;
      const { status, type, message } = await call(operation, AccessToken);
      const letIn = status === 200 || type === reached[operation.name];
      if (!letIn) refused.push(`${operation.name}: ${status} ${type} ${message}`);
    }
    assert.deepEqual(refused, []);
  });
});
