import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminUpdateUserAttributesCommand,
  ConfirmSignUpCommand,
  ResendConfirmationCodeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import {
  attributesOf,
  makeClient,
  makePool,
  makeUser,
  newAddress,
  password,
  refused,
  signIn,
} from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";

forEachServer("sign-up", (open) => {
  test("signs up, is sent a code, confirms, signs in", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId, ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const email = newAddress();
    const UserAttributes = [
      { Name: "email", Value: email },
      { Name: "name", Value: "Ann" },
    ];
    const made = await client.send(
      new SignUpCommand({ ClientId, Username: "ann", Password: password, UserAttributes }),
    );
    assert.equal(made.UserConfirmed, false);
    assert.match(made.UserSub ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual(made.CodeDeliveryDetails, {
      AttributeName: "email",
      DeliveryMedium: "EMAIL",
      Destination: "u***@m***",
    });
    const before = await client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }));
    assert.equal(before.UserStatus, "UNCONFIRMED");
    assert.equal(attributesOf(before.UserAttributes)["email_verified"], "false");
    assert.equal(before.UserAttributes?.[0]?.Value, made.UserSub);

    const wrong = { ClientId, Username: "ann", ConfirmationCode: "000000" };
    const code = await server.code(email);
    assert.match(code, /^\d{6}$/);
    await assert.rejects(
      client.send(
        new ConfirmSignUpCommand({ ...wrong, ConfirmationCode: code === "000000" ? "000001" : "000000" }),
      ),
      refused("CodeMismatchException", "Invalid verification code provided, please try again."),
    );
    await client.send(new ConfirmSignUpCommand({ ...wrong, ConfirmationCode: code }));
    const after = await client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }));
    assert.equal(after.UserStatus, "CONFIRMED");
    assert.equal(attributesOf(after.UserAttributes)["email_verified"], "true");
    await assert.rejects(
      client.send(new ConfirmSignUpCommand({ ...wrong, ConfirmationCode: code })),
      refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"),
    );
    await assert.rejects(
      client.send(new ResendConfirmationCodeCommand({ ClientId, Username: "ann" })),
      refused("InvalidParameterException", "User is already confirmed."),
    );
    await signIn(server, ClientId, "ann");
  });

  test("of 20 parallel sign-ups of one name one wins", async () => {
    const server = await open();
    const { ClientId } = await makePool(server, { UsernameConfiguration: { CaseSensitive: false } });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        server.client.send(
          new SignUpCommand({ ClientId, Username: index % 2 ? "Only" : "only", Password: password }),
        ),
      ),
    );
    assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
    for (const result of results) {
      if (result.status === "rejected") {
        assert.equal(result.reason.name, "UsernameExistsException");
        assert.equal(result.reason.message, "User already exists");
      }
    }
  });

  test("of 10 parallel confirmations with the right code one wins", async () => {
    const server = await open();
    const { ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const email = newAddress();
    const UserAttributes = [{ Name: "email", Value: email }];
    await server.client.send(
      new SignUpCommand({ ClientId, Username: "ann", Password: password, UserAttributes }),
    );
    const ConfirmationCode = await server.code(email);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        server.client.send(new ConfirmSignUpCommand({ ClientId, Username: "ann", ConfirmationCode })),
      ),
    );
    assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
    const lost = results.flatMap((result) => (result.status === "rejected" ? [result.reason.name] : []));
    assert.ok(
      lost.every((name) => name === "NotAuthorizedException" || name === "ExpiredCodeException"),
      String(lost),
    );
  });

  test("refuses what the pool and the client do not allow", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(
      server,
      { Schema: [{ Name: "email", Required: true, AttributeDataType: "String", Mutable: true }] },
      { WriteAttributes: ["email", "name"] },
    );
    const attempt = (UserAttributes: { Name: string; Value: string }[], Password = password) =>
      server.client.send(new SignUpCommand({ ClientId, Username: "ann", Password, UserAttributes }));
    const email = { Name: "email", Value: newAddress() };
    await assert.rejects(
      attempt([]),
      refused(
        "InvalidParameterException",
        "Attributes did not conform to the schema: emails: The attribute emails is required",
      ),
    );
    await assert.rejects(
      attempt([email, { Name: "flavor", Value: "x" }]),
      refused("InvalidParameterException", /flavor: Attribute does not exist in the schema\.\n$/),
    );
    for (const Name of ["nickname", "email_verified", "sub"]) {
      await assert.rejects(
        attempt([email, { Name, Value: "true" }]),
        refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"),
      );
    }
    await assert.rejects(
      attempt([{ Name: "email", Value: "nonsense" }]),
      refused("InvalidParameterException", "Invalid email address format."),
    );
    await assert.rejects(
      attempt([email], "short1"),
      refused("InvalidPasswordException", "Password did not conform with policy: Password not long enough"),
    );
    const closed = await makePool(server, { AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } });
    await assert.rejects(
      server.client.send(new SignUpCommand({ ClientId: closed.ClientId, Username: "a", Password: password })),
      refused("NotAuthorizedException", "SignUp is not permitted for this user pool"),
    );
    const secret = await makeClient(server, UserPoolId, { GenerateSecret: true });
    const withHash = (SecretHash?: string) =>
      server.client.send(
        new SignUpCommand({
          ClientId: secret.ClientId,
          Username: "bob",
          Password: password,
          UserAttributes: [email],
          SecretHash,
        }),
      );
    await assert.rejects(withHash(), refused("NotAuthorizedException"));
    await assert.rejects(withHash("d3Jvbmc="), refused("NotAuthorizedException"));
    const key = secret.ClientSecret ?? assert.fail("no secret");
    await withHash(createHmac("sha256", key).update(`bob${secret.ClientId}`).digest("base64"));
  });

  test("UsernameAttributes: the address is the name, the sub the username", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, {
      UsernameAttributes: ["email"],
      AutoVerifiedAttributes: ["email"],
      UsernameConfiguration: { CaseSensitive: false },
    });
    const email = newAddress();
    const made = await server.client.send(
      new SignUpCommand({ ClientId, Username: email, Password: password }),
    );
    await assert.rejects(
      server.client.send(new SignUpCommand({ ClientId, Username: email.toUpperCase(), Password: password })),
      refused("UsernameExistsException", "An account with the given email already exists."),
    );
    await assert.rejects(
      server.client.send(new SignUpCommand({ ClientId, Username: "ann", Password: password })),
      refused("InvalidParameterException", "Username should be an email."),
    );
    const ConfirmationCode = await server.code(email);
    await server.client.send(new ConfirmSignUpCommand({ ClientId, Username: email, ConfirmationCode }));
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: email }));
    assert.equal(user.Username, made.UserSub);
    assert.equal(attributesOf(user.UserAttributes)["email"], email);
    await signIn(server, ClientId, email);
    await signIn(server, ClientId, made.UserSub ?? "");
  });

  test("both addresses auto-verified: the code goes to the phone alone", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, {
      AutoVerifiedAttributes: ["email", "phone_number"],
      SmsConfiguration: { SnsCallerArn: "arn:aws:iam::000000000000:role/sms" },
    });
    const UserAttributes = [
      { Name: "email", Value: newAddress() },
      { Name: "phone_number", Value: `+49${Date.now()}` },
    ];
    const made = await server.client.send(
      new SignUpCommand({ ClientId, Username: "ann", Password: password, UserAttributes }),
    );
    assert.equal(made.CodeDeliveryDetails?.DeliveryMedium, "SMS");
    assert.match(made.CodeDeliveryDetails?.Destination ?? "", /^\+\*{7}\d{4}$/);
    const ConfirmationCode = await server.code(UserAttributes[1]?.Value ?? "");
    await server.client.send(new ConfirmSignUpCommand({ ClientId, Username: "ann", ConfirmationCode }));
    const user = attributesOf(
      (await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }))).UserAttributes,
    );
    assert.equal(user["phone_number_verified"], "true");
    assert.equal(user["email_verified"], "false");
  });

  test("an alias belongs to whoever verified it, and moves only by force", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, {
      AliasAttributes: ["email", "preferred_username"],
      AutoVerifiedAttributes: ["email"],
    });
    const email = newAddress();
    await makeUser(server, UserPoolId, "first", [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ]);
    const second = {
      ClientId,
      Username: "second",
      Password: password,
      UserAttributes: [{ Name: "email", Value: email }],
    };
    await server.client.send(new SignUpCommand(second));
    const confirmation = { ClientId, Username: "second", ConfirmationCode: await server.code(email) };
    await assert.rejects(
      server.client.send(new ConfirmSignUpCommand(confirmation)),
      refused("AliasExistsException", "An account with the given email already exists."),
    );
    const who = async () =>
      (await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: email }))).Username;
    assert.equal(await who(), "first");
    await server.client.send(new ConfirmSignUpCommand({ ...confirmation, ForceAliasCreation: true }));
    assert.equal(await who(), "second");
    const first = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "first" }));
    assert.equal(attributesOf(first.UserAttributes)["email_verified"], "false");

    await assert.rejects(
      server.client.send(new SignUpCommand({ ClientId, Username: email, Password: password })),
      refused("InvalidParameterException", /^Username cannot be of email format/),
    );
    const preferred = { UserPoolId, UserAttributes: [{ Name: "preferred_username", Value: "star" }] };
    await server.client.send(new AdminUpdateUserAttributesCommand({ ...preferred, Username: "first" }));
    await assert.rejects(
      server.client.send(new AdminUpdateUserAttributesCommand({ ...preferred, Username: "second" })),
      refused("AliasExistsException", "An account with the given preferred_username already exists."),
    );
    await assert.rejects(
      server.client.send(new SignUpCommand({ ClientId, Username: "star", Password: password })),
      refused("UsernameExistsException"),
    );
    await signIn(server, ClientId, "star");
  });

  test("a new code replaces the old one, and codes lapse after a day", async () => {
    const server = await open();
    const { ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const email = newAddress();
    const UserAttributes = [{ Name: "email", Value: email }];
    await server.client.send(
      new SignUpCommand({ ClientId, Username: "ann", Password: password, UserAttributes }),
    );
    const old = await server.code(email);
    server.clock.advance(1_000);
    const again = await server.client.send(new ResendConfirmationCodeCommand({ ClientId, Username: "ann" }));
    assert.equal(again.CodeDeliveryDetails?.Destination, "u***@m***");
    const code = await server.code(email);
    const confirm = (ConfirmationCode: string) =>
      server.client.send(new ConfirmSignUpCommand({ ClientId, Username: "ann", ConfirmationCode }));
    if (old !== code) await assert.rejects(confirm(old), refused("CodeMismatchException"));
    server.clock.advance(24 * 3600_000);
    await assert.rejects(
      confirm(code),
      refused("ExpiredCodeException", "Invalid code provided, please request a code again."),
    );
    const { ClientId: unverified } = await makePool(server);
    await server.client.send(
      new SignUpCommand({ ClientId: unverified, Username: "ann", Password: password }),
    );
    await assert.rejects(
      server.client.send(new ResendConfirmationCodeCommand({ ClientId: unverified, Username: "ann" })),
      refused("InvalidParameterException", "Cannot resend codes. Auto verification not turned on."),
    );
  });

  test("guesses and messages are limited a user and hour", async () => {
    const server = await open();
    const { ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const email = newAddress();
    const UserAttributes = [{ Name: "email", Value: email }];
    await server.client.send(
      new SignUpCommand({ ClientId, Username: "ann", Password: password, UserAttributes }),
    );
    const code = await server.code(email);
    const guess = (ConfirmationCode: string) =>
      server.client.send(new ConfirmSignUpCommand({ ClientId, Username: "ann", ConfirmationCode }));
    const guesses = Array.from({ length: 25 }, (_, index) =>
      String((Number(code) + index + 1) % 1_000_000).padStart(6, "0"),
    );
    const results = await Promise.allSettled(guesses.map(guess));
    const names = results.map((result) => (result.status === "rejected" ? result.reason.name : "confirmed"));
    assert.equal(names.filter((name) => name === "CodeMismatchException").length, 15);
    assert.equal(names.filter((name) => name === "LimitExceededException").length, 10);
    await assert.rejects(
      guess(code),
      refused("LimitExceededException", "Attempt limit exceeded, please try after some time."),
    );
    const resend = () => server.client.send(new ResendConfirmationCodeCommand({ ClientId, Username: "ann" }));
    for (let sent = 0; sent < 5; sent++) await resend();
    await assert.rejects(resend(), refused("LimitExceededException"));
    server.clock.advance(3601_000);
    await guess(await server.code(email));
  });

  test("unknown users: told with LEGACY, hidden with ENABLED", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const confirm = (app: string, Username: string, ConfirmationCode = "123456") =>
      server.client.send(new ConfirmSignUpCommand({ ClientId: app, Username, ConfirmationCode }));
    const resend = (app: string, Username: string) =>
      server.client.send(new ResendConfirmationCodeCommand({ ClientId: app, Username }));
    const unknown = refused("UserNotFoundException", "Username/client id combination not found.");
    await assert.rejects(confirm(ClientId, "nobody"), unknown);
    await assert.rejects(resend(ClientId, "nobody"), unknown);

    const hiding = (await makeClient(server, UserPoolId, { PreventUserExistenceErrors: "ENABLED" })).ClientId;
    const mismatch = refused(
      "CodeMismatchException",
      "Invalid verification code provided, please try again.",
    );
    await makeUser(server, UserPoolId, "confirmed");
    for (const name of ["nobody", "confirmed"]) {
      await assert.rejects(confirm(hiding, name), mismatch);
      const first = await resend(hiding, name);
      assert.match(first.CodeDeliveryDetails?.Destination ?? "", /^[a-z]\*\*\*@[a-z]\*\*\*$/);
      assert.deepEqual((await resend(hiding, name)).CodeDeliveryDetails, first.CodeDeliveryDetails);
      await assert.rejects(confirm(hiding, name), mismatch);
    }
    const email = newAddress();
    const UserAttributes = [{ Name: "email", Value: email }];
    await server.client.send(
      new SignUpCommand({ ClientId: hiding, Username: "ann", Password: password, UserAttributes }),
    );
    server.clock.advance(1_000);
    await resend(hiding, "ann");
    await confirm(hiding, "ann", await server.code(email));
    await signIn(server, hiding, "ann");
  });

  test("administrators confirm without a code and verify nothing", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    await server.client.send(
      new SignUpCommand({ ClientId, Username: "ann", Password: password, UserAttributes }),
    );
    const confirm = () => server.client.send(new AdminConfirmSignUpCommand({ UserPoolId, Username: "ann" }));
    await confirm();
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }));
    assert.equal(user.UserStatus, "CONFIRMED");
    assert.equal(attributesOf(user.UserAttributes)["email_verified"], "false");
    await assert.rejects(
      confirm(),
      refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"),
    );
    await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "invited", MessageAction: "SUPPRESS" }),
    );
    await assert.rejects(
      server.client.send(new AdminConfirmSignUpCommand({ UserPoolId, Username: "invited" })),
      refused("NotAuthorizedException", "User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD"),
    );
  });
});
