/** examples/accounts by its API: accounts are created, once each; what is asked wrongly is refused; who is let in. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  ConfirmForgotPasswordCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  ForgotPasswordCommand,
  ListUsersCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { everyFlow, makeClient, makePool, newAddress, password } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forOneServer } from "../kit/server.ts";
import {
  at,
  type Example,
  isNowhere,
  isWhole,
  me,
  post,
  postRaw,
  recordsOf,
  signIn,
  startOnce,
  usersOf,
} from "./accounts.ts";

const another = "Another-Horse-8";
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
type CreateCognitoUser = (userId: string, email: string, password: string) => Promise<unknown>;
type Seed = (configuration: object, poolId: string, clientId: string) => CreateCognitoUser;
const seed = createRequire(import.meta.url)("../clients/seed-002.cjs") as Seed;

forOneServer("postgres", "examples/accounts", (open) => {
  const running = startOnce(open);
  const example = async () => (await running()).app;

  test("the pool is as the post has it, and the server's key may do nothing else", async () => {
    const app = await example();
    const { UserPoolId, ClientId, server, key } = app;
    const { UserPool } = await server.client.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.equal(UserPool?.AdminCreateUserConfig?.AllowAdminCreateUserOnly, true);
    const described = await server.client.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    assert.equal(described.UserPoolClient?.ClientSecret, undefined);
    const flows = ["ADMIN_USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH", "USER_SRP_AUTH"];
    assert.deepEqual(
      described.UserPoolClient?.ExplicitAuthFlows?.toSorted(),
      flows.map((flow) => `ALLOW_${flow}`),
    );
    const other = await makePool(server);
    const client = newSdk(server.endpoint, { credentials: key });
    try {
      for (const command of [
        new ListUsersCommand({ UserPoolId }),
        new DescribeUserPoolCommand({ UserPoolId }),
        new AdminDeleteUserCommand({ UserPoolId, Username: "somebody" }),
        new AdminCreateUserCommand({ UserPoolId: other.UserPoolId, Username: "somebody" }),
      ])
        await assert.rejects(client.send(command as ListUsersCommand), { name: "AccessDeniedException" });
    } finally {
      client.destroy();
    }
  });

  test("the page is static, and may load and ask only its own server and the pool", async () => {
    const app = await example();
    const page = await fetch(at(app, "/"));
    const policy = page.headers.get("content-security-policy")!;
    const allowed = Object.fromEntries(policy.split("; ").map((one) => one.split(/ (.*)/)));
    assert.equal(allowed["default-src"], "'none'");
    assert.equal(allowed["script-src"], "'self'");
    assert.equal(allowed["connect-src"], `'self' ${app.server.endpoint}`);
    assert.equal(page.headers.get("cache-control"), "no-store");
    const scripts = [...(await page.text()).matchAll(/<script([^>]*)>([^<]*)/g)];
    assert.deepEqual(
      scripts.map(([, attributes, text]) => [/src="([^"]+)"/.exec(attributes!)?.[1], text]),
      [
        ["/amazon-cognito-identity.js", ""],
        ["/page.js", ""],
      ],
    );
    const told = await (await fetch(at(app, "/pool.json"))).json();
    const { UserPoolId, ClientId } = app;
    const { endpoint } = app.server;
    assert.deepEqual(told, { UserPoolId, ClientId, endpoint, inbox: `${endpoint}/inbox` });
    for (const path of ["/.env", "/accounts.db", "/policy.json", "/..%2f.env", "/app.ts", "/accounts"])
      assert.equal((await fetch(at(app, path))).status, 404, path);
  });

  test("an account is its record and the pool's user; asked again the same, it answers the same", async () => {
    const app = await example();
    const email = newAddress();
    const first = await post(app, email.toUpperCase(), { name: " Ann " });
    assert.equal(first.status, 201);
    const id = await isWhole(app, email);
    assert.ok((await signIn(app, email.toUpperCase())).AccessToken, "however its owner types the address");
    assert.equal(statSync(join(app.folder, "accounts.db")).mode & 0o777, 0o600);
    const { createdAt = "", ...told } = first.body;
    assert.deepEqual(told, { id, name: "Ann", email });
    assert.ok(!Number.isNaN(Date.parse(createdAt)));
    const again = await post(app, email);
    assert.deepEqual([again.status, again.body], [201, first.body]);
    const other = await post(app, email, { password: another, name: "Bob" });
    const taken = { message: "There is already an account with this email address." };
    assert.deepEqual([other.status, other.body], [409, taken]);
    assert.equal(await isWhole(app, email), id);
  });

  test("an address that its owner changed to one with capitals is still the account's", async () => {
    const app = await example();
    const [email, changed] = [newAddress(), newAddress()];
    const first = await post(app, email);
    const typed = changed.replace(/^./, (letter) => letter.toUpperCase());
    await app.server.client.send(
      new AdminUpdateUserAttributesCommand({
        UserPoolId: app.UserPoolId,
        Username: first.body["id"]!,
        UserAttributes: [
          { Name: "email", Value: typed },
          { Name: "email_verified", Value: "true" },
        ],
      }),
    );
    const { AccessToken } = await signIn(app, typed);
    assert.equal((await me(app, AccessToken)).body["email"], changed);
    for (const one of [changed, typed]) {
      const again = await post(app, one);
      assert.deepEqual([again.status, again.body["id"]], [201, first.body["id"]]);
    }
    await isWhole(app, changed);
  });

  test("a forgotten password is replaced as the README says, by an administrator or with a code", async () => {
    const app = await example();
    const { client } = app.server;
    const { UserPoolId, ClientId } = app;
    const email = newAddress();
    await post(app, email);
    const user = { UserPoolId, Username: email, Permanent: true };
    await client.send(new AdminSetUserPasswordCommand({ ...user, Password: another }));
    await isWhole(app, email, another);
    await client.send(new ForgotPasswordCommand({ ClientId, Username: email }));
    const ConfirmationCode = await app.server.code(email);
    const confirmed = { ClientId, Username: email, Password: password, ConfirmationCode };
    await client.send(new ConfirmForgotPasswordCommand(confirmed));
    assert.ok((await signIn(app, email)).AccessToken);
  });

  test("several requests at once for one address make one account", async () => {
    const app = await example();
    const email = newAddress();
    const same = await Promise.all(Array.from({ length: 6 }, () => post(app, email)));
    assert.deepEqual(new Set(same.map(({ status }) => status)), new Set([201]));
    assert.deepEqual(new Set(same.map(({ body }) => body["id"])), new Set([await isWhole(app, email)]));

    const contested = newAddress();
    const passwords = Array.from({ length: 4 }, (_, at) => `Contested-Horse-${at}`);
    const answers = await Promise.all(passwords.map((one) => post(app, contested, { password: one })));
    const winners = answers.flatMap(({ status }, at) => (status === 201 ? [passwords[at]!] : []));
    assert.equal(winners.length, 1, JSON.stringify(answers));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 409, 409, 409]);
    await isWhole(app, contested, winners[0]);
  });

  test("what the pool does not want as a password comes back with its message, and leaves nothing", async () => {
    const app = await example();
    for (const [bad, why] of [
      ["Short-1", /not long enough/],
      ["correct-horse-7", /uppercase/],
      [`Aa1-${"x".repeat(300)}`, /password/i],
      ["Correct-\0-Horse-7", /characters that cannot be used/],
    ] as const) {
      const email = newAddress();
      const { status, body } = await post(app, email, { password: bad });
      assert.equal(status, 400);
      assert.match(body["message"]!, why);
      await isNowhere(app, email);
    }
  });

  test("what is no request for an account is refused before anything is written", async () => {
    const app = await example();
    const calls = app.relay.calls.length;
    const email = newAddress();
    for (const change of [
      ...[{ name: undefined }, { name: 1 }, { name: "  " }, { name: "x".repeat(101) }, { name: ["x"] }],
      ...[{ name: "a\0b" }, { name: "a\nb" }, { name: "a\ud800" }, { email: "a\0b@mail.example" }],
      ...[{ email: undefined }, { email: "ann" }, { email: "a b@mail.example" }, { email: { $ne: "" } }],
      { email: `${"x".repeat(250)}@mail.example` },
      ...[{ password: undefined }, { password: "" }, { password: 12345678 }, { password: null }],
    ]) {
      const { status, body } = await post(app, email, change);
      assert.equal(status, 400, JSON.stringify(change));
      assert.match(body["message"]!, /^Please enter a/);
    }
    for (const body of ["", "null", "[]", '"x"', "7", "{", '{"name":'])
      assert.equal((await postRaw(app, body)).status, 400, body);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    assert.equal((await postRaw(app, `name=Ann&email=${email}&password=${password}`, form)).status, 415);
    assert.equal((await post(app, email, { name: "x".repeat(20_000) })).status, 413);
    assert.equal(app.relay.calls.length, calls);
    await isNowhere(app, email);
  });

  test("the post's code as it is printed makes users beside it, whose addresses are taken", async () => {
    const app = await example();
    const { accessKeyId, secretAccessKey } = app.key;
    const configuration = {
      endpoint: app.server.endpoint,
      region: "us-east-1",
      accessKeyId,
      secretAccessKey,
    };
    const email = newAddress();
    await seed(configuration, app.UserPoolId, app.ClientId)("user-1", email, password);
    const { AccessToken } = await signIn(app, email);
    assert.equal(decodeJwt(AccessToken!)["username"], "user-1");
    assert.equal((await me(app, AccessToken)).status, 404, "it has no record here");
    for (const one of [password, another])
      assert.equal((await post(app, email, { password: one })).status, 409);
    assert.deepEqual(recordsOf(app, email), []);
    assert.equal((await usersOf(app, email)).length, 1);
  });

  test("the record follows the address in the pool, and the former address is free", async () => {
    const app = await example();
    const [email, later] = [newAddress(), newAddress()];
    const { body } = await post(app, email);
    const Username = body["id"]!;
    const attributes = [
      { Name: "email", Value: later },
      { Name: "email_verified", Value: "true" },
    ];
    await app.server.client.send(
      new AdminUpdateUserAttributesCommand({
        UserPoolId: app.UserPoolId,
        Username,
        UserAttributes: attributes,
      }),
    );
    // Nobody has looked yet, and somebody else takes the former address.
    const next = await post(app, email, { password: another });
    assert.equal(next.status, 201);
    assert.notEqual(next.body["id"], Username);
    await isWhole(app, email, another);
    assert.equal(await isWhole(app, later), Username);
    assert.equal((await post(app, later, { password: another })).status, 409);
  });

  test("users whom an administrator disables, deletes or resets are no way in", async () => {
    const app = await example();
    const { client } = app.server;
    const email = newAddress();
    const { body } = await post(app, email);
    const user = { UserPoolId: app.UserPoolId, Username: body["id"]! };
    const { AccessToken } = await signIn(app, email);
    await client.send(new AdminDisableUserCommand(user));
    assert.equal((await me(app, AccessToken)).status, 404);
    assert.equal((await post(app, email)).status, 409);
    await client.send(new AdminDeleteUserCommand(user));
    assert.equal((await me(app, AccessToken)).status, 404);
    assert.equal((await post(app, email)).status, 409);

    const reset = newAddress();
    const Username = (await post(app, reset)).body["id"]!;
    const temporary = { ...user, Username, Password: another, Permanent: false };
    await client.send(new AdminSetUserPasswordCommand(temporary));
    assert.equal((await post(app, reset, { password: "Third-Horse-9" })).status, 409);
    await post(app, reset, { password: another });
    const [found] = await usersOf(app, reset);
    assert.equal(found?.UserStatus, "FORCE_CHANGE_PASSWORD", "the password is still to be changed");
  });

  test("the API admits live access tokens of its own client and pool only", async () => {
    const app = await example();
    const email = newAddress();
    const { body } = await post(app, email);
    const genuine = await signIn(app, email);
    const token = genuine.AccessToken!;
    assert.equal((await me(app, token)).status, 200);
    const [header, , signature] = token.split(".");
    const claims = Buffer.from(JSON.stringify({ ...decodeJwt(token), username: "x" })).toString("base64url");
    const unsigned = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    const forged = await new SignJWT(decodeJwt(token))
      .setProtectedHeader({ ...decodeProtectedHeader(token), alg: "RS256" })
      .sign(privateKey);
    const refused: Record<string, string> = {
      "no token": "ann",
      "an ID token": genuine.IdToken!,
      "a refresh token": genuine.RefreshToken!,
      "other claims": `${header}.${claims}.${signature}`,
      "no signature": `${header}.${claims}.`,
      "alg none": `${unsigned}.${claims}.`,
      "another key": forged,
      "another client": await tokenOfOtherClient(app, email),
      "another pool": await tokenOfOtherPool(app, body["id"]!),
      expired: await expiredToken(app, email),
    };
    for (const [what, wrong] of Object.entries(refused)) {
      const answer = await me(app, wrong);
      assert.equal(answer.status, 401, what);
      assert.equal(answer.headers.get("www-authenticate"), 'Bearer error="invalid_token"', what);
      assert.deepEqual(answer.body, { message: "Please sign in." });
    }
    const none = await me(app, undefined);
    assert.deepEqual([none.status, none.headers.get("www-authenticate")], [401, "Bearer"]);
  });
});

async function tokenOfOtherClient({ server, UserPoolId }: Example, email: string): Promise<string> {
  const { ClientId } = await makeClient({ client: server.client }, UserPoolId, {
    ExplicitAuthFlows: [...everyFlow],
  });
  return (await signIn({ server, UserPoolId, ClientId }, email)).AccessToken!;
}

/** Of a user of the same name. */
async function tokenOfOtherPool({ server }: Example, Username: string): Promise<string> {
  const { UserPoolId, ClientId } = await makePool(server, {}, { ExplicitAuthFlows: [...everyFlow] });
  const user = { UserPoolId, Username };
  await server.client.send(new AdminCreateUserCommand({ ...user, MessageAction: "SUPPRESS" }));
  await server.client.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
  return (await signIn({ server, UserPoolId, ClientId }, Username)).AccessToken!;
}

/** Tokens live for an hour. */
async function expiredToken(app: Example, email: string): Promise<string> {
  const longAgo = 61 * 60_000;
  app.server.clock.advance(-longAgo);
  try {
    return (await signIn(app, email)).AccessToken!;
  } finally {
    app.server.clock.advance(longAgo);
  }
}
