/** `poolhouse functions events`: the samples are what functions get. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
  AdminResetUserPasswordCommand,
  ForgotPasswordCommand,
  InitiateAuthCommand,
  type LambdaConfigType,
  ResendConfirmationCodeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { isSampleSource, sampleEvent, sampleSources } from "../../src/domain/triggers/samples.ts";
import { makePool, newAddress, password, unique } from "../kit/people.ts";
import { until } from "../kit/waiting.ts";
import {
  eventsOf,
  forOneServerWithFunctions,
  plainTriggers,
  script,
  scripted,
  type TriggerEvent,
} from "./functions.ts";

/** Members, with the types of their values; members of maps whose names callers choose are left out. */
function shapeOf(value: unknown, at = ""): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [`${at}: ${value === null ? "null" : Array.isArray(value) ? "list" : typeof value}`];
  if (/\.(?:userAttributes|clientMetadata|validationData)$/.test(at)) return [`${at}: map`];
  return Object.entries(value).flatMap(([name, one]) => shapeOf(one, `${at}.${name}`));
}

const all: LambdaConfigType = {
  ...plainTriggers,
  PreTokenGenerationConfig: { LambdaVersion: "V2_0", LambdaArn: scripted },
};

test("there is a sample for every source, and each names its own", async () => {
  for (const source of sampleSources) {
    const event = (await sampleEvent(source, {
      region: "eu-west-1",
      accountId: "123456789012",
    })) as TriggerEvent;
    assert.equal(event.triggerSource, source);
    assert.match(event.userPoolId, /^eu-west-1_/);
  }
  assert.equal(isSampleSource("toString"), false);
});

forOneServerWithFunctions("postgres", "samples of events", (open) => {
  test("events that are fired have the members of the samples", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(
      server,
      { LambdaConfig: all, AutoVerifiedAttributes: ["email"] },
      {
        ExplicitAuthFlows: [
          "ALLOW_USER_PASSWORD_AUTH",
          "ALLOW_CUSTOM_AUTH",
          "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        ],
        PreventUserExistenceErrors: "ENABLED",
      },
    );
    script(UserPoolId, "DefineAuthChallenge_Authentication", {
      response: { challengeName: "CUSTOM_CHALLENGE" },
    });
    const Username = unique("ada");
    const ClientMetadata = { campaign: "spring" };
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    const Name = "device";
    const ValidationData = [{ Name, Value: "kiosk" }];
    const send = server.client.send.bind(server.client);
    await send(
      new SignUpCommand({
        ClientId,
        Username,
        Password: password,
        UserAttributes,
        ValidationData,
        ClientMetadata,
      }),
    );
    await send(new ResendConfirmationCodeCommand({ ClientId, Username, ClientMetadata }));
    await send(new AdminConfirmSignUpCommand({ UserPoolId, Username, ClientMetadata }));
    const AuthParameters = { USERNAME: Username, PASSWORD: password };
    await send(
      new AdminInitiateAuthCommand({
        UserPoolId,
        ClientId,
        AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
        AuthParameters,
        ClientMetadata,
      }),
    );
    await send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: "CUSTOM_AUTH",
        AuthParameters: { USERNAME: Username },
        ClientMetadata,
      }),
    );
    await assert.rejects(
      send(
        new InitiateAuthCommand({
          ClientId,
          AuthFlow: "USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME: unique("nobody"), PASSWORD: password },
          ClientMetadata,
        }),
      ),
    );
    await send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: unique("grace"),
        UserAttributes: [{ Name: "email", Value: newAddress() }],
        ValidationData,
        ClientMetadata,
      }),
    );
    await send(new ForgotPasswordCommand({ ClientId, Username: unique("nobody"), ClientMetadata }));
    await send(new AdminResetUserPasswordCommand({ UserPoolId, Username, ClientMetadata })).catch(() => {});
    const fired = new Map<string, TriggerEvent>();
    const expected = [
      "PreSignUp_SignUp",
      "PreSignUp_AdminCreateUser",
      "PostConfirmation_ConfirmSignUp",
      "PreAuthentication_Authentication",
      "PostAuthentication_Authentication",
      "DefineAuthChallenge_Authentication",
      "CreateAuthChallenge_Authentication",
      "UserMigration_Authentication",
      "UserMigration_ForgotPassword",
      "CustomMessage_SignUp",
      "CustomMessage_ResendCode",
      "CustomMessage_AdminCreateUser",
      "TokenGeneration_Authentication",
    ];
    await until("all were fired", () => {
      for (const event of eventsOf(UserPoolId)) fired.set(event.triggerSource, event);
      return expected.every((source) => fired.has(source));
    });
    for (const [source, event] of fired) {
      assert.ok(isSampleSource(source), source);
      const sample = await sampleEvent(source, server.app.config);
      const without = (shape: string[]) => shape.filter((one) => !optional.test(one)).sort();
      assert.deepEqual(without(shapeOf(event)), without(shapeOf(sample)), source);
    }
  });
});

/** What depends on the pool or the request: devices, an administrator's call without ValidationData or ClientMetadata. */
const optional = /\.(?:newDeviceUsed|clientMetadata|validationData|preferredRole)\b/;
