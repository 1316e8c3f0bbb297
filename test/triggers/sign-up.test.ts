/** PreSignUp and PostConfirmation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  ForgotPasswordCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { attributesOf, makePool, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { arnOf, eventsOf, forOneServerWithFunctions, script, scripted, sourcesOf } from "./functions.ts";

const both = { PreSignUp: scripted, PostConfirmation: scripted };
const signUpSource = "PreSignUp_SignUp";

forOneServerWithFunctions("postgres", "the triggers of a new user", (open) => {
  const place = async (pool: object = {}) => {
    const server = await open();
    const made = await makePool(server, {
      LambdaConfig: both,
      AutoVerifiedAttributes: ["email"],
      ...pool,
    });
    return { server, ...made };
  };
  const signUp = ({ client }: TestServer, ClientId: string, more: object = {}) => {
    const email = newAddress();
    const Username = unique("user");
    const UserAttributes = [{ Name: "email", Value: email }];
    const input = { ClientId, Username, Password: password, UserAttributes, ...more };
    return client.send(new SignUpCommand(input)).then((answer) => ({ ...answer, Username, email }));
  };

  test("the events of SignUp and ConfirmSignUp, field by field", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const { Username, UserSub, email } = await signUp(server, ClientId, {
      ValidationData: [{ Name: "captcha", Value: "passed" }],
      ClientMetadata: { campaign: "spring" },
    });
    const [before] = eventsOf(UserPoolId);
    assert.match(before?.callerContext.awsSdkVersion ?? "", /^aws-sdk-js-\d+\./);
    const callerContext = { awsSdkVersion: before?.callerContext.awsSdkVersion, clientId: ClientId };
    const common = { version: "1", region: "us-east-1", userPoolId: UserPoolId, userName: Username };
    assert.deepEqual(before, {
      ...common,
      triggerSource: "PreSignUp_SignUp",
      callerContext,
      request: {
        userAttributes: { email, email_verified: "false" },
        validationData: { captcha: "passed" },
        clientMetadata: { campaign: "spring" },
      },
      response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    });
    const ConfirmationCode = await server.code(email);
    const confirm = { ClientId, Username, ConfirmationCode, ClientMetadata: { step: "2" } };
    await server.client.send(new ConfirmSignUpCommand(confirm));
    assert.deepEqual(eventsOf(UserPoolId), [
      {
        ...common,
        triggerSource: "PostConfirmation_ConfirmSignUp",
        callerContext,
        request: {
          userAttributes: {
            sub: UserSub,
            "cognito:user_status": "CONFIRMED",
            email,
            email_verified: "true",
          },
          clientMetadata: { step: "2" },
        },
        response: {},
      },
    ]);
  });

  test("it may confirm the user and vouch for the address: no code is sent, PostConfirmation hears of it", async () => {
    const { server, UserPoolId, ClientId } = await place();
    script(UserPoolId, signUpSource, { response: { autoConfirmUser: true, autoVerifyEmail: true } });
    const { Username, email, ...answer } = await signUp(server, ClientId);
    assert.equal(answer.UserConfirmed, true);
    assert.equal(answer.CodeDeliveryDetails, undefined);
    assert.deepEqual(await server.inbox(email), []);
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
    assert.equal(user.UserStatus, "CONFIRMED");
    assert.equal(attributesOf(user.UserAttributes)["email_verified"], "true");
    assert.deepEqual(sourcesOf(UserPoolId), [signUpSource, "PostConfirmation_ConfirmSignUp"]);
    await signIn(server, ClientId, Username);
  });

  test("an alias moves to whom the function vouches for", async () => {
    const { server, UserPoolId, ClientId } = await place({ AliasAttributes: ["email"] });
    const response = { autoConfirmUser: true, autoVerifyEmail: true };
    script(UserPoolId, signUpSource, { response });
    const first = await signUp(server, ClientId);
    const UserAttributes = [{ Name: "email", Value: first.email }];
    const second = await signUp(server, ClientId, { UserAttributes });
    const { Username: owner } = await server.client.send(
      new AdminGetUserCommand({ UserPoolId, Username: first.email }),
    );
    assert.equal(owner, second.Username);
    const former = await server.client.send(
      new AdminGetUserCommand({ UserPoolId, Username: first.Username }),
    );
    assert.equal(attributesOf(former.UserAttributes)["email_verified"], "false");
  });

  test("without an address to vouch for, or if it throws, nobody is made", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const cases = [
      [{ response: { autoVerifyPhone: true } }, "InvalidLambdaResponseException", /Unrecognizable/],
      [{ throws: "No robots." }, "UserLambdaValidationException", "PreSignUp failed with error No robots.."],
    ] as const;
    for (const [what, name, message] of cases) {
      script(UserPoolId, signUpSource, what);
      const Username = unique("user");
      await assert.rejects(signUp(server, ClientId, { Username }), refused(name, message));
      await assert.rejects(server.client.send(new AdminGetUserCommand({ UserPoolId, Username })), {
        name: "UserNotFoundException",
      });
      script(UserPoolId, "PreSignUp_AdminCreateUser", what);
      const create = server.client.send(new AdminCreateUserCommand({ UserPoolId, Username }));
      if ("throws" in what) await assert.rejects(create, refused(name, message));
      else assert.equal((await create).User?.UserStatus, "FORCE_CHANGE_PASSWORD", "it decides nothing there");
    }
  });

  test("AdminCreateUser tells it, AdminConfirmSignUp and a new password by code the other", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const { client } = server;
    const Username = unique("user");
    await client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username,
        ValidationData: [{ Name: "from", Value: "crm" }],
        ClientMetadata: { a: "b" },
      }),
    );
    const [created] = eventsOf(UserPoolId);
    assert.equal(created?.triggerSource, "PreSignUp_AdminCreateUser");
    assert.equal(created?.callerContext.clientId, "CLIENT_ID_NOT_APPLICABLE");
    assert.deepEqual(created?.request, {
      userAttributes: {},
      validationData: { from: "crm" },
      clientMetadata: { a: "b" },
    });
    const signedUp = await signUp(server, ClientId);
    await client.send(
      new AdminConfirmSignUpCommand({ UserPoolId, Username: signedUp.Username, ClientMetadata: { c: "d" } }),
    );
    const [, confirmed] = eventsOf(UserPoolId);
    assert.equal(confirmed?.triggerSource, "PostConfirmation_ConfirmSignUp");
    assert.equal(confirmed?.callerContext.clientId, "CLIENT_ID_NOT_APPLICABLE");
    assert.deepEqual(confirmed?.request["clientMetadata"], { c: "d" });

    const { Username: ann, email } = await signUp(server, ClientId);
    const ConfirmationCode = await server.code(email);
    await client.send(new ConfirmSignUpCommand({ ClientId, Username: ann, ConfirmationCode }));
    await client.send(new ForgotPasswordCommand({ ClientId, Username: ann }));
    const code = await server.code(email);
    eventsOf(UserPoolId);
    script(UserPoolId, "PostConfirmation_ConfirmForgotPassword", { throws: "too late" });
    await assert.rejects(
      client.send(
        new ConfirmForgotPasswordCommand({
          ...{ ClientId, Username: ann, ConfirmationCode: code, Password: "Other-Horse-8" },
          ClientMetadata: { e: "f" },
        }),
      ),
      refused("UserLambdaValidationException", "PostConfirmation failed with error too late."),
    );
    const [recovered] = eventsOf(UserPoolId);
    assert.deepEqual(recovered?.request["clientMetadata"], { e: "f" });
    // What the function throws does not undo it.
    await signIn(server, ClientId, ann, "Other-Horse-8");
  });

  test("what cannot be run, or answers nonsense, is refused with AWS's errors; none is skipped", async () => {
    const { server, UserPoolId, ClientId } = await place();
    const answers: readonly [unknown, RegExp][] = [
      [null, /^Unrecognizable lambda output$/],
      ["text", /^Unrecognizable lambda output$/],
      [[], /^Unrecognizable lambda output$/],
      [{}, /^Unrecognizable lambda output$/],
      [{ response: null }, /^Unrecognizable lambda output$/],
      [{ response: [] }, /^Unrecognizable lambda output$/],
      [{ response: { autoConfirmUser: "true" } }, /^Unrecognizable lambda output$/],
      [{ response: { autoConfirmUser: 1 } }, /^Unrecognizable lambda output$/],
    ];
    for (const [answer, message] of answers) {
      script(UserPoolId, signUpSource, { answer });
      await assert.rejects(
        signUp(server, ClientId),
        refused("InvalidLambdaResponseException", message),
        JSON.stringify(answer),
      );
    }
    script(UserPoolId, signUpSource, { answer: { response: { autoConfirmUser: null, other: 1 } } });
    assert.equal((await signUp(server, ClientId)).UserConfirmed, false);
    const unknown = await place({ LambdaConfig: { PreSignUp: arnOf("nobody-has-defined-it") } });
    await assert.rejects(
      signUp(server, unknown.ClientId),
      refused(
        "UnexpectedLambdaException",
        "PreSignUp invocation failed due to error ResourceNotFoundException.",
      ),
    );
  });
});
