/** Straight from the confirmation of a sign-up to a sign-in, by the Sessions of SignUp and ConfirmSignUp. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  AdminDisableUserCommand,
  AdminInitiateAuthCommand,
  AdminSetUserPasswordCommand,
  AdminUserGlobalSignOutCommand,
  ConfirmSignUpCommand,
  type CreateUserPoolClientCommandInput,
  type CreateUserPoolCommandInput,
  InitiateAuthCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forceMfaOn, type Place, respond, turnMfa } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password, refused } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const passwordless: Partial<CreateUserPoolCommandInput> = {
  AutoVerifiedAttributes: ["email"],
  Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } },
};
const choosing: Partial<CreateUserPoolClientCommandInput> = {
  ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
};
const invalid = refused("NotAuthorizedException", "Invalid session for the user.");

async function signUp(server: TestServer, { ClientId }: Place, Username: string, Password?: string) {
  const address = newAddress();
  const UserAttributes = [{ Name: "email", Value: address }];
  const made = await server.client.send(
    new SignUpCommand({ ClientId, Username, UserAttributes, ...(Password && { Password }) }),
  );
  return { Session: made.Session, code: await server.code(address) };
}

async function confirm(
  server: TestServer,
  { ClientId }: Place,
  Username: string,
  code: string,
  Session?: string,
) {
  const request = { ClientId, Username, ConfirmationCode: code, ...(Session && { Session }) };
  return (await server.client.send(new ConfirmSignUpCommand(request))).Session;
}

const start = (
  { client }: Pick<TestServer, "client">,
  { ClientId }: Pick<Place, "ClientId">,
  USERNAME: string,
  Session: string | undefined,
) =>
  client.send(
    new InitiateAuthCommand({ ClientId, AuthFlow: "USER_AUTH", AuthParameters: { USERNAME }, Session }),
  );

forOneServer("sqlite", "after sign-up", (open) => {
  async function setUp(pool = passwordless, app = choosing) {
    const server = await open();
    return { server, place: await makePool(server, pool, app) };
  }

  /** Somebody who has signed up and confirmed, with the Session of that. */
  async function confirmed(server: TestServer, place: Place, name = "ann", Password?: string) {
    const { Session, code } = await signUp(server, place, name, Password);
    return (await confirm(server, place, name, code, Session)) ?? assert.fail("no Session");
  }

  test("a user without password is signed in by it, once", async () => {
    const { server, place } = await setUp();
    const Session = await confirmed(server, place);
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => start(server, place, "ann", Session)),
    );
    const done = tries.filter((one) => one.status === "fulfilled");
    assert.equal(done.length, 1);
    assert.ok(done[0]!.value.AuthenticationResult?.AccessToken);
    await assert.rejects(
      start(server, place, "ann", Session),
      refused("NotAuthorizedException", /session can only be used once/),
    );
  });

  test("through AdminInitiateAuth, and with a password given at sign-up", async () => {
    const { server, place } = await setUp();
    const Session = await confirmed(server, place, "ann", password);
    const { UserPoolId, ClientId } = place;
    const AuthParameters = { USERNAME: "ann" };
    const answer = await server.client.send(
      new AdminInitiateAuthCommand({ UserPoolId, ClientId, AuthFlow: "USER_AUTH", AuthParameters, Session }),
    );
    assert.ok(answer.AuthenticationResult?.AccessToken);
  });

  test("the Session of the sign-up may be left out, but is not another user's", async () => {
    const { server, place } = await setUp();
    const ann = await signUp(server, place, "ann");
    const ben = await signUp(server, place, "ben");
    const cay = await signUp(server, place, "cay");
    const Session = await confirm(server, place, "ann", ann.code);
    assert.ok((await start(server, place, "ann", Session)).AuthenticationResult?.AccessToken);
    assert.equal(await confirm(server, place, "ben", ben.code, cay.Session), undefined);
    // A day later the code is as old as the Session.
    server.clock.advance(24 * 60 * 60_000 - 60_000);
    assert.ok(await confirm(server, place, "cay", cay.code, cay.Session));
  });

  test("one of another client, or made up, is refused before the code is looked at", async () => {
    const { server, place } = await setUp();
    const { UserPoolId } = place;
    const other = { UserPoolId, ...(await makeClient(server, UserPoolId, choosing)) };
    const stranger = await makePool(server, passwordless, choosing);
    const { Session, code } = await signUp(server, place, "ann");
    for (const [at, with_] of [
      [other, Session],
      [place, "x".repeat(60)],
      [stranger, Session],
    ] as const)
      await assert.rejects(confirm(server, at, "ann", code, with_), invalid);
    assert.ok(await confirm(server, place, "ann", code, Session));
  });

  test("clients without USER_AUTH get none", async () => {
    const { server, place } = await setUp(passwordless, {});
    const { Session, code } = await signUp(server, place, "ann", password);
    assert.equal(Session, undefined);
    assert.equal(await confirm(server, place, "ann", code), undefined);
  });

  test("of another user, client, pool, too late, of the wrong kind: never tokens", async () => {
    const { server, place } = await setUp();
    const { UserPoolId } = place;
    const other = { UserPoolId, ...(await makeClient(server, UserPoolId, choosing)) };
    const stranger = await makePool(server, passwordless, choosing);
    await makeUser(server, stranger.UserPoolId, "ann");
    await makeUser(server, UserPoolId, "ben");
    const { Session: ofSignUp, code } = await signUp(server, place, "ann");
    await assert.rejects(start(server, place, "ann", ofSignUp), invalid);
    const Session = await confirm(server, place, "ann", code, ofSignUp);
    await assert.rejects(start(server, place, "ann", ofSignUp), invalid);
    await assert.rejects(start(server, place, "ben", Session), invalid);
    await assert.rejects(start(server, other, "ann", Session), invalid);
    await assert.rejects(start(server, stranger, "ann", Session), invalid);
    for (const ChallengeName of ["SELECT_CHALLENGE", "EMAIL_OTP", "MFA_SETUP", "SELECT_MFA_TYPE"] as const) {
      const answers = { USERNAME: "ann", ANSWER: "PASSWORD", EMAIL_OTP_CODE: code };
      await assert.rejects(respond(server, place, { ChallengeName, Session }, answers), invalid);
    }
    server.clock.advance(3 * 60_000 + 1_000);
    await assert.rejects(start(server, place, "ann", Session), refused("NotAuthorizedException", /expired/));
  });

  const meanwhile: Readonly<Record<string, (server: TestServer, place: Place) => Promise<unknown>>> = {
    "signed out": ({ client }, { UserPoolId }) =>
      client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username: "ann" })),
    disabled: ({ client }, { UserPoolId }) =>
      client.send(new AdminDisableUserCommand({ UserPoolId, Username: "ann" })),
    "given another password": ({ client }, { UserPoolId }) =>
      client.send(
        new AdminSetUserPasswordCommand({
          UserPoolId,
          Username: "ann",
          Password: "Other-Horse-1",
          Permanent: true,
        }),
      ),
    "asked for a second factor": (server, place) => forceMfaOn(server, place),
  };
  for (const [what, change] of Object.entries(meanwhile))
    test(`${what} meanwhile: refused`, async () => {
      const { server, place } = await setUp();
      const Session = await confirmed(server, place);
      await change(server, place);
      await assert.rejects(start(server, place, "ann", Session), refused("NotAuthorizedException"));
    });

  test("where a second factor is demanded the code alone is no way in", async () => {
    const { server, place } = await setUp({ AutoVerifiedAttributes: ["email"] });
    await turnMfa(server, place, "ON");
    const { Session, code } = await signUp(server, place, "ann", password);
    assert.ok(Session);
    assert.equal(await confirm(server, place, "ann", code, Session), undefined);
  });

  test("who was confirmed by an administrator has proven nothing", async () => {
    const { server, place } = await setUp();
    const { UserPoolId } = place;
    const { Session } = await signUp(server, place, "ann");
    await server.client.send(new AdminConfirmSignUpCommand({ UserPoolId, Username: "ann" }));
    await assert.rejects(start(server, place, "ann", Session), invalid);
  });
});
