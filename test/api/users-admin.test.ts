import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDeleteUserAttributesCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  AdminUserGlobalSignOutCommand,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  GetUserCommand,
  InitiateAuthCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { attributesOf, makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";

const email = (Value: string) => ({ Name: "email", Value });
const verified = { Name: "email_verified", Value: "true" };

forEachServer("users by administrators", (open) => {
  test("an invitation with a generated temporary password", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const address = newAddress();
    const made = await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "a<b", UserAttributes: [email(address)] }),
    );
    assert.equal(made.User?.UserStatus, "FORCE_CHANGE_PASSWORD");
    assert.equal(made.User?.Enabled, true);
    assert.ok(made.User?.UserCreateDate instanceof Date);
    assert.equal(made.User?.Attributes?.[0]?.Name, "sub");
    const [message] = await server.inbox(address);
    assert.equal(message?.kind, "invitation");
    assert.match(message?.body ?? "", /^Your username is a&lt;b and temporary password is /);
    const answer = await server.client.send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: "a<b", PASSWORD: message?.code ?? "" },
      }),
    );
    assert.equal(answer.ChallengeName, "NEW_PASSWORD_REQUIRED");
  });

  test("RESEND makes a new temporary password, SUPPRESS sends nothing", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const address = newAddress();
    const create = { UserPoolId, Username: "ann", UserAttributes: [email(address)] };
    await assert.rejects(
      server.client.send(new AdminCreateUserCommand({ ...create, MessageAction: "RESEND" })),
      refused("UserNotFoundException", "User does not exist."),
    );
    await server.client.send(new AdminCreateUserCommand({ ...create, MessageAction: "SUPPRESS" }));
    assert.deepEqual(await server.inbox(address), []);
    await server.client.send(new AdminCreateUserCommand({ ...create, MessageAction: "RESEND" }));
    const first = await server.code(address);
    server.clock.advance(1_000);
    await server.client.send(
      new AdminCreateUserCommand({ ...create, MessageAction: "RESEND", TemporaryPassword: "Given-Secret-1" }),
    );
    assert.equal(await server.code(address), "Given-Secret-1");
    assert.notEqual(first, "Given-Secret-1");
    await assert.rejects(
      server.client.send(new AdminCreateUserCommand({ ...create, MessageAction: "SUPPRESS" })),
      refused("UsernameExistsException", "User account already exists"),
    );
    await makeUser(server, UserPoolId, "confirmed");
    await assert.rejects(
      server.client.send(
        new AdminCreateUserCommand({ UserPoolId, Username: "confirmed", MessageAction: "RESEND" }),
      ),
      refused(
        "UnsupportedUserStateException",
        "Resend not possible. confirmed status is not FORCE_CHANGE_PASSWORD",
      ),
    );
  });

  test("mediums, templates and refusals of AdminCreateUser", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server, {
      AdminCreateUserConfig: {
        InviteMessageTemplate: {
          EmailSubject: "Welcome",
          EmailMessage: "<p>{username}: {####}</p>",
          SMSMessage: "{username} {####}",
        },
      },
    });
    const address = newAddress();
    const phone = `+49${Date.now()}`;
    const UserAttributes = [email(address), { Name: "phone_number", Value: phone }];
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: "both",
        UserAttributes,
        DesiredDeliveryMediums: ["EMAIL", "SMS"],
        TemporaryPassword: "Given&Secret1",
      }),
    );
    assert.equal((await server.inbox(address))[0]?.body, "<p>both: Given&amp;Secret1</p>");
    assert.equal((await server.inbox(address))[0]?.subject, "Welcome");
    assert.equal((await server.inbox(phone))[0]?.body, "both Given&Secret1");
    const create = (input: object) =>
      server.client.send(new AdminCreateUserCommand({ UserPoolId, Username: "other", ...input }));
    await assert.rejects(
      create({ DesiredDeliveryMediums: ["EMAIL"] }),
      refused("InvalidParameterException", "No email provided but desired delivery medium was Email"),
    );
    await assert.rejects(
      create({ TemporaryPassword: "alllowercase" }),
      refused(
        "InvalidPasswordException",
        "Password did not conform with password policy: Password must have uppercase characters",
      ),
    );
    await assert.rejects(create({ UserAttributes: [verified] }), refused("InvalidParameterException"));
    await assert.rejects(
      create({ UserAttributes: [{ Name: "custom:no", Value: "x" }] }),
      refused("InvalidParameterException", /custom:no: Attribute does not exist in the schema\.\n$/),
    );
  });

  test("UsernameAttributes: the Username is the sub; aliases move with ForceAliasCreation", async () => {
    const server = await open();
    const byEmail = await makePool(server, { UsernameAttributes: ["email"] });
    const address = newAddress();
    const create = { UserPoolId: byEmail.UserPoolId, Username: address, MessageAction: "SUPPRESS" as const };
    const made = await server.client.send(new AdminCreateUserCommand(create));
    assert.equal(made.User?.Username, attributesOf(made.User?.Attributes)["sub"]);
    await assert.rejects(
      server.client.send(new AdminCreateUserCommand(create)),
      refused("UsernameExistsException", "An account with the given email already exists."),
    );

    const { UserPoolId } = await makePool(server, { AliasAttributes: ["email"] });
    const alias = {
      UserPoolId,
      MessageAction: "SUPPRESS" as const,
      UserAttributes: [email(address), verified],
    };
    await server.client.send(new AdminCreateUserCommand({ ...alias, Username: "first" }));
    await assert.rejects(
      server.client.send(new AdminCreateUserCommand({ ...alias, Username: "second" })),
      refused("AliasExistsException", "An account with the given email already exists."),
    );
    await server.client.send(
      new AdminCreateUserCommand({ ...alias, Username: "second", ForceAliasCreation: true }),
    );
    const owner = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: address }));
    assert.equal(owner.Username, "second");
  });

  test("passwords set by an administrator, and what becomes of tokens", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    const { AccessToken } = await signIn(server, ClientId, "ann");
    await server.client.send(new GetUserCommand({ AccessToken }));
    const set = (Password: string, Permanent?: boolean) =>
      server.client.send(
        new AdminSetUserPasswordCommand({ UserPoolId, Username: "ann", Password, Permanent }),
      );
    await assert.rejects(set("short-1"), refused("InvalidPasswordException"));
    await set("Another-Secret-1", true);
    await assert.rejects(
      server.client.send(new GetUserCommand({ AccessToken })),
      refused("NotAuthorizedException", "Access Token has been revoked"),
    );
    await assert.rejects(signIn(server, ClientId, "ann"), refused("NotAuthorizedException"));
    await signIn(server, ClientId, "ann", "Another-Secret-1");
    await set("Temporary-Secret-1");
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }));
    assert.equal(user.UserStatus, "FORCE_CHANGE_PASSWORD");

    await server.client.send(new SignUpCommand({ ClientId, Username: "new", Password: password }));
    await server.client.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username: "new", Password: password, Permanent: true }),
    );
    await signIn(server, ClientId, "new");
  });

  test("password history", async () => {
    const server = await open();
    const PasswordPolicy = { MinimumLength: 8, PasswordHistorySize: 2 };
    const { UserPoolId } = await makePool(server, { Policies: { PasswordPolicy } });
    await makeUser(server, UserPoolId, "ann");
    const set = (Password: string) =>
      server.client.send(
        new AdminSetUserPasswordCommand({ UserPoolId, Username: "ann", Password, Permanent: true }),
      );
    await assert.rejects(set(password), refused("PasswordHistoryPolicyViolationException"));
    await set("Second-Secret-1");
    await assert.rejects(set(password), refused("PasswordHistoryPolicyViolationException"));
    await set("Third-Secret-1");
    await set(password);
  });

  test("AdminResetUserPassword: a code, no tokens, no way in before", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const address = newAddress();
    await makeUser(server, UserPoolId, "ann", [email(address), verified]);
    const { AccessToken } = await signIn(server, ClientId, "ann");
    const reset = (Username: string) =>
      server.client.send(new AdminResetUserPasswordCommand({ UserPoolId, Username }));
    await reset("ann");
    await assert.rejects(
      server.client.send(new GetUserCommand({ AccessToken })),
      refused("NotAuthorizedException", "Access Token has been revoked"),
    );
    await assert.rejects(signIn(server, ClientId, "ann"), refused("PasswordResetRequiredException"));
    await reset("ann");
    const ConfirmationCode = await server.code(address);
    await server.client.send(
      new ConfirmForgotPasswordCommand({
        ClientId,
        Username: "ann",
        ConfirmationCode,
        Password: "Another-Secret-1",
      }),
    );
    await signIn(server, ClientId, "ann", "Another-Secret-1");

    await makeUser(server, UserPoolId, "unreachable");
    await assert.rejects(
      reset("unreachable"),
      refused(
        "InvalidParameterException",
        "Cannot reset password for the user as there is no registered/verified email or phone_number",
      ),
    );
    await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "invited", MessageAction: "SUPPRESS" }),
    );
    await assert.rejects(
      reset("invited"),
      refused("NotAuthorizedException", "User password cannot be reset in the current state."),
    );
  });

  test("disabling revokes tokens, enabling lets in again, deletion forgets", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    const user = { UserPoolId, Username: "ann" };
    const { AccessToken } = await signIn(server, ClientId, "ann");
    await server.client.send(new AdminDisableUserCommand(user));
    assert.equal((await server.client.send(new AdminGetUserCommand(user))).Enabled, false);
    await assert.rejects(
      server.client.send(new GetUserCommand({ AccessToken })),
      refused("NotAuthorizedException"),
    );
    await assert.rejects(
      signIn(server, ClientId, "ann"),
      refused("NotAuthorizedException", "User is disabled."),
    );
    await server.client.send(new AdminEnableUserCommand(user));
    const again = await signIn(server, ClientId, "ann");
    await assert.rejects(
      server.client.send(new GetUserCommand({ AccessToken })),
      refused("NotAuthorizedException"),
    );
    await server.client.send(new AdminUserGlobalSignOutCommand(user));
    await assert.rejects(
      server.client.send(new GetUserCommand({ AccessToken: again.AccessToken })),
      refused("NotAuthorizedException", "Access Token has been revoked"),
    );
    await server.client.send(new AdminDeleteUserCommand(user));
    await assert.rejects(
      server.client.send(new AdminGetUserCommand(user)),
      refused("UserNotFoundException", "User does not exist."),
    );
    await makeUser(server, UserPoolId, "ann");
    await assert.rejects(
      server.client.send(new AdminGetUserCommand({ UserPoolId: "us-east-1_NoSuch", Username: "ann" })),
      refused("ResourceNotFoundException", "User pool us-east-1_NoSuch does not exist."),
    );
  });

  test("attributes: immutable ones, verification, deletion, aliases, a user found by sub", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, {
      AliasAttributes: ["email"],
      AutoVerifiedAttributes: ["email"],
      Schema: [{ Name: "fixed", AttributeDataType: "String", Mutable: false }],
    });
    const address = newAddress();
    await makeUser(server, UserPoolId, "ann", [
      email(address),
      verified,
      { Name: "custom:fixed", Value: "x" },
    ]);
    const user = { UserPoolId, Username: "ann" };
    const update = (...UserAttributes: { Name: string; Value: string }[]) =>
      server.client.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes }));
    await assert.rejects(
      update({ Name: "custom:fixed", Value: "y" }),
      refused("InvalidParameterException", "user.custom:fixed: Attribute cannot be updated.\n"),
    );
    await signIn(server, ClientId, address);
    const changed = newAddress();
    await update(email(changed), { Name: "name", Value: "Ann" });
    const read = async () =>
      attributesOf((await server.client.send(new AdminGetUserCommand(user))).UserAttributes);
    assert.equal((await read())["email_verified"], "false");
    assert.match(await server.code(changed), /^\d{6}$/);
    await assert.rejects(signIn(server, ClientId, address), refused("UserNotFoundException"));
    await assert.rejects(signIn(server, ClientId, changed), refused("UserNotFoundException"));
    await update(verified);
    await signIn(server, ClientId, changed);
    const sub = (await read())["sub"] ?? assert.fail("no sub");
    assert.equal(
      (await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: sub }))).Username,
      "ann",
    );
    const remove = (...UserAttributeNames: string[]) =>
      server.client.send(new AdminDeleteUserAttributesCommand({ ...user, UserAttributeNames }));
    await remove("email", "name");
    assert.deepEqual(Object.keys(await read()), ["sub", "custom:fixed"]);
    await assert.rejects(signIn(server, ClientId, changed), refused("UserNotFoundException"));
    await assert.rejects(
      remove("custom:foo"),
      refused(
        "InvalidParameterException",
        "Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n",
      ),
    );
    await update({ Name: "nickname", Value: "a" });
    await update({ Name: "nickname", Value: "" });
    assert.equal((await read())["nickname"], undefined);
  });

  test("parallel updates of one user all count", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    const names = ["name", "given_name", "family_name", "nickname", "locale", "website"];
    await Promise.all(
      names.map((Name) =>
        server.client.send(
          new AdminUpdateUserAttributesCommand({
            UserPoolId,
            Username: "ann",
            UserAttributes: [{ Name, Value: Name }],
          }),
        ),
      ),
    );
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }));
    for (const name of names) assert.equal(attributesOf(user.UserAttributes)[name], name);
  });

  test("pools without passwords: a user may have none", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server, {
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } },
    });
    const address = newAddress();
    const made = await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "ann", UserAttributes: [email(address), verified] }),
    );
    assert.equal(made.User?.UserStatus, "CONFIRMED");
    const [message] = await server.inbox(address);
    assert.equal(message?.body, "Your username is ann.");
    assert.equal(message?.code, null);
  });

  test("the confirmation of a user who has been deleted and made anew needs a new code", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const address = newAddress();
    const UserAttributes = [email(address)];
    const sign = { ClientId, Username: "ann", Password: password, UserAttributes };
    await server.client.send(new SignUpCommand(sign));
    const old = await server.code(address);
    await server.client.send(new AdminDeleteUserCommand({ UserPoolId, Username: "ann" }));
    await server.client.send(new SignUpCommand(sign));
    if (old === (await server.code(address))) return;
    await assert.rejects(
      server.client.send(new ConfirmSignUpCommand({ ClientId, Username: "ann", ConfirmationCode: old })),
      refused("CodeMismatchException"),
    );
  });
});
