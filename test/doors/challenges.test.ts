/**
 * Every challenge of the model, at both entry points, answered with a Session (or SECRET_BLOCK) that waits for another
 * one: never tokens, and the sign-in that it belongs to continues as if nothing had happened.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminCreateUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { userPoolShapes } from "../../src/wire/generated/user-pools.ts";
import { everyFlow, makeClient, makePool, makeUser, password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { type Answer, post, signedCall, unsigned } from "./wire.ts";

type Texts = Record<string, string>;

interface App {
  readonly UserPoolId: string;
  readonly ClientId: string;
}

/** An entry point to sign-in, public or for administrators. */
interface Door {
  readonly start: (app: App, AuthFlow: string, AuthParameters: Texts) => Promise<Answer>;
  readonly respond: (
    app: App,
    challenge: string,
    session: string | undefined,
    ChallengeResponses: Texts,
  ) => Promise<Answer>;
  readonly passwordFlow: string;
}

const prefix = "AWSCognitoIdentityProviderService";

function doorsOf({ endpoint, clock }: TestServer): Record<string, Door> {
  const open = (name: string, input: object) =>
    post(endpoint, unsigned(endpoint, { prefix, name }, JSON.stringify(input)));
  const admin = (name: string, input: object) => {
    const operation = { prefix, name, service: "cognito-idp" };
    return post(endpoint, signedCall(endpoint, operation, JSON.stringify(input), { now: clock.now }));
  };
  return {
    public: {
      passwordFlow: "USER_PASSWORD_AUTH",
      start: ({ ClientId }, AuthFlow, AuthParameters) =>
        open("InitiateAuth", { ClientId, AuthFlow, AuthParameters }),
      respond: ({ ClientId }, ChallengeName, Session, ChallengeResponses) =>
        open("RespondToAuthChallenge", { ClientId, ChallengeName, Session, ChallengeResponses }),
    },
    admin: {
      passwordFlow: "ADMIN_USER_PASSWORD_AUTH",
      start: (app, AuthFlow, AuthParameters) =>
        admin("AdminInitiateAuth", { ...app, AuthFlow, AuthParameters }),
      respond: (app, ChallengeName, Session, ChallengeResponses) =>
        admin("AdminRespondToAuthChallenge", { ...app, ChallengeName, Session, ChallengeResponses }),
    },
  };
}

const temporary = "Temporary-1";

function assertNoTokens(answer: Answer, what: string): void {
  assert.equal(answer.status, 400, `${what}: ${JSON.stringify(answer.body)}`);
  assert.equal(answer.body["AuthenticationResult"], undefined, what);
  assert.equal(answer.body["Session"], undefined, what);
}

const sessions = {
  invalid: "Invalid session for the user.",
  expired: "Invalid session for the user, session is expired.",
  used: "Invalid session for the user, session can only be used once.",
};

const shape = userPoolShapes["ChallengeNameType"];
const challenges = (shape?.type === "enum" ? shape.values : []).filter(
  (name) => name !== "PASSWORD_VERIFIER",
);

/** The answers to everything that a challenge could ask for. */
const everyAnswer = (USERNAME: string): Texts => ({
  USERNAME,
  NEW_PASSWORD: password,
  PASSWORD: temporary,
  ANSWER: "PASSWORD",
  SMS_MFA_CODE: "123456",
  SOFTWARE_TOKEN_MFA_CODE: "123456",
  EMAIL_OTP_CODE: "12345678",
  SMS_OTP_CODE: "12345678",
  CREDENTIAL: "{}",
  SRP_A: "abcdef0123456789",
  DEVICE_KEY: "us-east-1_00000000-0000-4000-8000-000000000000",
});

let serial = 0;

