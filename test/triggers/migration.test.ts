/** UserMigration: users of another store move here at their first sign-in, or when they have forgotten the password. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  ConfirmForgotPasswordCommand,
  ForgotPasswordCommand,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { attributesOf, makePool, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { eventsOf, forOneServerWithFunctions, script, scripted, sourcesOf } from "./functions.ts";

const bySignIn = "UserMigration_Authentication";
const byForgetting = "UserMigration_ForgotPassword";

forOneServerWithFunctions("sqlite", "UserMigration", (open) => {
  const place = async (pool: object = {}, app: object = {}) => {
    const server = await open();
    const made = await makePool(
      server,
      {
        LambdaConfig: { UserMigration: scripted, PreAuthentication: scripted },
        AutoVerifiedAttributes: ["email"],
        Schema: [{ Name: "legacy_id", AttributeDataType: "String", Mutable: true }],
        ...pool,
      },
      {
        ExplicitAuthFlows: [
          "ALLOW_USER_PASSWORD_AUTH",
          "ALLOW_ADMIN_USER_PASSWORD_AUTH",
          "ALLOW_USER_SRP_AUTH",
        ],
        PreventUserExistenceErrors: "ENABLED",
        ...app,
      },
    );
    return { server, ...made };
  };
  const found = (more: object = {}, attributes: object = {}) => ({
    response: {
      userAttributes: {
        email: newAddress(),
        email_verified: "true",
        "custom:legacy_id": "4711",
        ...attributes,
      },
      finalUserStatus: "CONFIRMED",
      messageAction: "SUPPRESS",
      ...more,
    },
  });
  const get = ({ client }: TestServer, UserPoolId: string, Username: string) =>
    client.send(new AdminGetUserCommand({ UserPoolId, Username }));
  const wrong = refused("NotAuthorizedException", "Incorrect username or password.");

  test("the first sign-in makes the user, with the password; the second goes without the function", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const username = unique("user");
    const what = found();
    script(UserPoolId, bySignIn, what);
    // Shorter than this pool would allow: the other store has accepted it.
    const old = "old";
    await server.client.send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: username, PASSWORD: old },
        ClientMetadata: { a: "b" },
      }),
    );
    const [event, before = assert.fail("no event")] = eventsOf(UserPoolId);
    assert.deepEqual(event, {
      version: "1",
      triggerSource: bySignIn,
      region: "us-east-1",
      userPoolId: UserPoolId,
      userName: username,
      callerContext: { ...event?.callerContext, clientId: ClientId },
      request: { password: old, validationData: { a: "b" } },
      response: {
        userAttributes: null,
        finalUserStatus: null,
        messageAction: null,
        desiredDeliveryMediums: null,
        forceAliasCreation: null,
        enableSMSMFA: null,
      },
    });
    assert.equal(before.triggerSource, "PreAuthentication_Authentication");
    assert.equal((before.request["userAttributes"] as Record<string, string>)["custom:legacy_id"], "4711");
    const user = await get(server, UserPoolId, username);
    assert.equal(user.UserStatus, "CONFIRMED");
    assert.equal(attributesOf(user.UserAttributes)["custom:legacy_id"], "4711");
    assert.deepEqual(await server.inbox(what.response.userAttributes.email), []);
    await signIn(server, ClientId, username, old);
    assert.deepEqual(sourcesOf(UserPoolId), ["PreAuthentication_Authentication"]);
    await assert.rejects(signIn(server, ClientId, username, "other"), wrong);
  });

  test("who is refused there is refused here in Cognito's words, and nobody is made", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const username = unique("user");
    const refusals = [
      { throws: "Bad password" },
      { answer: null },
      { answer: 1 },
      { response: {} },
      { response: { userAttributes: null } },
      found({}, { "custom:unknown": "x" }),
      found({}, { sub: "6a7c1b0e-0000-4000-8000-000000000000" }),
      found({}, { email: "no address" }),
      found({ userAttributes: "text" }),
      found({}, { "custom:legacy_id": { toString: 1, valueOf: 1 } }),
      found({}, { "custom:legacy_id": ["4711"] }),
      found({}, { "custom:legacy_id": "4\u0000711" }),
      found({}, { "custom:legacy_id": "\ud800" }),
      found({ finalUserStatus: "\u0000" }),
    ];
    for (const what of refusals) {
      script(UserPoolId, bySignIn, what);
      await assert.rejects(signIn(server, ClientId, username), wrong, JSON.stringify(what));
      await assert.rejects(get(server, UserPoolId, username), { name: "UserNotFoundException" });
      server.clock.advance(60 * 60_000);
    }
    const open = await place({}, { PreventUserExistenceErrors: "LEGACY" });
    script(open.UserPoolId, bySignIn, { throws: "Bad password" });
    await assert.rejects(
      signIn(server, open.ClientId, username),
      refused("UserNotFoundException", "User does not exist."),
    );
  });

  test("guesses are counted before the other store is asked", async () => {
    const { server, UserPoolId, ClientId } = await place();
    script(UserPoolId, bySignIn, { throws: "Bad password" });
    const username = unique("user");
    const exceeded = refused("NotAuthorizedException", "Password attempts exceeded");
    await assert.rejects(async () => {
      for (let turn = 0; turn < 30; turn++)
        await signIn(server, ClientId, username).catch((error: Error) => {
          if (error.message !== wrong.message) throw error;
        });
    }, exceeded);
    eventsOf(UserPoolId);
    await assert.rejects(signIn(server, ClientId, username), exceeded);
    assert.deepEqual(eventsOf(UserPoolId), []);
  });

  /** What is counted for a pool, by kinds. */
  const counts = async ({ app }: TestServer, UserPoolId: string) => {
    const rows = await app.db.kysely
      .selectFrom("attempts")
      .select(["kind", "count"])
      .where("pool_id", "=", UserPoolId)
      .execute();
    return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
  };

  test("of guesses at once none gets to the other store that is not counted", async () => {
    const { server, UserPoolId, ClientId } = await place();
    script(UserPoolId, bySignIn, { throws: "Bad password" });
    const username = unique("user");
    const guesses = Array.from({ length: 20 }, (_, at) => signIn(server, ClientId, username, `guess ${at}`));
    const outcomes = await Promise.allSettled(guesses);
    assert.ok(outcomes.every(({ status }) => status === "rejected"));
    const asked = eventsOf(UserPoolId).filter(({ triggerSource }) => triggerSource === bySignIn).length;
    const counted = { password: asked, "passwords-per-address": asked };
    assert.deepEqual(await counts(server, UserPoolId), counted);
    // A right one does not stay counted.
    script(UserPoolId, bySignIn, found());
    await signIn(server, ClientId, unique("user"));
    const { "passwords-per-address": atAddress } = await counts(server, UserPoolId);
    assert.equal(atAddress, asked);
  });

  test("a first sign-in is not refused because of the guess that it is", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const { password: free } = server.app.config.limits;
    const username = unique("user");
    script(UserPoolId, bySignIn, { throws: "Bad password" });
    for (let turn = 1; turn < free; turn++) await assert.rejects(signIn(server, ClientId, username), wrong);
    script(UserPoolId, bySignIn, found());
    assert.ok(await signIn(server, ClientId, username));
    assert.ok(await signIn(server, ClientId, username));
  });

  test("a name that no request could have is nobody's, whoever has it elsewhere", async () => {
    const { server, UserPoolId, ClientId } = await place({ AliasAttributes: ["email"] });
    script(UserPoolId, bySignIn, found());
    for (const name of ["two words", "x".repeat(129), "tab\t"])
      await assert.rejects(signIn(server, ClientId, name), wrong, name);
    const email = newAddress();
    for (const username of ["two words", "x".repeat(129), ""]) {
      script(UserPoolId, bySignIn, found({}, { email, username }));
      await assert.rejects(signIn(server, ClientId, email), wrong, username);
    }
  });

  test("a PreAuthentication that refuses does not tell who exists", async () => {
    const { server, UserPoolId, ClientId } = await place(
      { Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } } },
      { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"] },
    );
    script(UserPoolId, bySignIn, found());
    const known = unique("user");
    await signIn(server, ClientId, known);
    script(UserPoolId, bySignIn, { throws: "Nobody" });
    script(UserPoolId, "PreAuthentication_Authentication", { throws: "Closed" });
    const closed = refused("UserLambdaValidationException", "PreAuthentication failed with error Closed.");
    const first = (USERNAME: string, AuthFlow: "USER_PASSWORD_AUTH" | "USER_AUTH", more: object) =>
      server.client.send(
        new InitiateAuthCommand({ ClientId, AuthFlow, AuthParameters: { USERNAME, ...more } }),
      );
    for (const name of [known, unique("nobody")]) {
      await assert.rejects(first(name, "USER_PASSWORD_AUTH", { PASSWORD: "wrong" }), closed);
      const chosen = { PREFERRED_CHALLENGE: "PASSWORD", PASSWORD: "wrong" };
      await assert.rejects(first(name, "USER_AUTH", chosen), closed);
      await assert.rejects(first(name, "USER_AUTH", {}), closed);
      await assert.rejects(first(name, "USER_AUTH", { PREFERRED_CHALLENGE: "EMAIL_OTP" }), closed);
    }
  });

  test("who is here, but has no password, is not looked for in the other store", async () => {
    const { server, UserPoolId, ClientId } = await place(
      { Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } } },
      { ExplicitAuthFlows: ["ALLOW_USER_AUTH"] },
    );
    const Username = unique("user");
    const UserAttributes = [
      { Name: "email", Value: newAddress() },
      { Name: "email_verified", Value: "true" },
    ];
    await server.client.send(new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes }));
    eventsOf(UserPoolId);
    script(UserPoolId, bySignIn, found());
    const AuthParameters = { USERNAME: Username, PREFERRED_CHALLENGE: "PASSWORD", PASSWORD: password };
    await assert.rejects(
      server.client.send(new InitiateAuthCommand({ ClientId, AuthFlow: "USER_AUTH", AuthParameters })),
      wrong,
    );
    assert.ok(!sourcesOf(UserPoolId).includes(bySignIn));
  });

  test("two first sign-ins at once make one user", async () => {
    const { server, UserPoolId, ClientId } = await place();
    script(UserPoolId, bySignIn, found());
    const username = unique("user");
    const tokens = await Promise.all([1, 2, 3].map(() => signIn(server, ClientId, username)));
    assert.equal(tokens.length, 3);
    assert.equal((await get(server, UserPoolId, username)).UserStatus, "CONFIRMED");
  });

  test("without CONFIRMED the user moves without the password", async () => {
    const { server, UserPoolId, ClientId } = await place();
    script(UserPoolId, bySignIn, found({ finalUserStatus: "RESET_REQUIRED" }));
    const username = unique("user");
    await assert.rejects(signIn(server, ClientId, username), { name: "PasswordResetRequiredException" });
    assert.equal((await get(server, UserPoolId, username)).UserStatus, "RESET_REQUIRED");
  });

  test("names: an address becomes one, a stated username where an alias was entered", async () => {
    const byMail = await place({ UsernameAttributes: ["email"] });
    const email = newAddress();
    script(byMail.UserPoolId, bySignIn, found({}, { email, username: "ignored" }));
    await signIn(byMail.server, byMail.ClientId, email);
    const user = await get(byMail.server, byMail.UserPoolId, email);
    assert.match(user.Username ?? "", /^[0-9a-f-]{36}$/);
    const aliased = await place({ AliasAttributes: ["email"] });
    const other = newAddress();
    script(aliased.UserPoolId, bySignIn, found({}, { email: other, username: "annie" }));
    await signIn(aliased.server, aliased.ClientId, other);
    assert.equal((await get(aliased.server, aliased.UserPoolId, other)).Username, "annie");
  });

  test("AdminInitiateAuth moves them, too; SRP never does", async () => {
    const { server, UserPoolId, ClientId } = await place();
    script(UserPoolId, bySignIn, found());
    const USERNAME = unique("user");
    const srp = { USERNAME, SRP_A: "a".repeat(768) };
    const begun = await server.client.send(
      new InitiateAuthCommand({ ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters: srp }),
    );
    assert.equal(begun.ChallengeName, "PASSWORD_VERIFIER");
    assert.deepEqual(sourcesOf(UserPoolId), ["PreAuthentication_Authentication"]);
    const AuthParameters = { USERNAME, PASSWORD: password };
    const AuthFlow = "ADMIN_USER_PASSWORD_AUTH" as const;
    const answer = await server.client.send(
      new AdminInitiateAuthCommand({ UserPoolId, ClientId, AuthFlow, AuthParameters }),
    );
    assert.ok(answer.AuthenticationResult?.AccessToken);
  });

  test("who is welcomed gets a message without a password", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const email = newAddress();
    script(
      UserPoolId,
      bySignIn,
      found({ messageAction: null, desiredDeliveryMediums: ["EMAIL"] }, { email }),
    );
    const username = unique("user");
    await signIn(server, ClientId, username);
    const [message] = await server.inbox(email);
    assert.equal(message?.body, `Your username is ${username}.`);
  });

  test("a forgotten password: the user moves, and a code goes to the verified address", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const { client } = server;
    const Username = unique("user");
    const what = found({ finalUserStatus: "RESET_REQUIRED" });
    script(UserPoolId, byForgetting, what);
    await client.send(new ForgotPasswordCommand({ ClientId, Username, ClientMetadata: { c: "d" } }));
    const [event] = eventsOf(UserPoolId);
    assert.deepEqual(event?.request, { validationData: null, clientMetadata: { c: "d" } });
    const { email } = what.response.userAttributes;
    // The worker delivers it.
    await until("a code is there", async () => (await server.inbox(email)).length > 0);
    const code = await server.code(email);
    await client.send(
      new ConfirmForgotPasswordCommand({ ClientId, Username, ConfirmationCode: code, Password: password }),
    );
    await signIn(server, ClientId, Username);
    const unreachable = unique("user");
    script(UserPoolId, byForgetting, found({}, { email_verified: "false" }));
    await client.send(new ForgotPasswordCommand({ ClientId, Username: unreachable }));
    await assert.rejects(get(server, UserPoolId, unreachable), { name: "UserNotFoundException" });
  });
});
