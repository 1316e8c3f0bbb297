/** What must be refused, with the documented type and never a 500: tokens, sessions, signatures, flows, malformed calls. */
import assert from "node:assert/strict";
import {
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  type webcrypto,
} from "node:crypto";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  GetUserCommand,
  RevokeTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt, decodeProtectedHeader, exportJWK, exportSPKI, importJWK } from "jose";
import { signRequest } from "../../src/lib/sigv4.ts";
import { forEachServer, rootKey, type TestServer } from "../api/server.ts";
import {
  call,
  makeClient,
  makePool,
  makeUser,
  password,
  type RawAnswer,
  secretHash,
  signIn,
  unique,
} from "./support.ts";

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

/** A call signed by hand, so that it can be signed wrongly. */
function signed(
  server: TestServer,
  operation: string,
  body: object,
  how: Partial<Parameters<typeof signRequest>[1]> & {
    after?: (headers: Record<string, string>) => void;
  } = {},
): Promise<RawAnswer> {
  const url = new URL(server.endpoint);
  const headers: Record<string, string> = {
    host: url.host,
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
  };
  const text = JSON.stringify(body);
  const request = {
    method: "POST",
    path: "/",
    query: "",
    headers: Object.entries(headers),
    body: Buffer.from(text),
  };
  const { after, ...options } = how;
  Object.assign(
    headers,
    signRequest(request, {
      ...rootKey,
      region: "us-east-1",
      service: "cognito-idp",
      now: server.clock.now,
      ...options,
    }),
  );
  after?.(headers);
  const { host, ...sent } = headers;
  assert.ok(host);
  return call(server.endpoint, operation, text, sent);
}

