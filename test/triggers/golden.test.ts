/** The events that functions get, field by field, of every trigger source. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminGetUserCommand,
  CreateResourceServerCommand,
  type CreateUserPoolClientCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { userPoolShapes } from "../../src/wire/generated/user-pools.ts";
import { smsConfiguration } from "../kit/factors.ts";
import { attributesOf, makeClient, makePool, uuid } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { callback } from "../oauth/support.ts";
import type { Place, Scene, Subject } from "./firing.ts";
import {
  arnOf,
  eventsOf,
  forOneServerWithFunctions,
  kmsKey,
  plainTriggers,
  scripted,
  type TriggerEvent,
} from "./functions.ts";
import { golden, orders } from "./golden.ts";

const inPlainText = { LambdaVersion: "V1_0", LambdaArn: arnOf("plain") } as const;
const everyTrigger = {
  ...plainTriggers,
  PreTokenGenerationConfig: { LambdaVersion: "V3_0", LambdaArn: scripted },
  InboundFederation: { LambdaVersion: "V1_0", LambdaArn: scripted },
} as const;
const everySender = {
  CustomEmailSender: inPlainText,
  CustomSMSSender: inPlainText,
  KMSKeyID: kmsKey,
} as const;

const app: Partial<CreateUserPoolClientCommandInput> = {
  ExplicitAuthFlows: [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
  ],
  PreventUserExistenceErrors: "ENABLED",
};
const oauth = { AllowedOAuthFlowsUserPoolClient: true, CallbackURLs: [callback] };

async function setUp(server: TestServer): Promise<Scene> {
  const SignInPolicy = { AllowedFirstAuthFactors: ["PASSWORD" as const, "EMAIL_OTP" as const] };
  const main = await makePool(
    server,
    {
      LambdaConfig: everyTrigger,
      AutoVerifiedAttributes: ["email"],
      DeviceConfiguration: { ChallengeRequiredOnNewDevice: false, DeviceOnlyRememberedOnUserPrompt: false },
      Policies: { SignInPolicy },
    },
    app,
  );
  const { UserPoolId } = main;
  const senders = await makePool(
    server,
    {
      LambdaConfig: everySender,
      AutoVerifiedAttributes: ["email", "phone_number"],
      Policies: {
        SignInPolicy: { AllowedFirstAuthFactors: [...SignInPolicy.AllowedFirstAuthFactors, "SMS_OTP"] },
      },
      ...smsConfiguration,
    },
    app,
  );
  const Scopes = [{ ScopeName: "read", ScopeDescription: "Read" }];
  await server.client.send(
    new CreateResourceServerCommand({ UserPoolId, Identifier: "api", Name: "api", Scopes }),
  );
  const pages = await makeClient(server, UserPoolId, {
    ...oauth,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "aws.cognito.signin.user.admin"],
  });
  const machine = await makeClient(server, UserPoolId, {
    ...oauth,
    GenerateSecret: true,
    AllowedOAuthFlows: ["client_credentials"],
    AllowedOAuthScopes: ["api/read"],
  });
  const base = `${server.endpoint}/${UserPoolId}`;
  return { server, ...main, base, pages, machine, senders: { server, ...senders } };
}

/** An event as the table has it: names stand for what differs from run to run. */
function general(event: TriggerEvent, { UserPoolId, ClientId }: Place, about: Subject, sub?: string) {
  const { user, client = ClientId, ...addresses } = about;
  const named = { pool: UserPoolId, user, client, sub, ...addresses };
  const names = new Map(Object.entries(named).map(([name, value]) => [value, `<${name}>`]));
  return JSON.parse(JSON.stringify(event), (key, value: unknown) => {
    if (key === "awsSdkVersion" && /^aws-sdk-js-\d+\.\d+\.\d+$/.test(String(value))) return "<sdk>";
    if (key === "code" && /^\d{6}$|^\d{8}$|^.*[A-Z].*$/.test(String(value))) return "<code>";
    // Who gets tokens for itself is both.
    if (key === "userName" && value === user) return "<user>";
    return (typeof value === "string" && names.get(value)) || value;
  }) as TriggerEvent;
}

forOneServerWithFunctions("sqlite", "golden events", (open) => {
  let made: Promise<Scene> | undefined;
  const events: TriggerEvent[] = [];

  for (const [source, { fire, event: expected }] of Object.entries(golden))
    test(source, async () => {
      made ??= open().then(setUp);
      const scene = await made;
      const place = /^Custom(?:Email|SMS)Sender_/.test(source) ? scene.senders : scene;
      const about = await fire(scene);
      const isIt = ({ triggerSource, userName }: TriggerEvent) =>
        triggerSource === source && userName === about.user;
      await until("the function is called", () => {
        events.push(...eventsOf(place.UserPoolId));
        return events.some(isIt);
      });
      const [event] = events.splice(0).filter(isIt);
      const named = { UserPoolId: place.UserPoolId, Username: about.user };
      const user = await scene.server.client.send(new AdminGetUserCommand(named)).catch(() => undefined);
      const { sub } = attributesOf(user?.UserAttributes);
      if (user !== undefined) assert.match(sub ?? "", uuid);
      assert.deepEqual(general(event!, place, about, sub), expected);
    });

  for (const [what, [fire, sources]] of Object.entries(orders))
    test(`${what}: what fires, in order`, async () => {
      made ??= open().then(setUp);
      const scene = await made;
      const { user } = await fire(scene);
      await until("all have been called", () => {
        events.push(...eventsOf(scene.UserPoolId));
        return events.filter(({ userName }) => userName === user).length >= sources.length;
      });
      const own = events.splice(0).filter(({ userName }) => userName === user);
      assert.deepEqual(
        own.map(({ triggerSource }) => triggerSource),
        sources,
      );
    });

  test("every trigger that a pool can name has its sources here", () => {
    const lambdaConfig = userPoolShapes["LambdaConfigType"];
    assert.ok(lambdaConfig?.type === "structure");
    const others = new Set(["KMSKeyID", "PreTokenGenerationConfig"]);
    const named = Object.keys(lambdaConfig.members).filter((member) => !others.has(member));
    const prefix = (trigger: string) => (trigger === "PreTokenGeneration" ? "TokenGeneration" : trigger);
    const tested = new Set(Object.keys(golden).map((source) => source.slice(0, source.indexOf("_"))));
    assert.deepEqual(named.map(prefix).sort(), [...tested].sort());
  });
});
