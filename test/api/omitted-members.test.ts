/**
 * What UpdateUserPool, UpdateUserPoolClient and SetUserPoolMfaConfig leave alone, member by member of the tables that the
 * updates work from (src/domain/user-pools/omitted.ts).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateUserPoolClientCommand,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  GetUserPoolMfaConfigCommand,
  SetUserPoolMfaConfigCommand,
  type SetUserPoolMfaConfigCommandInput,
  UpdateUserPoolClientCommand,
  type UpdateUserPoolClientCommandInput,
  UpdateUserPoolCommand,
  type UpdateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import {
  type Omissions,
  setUserPoolMfaConfig,
  updateUserPool,
  updateUserPoolClient,
} from "../../src/domain/user-pools/omitted.ts";
import { refused } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

type Shown = Readonly<Record<string, unknown>>;

/** What a member is set to, and what is seen of that; `also`: of others that follow it. */
interface Change {
  readonly given: unknown;
  readonly seen: unknown;
  readonly also?: Shown;
}

interface Case {
  /** Another value than the default. */
  readonly set: unknown;
  /** What else it is changed to: a value, and what clears it. */
  readonly changes: readonly Change[];
}

const to = (given: unknown, seen: unknown = given, also: Shown = {}): Change => ({ given, seen, also });
/** Nothing is seen of it any more. */
const cleared = (given: unknown): Change => ({ given, seen: undefined });

const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
const sms = { SnsCallerArn: "arn:aws:iam::000000000000:role/sms", SnsRegion: "us-east-1" };
const message = (name: string) => `${name} {####}`;
const template = {
  SmsMessage: message("sms"),
  EmailMessage: message("mail"),
  EmailSubject: "subject",
  DefaultEmailOption: "CONFIRM_WITH_LINK",
};
const policy = (MinimumLength: number, asks: boolean) => ({
  MinimumLength,
  RequireUppercase: asks,
  RequireLowercase: asks,
  RequireNumbers: asks,
  RequireSymbols: asks,
  TemporaryPasswordValidityDays: 7,
});
const choice = { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] };
const recovery = (Name: string) => ({ RecoveryMechanisms: [{ Name, Priority: 1 }] });
const days = { UnusedAccountValidityDays: 7 };

