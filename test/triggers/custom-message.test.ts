/** CustomMessage: what a function makes of each message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  ForgotPasswordCommand,
  GetUserAttributeVerificationCodeCommand,
  InitiateAuthCommand,
  ResendConfirmationCodeCommand,
  SignUpCommand,
  UpdateUserAttributesCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePool, makeUser, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import { until } from "../kit/waiting.ts";
import { eventsOf, forOneServerWithFunctions, script, scripted } from "./functions.ts";

const sources = ["SignUp", "ResendCode", "AdminCreateUser", "ForgotPassword", "UpdateUserAttribute"] as const;
const others = ["VerifyUserAttribute", "Authentication"] as const;

forOneServerWithFunctions("sqlite", "CustomMessage", (open) => {
  const place = async (pool: object = {}, hides = false) => {
    const server = await open();
    const made = await makePool(
      server,
      { LambdaConfig: { CustomMessage: scripted }, AutoVerifiedAttributes: ["email"], ...pool },
      {
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"],
        PreventUserExistenceErrors: hides ? "ENABLED" : "LEGACY",
      },
    );
    const says = (source: string, response: object) =>
      script(made.UserPoolId, `CustomMessage_${source}`, { response });
    for (const source of [...sources, ...others])
      says(source, { emailSubject: `${source}!`, emailMessage: `<b>${source}</b> {####} {username}` });
    return { server, ...made, says };
  };
  const own = (email: string) => [
    { Name: "email", Value: email },
    { Name: "email_verified", Value: "true" },
  ];

  test("every message has its source, its event and the function's words", async () => {
    const policies = {
      SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD" as const, "EMAIL_OTP" as const] },
    };
    const { server, UserPoolId, ClientId } = await place({ Policies: policies });
    const { client } = server;
    const ClientMetadata = { a: "b" };
    const [email, other] = [newAddress(), newAddress()];
    const Username = unique("user");
    const UserAttributes = [{ Name: "email", Value: email }];
    const check = async (to: string, source: string, metadata: object | undefined, clientId: string) => {
      const [message = assert.fail(`no message by ${source}`)] = await server.inbox(to);
      const { code } = message;
      assert.equal(message.subject, `${source}!`);
      const [event, ...more] = eventsOf(UserPoolId);
      assert.deepEqual(more, []);
      assert.equal(event?.triggerSource, `CustomMessage_${source}`);
      assert.equal(event?.callerContext.clientId, clientId);
      const isInvitation = source === "AdminCreateUser";
      assert.equal(message.body, `<b>${source}</b> ${code} ${isInvitation ? event?.userName : "{username}"}`);
      const { userAttributes, ...request } = event?.request ?? {};
      assert.equal((userAttributes as Record<string, string>)["sub"]?.length, 36);
      assert.deepEqual(request, {
        codeParameter: "{####}",
        linkParameter: "{##Click Here##}",
        usernameParameter: isInvitation ? "{username}" : null,
        ...(metadata && { clientMetadata: metadata }),
      });
      assert.deepEqual(event?.response, { smsMessage: null, emailMessage: null, emailSubject: null });
    };
    const byAdministrator = "CLIENT_ID_NOT_APPLICABLE";
    await client.send(
      new SignUpCommand({ ClientId, Username, Password: password, UserAttributes, ClientMetadata }),
    );
    await check(email, "SignUp", ClientMetadata, ClientId);
    await client.send(new ResendConfirmationCodeCommand({ ClientId, Username, ClientMetadata }));
    await check(email, "ResendCode", ClientMetadata, ClientId);

    const bob = { UserPoolId, Username: unique("user") };
    await client.send(
      new AdminCreateUserCommand({
        ...{ ...bob, UserAttributes: own(other), ClientMetadata },
        ...{ TemporaryPassword: password, DesiredDeliveryMediums: ["EMAIL"] },
      }),
    );
    await check(other, "AdminCreateUser", ClientMetadata, byAdministrator);
    await client.send(new AdminSetUserPasswordCommand({ ...bob, Password: password, Permanent: true }));
    await client.send(new ForgotPasswordCommand({ ClientId, Username: bob.Username, ClientMetadata }));
    await check(other, "ForgotPassword", ClientMetadata, ClientId);
    await client.send(new AdminResetUserPasswordCommand({ ...bob, ClientMetadata }));
    await check(other, "ForgotPassword", ClientMetadata, byAdministrator);
    await client.send(new AdminSetUserPasswordCommand({ ...bob, Password: password, Permanent: true }));
    const { AccessToken } = await signIn(server, ClientId, bob.Username);
    const next = newAddress();
    const changed = [{ Name: "email", Value: next }];
    await client.send(
      new UpdateUserAttributesCommand({ AccessToken, UserAttributes: changed, ClientMetadata }),
    );
    await check(next, "UpdateUserAttribute", ClientMetadata, ClientId);
    await client.send(
      new GetUserAttributeVerificationCodeCommand({ AccessToken, AttributeName: "email", ClientMetadata }),
    );
    await check(next, "VerifyUserAttribute", ClientMetadata, ClientId);
    const last = newAddress();
    await client.send(
      new AdminUpdateUserAttributesCommand({
        ...{ ...bob, UserAttributes: [{ Name: "email", Value: last }], ClientMetadata },
      }),
    );
    await check(last, "UpdateUserAttribute", ClientMetadata, byAdministrator);
    await client.send(new AdminUpdateUserAttributesCommand({ ...bob, UserAttributes: own(last) }));
    eventsOf(UserPoolId);
    await client.send(
      new InitiateAuthCommand({
        ...{ ClientId, AuthFlow: "USER_AUTH", ClientMetadata },
        AuthParameters: { USERNAME: bob.Username, PREFERRED_CHALLENGE: "EMAIL_OTP" },
      }),
    );
    await check(last, "Authentication", undefined, ClientId);
  });

  test("what it leaves out is the pool's own; a link is where it says", async () => {
    const template = {
      DefaultEmailOption: "CONFIRM_WITH_LINK" as const,
      EmailMessageByLink: "Pool: {##here##}",
      EmailSubjectByLink: "Pool's",
    };
    const { server, ClientId, says } = await place({ VerificationMessageTemplate: template });
    const signUp = async () => {
      const email = newAddress();
      const input = { ClientId, Username: unique("user"), Password: password };
      const UserAttributes = [{ Name: "email", Value: email }];
      await server.client.send(new SignUpCommand({ ...input, UserAttributes }));
      return (await server.inbox(email))[0] ?? assert.fail("no message");
    };
    says("SignUp", { emailMessage: null, emailSubject: "Ours" });
    const subjectOnly = await signUp();
    assert.equal(subjectOnly.subject, "Ours");
    assert.match(subjectOnly.body, /^Pool: <a href="[^"]+confirmation_code=\d{6}">here<\/a>$/);
    says("SignUp", { emailMessage: "Ours: {##Click Here##} {####}" });
    const bodyOnly = await signUp();
    assert.equal(bodyOnly.subject, "Pool's");
    assert.match(bodyOnly.body, /^Ours: <a href="[^"]+confirmation_code=(\d{6})">Click Here<\/a> \1$/);
  });

  test("what it throws, or cannot be a message, reaches the caller; the user is there", async () => {
    const { server, UserPoolId, ClientId, says } = await place();
    const signUp = () =>
      server.client.send(
        new SignUpCommand({
          ...{ ClientId, Username: unique("user"), Password: password },
          UserAttributes: [{ Name: "email", Value: newAddress() }],
        }),
      );
    script(UserPoolId, "CustomMessage_SignUp", { throws: "No words" });
    await assert.rejects(
      signUp(),
      refused("UserLambdaValidationException", "CustomMessage failed with error No words."),
    );
    const odd = refused("InvalidLambdaResponseException", "Unrecognizable lambda output");
    for (const response of [
      { emailMessage: "No code" },
      { emailMessage: `{####}${"x".repeat(20_000)}` },
      { emailSubject: "x".repeat(141) },
      { emailMessage: 1 },
    ]) {
      says("SignUp", response);
      await assert.rejects(signUp(), odd);
    }
  });

  test("if the client hides who exists, the answer waits for no function", async () => {
    const { server, UserPoolId, ClientId } = await place({}, true);
    const email = newAddress();
    const Username = await makeUser(server, UserPoolId, unique("user"), own(email));
    script(UserPoolId, "CustomMessage_ForgotPassword", { throws: "No words" });
    await server.client.send(new ForgotPasswordCommand({ ClientId, Username }));
    await until("the worker has asked", () => eventsOf(UserPoolId).length > 0);
    assert.deepEqual(await server.inbox(email), []);
    await server.client.send(new ForgotPasswordCommand({ ClientId, Username: "nobody" }));
  });
});