forEachServer("challenges", (open) => {
  const start = async () => {
    const server = await open();
    server.clock.freeze();
    const { UserPoolId, ClientId } = await makePool(server, {}, { ExplicitAuthFlows: everyFlow });
    const second = await makeClient(server, UserPoolId, { ExplicitAuthFlows: everyFlow });
    const elsewhere = await makePool(server, {}, { ExplicitAuthFlows: everyFlow });
    return {
      server,
      doors: doorsOf(server),
      app: { UserPoolId, ClientId },
      otherClient: { UserPoolId, ClientId: second.ClientId },
      otherPool: { UserPoolId: elsewhere.UserPoolId, ClientId: elsewhere.ClientId },
    };
  };

  const invite = async (server: TestServer, { UserPoolId }: App, Username = `invited${++serial}`) => {
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username,
        TemporaryPassword: temporary,
        MessageAction: "SUPPRESS",
      }),
    );
    return Username;
  };

  test("a Session that is missing, made up, or not this sign-in's", async () => {
    const { server, doors, app, otherClient, otherPool } = await start();
    assert.ok(challenges.length > 10);
    for (const [door, { start, respond, passwordFlow }] of Object.entries(doors)) {
      const begin = async (at: App, USERNAME: string) => {
        const answer = await start(at, passwordFlow, { USERNAME, PASSWORD: temporary });
        assert.equal(answer.body["ChallengeName"], "NEW_PASSWORD_REQUIRED", answer.message);
        return String(answer.body["Session"]);
      };
      const name = await invite(server, app);
      await invite(server, otherPool, name);
      const stranger = await invite(server, app);
      const mine = await begin(app, name);
      const srp = await start(app, "USER_SRP_AUTH", { USERNAME: name, SRP_A: new SrpClient().srpA });
      const block = (srp.body["ChallengeParameters"] as Texts)["SECRET_BLOCK"]!;
      const early = await begin(app, name);
      server.clock.advance(120_000);
      const foreign: Record<string, [string, string]> = {
        "made up": ["a".repeat(200), sessions.invalid],
        altered: [`${mine.slice(0, -8)}AAAAAAAA`, sessions.invalid],
        "cut short": [mine.slice(0, 40), sessions.invalid],
        "another user's": [await begin(app, stranger), sessions.invalid],
        "another client's": [await begin(otherClient, name), sessions.invalid],
        "another pool's": [await begin(otherPool, name), sessions.invalid],
        "a SECRET_BLOCK": [Buffer.from(block, "base64").toString("base64url"), sessions.invalid],
      };
      const session = await begin(app, name);
      for (const challenge of challenges) {
        const missing = await respond(app, challenge, undefined, everyAnswer(name));
        assertNoTokens(missing, `${door} ${challenge} without Session`);
        for (const [what, [wrong, message]] of Object.entries(foreign)) {
          const answer = await respond(app, challenge, wrong, everyAnswer(name));
          assertNoTokens(answer, `${door} ${challenge}, ${what}`);
          if (challenge === "NEW_PASSWORD_REQUIRED")
            assert.deepEqual([answer.type, answer.message], ["NotAuthorizedException", message], what);
        }
        if (challenge !== "NEW_PASSWORD_REQUIRED")
          assertNoTokens(
            await respond(app, challenge, session, everyAnswer(name)),
            `${challenge}, another challenge's`,
          );
      }
      const without = await respond(app, "NEW_PASSWORD_REQUIRED", undefined, everyAnswer(name));
      assert.deepEqual(
        [without.type, without.message],
        ["InvalidParameterException", "Missing required parameter Session"],
      );
      server.clock.advance(60_000);
      const late = await respond(app, "NEW_PASSWORD_REQUIRED", early, everyAnswer(name));
      assert.deepEqual([late.type, late.message], ["NotAuthorizedException", sessions.expired]);
      // The challenge that it waits for, once.
      const good = await respond(app, "NEW_PASSWORD_REQUIRED", session, everyAnswer(name));
      assert.ok(good.body["AuthenticationResult"], good.message);
      const again = await respond(app, "NEW_PASSWORD_REQUIRED", session, everyAnswer(name));
      assertNoTokens(again, "used");
      assert.deepEqual([again.type, again.message], ["NotAuthorizedException", sessions.used]);
      // Another sign-in that had got this far ends with the password that it was proven by.
      const other = await respond(
        app,
        "NEW_PASSWORD_REQUIRED",
        foreign["another client's"]![0],
        everyAnswer(name),
      );
      assertNoTokens(other, "overtaken");
    }
  });

  test("a Session from one entry point is accepted at the other, if it belongs to this sign-in", async () => {
    const { server, doors, app } = await start();
    const name = await invite(server, app);
    const begun = await doors["public"]!.start(app, "USER_PASSWORD_AUTH", {
      USERNAME: name,
      PASSWORD: temporary,
    });
    const answer = await doors["admin"]!.respond(
      app,
      "NEW_PASSWORD_REQUIRED",
      String(begun.body["Session"]),
      everyAnswer(name),
    );
    assert.ok(answer.body["AuthenticationResult"], answer.message);
  });

  test("a SECRET_BLOCK that is missing, made up, not this sign-in's, or used", async () => {
    const { server, doors, app, otherClient, otherPool } = await start();
    const name = await makeUser(server, app.UserPoolId, "ann");
    await makeUser(server, app.UserPoolId, "eve");
    await makeUser(server, otherPool.UserPoolId, "ann");
    const refused = (answer: Answer, what: string) => {
      assertNoTokens(answer, what);
      assert.deepEqual(
        [answer.type, answer.message],
        ["NotAuthorizedException", "Incorrect username or password."],
      );
    };
    for (const [door, { start, respond }] of Object.entries(doors)) {
      /** A right proof of the password, for the block that was issued. */
      const begin = async (at: App, USERNAME: string, secret = password) => {
        const client = new SrpClient();
        const answer = await start(at, "USER_SRP_AUTH", { USERNAME, SRP_A: client.srpA });
        const parameters = answer.body["ChallengeParameters"] as Texts;
        return client.prove(at.UserPoolId, parameters, secret, new Date(server.clock.now));
      };
      const answer = (responses: Texts, at: App = app, session?: string) =>
        respond(at, "PASSWORD_VERIFIER", session, responses);
      const { PASSWORD_CLAIM_SECRET_BLOCK: block, ...without } = await begin(app, name);
      const missing = await answer(without);
      assertNoTokens(missing, `${door} without`);
      assert.equal(missing.message, "Missing required parameter PASSWORD_CLAIM_SECRET_BLOCK");
      for (const made of ["AAAA", block!.replace(/^..../, "AAAA"), block!.slice(0, 40), "a".repeat(4_000)])
        refused(await answer({ ...without, PASSWORD_CLAIM_SECRET_BLOCK: made }), `${door} made up`);
      refused(await answer(await begin(otherClient, name)), `${door}, another client's`);
      refused(await answer(await begin(otherPool, name)), `${door}, another pool's`);
      refused(await answer({ ...(await begin(app, "eve")), USERNAME: name }), `${door}, another user's`);
      const stolen = await begin(app, "eve");
      const mixed = {
        ...(await begin(app, name)),
        PASSWORD_CLAIM_SECRET_BLOCK: stolen["PASSWORD_CLAIM_SECRET_BLOCK"]!,
      };
      refused(await answer(mixed), `${door}, a proof for another block`);
      const wrong = await begin(app, name, "Wrong-Horse-1");
      refused(await answer(wrong), `${door}, a wrong proof`);
      const invited = await invite(server, app);
      const held = await start(app, door === "admin" ? "ADMIN_NO_SRP_AUTH" : "USER_PASSWORD_AUTH", {
        USERNAME: invited,
        PASSWORD: temporary,
      });
      const session = String(held.body["Session"]);
      const bySession = { ...without, USERNAME: invited, PASSWORD_CLAIM_SECRET_BLOCK: "AAAA" };
      refused(await answer(bySession, app, session), `${door}, a Session instead`);
      const asBlock = Buffer.from(session, "base64url").toString("base64");
      refused(
        await answer({ ...bySession, PASSWORD_CLAIM_SECRET_BLOCK: asBlock }),
        `${door}, a Session as the block`,
      );
      const good = await begin(app, name);
      const tokens = await answer(good);
      assert.ok(tokens.body["AuthenticationResult"], tokens.message);
      refused(await answer(good), `${door}, used`);
      const late = await begin(app, name);
      server.clock.advance(181_000);
      refused(await answer(late), `${door}, expired`);
    }
  });
});
