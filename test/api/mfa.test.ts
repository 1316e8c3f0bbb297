/** Second factors through the SDK: set up, asked for, refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDeleteSoftwareTokenCommand,
  AdminGetUserAuthFactorsCommand,
  AdminGetUserCommand,
  AdminSetUserMFAPreferenceCommand,
  AdminSetUserSettingsCommand,
  AdminUserGlobalSignOutCommand,
  AssociateSoftwareTokenCommand,
  GetUserAuthFactorsCommand,
  GetUserCommand,
  SetUserMFAPreferenceCommand,
  SetUserSettingsCommand,
  UpdateUserPoolCommand,
  VerifySoftwareTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { giveSoftwareToken, respond, start, totp, turnMfa, wrongTotp } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, refused, signIn } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";

const email = (Value: string) => [
  { Name: "email", Value },
  { Name: "email_verified", Value: "true" },
];
const phone = (Value: string) => [
  { Name: "phone_number", Value },
  { Name: "phone_number_verified", Value: "true" },
];
const newPhone = () => `+1555${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`;

forEachServer("mfa", (open) => {
  /** A pool where MFA is as said, with Ann. */
  async function setUp(mode: "ON" | "OPTIONAL" | "OFF", attributes = email(newAddress())) {
    const server = await open();
    const place = await makePool(server);
    await makeUser(server, place.UserPoolId, "ann", attributes);
    if (mode !== "OFF") await turnMfa(server, place, mode);
    return { server, place };
  }

  async function withToken() {
    const { server, place } = await setUp("OPTIONAL");
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    const secret = await giveSoftwareToken(server, AccessToken);
    server.clock.advance(90_000);
    return { server, place, secret, AccessToken };
  }

  test("a software token is asked for after the password, and each of its codes is taken once", async () => {
    const { server, place, secret } = await withToken();
    const first = await start(server, place, "ann");
    assert.equal(first.ChallengeName, "SOFTWARE_TOKEN_MFA");
    assert.equal(first.AuthenticationResult, undefined);
    assert.equal(first.ChallengeParameters?.["USER_ID_FOR_SRP"], "ann");
    const wrong = { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: wrongTotp(secret, server.clock.now) };
    await assert.rejects(
      respond(server, place, first, wrong),
      refused("CodeMismatchException", "Invalid code or auth state for the user."),
    );
    const code = totp(secret, server.clock.now);
    const answer = { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: code };
    const done = await respond(server, place, first, answer);
    assert.ok(done.AuthenticationResult?.IdToken);
    assert.deepEqual(done.ChallengeParameters, {});
    await assert.rejects(respond(server, place, first, answer), refused("NotAuthorizedException"));
    const second = await start(server, place, "ann");
    await assert.rejects(
      respond(server, place, second, answer),
      refused("ExpiredCodeException", "Your software token has already been used once."),
    );
    // Nor an earlier one; but that of the next step.
    const earlier = { ...answer, SOFTWARE_TOKEN_MFA_CODE: totp(secret, server.clock.now, -1) };
    await assert.rejects(respond(server, place, second, earlier), refused("ExpiredCodeException"));
    const later = { ...answer, SOFTWARE_TOKEN_MFA_CODE: totp(secret, server.clock.now, 1) };
    assert.ok((await respond(server, place, second, later)).AuthenticationResult);
  });

  test("codes two steps away are wrong", async () => {
    const { server, place, secret } = await withToken();
    const challenge = await start(server, place, "ann");
    for (const steps of [-2, 2]) {
      const code = totp(secret, server.clock.now, steps);
      await assert.rejects(
        respond(server, place, challenge, { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: code }),
        refused("CodeMismatchException"),
      );
    }
  });

  test("of parallel answers with one code one gets tokens", async () => {
    const { server, place, secret } = await withToken();
    const challenges = await Promise.all(Array.from({ length: 4 }, () => start(server, place, "ann")));
    const code = totp(secret, server.clock.now);
    const answers = await Promise.allSettled(
      challenges.map((challenge) =>
        respond(server, place, challenge, { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: code }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
  });

  test("an update of the pool that says nothing of MFA leaves the second factor in force", async () => {
    const { server, place } = await withToken();
    const UserPoolId = place.UserPoolId;
    for (const update of [
      {},
      { PoolName: "renamed" },
      { Policies: { PasswordPolicy: { MinimumLength: 9 } } },
    ]) {
      await server.client.send(new UpdateUserPoolCommand({ UserPoolId, ...update }));
      assert.equal((await start(server, place, "ann")).ChallengeName, "SOFTWARE_TOKEN_MFA");
    }
  });

  test("guesses over parallel sign-ins are counted together, and lock", async () => {
    const { server, place, secret } = await withToken();
    // A lock of a second must not pass by itself.
    server.clock.freeze();
    const wrong = wrongTotp(secret, server.clock.now);
    const answer = { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: wrong };
    let looked = 0;
    for (let turn = 0; turn < 12; turn++) {
      const challenge = await start(server, place, "ann");
      const refusal = await respond(server, place, challenge, answer).catch((error: Error) => error);
      assert.ok(refusal instanceof Error);
      if (refusal.name === "CodeMismatchException") looked++;
      else assert.equal(refusal.message, "Password attempts exceeded");
    }
    assert.equal(looked, 5);
    // The right code is as locked out; after the lock it goes on.
    const challenge = await start(server, place, "ann");
    const right = () => ({ USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: totp(secret, server.clock.now) });
    await assert.rejects(respond(server, place, challenge, right()), refused("NotAuthorizedException"));
    server.clock.advance(60_000);
    assert.ok((await respond(server, place, challenge, right())).AuthenticationResult);
  });

  test("MFA_SETUP: a software token is set up within the sign-in that a pool demands it of", async () => {
    const { server, place } = await setUp("ON", []);
    const begun = await start(server, place, "ann");
    assert.equal(begun.ChallengeName, "MFA_SETUP");
    assert.deepEqual(JSON.parse(begun.ChallengeParameters!["MFAS_CAN_SETUP"]!), [
      "SMS_MFA",
      "SOFTWARE_TOKEN_MFA",
      "EMAIL_OTP",
    ]);
    const answer = (Session: string | undefined) =>
      respond(server, place, { ChallengeName: "MFA_SETUP", Session }, { USERNAME: "ann" });
    await assert.rejects(answer(begun.Session), refused("InvalidParameterException"));
    const { client, clock } = server;
    const associated = await client.send(new AssociateSoftwareTokenCommand({ Session: begun.Session }));
    const secret = associated.SecretCode!;
    assert.match(secret, /^[A-Z2-7]{52}$/);
    const { Session } = associated;
    await assert.rejects(answer(begun.Session), refused("NotAuthorizedException"));
    await assert.rejects(answer(Session), refused("InvalidParameterException"));
    await assert.rejects(
      client.send(new VerifySoftwareTokenCommand({ Session, UserCode: wrongTotp(secret, clock.now) })),
      refused("EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA"),
    );
    const UserCode = totp(secret, clock.now);
    const verify = new VerifySoftwareTokenCommand({ Session, UserCode, FriendlyDeviceName: "Phone" });
    const verified = await client.send(verify);
    assert.equal(verified.Status, "SUCCESS");
    await assert.rejects(client.send(verify), refused("NotAuthorizedException"));
    const done = await answer(verified.Session);
    assert.ok(done.AuthenticationResult?.AccessToken);
    const factors = await client.send(
      new GetUserAuthFactorsCommand({ AccessToken: done.AuthenticationResult.AccessToken }),
    );
    assert.deepEqual(factors.UserMFASettingList, ["SOFTWARE_TOKEN_MFA"]);
    assert.equal(factors.PreferredMfaSetting, "SOFTWARE_TOKEN_MFA");
    assert.deepEqual(factors.ConfiguredUserAuthFactors, ["PASSWORD", "SOFTWARE_TOKEN"]);
    const again = await start(server, place, "ann");
    assert.equal(again.ChallengeName, "SOFTWARE_TOKEN_MFA");
    assert.equal(again.ChallengeParameters?.["FRIENDLY_DEVICE_NAME"], "Phone");
    // The code that set it up is used up as well.
    await assert.rejects(
      respond(server, place, again, { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: UserCode }),
      refused("ExpiredCodeException", "Your software token has already been used once."),
    );
  });

  test("MFA_SETUP: a second one who knows the password cannot set up another token", async () => {
    const { server, place } = await setUp("ON", []);
    const [one, other] = [await start(server, place, "ann"), await start(server, place, "ann")];
    const { client, clock } = server;
    const mine = await client.send(new AssociateSoftwareTokenCommand({ Session: one.Session }));
    const theirs = await client.send(new AssociateSoftwareTokenCommand({ Session: other.Session }));
    const verify = ({ SecretCode, Session }: { SecretCode?: string; Session?: string }) =>
      client.send(new VerifySoftwareTokenCommand({ Session, UserCode: totp(SecretCode!, clock.now) }));
    await verify(mine as { SecretCode: string; Session: string });
    await assert.rejects(
      verify(theirs as { SecretCode: string; Session: string }),
      refused("NotAuthorizedException"),
    );
  });

  test("MFA_SETUP: an address becomes a factor with the code that comes back from it", async () => {
    const { server, place } = await setUp("ON", []);
    const address = newAddress();
    const setup = await start(server, place, "ann");
    await assert.rejects(
      respond(server, place, setup, { USERNAME: "ann", EMAIL: "no address" }),
      refused("InvalidParameterException"),
    );
    const challenge = await respond(server, place, setup, { USERNAME: "ann", EMAIL: address });
    assert.equal(challenge.ChallengeName, "EMAIL_OTP");
    const EMAIL_OTP_CODE = await server.code(address);
    assert.match(EMAIL_OTP_CODE, /^\d{6}$/);
    const done = await respond(server, place, challenge, { USERNAME: "ann", EMAIL_OTP_CODE });
    assert.ok(done.AuthenticationResult);
    const user = await server.client.send(
      new AdminGetUserCommand({ UserPoolId: place.UserPoolId, Username: "ann" }),
    );
    assert.ok(user.UserAttributes?.some(({ Name, Value }) => Name === "email_verified" && Value === "true"));
    assert.deepEqual(user.UserMFASettingList, ["EMAIL_OTP"]);
  });

  test("where MFA is demanded, an address the user has is a factor", async () => {
    const number = newPhone();
    const { server, place } = await setUp("ON", phone(number));
    const challenge = await start(server, place, "ann");
    assert.equal(challenge.ChallengeName, "SMS_MFA");
    assert.deepEqual(challenge.ChallengeParameters, {
      CODE_DELIVERY_DELIVERY_MEDIUM: "SMS",
      CODE_DELIVERY_DESTINATION: `+*******${number.slice(-4)}`,
      USER_ID_FOR_SRP: "ann",
    });
    const SMS_MFA_CODE = await server.code(number);
    const wrong = SMS_MFA_CODE === "000000" ? "000001" : "000000";
    await assert.rejects(
      respond(server, place, challenge, { USERNAME: "ann", SMS_MFA_CODE: wrong }),
      refused("CodeMismatchException"),
    );
    // amazon-cognito-identity-js sends the code under both names.
    const answer = { USERNAME: "ann", SMS_MFA_CODE, SOFTWARE_TOKEN_MFA_CODE: SMS_MFA_CODE };
    assert.ok((await respond(server, place, challenge, answer)).AuthenticationResult);
    await assert.rejects(
      respond(server, place, challenge, answer),
      refused("NotAuthorizedException", "Invalid session for the user, session can only be used once."),
    );
  });

  test("a code lives as long as its sign-in, and is good for no other", async () => {
    const number = newPhone();
    const { server, place } = await setUp("ON", phone(number));
    const first = await start(server, place, "ann");
    const code = await server.code(number);
    const second = await start(server, place, "ann");
    if ((await server.code(number)) !== code) {
      await assert.rejects(
        respond(server, place, second, { USERNAME: "ann", SMS_MFA_CODE: code }),
        refused("CodeMismatchException"),
      );
    }
    server.clock.advance(3 * 60_000);
    await assert.rejects(
      respond(server, place, first, { USERNAME: "ann", SMS_MFA_CODE: code }),
      refused("NotAuthorizedException", "Invalid session for the user, session is expired."),
    );
  });

  test("several factors and none preferred: the user says which", async () => {
    const address = newAddress();
    const number = newPhone();
    const { server, place } = await setUp("OPTIONAL", [...email(address), ...phone(number)]);
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    await server.client.send(
      new SetUserMFAPreferenceCommand({
        AccessToken,
        SMSMfaSettings: { Enabled: true },
        EmailMfaSettings: { Enabled: true },
      }),
    );
    const choice = await start(server, place, "ann");
    assert.equal(choice.ChallengeName, "SELECT_MFA_TYPE");
    assert.deepEqual(JSON.parse(choice.ChallengeParameters!["MFAS_CAN_CHOOSE"]!), ["SMS_MFA", "EMAIL_OTP"]);
    await assert.rejects(
      respond(server, place, choice, { USERNAME: "ann", ANSWER: "SOFTWARE_TOKEN_MFA" }),
      refused("InvalidParameterException"),
    );
    const chosen = await respond(server, place, choice, { USERNAME: "ann", ANSWER: "EMAIL_OTP" });
    assert.equal(chosen.ChallengeName, "EMAIL_OTP");
    const EMAIL_OTP_CODE = await server.code(address);
    assert.ok(
      (await respond(server, place, chosen, { USERNAME: "ann", EMAIL_OTP_CODE })).AuthenticationResult,
    );
    await assert.rejects(
      respond(server, place, choice, { USERNAME: "ann", ANSWER: "SMS_MFA" }),
      refused("NotAuthorizedException"),
    );
  });

  test("preferences: what is refused, and what is seen of them", async () => {
    const { server, place } = await setUp("OPTIONAL", [{ Name: "phone_number", Value: newPhone() }]);
    const { client } = server;
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    const set = (settings: object) =>
      client.send(new SetUserMFAPreferenceCommand({ AccessToken, ...settings }));
    const invalid = (message: string) => refused("InvalidParameterException", message);
    await assert.rejects(
      set({ SoftwareTokenMfaSettings: { Enabled: true } }),
      invalid("User has not verified software token mfa"),
    );
    await assert.rejects(
      set({ EmailMfaSettings: { Enabled: true } }),
      invalid("User does not have delivery config set to turn on EMAIL_OTP"),
    );
    // Only administrators may turn on what the user has not verified.
    await assert.rejects(
      set({ SMSMfaSettings: { Enabled: true } }),
      invalid("User does not have delivery config set to turn on SMS_MFA"),
    );
    const user = { UserPoolId: place.UserPoolId, Username: "ann" };
    await client.send(
      new AdminSetUserMFAPreferenceCommand({
        ...user,
        SMSMfaSettings: { Enabled: true, PreferredMfa: true },
      }),
    );
    const seen = await client.send(new GetUserCommand({ AccessToken }));
    assert.deepEqual(seen.UserMFASettingList, ["SMS_MFA"]);
    assert.equal(seen.PreferredMfaSetting, "SMS_MFA");
    assert.deepEqual(seen.MFAOptions, [{ DeliveryMedium: "SMS", AttributeName: "phone_number" }]);
    const factors = await client.send(new AdminGetUserAuthFactorsCommand(user));
    assert.deepEqual(factors.ConfiguredUserAuthFactors, ["PASSWORD"]);
    assert.equal((await start(server, place, "ann")).ChallengeName, "SMS_MFA");
    await client.send(new AdminSetUserSettingsCommand({ ...user, MFAOptions: [] }));
    assert.ok((await start(server, place, "ann")).AuthenticationResult);
    await assert.rejects(
      client.send(
        new SetUserSettingsCommand({
          AccessToken,
          MFAOptions: [{ DeliveryMedium: "EMAIL", AttributeName: "email" }],
        }),
      ),
      refused("InvalidParameterException"),
    );
    await assert.rejects(
      set({ SMSMfaSettings: { Enabled: false, PreferredMfa: true } }),
      invalid("SMS_MFA must be enabled to be preferred."),
    );
  });

  test("an administrator removes a lost software token", async () => {
    const { server, place } = await withToken();
    const user = { UserPoolId: place.UserPoolId, Username: "ann" };
    const challenge = await start(server, place, "ann");
    await server.client.send(new AdminDeleteSoftwareTokenCommand(user));
    assert.ok((await start(server, place, "ann")).AuthenticationResult);
    await assert.rejects(
      respond(server, place, challenge, { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: "123456" }),
      refused("SoftwareTokenMFANotFoundException"),
    );
    await assert.rejects(
      server.client.send(new AdminDeleteSoftwareTokenCommand(user)),
      refused("ResourceNotFoundException"),
    );
  });

  test("signing out voids a sign-in that waits for its second factor", async () => {
    const { server, place, secret } = await withToken();
    const challenge = await start(server, place, "ann");
    await server.client.send(
      new AdminUserGlobalSignOutCommand({ UserPoolId: place.UserPoolId, Username: "ann" }),
    );
    await assert.rejects(
      respond(server, place, challenge, {
        USERNAME: "ann",
        SOFTWARE_TOKEN_MFA_CODE: totp(secret, server.clock.now),
      }),
      refused("NotAuthorizedException", "Invalid session for the user."),
    );
  });

  test("tokens off in the pool, none associated, both ways at once", async () => {
    const { server, place } = await setUp("OFF");
    const { client } = server;
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    await assert.rejects(
      client.send(new AssociateSoftwareTokenCommand({ AccessToken })),
      refused("SoftwareTokenMFANotFoundException", "Software Token MFA has not been enabled by the userPool"),
    );
    await turnMfa(server, place, "OPTIONAL");
    await assert.rejects(
      client.send(new VerifySoftwareTokenCommand({ AccessToken, UserCode: "123456" })),
      refused("InvalidParameterException"),
    );
    await assert.rejects(
      client.send(new AssociateSoftwareTokenCommand({ AccessToken, Session: "a".repeat(40) })),
      refused("InvalidParameterException"),
    );
    await assert.rejects(
      client.send(new AssociateSoftwareTokenCommand({})),
      refused("NotAuthorizedException", "Invalid Access Token"),
    );
    await assert.rejects(
      client.send(new AssociateSoftwareTokenCommand({ Session: "a".repeat(40) })),
      refused("NotAuthorizedException"),
    );
  });
});
