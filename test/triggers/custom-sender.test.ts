/** CustomEmailSender and CustomSMSSender: functions send the messages of a pool. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
  ConfirmSignUpCommand,
  ForgotPasswordCommand,
  GetUserAttributeVerificationCodeCommand,
  InitiateAuthCommand,
  ResendConfirmationCodeCommand,
  SignUpCommand,
  UpdateUserAttributesCommand,
  UpdateUserPoolCommand,
  VerifyUserAttributeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePool, makeUser, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import { until } from "../kit/waiting.ts";
import {
  arnOf,
  eventsOf,
  forOneServerWithFunctions,
  kmsKey,
  lendKeys,
  type Sent,
  script,
  scripted,
  sentOf,
  type TriggerEvent,
} from "./functions.ts";

const sentBy = (name: string) =>
  ({ CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arnOf(name) }, KMSKeyID: kmsKey }) as const;
const textedBy = (name: string) =>
  ({ CustomSMSSender: { LambdaVersion: "V1_0", LambdaArn: arnOf(name) }, KMSKeyID: kmsKey }) as const;

let serial = 0;
const newNumber = () => `+4915550${String(1000 + ++serial)}`;

forOneServerWithFunctions("sqlite", "custom senders", (open) => {
  let keys: Promise<void> | undefined;
  const place = async (LambdaConfig: object, pool: object = {}, app: object = {}) => {
    const server = await open();
    keys ??= lendKeys(server);
    await keys;
    const made = await makePool(
      server,
      { LambdaConfig, AutoVerifiedAttributes: ["email"], ...pool },
      { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"], ...app },
    );
    return { server, ...made };
  };
  const own = (email: string) => [
    { Name: "email", Value: email },
    { Name: "email_verified", Value: "true" },
  ];
  /** The next event that the scripted function gets. */
  const nextEvent = async (poolId: string): Promise<TriggerEvent> => {
    const events: TriggerEvent[] = [];
    await until("the function is called", () => events.push(...eventsOf(poolId)) > 0);
    assert.equal(events.length, 1);
    return events[0]!;
  };
  const nextSent = async (poolId: string): Promise<Sent> => {
    const sent: Sent[] = [];
    await until("the handler has sent", () => sent.push(...sentOf(poolId)) > 0);
    assert.equal(sent.length, 1);
    return sent[0]!;
  };

  test("every message has its source and its event, and nobody else sends it", async () => {
    const { server, UserPoolId, ClientId } = await place(
      { ...sentBy("plain"), CustomMessage: scripted },
      { Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } } },
    );
    const { client } = server;
    const ClientMetadata = { a: "b" };
    const [email, other] = [newAddress(), newAddress()];
    const Username = unique("user");
    const check = async (to: string, source: string, metadata: object | null, clientId = ClientId) => {
      const { request, ...envelope } = await nextEvent(UserPoolId);
      const { userName, ...rest } = envelope;
      assert.ok(userName);
      assert.deepEqual(rest, {
        version: "1",
        triggerSource: `CustomEmailSender_${source}`,
        region: "us-east-1",
        userPoolId: UserPoolId,
        callerContext: { awsSdkVersion: "aws-sdk-unknown-unknown", clientId },
      });
      const { userAttributes, code, ...others } = request;
      assert.deepEqual(others, { type: "customEmailSenderRequestV1", clientMetadata: metadata });
      const { sub, email: address, "cognito:user_status": status } = userAttributes as Record<string, string>;
      assert.equal(sub?.length, 36);
      assert.equal(address, to);
      assert.ok(status);
      assert.deepEqual(await server.inbox(to), []);
      return String(code);
    };
    const byAdministrator = "CLIENT_ID_NOT_APPLICABLE";

    const UserAttributes = [{ Name: "email", Value: email }];
    await client.send(
      new SignUpCommand({ ClientId, Username, Password: password, UserAttributes, ClientMetadata }),
    );
    assert.match(await check(email, "SignUp", ClientMetadata), /^\d{6}$/);
    await client.send(new ResendConfirmationCodeCommand({ ClientId, Username }));
    const ConfirmationCode = await check(email, "ResendCode", null);
    await client.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode }));

    const bob = { UserPoolId, Username: unique("user") };
    const TemporaryPassword = "Tempo<&>rary-7";
    await client.send(
      new AdminCreateUserCommand({
        ...{ ...bob, UserAttributes: own(other), TemporaryPassword, ClientMetadata },
        DesiredDeliveryMediums: ["EMAIL"],
      }),
    );
    const given = await check(other, "AdminCreateUser", ClientMetadata, byAdministrator);
    assert.equal(given, "Tempo&lt;&amp;&gt;rary-7");
    await client.send(new AdminSetUserPasswordCommand({ ...bob, Password: password, Permanent: true }));
    await client.send(new ForgotPasswordCommand({ ClientId, Username: bob.Username, ClientMetadata }));
    await check(other, "ForgotPassword", ClientMetadata);
    await client.send(new AdminResetUserPasswordCommand(bob));
    await check(other, "ForgotPassword", null, byAdministrator);
    await client.send(new AdminSetUserPasswordCommand({ ...bob, Password: password, Permanent: true }));
    const { AccessToken } = await signIn(server, ClientId, bob.Username);
    const next = newAddress();
    const changed = [{ Name: "email", Value: next }];
    await client.send(new UpdateUserAttributesCommand({ AccessToken, UserAttributes: changed }));
    await check(next, "UpdateUserAttribute", null);
    await client.send(new GetUserAttributeVerificationCodeCommand({ AccessToken, AttributeName: "email" }));
    const Code = await check(next, "VerifyUserAttribute", null);
    await client.send(new VerifyUserAttributeCommand({ AccessToken, AttributeName: "email", Code }));
    await client.send(
      new InitiateAuthCommand({
        ...{ ClientId, AuthFlow: "USER_AUTH", ClientMetadata },
        AuthParameters: { USERNAME: bob.Username, PREFERRED_CHALLENGE: "EMAIL_OTP" },
      }),
    );
    assert.match(await check(next, "Authentication", null), /^\d{8}$/);
  });

  test("an address that is still to be verified is where the code belongs", async () => {
    const { server, UserPoolId, ClientId } = await place(sentBy("plain"), {
      UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email"] },
    });
    const Username = await makeUser(server, UserPoolId, unique("user"), own(newAddress()));
    const { AccessToken } = await signIn(server, ClientId, Username);
    const next = newAddress();
    const UserAttributes = [{ Name: "email", Value: next }];
    await server.client.send(new UpdateUserAttributesCommand({ AccessToken, UserAttributes }));
    const { request } = await nextEvent(UserPoolId);
    assert.equal((request["userAttributes"] as Record<string, string>)["email"], next);
    const { UserAttributes: stored } = await server.client.send(
      new AdminGetUserCommand({ UserPoolId, Username }),
    );
    assert.notEqual(stored?.find(({ Name }) => Name === "email")?.Value, next);
  });

  test("AWS's example of a handler decrypts codes, in a worker and in a process", async () => {
    const { server, UserPoolId, ClientId } = await place({ ...sentBy("mailer"), ...textedBy("texter") });
    const Username = unique("user");
    const email = newAddress();
    const UserAttributes = [{ Name: "email", Value: email }];
    await server.client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
    const { event, code = assert.fail("not decrypted"), suite, context } = await nextSent(UserPoolId);
    assert.match(String(event.request["code"]), /^AYADe/);
    assert.equal(suite, 0x0378);
    assert.deepEqual(Object.keys(context ?? {}).sort(), ["aws-crypto-public-key", "userpool-id"]);
    assert.equal(context?.["userpool-id"], UserPoolId);
    await server.client.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode: code }));

    const phone_number = newNumber();
    await server.client.send(
      new AdminCreateUserCommand({
        ...{ UserPoolId, Username: unique("user"), TemporaryPassword: password },
        UserAttributes: [{ Name: "phone_number", Value: phone_number }],
      }),
    );
    const texted = await nextSent(UserPoolId);
    assert.equal(texted.refused, undefined);
    assert.equal(texted.event.triggerSource, "CustomSMSSender_AdminCreateUser");
    assert.equal(texted.event.request["type"], "customSMSSenderRequestV1");
    assert.equal(texted.code, password);
    assert.deepEqual(await server.inbox(phone_number), []);
  });

  test("a handler with another function's access key decrypts nothing", async () => {
    const { server, UserPoolId, ClientId } = await place(sentBy("borrower"));
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    const Username = unique("user");
    await server.client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
    const { refused: why, code } = await nextSent(UserPoolId);
    assert.equal(code, undefined);
    assert.match(why ?? "", /AccessDeniedException/);
    assert.match(why ?? "", /user\/texter is not authorized to perform: kms:Decrypt/);
  });

  test("what the function throws reaches no caller; it is called three times in all", async () => {
    const { server, UserPoolId, ClientId } = await place(sentBy("plain"));
    script(UserPoolId, "CustomEmailSender_SignUp", { throws: "No post today" });
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    const Username = unique("user");
    await server.client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
    await nextEvent(UserPoolId);
    for (const seconds of [5, 20]) {
      await until("the failure is recorded", () => server.app.deliveries.size === 0);
      server.clock.advance(seconds * 1000);
      await nextEvent(UserPoolId);
    }
    await until("the failure is recorded", () => server.app.deliveries.size === 0);
    const rows = server.app.db.kysely.selectFrom("outbox").select(["status", "attempts"]);
    const left = await rows.where("pool_id", "=", UserPoolId).execute();
    assert.deepEqual(left, [{ status: "failed", attempts: 3 }]);
  });

  test("its answer does not matter, and the message is kept no longer", async () => {
    const { server, UserPoolId, ClientId } = await place(sentBy("plain"));
    for (const answer of [null, "sent", { response: 7 }]) {
      script(UserPoolId, "CustomEmailSender_SignUp", { answer });
      const UserAttributes = [{ Name: "email", Value: newAddress() }];
      const Username = unique("user");
      await server.client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
      await nextEvent(UserPoolId);
      const rows = server.app.db.kysely.selectFrom("outbox").select("message_id");
      await until("it is gone", async () => {
        return (await rows.where("pool_id", "=", UserPoolId).execute()).length === 0;
      });
    }
  });

  test("a function that is not configured, or could not decrypt a code, fails loudly; the user is there", async () => {
    for (const [name, cause] of [
      ["nobody-has-defined-it", "ResourceNotFoundException"],
      ["scripted", "AccessDeniedException"],
    ] as const) {
      const { server, UserPoolId, ClientId } = await place(sentBy(name));
      const UserAttributes = [{ Name: "email", Value: newAddress() }];
      const Username = unique("user");
      await assert.rejects(
        server.client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes })),
        refused("UnexpectedLambdaException", `CustomEmailSender invocation failed due to error ${cause}.`),
      );
      await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
      assert.deepEqual(eventsOf(UserPoolId), []);
    }
  });

  test("if the client hides who exists, the answer tells nothing of the function", async () => {
    const { server, UserPoolId, ClientId } = await place(
      sentBy("nobody-has-defined-it"),
      {},
      { PreventUserExistenceErrors: "ENABLED" },
    );
    const Username = await makeUser(server, UserPoolId, unique("user"), own(newAddress()));
    await server.client.send(new ForgotPasswordCommand({ ClientId, Username }));
    await server.client.send(new ForgotPasswordCommand({ ClientId, Username: "nobody" }));
  });

  test("a function that hangs holds up no messages of other pools", async () => {
    const hides = { PreventUserExistenceErrors: "ENABLED" };
    const { server, ...hanging } = await place(sentBy("waiting"), {}, hides);
    const other = await place({}, {}, hides);
    const forget = async ({ UserPoolId, ClientId }: typeof hanging) => {
      const Username = await makeUser(server, UserPoolId, unique("user"), own(newAddress()));
      await server.client.send(new ForgotPasswordCommand({ ClientId, Username }));
    };
    const isSent = async () => {
      const rows = await server.app.db.kysely
        .selectFrom("outbox")
        .select("status")
        .where("pool_id", "=", other.UserPoolId)
        .execute();
      return rows.some(({ status }) => status === "sent");
    };
    await forget(hanging);
    await nextEvent(hanging.UserPoolId);
    try {
      await forget(other);
      await until("the message is sent", isSent);
    } finally {
      script(hanging.UserPoolId, "go", { answer: null });
    }
  });

  test("the other medium is still ours, and a pool that takes its sender away sends no more by it", async () => {
    const { server, UserPoolId, ClientId } = await place(textedBy("plain"));
    const signUp = async () => {
      const email = newAddress();
      const UserAttributes = [{ Name: "email", Value: email }];
      const input = { ClientId, Username: unique("user"), Password: password, UserAttributes };
      await server.client.send(new SignUpCommand(input));
      return email;
    };
    assert.equal((await server.inbox(await signUp())).length, 1);
    assert.deepEqual(eventsOf(UserPoolId), []);
    const update = (LambdaConfig: object) =>
      server.client.send(
        new UpdateUserPoolCommand({ UserPoolId, LambdaConfig, AutoVerifiedAttributes: ["email"] }),
      );
    await update(sentBy("plain"));
    const email = await signUp();
    await nextEvent(UserPoolId);
    assert.deepEqual(await server.inbox(email), []);
    await update({});
    assert.equal((await server.inbox(await signUp())).length, 1);
  });
});