type PoolMember = Exclude<keyof UpdateUserPoolCommandInput, "UserPoolId">;
const poolCases: Readonly<Record<PoolMember, Case>> = {
  Policies: {
    set: { PasswordPolicy: { ...policy(20, true), PasswordHistorySize: 3 }, SignInPolicy: choice },
    changes: [
      to({}, { PasswordPolicy: { ...policy(20, true), PasswordHistorySize: 3 }, SignInPolicy: choice }),
      to(
        { PasswordPolicy: { MinimumLength: 12 } },
        { PasswordPolicy: policy(12, false), SignInPolicy: choice },
      ),
      to(
        { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD"] } },
        {
          PasswordPolicy: { ...policy(20, true), PasswordHistorySize: 3 },
          SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD"] },
        },
      ),
    ],
  },
  DeletionProtection: { set: "ACTIVE", changes: [to("INACTIVE")] },
  LambdaConfig: { set: { PreSignUp: arn("a") }, changes: [to({ CustomMessage: arn("b") }), to({})] },
  AutoVerifiedAttributes: { set: ["email"], changes: [to(["phone_number"]), cleared([])] },
  SmsVerificationMessage: {
    set: template.SmsMessage,
    changes: [
      to(message("new"), message("new"), {
        VerificationMessageTemplate: { ...template, SmsMessage: message("new") },
      }),
    ],
  },
  EmailVerificationMessage: {
    set: template.EmailMessage,
    changes: [
      to(message("new"), message("new"), {
        VerificationMessageTemplate: { ...template, EmailMessage: message("new") },
      }),
    ],
  },
  EmailVerificationSubject: {
    set: template.EmailSubject,
    changes: [to("new", "new", { VerificationMessageTemplate: { ...template, EmailSubject: "new" } })],
  },
  VerificationMessageTemplate: {
    set: template,
    changes: [
      to(
        { EmailSubject: "new" },
        { EmailSubject: "new", DefaultEmailOption: "CONFIRM_WITH_CODE" },
        {
          SmsVerificationMessage: undefined,
          EmailVerificationMessage: undefined,
          EmailVerificationSubject: "new",
        },
      ),
      to(
        {},
        { DefaultEmailOption: "CONFIRM_WITH_CODE" },
        {
          SmsVerificationMessage: undefined,
          EmailVerificationMessage: undefined,
          EmailVerificationSubject: undefined,
        },
      ),
    ],
  },
  SmsAuthenticationMessage: { set: message("code"), changes: [to(message("other"))] },
  UserAttributeUpdateSettings: {
    set: { AttributesRequireVerificationBeforeUpdate: ["email"] },
    changes: [to({ AttributesRequireVerificationBeforeUpdate: [] }), cleared({})],
  },
  MfaConfiguration: { set: "OPTIONAL", changes: [to("OFF")] },
  DeviceConfiguration: {
    set: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
    changes: [to({ ChallengeRequiredOnNewDevice: true }), cleared({})],
  },
  EmailConfiguration: {
    set: { EmailSendingAccount: "COGNITO_DEFAULT", ReplyToEmailAddress: "help@example.com" },
    changes: [to({}, { EmailSendingAccount: "COGNITO_DEFAULT" })],
  },
  SmsConfiguration: { set: sms, changes: [to({ ...sms, ExternalId: "other" })] },
  UserPoolTags: {
    set: { team: "a", "poolhouse:silent-renewal": "*" },
    changes: [to({ team: "b" }), to({})],
  },
  AdminCreateUserConfig: {
    set: { AllowAdminCreateUserOnly: true, InviteMessageTemplate: { EmailSubject: "welcome" }, ...days },
    changes: [
      to(
        { InviteMessageTemplate: { EmailSubject: "hello" } },
        { AllowAdminCreateUserOnly: false, InviteMessageTemplate: { EmailSubject: "hello" }, ...days },
      ),
      to({}, { AllowAdminCreateUserOnly: false, ...days }),
    ],
  },
  UserPoolAddOns: {
    set: {
      AdvancedSecurityMode: "ENFORCED",
      AdvancedSecurityAdditionalFlows: { CustomAuthMode: "ENFORCED" },
    },
    changes: [to({ AdvancedSecurityMode: "OFF" })],
  },
  AccountRecoverySetting: {
    set: recovery("admin_only"),
    changes: [to(recovery("verified_email")), to({}, recovery("admin_only"))],
  },
  PoolName: { set: "before", changes: [to("after")] },
  UserPoolTier: { set: "PLUS", changes: [to("LITE")] },
  KeyConfiguration: { set: { KeyType: "AWS_OWNED_KEY" }, changes: [to({})] },
  IssuerConfiguration: { set: { Type: "UPDATED" }, changes: [to({ Type: "ORIGINAL" })] },
  DcrConfiguration: {
    set: {
      EnableStatus: "Disabled",
      OpenDcrEnabled: false,
      AuthenticatedGrantTypes: ["code"],
      OpenDcrGrantTypes: ["code"],
    },
    changes: [
      to(
        { EnableStatus: "Enabled" },
        {
          EnableStatus: "Enabled",
          OpenDcrEnabled: false,
          AuthenticatedGrantTypes: ["code", "client_credentials"],
          OpenDcrGrantTypes: ["code"],
        },
      ),
    ],
  },
  AcrConfiguration: {
    set: { Level1: { AcrValue: "urn:a" } },
    changes: [to({ Level2: { AcrValue: "urn:b" } }), to({})],
  },
};

type ClientMember = Exclude<keyof UpdateUserPoolClientCommandInput, "UserPoolId" | "ClientId">;
const url = "https://app.example/cb";
const oauth = { AllowedOAuthFlows: ["code"], AllowedOAuthScopes: ["openid"] };
const clientCases: Readonly<Record<ClientMember, Case>> = {
  ClientName: { set: "before", changes: [to("after")] },
  RefreshTokenValidity: {
    set: 90,
    changes: [
      to(120),
      to(0, 30, {
        TokenValidityUnits: { AccessToken: "minutes", IdToken: "minutes", RefreshToken: "days" },
      }),
    ],
  },
  AccessTokenValidity: { set: 6, changes: [to(7)] },
  IdTokenValidity: { set: 8, changes: [to(9)] },
  TokenValidityUnits: {
    set: { AccessToken: "minutes", IdToken: "minutes", RefreshToken: "hours" },
    changes: [
      to({ RefreshToken: "days" }, { AccessToken: "minutes", IdToken: "minutes", RefreshToken: "days" }),
      to({}, { AccessToken: "minutes", IdToken: "minutes", RefreshToken: "hours" }),
    ],
  },
  ReadAttributes: { set: ["email"], changes: [to(["email", "name"]), cleared([])] },
  WriteAttributes: { set: ["email"], changes: [to(["email", "name"]), cleared([])] },
  ExplicitAuthFlows: {
    set: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    changes: [to(["ALLOW_USER_PASSWORD_AUTH"]), cleared([])],
  },
  SupportedIdentityProviders: { set: ["COGNITO"], changes: [cleared([])] },
  CallbackURLs: { set: [url], changes: [to(["https://app.example/other"])] },
  LogoutURLs: { set: [url], changes: [to(["https://app.example/other"])] },
  DefaultRedirectURI: { set: url, changes: [] },
  AllowedOAuthFlows: { set: oauth.AllowedOAuthFlows, changes: [to(["implicit"])] },
  AllowedOAuthScopes: { set: oauth.AllowedOAuthScopes, changes: [to(["openid", "email"])] },
  AllowedOAuthFlowsUserPoolClient: { set: true, changes: [to(false)] },
  AnalyticsConfiguration: { set: { ApplicationId: "0123456789" }, changes: [] },
  PreventUserExistenceErrors: { set: "ENABLED", changes: [to("LEGACY")] },
  EnableTokenRevocation: { set: false, changes: [to(true)] },
  EnablePropagateAdditionalUserContextData: { set: true, changes: [to(false)] },
  AuthSessionValidity: { set: 9, changes: [to(12)] },
  RefreshTokenRotation: {
    set: { Feature: "DISABLED", RetryGracePeriodSeconds: 5 },
    changes: [
      to(
        { Feature: "ENABLED" },
        { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
        { ExplicitAuthFlows: ["ALLOW_USER_AUTH"] },
      ),
    ],
  },
};

const given = (cases: Readonly<Record<string, Case>>) =>
  Object.fromEntries(Object.entries(cases).map(([member, { set }]) => [member, set]));

const members = (cases: Readonly<Record<string, Case>>, shown: object): Shown =>
  Object.fromEntries(Object.keys(cases).map((member) => [member, (shown as Shown)[member]]));

/** What is seen of the members after an update that names only some. */
function after<Request>(table: Omissions<Request>, before: Shown, defaults: Shown, changed: Shown): Shown {
  const seen = Object.keys(before).map((member) => {
    if (member in changed) return [member, changed[member]];
    const { omitted } = table[member as keyof Request];
    return [member, omitted === "kept" ? before[member] : defaults[member]];
  });
  return Object.fromEntries(seen);
}

function assertSame(actual: Shown, expected: Shown, told: string) {
  for (const member of Object.keys(expected))
    assert.deepEqual(actual[member], expected[member], `${told}: ${member}`);
}

interface Subject {
  readonly read: () => Promise<Shown>;
  readonly update: (request: object) => Promise<unknown>;
}

/** Sets each member, then changes each alone: the others are as the table says. `bare` has the defaults. */
async function checkEach<Request>(
  table: Omissions<Request>,
  cases: Readonly<Record<string, Case>>,
  bare: Subject,
  { read, update }: Subject,
): Promise<void> {
  const defaults = await bare.read();
  const before = await read();
  for (const [member, { set }] of Object.entries(cases)) {
    assert.deepEqual(before[member], set, `${member} as it was set`);
    assert.notDeepEqual(before[member], defaults[member], `${member} differs from its default`);
  }
  await update({});
  assertSame(await read(), after(table, before, defaults, {}), "with nothing");
  for (const [member, { changes }] of Object.entries(cases)) {
    for (const change of changes) {
      await update(given(cases));
      assertSame(await read(), before, "everything is put back");
      await update({ [member]: change.given });
      const changed = { ...change.also, [member]: change.seen };
      const told = `with ${member} ${JSON.stringify(change.given)}`;
      assertSame(await read(), after(table, before, defaults, changed), told);
    }
  }
}

test("what protects is kept, and what was measured at AWS is done so", () => {
  const kept = {
    ...{ MfaConfiguration: "measured", Policies: "measured", DeletionProtection: "Cloud Control" },
    ...{
      LambdaConfig: "ours",
      AdminCreateUserConfig: "ours",
      DeviceConfiguration: "ours",
      UserPoolAddOns: "ours",
    },
    ...{ AccountRecoverySetting: "inferred", UserPoolTier: "inferred", UserPoolTags: "Terraform" },
    ...{ SmsConfiguration: "ours", UserAttributeUpdateSettings: "Terraform" },
  };
  for (const [member, source] of Object.entries(kept)) {
    const row = updateUserPool[member as keyof typeof kept];
    assert.deepEqual([row.omitted, row.source], ["kept", source], member);
  }
  assert.deepEqual(updateUserPool.AutoVerifiedAttributes, { omitted: "reset", source: "measured" });
  const permissions = Object.entries(updateUserPoolClient).filter(([, { omitted }]) => omitted === "reset");
  assert.deepEqual(
    permissions.map(([member]) => member),
    [
      "CallbackURLs",
      "LogoutURLs",
      "DefaultRedirectURI",
      "AllowedOAuthFlows",
      "AllowedOAuthScopes",
      "AllowedOAuthFlowsUserPoolClient",
      "AnalyticsConfiguration",
    ],
  );
});

forEachServer("members that an update leaves out", (open) => {
  async function makePool({ client }: TestServer, settings: object = {}) {
    const made = await client.send(
      new CreateUserPoolCommand({ PoolName: "bare", ...settings } as CreateUserPoolCommandInput),
    );
    const UserPoolId = made.UserPool!.Id!;
    const read = async () => {
      const { UserPool } = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
      return members(poolCases, { ...UserPool, PoolName: UserPool?.Name });
    };
    const update = (request: object) =>
      client.send(new UpdateUserPoolCommand({ UserPoolId, ...request } as UpdateUserPoolCommandInput));
    return { UserPoolId, read, update };
  }

  test("UpdateUserPool: each member is kept or reset as the table says, whichever other is named", async () => {
    const server = await open();
    const made = await makePool(server, given(poolCases));
    await checkEach(updateUserPool, poolCases, await makePool(server), made);
  });

  test("what DescribeUserPool shows is taken back and changes nothing, also after an update with nothing", async () => {
    const { read, update } = await makePool(await open(), given(poolCases));
    await update({});
    const shown = await read();
    await update(shown);
    assert.deepEqual(await read(), shown);
  });

  async function makeClient(server: TestServer, UserPoolId: string, settings: object = {}) {
    const { client } = server;
    const request = { UserPoolId, ClientName: "bare", GenerateSecret: true, ...settings };
    const made = await client.send(
      new CreateUserPoolClientCommand(request as CreateUserPoolClientCommandInput),
    );
    const key = { UserPoolId, ClientId: made.UserPoolClient!.ClientId! };
    const read = async () => {
      const { UserPoolClient } = await client.send(new DescribeUserPoolClientCommand(key));
      return members(clientCases, UserPoolClient!);
    };
    const update = (change: object) =>
      client.send(new UpdateUserPoolClientCommand({ ...key, ...change } as UpdateUserPoolClientCommandInput));
    return { read, update };
  }

  test("UpdateUserPoolClient: each member is kept or reset as the table says, whichever other is named", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const made = await makeClient(server, UserPoolId, given(clientCases));
    await checkEach(updateUserPoolClient, clientCases, await makeClient(server, UserPoolId), made);
  });

  test("turning rotation on never widens which flows a client has", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const { read, update } = await makeClient(server, UserPoolId, {
      ExplicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"],
    });
    await assert.rejects(
      update({ RefreshTokenRotation: { Feature: "ENABLED" } }),
      refused("InvalidParameterException"),
    );
    assert.deepEqual((await read())["ExplicitAuthFlows"], ["ALLOW_REFRESH_TOKEN_AUTH"]);
  });

  test("SetUserPoolMfaConfig: each member is kept, reset or refused as the table says", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId, read } = await makePool(server);
    const all = {
      MfaConfiguration: "OPTIONAL",
      SmsMfaConfiguration: { SmsAuthenticationMessage: message("sms"), SmsConfiguration: sms },
      SoftwareTokenMfaConfiguration: { Enabled: true },
      EmailMfaConfiguration: { Message: message("mail"), Subject: "Code" },
      WebAuthnConfiguration: {
        RelyingPartyId: "example.com",
        UserVerification: "required",
        FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION",
      },
    };
    const set = (request: object) =>
      client.send(
        new SetUserPoolMfaConfigCommand({ UserPoolId, ...request } as SetUserPoolMfaConfigCommandInput),
      );
    const get = async () => {
      const { $metadata: _, ...config } = await client.send(new GetUserPoolMfaConfigCommand({ UserPoolId }));
      return config;
    };
    const names = Object.keys(setUserPoolMfaConfig).filter((name) => name !== "UserPoolId");
    assert.deepEqual(names.toSorted(), Object.keys(all).toSorted());
    for (const [member, { omitted }] of Object.entries(setUserPoolMfaConfig)) {
      if (member === "UserPoolId") continue;
      await set(all);
      assert.deepEqual(await get(), all);
      const { [member as keyof typeof all]: _, ...others } = all;
      if (omitted === "refused")
        await assert.rejects(set(others), refused("InvalidParameterException"), member);
      else await set(others);
      assert.deepEqual(await get(), omitted === "reset" ? others : all, `without ${member}`);
    }
    // The structure's own members are kept one by one, so an empty one changes none.
    await set({ WebAuthnConfiguration: { RelyingPartyId: "other.example" } });
    const WebAuthnConfiguration = { ...all.WebAuthnConfiguration, RelyingPartyId: "other.example" };
    assert.deepEqual(await get(), { ...all, WebAuthnConfiguration });
    await set({ WebAuthnConfiguration: {} });
    assert.deepEqual(await get(), { ...all, WebAuthnConfiguration });
    const oneFactor = { UserVerification: "preferred", FactorConfiguration: "SINGLE_FACTOR" };
    await set({ WebAuthnConfiguration: oneFactor });
    const named = { ...WebAuthnConfiguration, ...oneFactor };
    assert.deepEqual(await get(), { ...all, WebAuthnConfiguration: named });
    await set({});
    assert.deepEqual(await get(), { MfaConfiguration: "OFF", WebAuthnConfiguration: named });
    // The pool itself can still send SMS.
    assert.deepEqual((await read())["SmsConfiguration"], sms);
  });
});
