/** Choice-based sign-in (USER_AUTH) through the SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminGetUserAuthFactorsCommand,
  type ChallengeNameType,
  type CreateUserPoolClientCommandInput,
  type CreateUserPoolCommandInput,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forceMfaOn, respond, smsConfiguration, start } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password, refused } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { until } from "../kit/waiting.ts";

const everyFactor: Partial<CreateUserPoolCommandInput> = {
  Policies: {
    SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"] },
  },
  ...smsConfiguration,
};
const choosing: Partial<CreateUserPoolClientCommandInput> = {
  ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
};
const hiding = { ...choosing, PreventUserExistenceErrors: "ENABLED" } as const;

forOneServer("postgres", "choice-based sign-in", (open) => {
  async function setUp(app: Partial<CreateUserPoolClientCommandInput> = choosing, pool = everyFactor) {
    const server = await open();
    const place = await makePool(server, pool, app);
    const address = newAddress();
    await makeUser(server, place.UserPoolId, "ann", [
      { Name: "email", Value: address },
      { Name: "email_verified", Value: "true" },
    ]);
    return { server, place, address };
  }

  test("the user is told what there is to choose, and chooses", async () => {
    const { server, place } = await setUp();
    const choice = await start(server, place, "ann", "USER_AUTH");
    assert.equal(choice.ChallengeName, "SELECT_CHALLENGE");
    assert.deepEqual(choice.AvailableChallenges, ["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"]);
    for (const ANSWER of ["SMS_OTP", "WEB_AUTHN", "SOFTWARE_TOKEN_MFA", "toString"])
      await assert.rejects(
        respond(server, place, choice, { USERNAME: "ann", ANSWER }),
        refused("InvalidParameterException"),
      );
    const inline = { USERNAME: "ann", ANSWER: "PASSWORD", PASSWORD: password };
    assert.ok((await respond(server, place, choice, inline)).AuthenticationResult?.RefreshToken);
    await assert.rejects(respond(server, place, choice, inline), refused("NotAuthorizedException"));
  });

  test("PASSWORD: asked for, or brought with the preference", async () => {
    const { server, place } = await setUp();
    const asked = await start(server, place, "ann", "USER_AUTH", { PREFERRED_CHALLENGE: "PASSWORD" });
    assert.equal(asked.ChallengeName, "PASSWORD");
    await assert.rejects(
      respond(server, place, asked, { USERNAME: "ann", PASSWORD: "Wrong-Horse-7" }),
      refused("NotAuthorizedException", "Incorrect username or password."),
    );
    const brought = { PREFERRED_CHALLENGE: "PASSWORD", PASSWORD: password };
    assert.ok((await start(server, place, "ann", "USER_AUTH", brought)).AuthenticationResult);
    const unusable = await start(server, place, "ann", "USER_AUTH", { PREFERRED_CHALLENGE: "SMS_OTP" });
    assert.equal(unusable.ChallengeName, "SELECT_CHALLENGE");
  });

  test("PASSWORD_SRP: chosen or brought, and its proof needs the Session as well as the block", async () => {
    const { server, place } = await setUp();
    const now = () => new Date(server.clock.now);
    const asked = await start(server, place, "ann", "USER_AUTH", { PREFERRED_CHALLENGE: "PASSWORD_SRP" });
    assert.equal(asked.ChallengeName, "PASSWORD_SRP");
    const first = new SrpClient();
    const verifier = await respond(server, place, asked, { USERNAME: "ann", SRP_A: first.srpA });
    assert.equal(verifier.ChallengeName, "PASSWORD_VERIFIER");
    assert.ok(verifier.Session);
    const proof = first.prove(place.UserPoolId, verifier.ChallengeParameters!, password, now());
    assert.ok((await respond(server, place, verifier, proof)).AuthenticationResult?.AccessToken);

    const begin = async (secret: string) => {
      const srp = new SrpClient();
      const brought = { PREFERRED_CHALLENGE: "PASSWORD_SRP", SRP_A: srp.srpA };
      const challenge = await start(server, place, "ann", "USER_AUTH", brought);
      return {
        challenge,
        responses: srp.prove(place.UserPoolId, challenge.ChallengeParameters!, secret, now()),
      };
    };
    const wrong = await begin("Wrong-Horse-7");
    await assert.rejects(
      respond(server, place, wrong.challenge, wrong.responses),
      refused("NotAuthorizedException", "Incorrect username or password."),
    );
    const [one, other] = [await begin(password), await begin(password)];
    await assert.rejects(
      respond(server, place, { ChallengeName: "PASSWORD_VERIFIER", Session: undefined }, one.responses),
      refused("InvalidParameterException", "Missing required parameter Session"),
    );
    await assert.rejects(
      respond(server, place, other.challenge, one.responses),
      refused("NotAuthorizedException", "Invalid session for the user."),
    );
    assert.ok((await respond(server, place, one.challenge, one.responses)).AuthenticationResult);
  });

  test("EMAIL_OTP: eight digits, the right one once, another's never", async () => {
    const { server, place, address } = await setUp();
    const challenge = await start(server, place, "ann", "USER_AUTH", { PREFERRED_CHALLENGE: "EMAIL_OTP" });
    assert.equal(challenge.ChallengeName, "EMAIL_OTP");
    assert.deepEqual(challenge.AvailableChallenges, ["EMAIL_OTP"]);
    assert.equal(challenge.ChallengeParameters?.["CODE_DELIVERY_DELIVERY_MEDIUM"], "EMAIL");
    const EMAIL_OTP_CODE = await server.code(address);
    assert.match(EMAIL_OTP_CODE, /^\d{8}$/);
    const other = newAddress();
    await makeUser(server, place.UserPoolId, "bob", [
      { Name: "email", Value: other },
      { Name: "email_verified", Value: "true" },
    ]);
    const bobs = await start(server, place, "bob", "USER_AUTH", { PREFERRED_CHALLENGE: "EMAIL_OTP" });
    const bobsCode = await server.code(other);
    if (bobsCode !== EMAIL_OTP_CODE)
      await assert.rejects(
        respond(server, place, challenge, { USERNAME: "ann", EMAIL_OTP_CODE: bobsCode }),
        refused("CodeMismatchException"),
      );
    await assert.rejects(
      respond(server, place, bobs, { USERNAME: "ann", EMAIL_OTP_CODE }),
      refused("NotAuthorizedException"),
    );
    const answer = { USERNAME: "ann", EMAIL_OTP_CODE };
    assert.ok((await respond(server, place, challenge, answer)).AuthenticationResult?.AccessToken);
    await assert.rejects(respond(server, place, challenge, answer), refused("NotAuthorizedException"));
  });

  test("an address that was never verified is no way in", async () => {
    const { server, place } = await setUp();
    const address = newAddress();
    await makeUser(server, place.UserPoolId, "eve", [{ Name: "email", Value: address }]);
    const preference = { PREFERRED_CHALLENGE: "EMAIL_OTP" };
    const preferring = await start(server, place, "eve", "USER_AUTH", preference);
    assert.equal(preferring.ChallengeName, "SELECT_CHALLENGE");
    assert.deepEqual(preferring.AvailableChallenges, ["PASSWORD_SRP", "PASSWORD"]);
    // Where the client hides who exists, she is asked for a code like anybody, and none is sent.
    const other = { ...place, ...(await makeClient(server, place.UserPoolId, hiding)) };
    const hidden = await start(server, other, "eve", "USER_AUTH", preference);
    assert.equal(hidden.ChallengeName, "EMAIL_OTP");
    await assert.rejects(
      respond(server, other, hidden, { USERNAME: "eve", EMAIL_OTP_CODE: "12345678" }),
      refused("CodeMismatchException"),
    );
    assert.deepEqual(await server.inbox(address), []);
  });

  test("where the client hides who exists, all are offered the same, and get in by what they have", async () => {
    const { server, place, address } = await setUp(hiding);
    const { UserPoolId } = place;
    const UserAttributes = [
      { Name: "email", Value: newAddress() },
      { Name: "email_verified", Value: "true" },
    ];
    await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "dora", MessageAction: "SUPPRESS", UserAttributes }),
    );
    for (const name of ["ann", "dora", "nobody"]) {
      const choice = await start(server, place, name, "USER_AUTH");
      assert.deepEqual(choice.AvailableChallenges, [
        "PASSWORD_SRP",
        "PASSWORD",
        "EMAIL_OTP",
        "SMS_OTP",
        "WEB_AUTHN",
      ]);
    }
    const wrong = refused("NotAuthorizedException", "Incorrect username or password.");
    const choose = async (name: string, answers: Record<string, string>) =>
      respond(server, place, await start(server, place, name, "USER_AUTH"), { USERNAME: name, ...answers });
    await assert.rejects(choose("dora", { ANSWER: "PASSWORD", PASSWORD: password }), wrong);
    await assert.rejects(choose("nobody", { ANSWER: "PASSWORD", PASSWORD: password }), wrong);
    assert.ok((await choose("ann", { ANSWER: "PASSWORD", PASSWORD: password })).AuthenticationResult);
    const asked = await choose("ann", { ANSWER: "EMAIL_OTP" });
    // The worker delivers, so that the time tells nothing.
    await until("the code is in the inbox", async () => (await server.inbox(address)).length > 0);
    const EMAIL_OTP_CODE = await server.code(address);
    assert.ok(
      (await respond(server, place, asked, { USERNAME: "ann", EMAIL_OTP_CODE })).AuthenticationResult,
    );
  });

  test("a user without a password signs in by a code", async () => {
    const { server, place } = await setUp();
    const address = newAddress();
    const user = { UserPoolId: place.UserPoolId, Username: "cleo" };
    await server.client.send(
      new AdminCreateUserCommand({
        ...user,
        MessageAction: "SUPPRESS",
        UserAttributes: [
          { Name: "email", Value: address },
          { Name: "email_verified", Value: "true" },
        ],
      }),
    );
    const factors = await server.client.send(new AdminGetUserAuthFactorsCommand(user));
    assert.deepEqual(factors.ConfiguredUserAuthFactors, ["EMAIL_OTP"]);
    const choice = await start(server, place, "cleo", "USER_AUTH");
    assert.deepEqual(choice.AvailableChallenges, ["EMAIL_OTP"]);
    const challenge = await respond(server, place, choice, { USERNAME: "cleo", ANSWER: "EMAIL_OTP" });
    const EMAIL_OTP_CODE = await server.code(address);
    const done = await respond(server, place, challenge, { USERNAME: "cleo", EMAIL_OTP_CODE });
    assert.ok(done.AuthenticationResult?.IdToken);
    await assert.rejects(
      start(server, place, "cleo", "USER_AUTH", { PREFERRED_CHALLENGE: "PASSWORD", PASSWORD: password }).then(
        ({ ChallengeName, AuthenticationResult }) => {
          assert.equal(AuthenticationResult, undefined);
          throw new Error(ChallengeName);
        },
      ),
      { message: "SELECT_CHALLENGE" },
    );
  });

  test("one-time codes are no way in where two factors are demanded", async () => {
    const { server, place } = await setUp();
    await forceMfaOn(server, place);
    const choice = await start(server, place, "ann", "USER_AUTH", { PREFERRED_CHALLENGE: "EMAIL_OTP" });
    assert.equal(choice.ChallengeName, "SELECT_CHALLENGE");
    assert.deepEqual(choice.AvailableChallenges, ["PASSWORD_SRP", "PASSWORD"]);
    const second = await respond(server, place, choice, {
      USERNAME: "ann",
      ANSWER: "PASSWORD",
      PASSWORD: password,
    });
    assert.equal(second.ChallengeName, "EMAIL_OTP");
  });

  test("a user who must choose a password brings one", async () => {
    const { server, place } = await setUp();
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId: place.UserPoolId,
        Username: "dan",
        TemporaryPassword: password,
        MessageAction: "SUPPRESS",
        UserAttributes: [{ Name: "email", Value: newAddress() }],
      }),
    );
    const choice = await start(server, place, "dan", "USER_AUTH", { PREFERRED_CHALLENGE: "EMAIL_OTP" });
    assert.deepEqual(choice.AvailableChallenges, ["PASSWORD_SRP", "PASSWORD"]);
    const next = await respond(server, place, choice, {
      USERNAME: "dan",
      ANSWER: "PASSWORD",
      PASSWORD: password,
    });
    assert.equal(next.ChallengeName, "NEW_PASSWORD_REQUIRED");
  });

  test("the flow must be allowed, and a Session is needed for every answer", async () => {
    const { server, place } = await setUp({ ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] });
    await assert.rejects(start(server, place, "ann", "USER_AUTH"), refused("InvalidParameterException"));
    const { place: choosingPlace } = await setUp();
    for (const [ChallengeName, member] of Object.entries({
      SELECT_CHALLENGE: "ANSWER",
      PASSWORD: "PASSWORD",
      PASSWORD_SRP: "SRP_A",
      EMAIL_OTP: "EMAIL_OTP_CODE",
      SMS_OTP: "SMS_OTP_CODE",
      WEB_AUTHN: "CREDENTIAL",
    } as const))
      await assert.rejects(
        respond(
          server,
          choosingPlace,
          { ChallengeName: ChallengeName as ChallengeNameType, Session: undefined },
          { USERNAME: "ann", [member]: "1" },
        ),
        refused("InvalidParameterException", "Missing required parameter Session"),
      );
  });

  test("who does not exist, and who is disabled, is answered like somebody with a mailbox", async () => {
    const { server, place, address } = await setUp(hiding);
    await server.client.send(new AdminDisableUserCommand({ UserPoolId: place.UserPoolId, Username: "ann" }));
    for (const name of ["ann", "nobody"]) {
      const shape = await start(server, place, name, "USER_AUTH", { PREFERRED_CHALLENGE: "EMAIL_OTP" });
      assert.equal(shape.ChallengeName, "EMAIL_OTP");
      assert.deepEqual(Object.keys(shape.ChallengeParameters ?? {}).toSorted(), [
        "CODE_DELIVERY_DELIVERY_MEDIUM",
        "CODE_DELIVERY_DESTINATION",
      ]);
      await assert.rejects(
        respond(server, place, shape, { USERNAME: name, EMAIL_OTP_CODE: "12345678" }),
        refused("CodeMismatchException", "Invalid code or auth state for the user."),
      );
    }
    assert.deepEqual(await server.inbox(address), []);
    const srp = await start(server, place, "nobody", "USER_AUTH", { PREFERRED_CHALLENGE: "PASSWORD_SRP" });
    assert.equal(srp.ChallengeName, "PASSWORD_SRP");
    await assert.rejects(
      start(server, place, "nobody", "USER_AUTH", { PREFERRED_CHALLENGE: "PASSWORD", PASSWORD: password }),
      refused("NotAuthorizedException", "Incorrect username or password."),
    );
    const telling = await setUp();
    await assert.rejects(
      start(telling.server, telling.place, "nobody", "USER_AUTH"),
      refused("UserNotFoundException"),
    );
  });

  test("parameters that are missing or made up", async () => {
    const { server, place } = await setUp();
    await assert.rejects(
      server.client.send(
        new InitiateAuthCommand({ ClientId: place.ClientId, AuthFlow: "USER_AUTH", AuthParameters: {} }),
      ),
      refused("InvalidParameterException", "Missing required parameter USERNAME"),
    );
    const odd = await start(server, place, "ann", "USER_AUTH", { PREFERRED_CHALLENGE: "constructor" });
    assert.equal(odd.ChallengeName, "SELECT_CHALLENGE");
  });
});