forEachServer("refused", (open) => {
  const start = async (settings: Parameters<typeof makeClient>[2] = {}) => {
    const server = await open();
    const poolId = await makePool(server);
    const client = await makeClient(server, poolId, settings);
    return { server, poolId, client, endpoint: server.endpoint };
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

  test("sessions that are made up, another client's, expired, or used", async () => {
    const { server, poolId, client, endpoint } = await start();
    const other = await makeClient(server, poolId);
    const challenge = async () => {
      const Username = unique("grace");
      await server.client.send(
        new AdminCreateUserCommand({
          UserPoolId: poolId,
          Username,
          TemporaryPassword: "Temporary-1",
          MessageAction: "SUPPRESS",
        }),
      );
      const { body } = await call(endpoint, "InitiateAuth", {
        AuthFlow: "USER_PASSWORD_AUTH",
        ClientId: client.id,
        AuthParameters: { USERNAME: Username, PASSWORD: "Temporary-1" },
      });
      assert.equal(body["ChallengeName"], "NEW_PASSWORD_REQUIRED");
      return { Username, Session: body["Session"] as string };
    };
    const respond = (Username: string, Session: unknown, ClientId = client.id) =>
      call(endpoint, "RespondToAuthChallenge", {
        ClientId,
        ChallengeName: "NEW_PASSWORD_REQUIRED",
        Session,
        ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: password },
      });
    const message = (answer: RawAnswer) => {
      assert.deepEqual([answer.status, answer.type], [400, "NotAuthorizedException"], answer.message);
      return answer.message;
    };
    const { Username, Session } = await challenge();
    const stranger = await challenge();
    const invalid = "Invalid session for the user.";
    assert.equal(message(await respond(Username, "a".repeat(200))), invalid);
    assert.equal(message(await respond(Username, `${Session.slice(0, -8)}AAAAAAAA`)), invalid);
    assert.equal(message(await respond(Username, Session.slice(0, 40))), invalid);
    assert.equal(message(await respond(Username, Session, other.id)), invalid);
    assert.equal(message(await respond(Username, stranger.Session)), invalid);
    const without = await respond(Username, undefined);
    assert.deepEqual(
      [without.status, without.type, without.message],
      [400, "InvalidParameterException", "Missing required parameter Session"],
    );
    assert.equal((await respond(Username, Session)).status, 200);
    assert.equal(
      message(await respond(Username, Session)),
      "Invalid session for the user, session can only be used once.",
    );
    const late = await challenge();
    server.clock.advance(181_000);
    assert.equal(
      message(await respond(late.Username, late.Session)),
      "Invalid session for the user, session is expired.",
    );
  });

  test("administrators' calls that are unsigned, or signed wrongly", async () => {
    const { server, poolId, endpoint } = await start();
    const body = { UserPoolId: poolId };
    const type = async (answer: Promise<RawAnswer>) => {
      const { status, type } = await answer;
      assert.equal(status, 400);
      return type;
    };
    assert.equal((await signed(server, "DescribeUserPool", body)).status, 200);
    const operations: Record<string, object> = {
      DescribeUserPool: body,
      ListUserPools: { MaxResults: 1 },
      DeleteUserPool: body,
      AdminCreateUser: { ...body, Username: "eve" },
      AdminInitiateAuth: { ...body, ClientId: "x", AuthFlow: "ADMIN_NO_SRP_AUTH" },
    };
    for (const [operation, input] of Object.entries(operations)) {
      assert.equal(await type(call(endpoint, operation, input)), "MissingAuthenticationTokenException");
    }
    const late = { now: server.clock.now - 6 * 60_000 };
    const early = { now: server.clock.now + 6 * 60_000 };
    const header = (name: string, value: (was: string) => string) => ({
      after: (headers: Record<string, string>) => {
        headers[name] = value(headers[name]!);
      },
    });
    const dropped = (name: string) => header("authorization", (was) => was.replace(`;${name}`, ""));
    const cases: [string, Parameters<typeof signed>[3], string][] = [
      ["the wrong secret", { secretAccessKey: "another-secret" }, "InvalidSignatureException"],
      ["an unknown key", { accessKeyId: "AKIANOSUCHKEY0000000" }, "UnrecognizedClientException"],
      ["another service", { service: "s3" }, "InvalidSignatureException"],
      ["the other pools' service", { service: "cognito-identity" }, "InvalidSignatureException"],
      ["six minutes late", late, "InvalidSignatureException"],
      ["six minutes early", early, "InvalidSignatureException"],
      ["a session token nobody gave out", { sessionToken: "token" }, "UnrecognizedClientException"],
      ["a date changed later", header("x-amz-date", () => "20200101T000000Z"), "InvalidSignatureException"],
      ["the target unsigned", dropped("x-amz-target"), "InvalidSignatureException"],
      ["the date unsigned", dropped("x-amz-date"), "InvalidSignatureException"],
      [
        "another target",
        header("x-amz-target", () => "AWSCognitoIdentityProviderService.DeleteUserPool"),
        "InvalidSignatureException",
      ],
      [
        "no signature",
        header("authorization", (was) => was.replace(/Signature=.*/, "")),
        "IncompleteSignatureException",
      ],
      [
        "another algorithm",
        header("authorization", (was) => was.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")),
        "IncompleteSignatureException",
      ],
      ["a bearer token", header("authorization", () => "Bearer token"), "IncompleteSignatureException"],
      ["an empty header", header("authorization", () => "AWS4-HMAC-SHA256"), "IncompleteSignatureException"],
    ];
    for (const [what, how, expected] of cases) {
      const answer = await signed(server, "DescribeUserPool", body, how);
      assert.deepEqual([answer.status, answer.type], [400, expected], `${what}: ${answer.message}`);
    }
    assert.equal((await signed(server, "DescribeUserPool", body)).status, 200, "the pool is still there");
  });

  test("flows that the client does not allow, or that are the other call's", async () => {
    const { server, poolId } = await start();
    const { id: ClientId } = await makeClient(server, poolId, { ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH"] });
    const open = await makeClient(server, poolId);
    const name = await makeUser(server, poolId);
    const { RefreshToken } = await signIn(server, open, name);
    const AuthParameters = {
      USERNAME: name,
      PASSWORD: password,
      SRP_A: "abcdef",
      REFRESH_TOKEN: RefreshToken,
    };
    const initiate = (client: string, AuthFlow: string) =>
      call(server.endpoint, "InitiateAuth", { AuthFlow, ClientId: client, AuthParameters });
    const byAdmin = (client: string, AuthFlow: string) =>
      signed(server, "AdminInitiateAuth", { UserPoolId: poolId, AuthFlow, ClientId: client, AuthParameters });
    const notAllowed = [
      "USER_PASSWORD_AUTH",
      "USER_SRP_AUTH",
      "REFRESH_TOKEN_AUTH",
      "REFRESH_TOKEN",
      "USER_AUTH",
    ];
    for (const flow of notAllowed) {
      const answer = await initiate(ClientId, flow);
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], flow);
    }
    for (const flow of ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH", "USER_SRP_AUTH"]) {
      const answer = await byAdmin(ClientId, flow);
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], flow);
    }
    for (const answer of [
      await initiate(open.id, "ADMIN_USER_PASSWORD_AUTH"),
      await initiate(open.id, "ADMIN_NO_SRP_AUTH"),
      await byAdmin(open.id, "USER_PASSWORD_AUTH"),
    ]) {
      assert.deepEqual(
        [answer.status, answer.type, answer.message],
        [400, "InvalidParameterException", "Initiate Auth method not supported."],
      );
    }
    for (const flow of ["", "PASSWORD", "user_password_auth", "__proto__", "constructor"]) {
      const answer = await initiate(open.id, flow);
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], flow);
      assert.match(answer.message, /enum value set/);
    }
    // Another client's refresh token, and another pool's client.
    const second = await makeClient(server, poolId);
    const foreign = await initiate(second.id, "REFRESH_TOKEN_AUTH");
    assert.deepEqual([foreign.type, foreign.message], ["NotAuthorizedException", "Invalid Refresh Token."]);
    const elsewhere = await makePool(server);
    const crossed = await signed(server, "AdminInitiateAuth", {
      UserPoolId: elsewhere,
      ClientId: open.id,
      AuthFlow: "ADMIN_NO_SRP_AUTH",
      AuthParameters,
    });
    assert.deepEqual([crossed.status, crossed.type], [400, "ResourceNotFoundException"]);
  });

  test("a secret hash that is missing or wrong", async () => {
    const { server, poolId, client, endpoint } = await start({ GenerateSecret: true });
    const name = await makeUser(server, poolId);
    const right = secretHash(name, client);
    const wrong = secretHash("somebody-else", client);
    const ClientId = client.id;
    const auth = { AuthFlow: "USER_PASSWORD_AUTH", ClientId };
    const parameters = { USERNAME: name, PASSWORD: password };
    const good = await call(endpoint, "InitiateAuth", {
      ...auth,
      AuthParameters: { ...parameters, SECRET_HASH: right },
    });
    assert.equal(good.status, 200);
    const { RefreshToken } = good.body["AuthenticationResult"] as { RefreshToken: string };
    const flows: Record<string, (hash: string | undefined) => Promise<RawAnswer>> = {
      USER_PASSWORD_AUTH: (SECRET_HASH) =>
        call(endpoint, "InitiateAuth", { ...auth, AuthParameters: { ...parameters, SECRET_HASH } }),
      USER_SRP_AUTH: (SECRET_HASH) =>
        call(endpoint, "InitiateAuth", {
          AuthFlow: "USER_SRP_AUTH",
          ClientId,
          AuthParameters: { USERNAME: name, SRP_A: "abcdef0123456789", SECRET_HASH },
        }),
      REFRESH_TOKEN_AUTH: (SECRET_HASH) =>
        call(endpoint, "InitiateAuth", {
          AuthFlow: "REFRESH_TOKEN_AUTH",
          ClientId,
          AuthParameters: { REFRESH_TOKEN: RefreshToken, SECRET_HASH },
        }),
      ADMIN_NO_SRP_AUTH: (SECRET_HASH) =>
        signed(server, "AdminInitiateAuth", {
          UserPoolId: poolId,
          ClientId,
          AuthFlow: "ADMIN_NO_SRP_AUTH",
          AuthParameters: { ...parameters, SECRET_HASH },
        }),
      RespondToAuthChallenge: (SECRET_HASH) =>
        call(endpoint, "RespondToAuthChallenge", {
          ClientId,
          ChallengeName: "NEW_PASSWORD_REQUIRED",
          Session: "a".repeat(64),
          ChallengeResponses: { USERNAME: name, NEW_PASSWORD: password, SECRET_HASH },
        }),
      SignUp: (SecretHash) =>
        call(endpoint, "SignUp", { ClientId, Username: unique("eve"), Password: password, SecretHash }),
      ConfirmSignUp: (SecretHash) =>
        call(endpoint, "ConfirmSignUp", { ClientId, Username: name, ConfirmationCode: "000000", SecretHash }),
      ResendConfirmationCode: (SecretHash) =>
        call(endpoint, "ResendConfirmationCode", { ClientId, Username: name, SecretHash }),
      ForgotPassword: (SecretHash) =>
        call(endpoint, "ForgotPassword", { ClientId, Username: name, SecretHash }),
      ConfirmForgotPassword: (SecretHash) =>
        call(endpoint, "ConfirmForgotPassword", {
          ClientId,
          Username: name,
          ConfirmationCode: "000000",
          Password: password,
          SecretHash,
        }),
      GetTokensFromRefreshToken: (ClientSecret) =>
        call(endpoint, "GetTokensFromRefreshToken", { ClientId, RefreshToken, ClientSecret }),
      RevokeToken: (ClientSecret) =>
        call(endpoint, "RevokeToken", { ClientId, Token: RefreshToken, ClientSecret }),
    };
    for (const [flow, run] of Object.entries(flows)) {
      for (const hash of [undefined, wrong, "AAAA", "a".repeat(44)]) {
        if (hash?.includes("=") && /^(?:GetTokens|Revoke)/.test(flow)) continue; // No such secret can be written.
        const answer = await run(hash);
        const expected =
          flow === "RevokeToken"
            ? /^(?:UnauthorizedException|NotAuthorizedException|InvalidParameterException)$/
            : /^(?:NotAuthorizedException|InvalidParameterException)$/;
        assert.equal(answer.status, 400, `${flow} with ${hash}`);
        assert.match(answer.type ?? "", expected, `${flow} with ${hash}: ${answer.message}`);
        if (answer.type === "InvalidParameterException") assert.match(answer.message, /clientSecret/);
      }
    }
    const missing = await flows["USER_PASSWORD_AUTH"]!(undefined);
    assert.equal(
      missing.message,
      `Client ${ClientId} is configured with secret but SECRET_HASH was not received`,
    );
    assert.equal((await flows["REFRESH_TOKEN_AUTH"]!(right)).status, 200, "nothing was revoked");
  });

  test("bodies that are not what the model says", async () => {
    const { endpoint, client } = await start();
    const raw: [string, string | Uint8Array][] = [
      ["no JSON", "{"],
      ["a text", '"x"'],
      ["a list", "[]"],
      ["a number", "1"],
      ["null", "null"],
      ["a comma too many", '{"ClientId":"x",}'],
      ["single quotes", "{'ClientId':'x'}"],
      ["two documents", "{}{}"],
      ["XML", "<a/>"],
      ["a form", "Action=SignUp&Version=2016-04-18"],
      ["no UTF-8", Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
      ["a NUL", "\u0000"],
      ["ten thousand brackets", "[".repeat(10_000)],
      ["ten thousand objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
    ];
    for (const operation of ["SignUp", "InitiateAuth", "GetUser", "ConfirmSignUp"]) {
      for (const [what, body] of raw) {
        const answer = await call(endpoint, operation, body);
        assert.deepEqual(
          [answer.status, answer.type],
          [400, "SerializationException"],
          `${operation}: ${what}`,
        );
      }
    }
    const typed: [string, object][] = [
      ["SignUp", { ClientId: 1, Username: "a", Password: password }],
      ["SignUp", { ClientId: client.id, Username: ["a"], Password: password }],
      ["SignUp", { ClientId: client.id, Username: "a", Password: true }],
      ["SignUp", { ClientId: client.id, Username: "half a pair: \ud800", Password: password }],
      ["SignUp", { ClientId: client.id, Username: "a", Password: password, UserAttributes: {} }],
      ["SignUp", { ClientId: client.id, Username: "a", Password: password, UserAttributes: ["x"] }],
      ["SignUp", { ClientId: client.id, Username: "a", Password: password, ClientMetadata: [] }],
      ["SignUp", { ClientId: client.id, Username: "a", Password: password, ClientMetadata: { a: 1 } }],
      ["InitiateAuth", { ClientId: client.id, AuthFlow: 1 }],
      ["InitiateAuth", { ClientId: client.id, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: "USERNAME=a" }],
      [
        "InitiateAuth",
        { ClientId: client.id, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: {} } },
      ],
      ["ConfirmSignUp", { ClientId: client.id, Username: "a", ConfirmationCode: 123456 }],
      [
        "ConfirmSignUp",
        { ClientId: client.id, Username: "a", ConfirmationCode: "1", ForceAliasCreation: "yes" },
      ],
      ["GetUser", { AccessToken: { token: 1 } }],
    ];
    for (const [operation, body] of typed) {
      const answer = await call(endpoint, operation, body);
      const what = `${operation} ${JSON.stringify(body)}`;
      assert.deepEqual([answer.status, answer.type], [400, "SerializationException"], what);
      assert.equal("Message" in answer.body, true, "spelled with a capital");
    }
  });

  test("members that are missing, null, empty, too long, or outside what is listed", async () => {
    const { server, poolId, client, endpoint } = await start();
    const long = "a".repeat(3_000);
    const ClientId = client.id;
    const ok = { ClientId, Username: "ada", Password: password };
    const withoutLogin: [string, object, RegExp][] = [
      ["SignUp", {}, /^[23] validation errors detected: .*Value null at 'clientId'/],
      [
        "SignUp",
        { ClientId, Password: password },
        /Value null at 'username' failed .*Member must not be null/,
      ],
      ["SignUp", { ...ok, Username: null }, /Value null at 'username'/],
      ["SignUp", { ...ok, Username: "" }, /at 'username' .*length greater than or equal to 1/],
      ["SignUp", { ...ok, Username: long }, /at 'username' .*length less than or equal to 128/],
      ["SignUp", { ...ok, Username: "a b\n" }, /at 'username' .*regular expression pattern/],
      ["SignUp", { ...ok, Password: long }, /at 'password' .*length less than or equal to 256/],
      ["SignUp", { ...ok, ClientId: "a-b" }, /at 'clientId' .*regular expression pattern/],
      ["SignUp", { ...ok, ClientId: long }, /at 'clientId' .*length less than or equal to 128/],
      ["SignUp", { ...ok, UserAttributes: [{ Value: "x" }] }, /at 'userAttributes\.1\.member\.name'/],
      [
        "SignUp",
        { ...ok, UserAttributes: [{ Name: "name", Value: long }] },
        /length less than or equal to 2048/,
      ],
      ["SignUp", { ...ok, UserAttributes: [{ Name: "flavor", Value: "x" }] }, /flavor/],
      [
        "SignUp",
        { ...ok, UserAttributes: [{ Name: "email", Value: "nonsense" }] },
        /Invalid email address format\./,
      ],
      [
        "SignUp",
        { ...ok, UserAttributes: [{ Name: "phone_number", Value: "1" }] },
        /Invalid phone number format\./,
      ],
      ["ConfirmSignUp", { ClientId, Username: "ada" }, /Value null at 'confirmationCode'/],
      ["ConfirmSignUp", { ClientId, Username: "ada", ConfirmationCode: long }, /less than or equal to 2048/],
      ["InitiateAuth", { ClientId }, /Value null at 'authFlow'/],
      ["InitiateAuth", { ClientId, AuthFlow: "USER_PASSWORD_AUTH" }, /^Missing required parameter USERNAME$/],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: "ada", PASSWORD: null } },
        /^Missing required parameter PASSWORD$/,
      ],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters: { USERNAME: "ada" } },
        /^Missing required parameter SRP_A$/,
      ],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: {} },
        /^Missing required parameter REFRESH_TOKEN$/,
      ],
      ["RespondToAuthChallenge", { ClientId, ChallengeName: "NOPE" }, /enum value set/],
      [
        "RespondToAuthChallenge",
        { ClientId, ChallengeName: "PASSWORD_VERIFIER" },
        /Missing required parameter USERNAME/,
      ],
      [
        "RespondToAuthChallenge",
        { ClientId, ChallengeName: "PASSWORD_VERIFIER", Session: "short" },
        /at 'session' .*length greater than or equal to 20/,
      ],
      ["GetUser", {}, /Value null at 'accessToken'/],
      ["GetUser", { AccessToken: "not a token" }, /at 'accessToken' .*regular expression pattern/],
      ["GetTokensFromRefreshToken", { ClientId }, /Value null at 'refreshToken'/],
      ["ForgotPassword", { Username: "ada" }, /Value null at 'clientId'/],
    ];
    for (const [operation, body, message] of withoutLogin) {
      const answer = await call(endpoint, operation, body);
      const what = `${operation} ${JSON.stringify(body).slice(0, 200)}: ${answer.type} ${answer.message}`;
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], what);
      assert.match(answer.message, message, what);
    }
    const UserPoolId = poolId;
    const ofAdministrators: [string, object, RegExp][] = [
      ["ListUserPools", {}, /Value null at 'maxResults'/],
      ["ListUserPools", { MaxResults: 0 }, /at 'maxResults' .*value greater than or equal to 1/],
      ["ListUserPools", { MaxResults: 61 }, /at 'maxResults' .*value less than or equal to 60/],
      ["CreateUserPool", {}, /Value null at 'poolName'/],
      ["CreateUserPool", { PoolName: "a".repeat(129) }, /less than or equal to 128/],
      [
        "CreateUserPool",
        { PoolName: "p", MfaConfiguration: "MAYBE" },
        /enum value set: \[OFF, ON, OPTIONAL\]|enum value set/,
      ],
      ["DescribeUserPool", { UserPoolId: "nonsense" }, /at 'userPoolId' .*regular expression pattern/],
      ["ListUsers", { UserPoolId, Limit: 61 }, /less than or equal to 60/],
      ["ListUsers", { UserPoolId, Filter: "a".repeat(257) }, /less than or equal to 256/],
      ["ListUsers", { UserPoolId, PaginationToken: "made-up" }, /./],
      ["ListUserPools", { MaxResults: 1, NextToken: "made-up" }, /./],
      ["AdminCreateUser", { UserPoolId }, /Value null at 'username'/],
      [
        "CreateUserPoolClient",
        { UserPoolId, ClientName: "c", ExplicitAuthFlows: ["NOPE"] },
        /explicitAuthFlows/,
      ],
      ["CreateGroup", { UserPoolId, GroupName: "g", Precedence: -1 }, /greater than or equal to 0/],
      ["AdminAddUserToGroup", { UserPoolId, Username: "ada" }, /Value null at 'groupName'/],
    ];
    for (const [operation, body, message] of ofAdministrators) {
      const answer = await signed(server, operation, body);
      const what = `${operation} ${JSON.stringify(body).slice(0, 200)}: ${answer.type} ${answer.message}`;
      assert.deepEqual([answer.status, answer.type], [400, "InvalidParameterException"], what);
      assert.match(answer.message, message, what);
    }
  });

  test("targets that do not exist, clients that do not exist, and hosts that are not this one's", async () => {
    const { endpoint, server } = await start();
    for (const target of [
      "AWSCognitoIdentityProviderService.NoSuchOperation",
      "AWSCognitoIdentityProviderService.__proto__",
      "AWSCognitoIdentityProviderService.constructor",
      "AWSCognitoIdentityProviderService.",
      "SignUp",
      "",
      "AWSCognitoIdentityService.SignUp",
      "AWSCognitoIdentityProviderService.SignUp.More",
    ]) {
      const answer = await call(endpoint, "", {}, { "x-amz-target": target });
      assert.deepEqual([answer.status, answer.body], [400, { __type: "UnknownOperationException" }], target);
    }
    const ClientId = "0".repeat(26);
    const unknown: [string, object][] = [
      ["SignUp", { ClientId, Username: "ada", Password: password }],
      [
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: "a", PASSWORD: "b" } },
      ],
      ["ForgotPassword", { ClientId, Username: "ada" }],
    ];
    for (const [operation, body] of unknown) {
      const answer = await call(endpoint, operation, body);
      assert.deepEqual(
        [answer.status, answer.type, answer.message],
        [400, "ResourceNotFoundException", `User pool client ${ClientId} does not exist.`],
      );
    }
    // A notYet operation says so after it was authorized and checked, not before.
    assert.equal(
      (await call(endpoint, "CreateUserPoolDomain", {})).type,
      "MissingAuthenticationTokenException",
    );
    const later = await signed(server, "CreateUserPoolDomain", {});
    assert.equal(later.type, "InvalidParameterException");
    const huge = await fetch(endpoint, {
      method: "POST",
      headers: { "x-amz-target": "AWSCognitoIdentityProviderService.SignUp" },
      body: "x".repeat(4 * 1024 * 1024),
    });
    assert.equal(huge.status, 413);
    const { port } = new URL(endpoint);
    const status = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { host, "x-amz-target": "AWSCognitoIdentityProviderService.SignUp" };
        const request = httpRequest({ host: "127.0.0.1", port, method: "POST", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.on("error", reject).end("{}");
      });
    assert.equal(await status(`localhost:${port}`), 400);
    assert.equal(await status("rebound.example.com"), 421);
  });
});
