import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newDocument } from "../../src/domain/user-pools/create-pool.ts";
import type { PoolDocument } from "../../src/domain/user-pools/load-pool.ts";
import { withMfaConfig } from "../../src/domain/user-pools/mfa-config.ts";
import { pinnedPoolId } from "../../src/domain/user-pools/tags.ts";
import { updatedDocument } from "../../src/domain/user-pools/update-pool.ts";
import type {
  CreateUserPoolRequest,
  SetUserPoolMfaConfigRequest,
  UpdateUserPoolRequest,
} from "../../src/wire/generated/user-pools.types.ts";

const create = (given: Partial<CreateUserPoolRequest> = {}) =>
  newDocument({ PoolName: "p", ...given }, "us-east-1");
const update = (existing: PoolDocument, given: Partial<UpdateUserPoolRequest> = {}) =>
  updatedDocument(existing, { UserPoolId: "us-east-1_a", ...given }, "us-east-1");
const setMfa = (existing: PoolDocument, given: Partial<SetUserPoolMfaConfigRequest>) =>
  withMfaConfig(existing, { UserPoolId: "us-east-1_a", ...given }, "us-east-1");
/** What a stored document looks like, without the schema. */
const stored = ({ SchemaAttributes: _, ...document }: PoolDocument) => JSON.parse(JSON.stringify(document));
const refused = (message: string | RegExp) => ({ code: "InvalidParameterException", message });

const sms = { SnsCallerArn: "arn:aws:iam::123456789012:role/sms", ExternalId: "x" };
const arn = (name: string) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`;

const defaults = {
  Policies: {
    PasswordPolicy: {
      MinimumLength: 8,
      RequireUppercase: true,
      RequireLowercase: true,
      RequireNumbers: true,
      RequireSymbols: true,
      TemporaryPasswordValidityDays: 7,
    },
    SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD"] },
  },
  DeletionProtection: "INACTIVE",
  LambdaConfig: {},
  VerificationMessageTemplate: { DefaultEmailOption: "CONFIRM_WITH_CODE" },
  MfaConfiguration: "OFF",
  EmailConfiguration: { EmailSendingAccount: "COGNITO_DEFAULT" },
  UserPoolTags: {},
  AdminCreateUserConfig: { AllowAdminCreateUserOnly: false, UnusedAccountValidityDays: 7 },
  AccountRecoverySetting: {
    RecoveryMechanisms: [
      { Priority: 1, Name: "verified_email" },
      { Priority: 2, Name: "verified_phone_number" },
    ],
  },
  UserPoolTier: "ESSENTIALS",
};

test("a pool without settings is what DescribeUserPool shows of one", () =>
  assert.deepEqual(stored(create()), defaults));

describe("what is refused", () => {
  const rows: [string, Partial<CreateUserPoolRequest>, string | RegExp][] = [
    [
      "both kinds of sign-in names",
      { AliasAttributes: ["email"], UsernameAttributes: ["email"] },
      "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
    ],
    [
      "preferred_username as alias and required",
      { AliasAttributes: ["preferred_username"], Schema: [{ Name: "preferred_username", Required: true }] },
      /preferred_username/,
    ],
    [
      "MFA without SMS",
      { MfaConfiguration: "OPTIONAL" },
      "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
    ],
    [
      "two validities of temporary passwords",
      {
        Policies: { PasswordPolicy: { TemporaryPasswordValidityDays: 3 } },
        AdminCreateUserConfig: { UnusedAccountValidityDays: 5 },
      },
      "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
    ],
    [
      "TOTP as a first factor",
      { Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "SOFTWARE_TOKEN"] } } },
      /SOFTWARE_TOKEN/,
    ],
    [
      "sign-in without password",
      { Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["EMAIL_OTP"] } } },
      /PASSWORD/,
    ],
    [
      "verification before update of what is not verified",
      { UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email"] } },
      /email/,
    ],
    [
      "token triggers that contradict each other",
      {
        LambdaConfig: {
          PreTokenGeneration: arn("a"),
          PreTokenGenerationConfig: { LambdaVersion: "V2_0", LambdaArn: arn("b") },
        },
      },
      /identical/,
    ],
    [
      "a custom sender without key",
      { LambdaConfig: { CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arn("a") } } },
      /KMSKeyID/,
    ],
    [
      "an alias as the key of a custom sender",
      { LambdaConfig: { KMSKeyID: "arn:aws:kms:us-east-1:000000000000:alias/codes" } },
      /KMSKeyID must be the ARN of a KMS key/,
    ],
    [
      "a key of another service",
      { LambdaConfig: { KMSKeyID: arn("a") } },
      /KMSKeyID must be the ARN of a KMS key/,
    ],
    [
      "an invitation without password",
      { AdminCreateUserConfig: { InviteMessageTemplate: { EmailMessage: "Hello {username}" } } },
      /\{####\}/,
    ],
    [
      "an invitation without name",
      { AdminCreateUserConfig: { InviteMessageTemplate: { SMSMessage: "Code {####}" } } },
      /\{username\}/,
    ],
    [
      "admin_only with another mechanism",
      {
        AccountRecoverySetting: {
          RecoveryMechanisms: [
            { Name: "admin_only", Priority: 1 },
            { Name: "verified_email", Priority: 2 },
          ],
        },
      },
      /admin_only/,
    ],
    [
      "one priority twice",
      {
        AccountRecoverySetting: {
          RecoveryMechanisms: [
            { Name: "verified_phone_number", Priority: 1 },
            { Name: "verified_email", Priority: 1 },
          ],
        },
      },
      /priority/,
    ],
    ["SES without source", { EmailConfiguration: { EmailSendingAccount: "DEVELOPER" } }, /SourceArn/],
    ["SMS with nobody to send it", { SmsConfiguration: { ExternalId: "x" } }, /SnsCallerArn/],
    ["an unknown ACR level", { AcrConfiguration: { Level9: { AcrValue: "urn:a" } } }, /Level9/],
    [
      "an ACR name that is another level's default",
      { AcrConfiguration: { Level1: { AcrValue: "urn:cognito:loa:2" } } },
      /unique/,
    ],
    ["an unknown issuer", { UserPoolTags: { "poolhouse:issuer": "mine" } }, /poolhouse:issuer/],
    ["reserved tags", { UserPoolTags: { "aws:x": "" } }, /aws:/],
    [
      "51 tags",
      { UserPoolTags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, ""])) },
      /50/,
    ],
  ];
  for (const [name, given, message] of rows)
    test(name, () => assert.throws(() => create(given), refused(message)));
});

describe("members that are completed", () => {
  test("a password policy that is given asks only for what it names", () =>
    assert.deepEqual(
      stored(create({ Policies: { PasswordPolicy: { MinimumLength: 6, RequireNumbers: true } } })).Policies
        .PasswordPolicy,
      {
        MinimumLength: 6,
        RequireUppercase: false,
        RequireLowercase: false,
        RequireNumbers: true,
        RequireSymbols: false,
        TemporaryPasswordValidityDays: 7,
      },
    ));
  test("the older validity of temporary passwords counts", () => {
    const document = create({ AdminCreateUserConfig: { UnusedAccountValidityDays: 3 } });
    assert.equal(document.Policies?.PasswordPolicy?.TemporaryPasswordValidityDays, 3);
    assert.equal(document.AdminCreateUserConfig?.UnusedAccountValidityDays, 3);
  });
  test("old and new verification messages are kept equal, the template wins", () => {
    const document = create({
      SmsVerificationMessage: "old {####}",
      EmailVerificationSubject: "old",
      VerificationMessageTemplate: { SmsMessage: "new {####}", EmailMessage: "mail {####}" },
    });
    assert.equal(document.SmsVerificationMessage, "new {####}");
    assert.equal(document.EmailVerificationMessage, "mail {####}");
    assert.deepEqual(JSON.parse(JSON.stringify(document.VerificationMessageTemplate)), {
      SmsMessage: "new {####}",
      EmailMessage: "mail {####}",
      EmailSubject: "old",
      DefaultEmailOption: "CONFIRM_WITH_CODE",
    });
  });
  test("both names of the token trigger are there", () => {
    const LambdaConfig = { PreTokenGeneration: arn("a") };
    assert.deepEqual(create({ LambdaConfig }).LambdaConfig?.PreTokenGenerationConfig, {
      LambdaVersion: "V1_0",
      LambdaArn: arn("a"),
    });
    const config = { LambdaVersion: "V2_0" as const, LambdaArn: arn("b") };
    assert.equal(
      create({ LambdaConfig: { PreTokenGenerationConfig: config } }).LambdaConfig?.PreTokenGeneration,
      arn("b"),
    );
  });
  test("an invitation needs no password where there need not be one", () => {
    create({
      AdminCreateUserConfig: { InviteMessageTemplate: { EmailMessage: "Hello {username}" } },
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } },
    });
  });
  test("an empty DeviceConfiguration is none", () =>
    assert.equal(create({ DeviceConfiguration: {} }).DeviceConfiguration, undefined));
});

describe("UpdateUserPool", () => {
  const full = create({
    UsernameAttributes: ["email"],
    UsernameConfiguration: { CaseSensitive: false },
    AutoVerifiedAttributes: ["email"],
    DeletionProtection: "ACTIVE",
    LambdaConfig: { PreSignUp: arn("a") },
    Policies: { PasswordPolicy: { MinimumLength: 20 } },
    UserPoolTags: { a: "b", _custom_id_: "us-east-1_a", "poolhouse:issuer": "aws" },
    DcrConfiguration: {},
    UserPoolTier: "PLUS",
    Schema: [{ Name: "x", AttributeDataType: "String" }],
  });

  test("keeps what it is not given, but for what is reset", () => {
    const { AutoVerifiedAttributes, ...kept } = stored(full);
    assert.deepEqual(AutoVerifiedAttributes, ["email"]);
    assert.deepEqual(stored(update(full)), kept);
    assert.deepEqual(update(full).SchemaAttributes, full.SchemaAttributes);
  });

  test("what waits for verification still does where nothing is verified by itself any more", () => {
    const UserAttributeUpdateSettings = { AttributesRequireVerificationBeforeUpdate: ["email" as const] };
    const before = create({ AutoVerifiedAttributes: ["email"], UserAttributeUpdateSettings });
    const after = update(before);
    assert.equal(after.AutoVerifiedAttributes, undefined);
    assert.deepEqual(after.UserAttributeUpdateSettings, UserAttributeUpdateSettings);
    assert.deepEqual(stored(update(after, { UserAttributeUpdateSettings })), stored(after));
    const AttributesRequireVerificationBeforeUpdate = ["phone_number" as const];
    assert.throws(
      () => update(after, { UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate } }),
      refused(/phone_number/),
    );
  });

  test("days of temporary passwords follow whichever name is given", () => {
    const daysOf = ({ Policies, AdminCreateUserConfig }: PoolDocument) => [
      Policies?.PasswordPolicy?.TemporaryPasswordValidityDays,
      AdminCreateUserConfig?.UnusedAccountValidityDays,
    ];
    const three = update(full, { AdminCreateUserConfig: { UnusedAccountValidityDays: 3 } });
    assert.deepEqual(daysOf(three), [3, 3]);
    assert.equal(three.Policies?.PasswordPolicy?.MinimumLength, 20);
    assert.deepEqual(daysOf(update(three)), [3, 3]);
    const PasswordPolicy = { TemporaryPasswordValidityDays: 5 };
    assert.deepEqual(daysOf(update(three, { Policies: { PasswordPolicy } })), [5, 5]);
    assert.deepEqual(daysOf(update(three, { Policies: { PasswordPolicy: { MinimumLength: 9 } } })), [7, 7]);
  });

  test("tags that are given replace all", () =>
    assert.deepEqual(update(full, { UserPoolTags: { c: "d" } }).UserPoolTags, { c: "d" }));

  test("what it prints it takes back", () => {
    const { SchemaAttributes: _s, UsernameAttributes: _n, UsernameConfiguration: _c, ...printed } = full;
    assert.deepEqual(stored(update(full, printed)), stored(full));
  });
});

describe("MFA", () => {
  const totp = { SoftwareTokenMfaConfiguration: { Enabled: true } };

  test("CreateUserPool turns SMS on", () => {
    const document = create({ MfaConfiguration: "ON", SmsConfiguration: sms });
    assert.deepEqual(document.SmsConfiguration, { ...sms, SnsRegion: "us-east-1" });
    assert.deepEqual(document.SmsMfaConfiguration?.SmsConfiguration, document.SmsConfiguration);
  });

  test("the factors given are the factors there are", () => {
    const both = setMfa(create(), {
      MfaConfiguration: "OPTIONAL",
      ...totp,
      SmsMfaConfiguration: { SmsAuthenticationMessage: "Code {####}", SmsConfiguration: sms },
    });
    assert.equal(both.SmsAuthenticationMessage, "Code {####}");
    assert.equal(both.SmsConfiguration?.SnsCallerArn, sms.SnsCallerArn);
    const one = setMfa(both, { MfaConfiguration: "ON", EmailMfaConfiguration: {} });
    assert.equal(one.SmsMfaConfiguration, undefined);
    assert.equal(one.SoftwareTokenMfaConfiguration, undefined);
    assert.deepEqual(one.EmailMfaConfiguration, {});
    const off = setMfa(one, { MfaConfiguration: "OFF" });
    assert.equal(off.EmailMfaConfiguration, undefined);
  });

  test("passkeys are set alone without touching MFA, and survive a change of it", () => {
    const before = setMfa(create(), { MfaConfiguration: "ON", ...totp });
    const after = setMfa(before, { WebAuthnConfiguration: { RelyingPartyId: "example.com" } });
    assert.deepEqual(after.SoftwareTokenMfaConfiguration, { Enabled: true });
    assert.equal(after.MfaConfiguration, "ON");
    const again = setMfa(after, { MfaConfiguration: "OFF" });
    assert.deepEqual(again.WebAuthnConfiguration, {
      RelyingPartyId: "example.com",
      UserVerification: "preferred",
    });
  });

  test("UpdateUserPool keeps factors, and SMS as long as they are one", () => {
    const before = setMfa(create(), {
      MfaConfiguration: "ON",
      ...totp,
      SmsMfaConfiguration: { SmsConfiguration: sms },
    });
    const after = update(before);
    assert.deepEqual(stored(after), stored(before));
    assert.throws(() => update(before, { SmsConfiguration: {} }), refused(/^SMS configuration/));
    const off = update(before, { MfaConfiguration: "OFF", SmsConfiguration: {} });
    assert.deepEqual(stored(off), defaults);
    const smsOnly = setMfa(before, {
      MfaConfiguration: "ON",
      SmsMfaConfiguration: { SmsConfiguration: sms },
    });
    assert.throws(() => update(smsOnly, { SmsConfiguration: {} }), refused(/^SMS configuration/));
  });

  test("a pool of before the rules can be changed in all else, and towards them", () => {
    const SignInPolicy = { AllowedFirstAuthFactors: ["PASSWORD" as const, "EMAIL_OTP" as const] };
    const allowed = create({ Policies: { SignInPolicy } });
    const before: PoolDocument = { ...allowed, ...totp, MfaConfiguration: "ON" };
    const named = update(before, { LambdaConfig: { PreSignUp: arn("a") } });
    assert.equal(named.MfaConfiguration, "ON");
    assert.throws(
      () => setMfa(before, { MfaConfiguration: "ON", ...totp, EmailMfaConfiguration: {} }),
      refused(/^Only PASSWORD and WEB_AUTHN/),
    );
    const PASSWORD = { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD" as const] } };
    assert.deepEqual(update(before, { Policies: PASSWORD }).SoftwareTokenMfaConfiguration, { Enabled: true });
    assert.equal(setMfa(before, { MfaConfiguration: "OPTIONAL", ...totp }).MfaConfiguration, "OPTIONAL");
  });

  const message = "Invalid MFA configuration given, can't turn on MFA without configuring an MFA";
  const rows: [string, Partial<SetUserPoolMfaConfigRequest>, string | RegExp][] = [
    ["MFA without factor", { MfaConfiguration: "ON" }, message],
    [
      "MFA with TOTP off",
      { MfaConfiguration: "ON", SoftwareTokenMfaConfiguration: { Enabled: false } },
      message,
    ],
    [
      "SMS with nobody to send it",
      { MfaConfiguration: "OPTIONAL", SmsMfaConfiguration: {} },
      "[SmsConfiguration] is a required member of [SmsMfaConfiguration].",
    ],
    [
      "a relying party that is no domain",
      { WebAuthnConfiguration: { RelyingPartyId: "https://a.b" } },
      /domain/,
    ],
    [
      "passkeys as MFA that need not verify the user",
      {
        WebAuthnConfiguration: {
          FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION",
          UserVerification: "preferred",
        },
      },
      /UserVerification/,
    ],
  ];
  for (const [name, given, expected] of rows)
    test(`${name} is refused`, () => assert.throws(() => setMfa(create(), given), refused(expected)));
});

describe("tags that fix the id", () => {
  test("each of them does", () => {
    assert.equal(pinnedPoolId({ a: "b" }), undefined);
    for (const tag of ["_custom_id_", "ms-custom-id", "floci:override-id"])
      assert.equal(pinnedPoolId({ [tag]: "eu-west-1_myPool" }), "eu-west-1_myPool");
    assert.equal(pinnedPoolId({ _custom_id_: "local_a", "ms-custom-id": "local_a" }), "local_a");
  });
  for (const id of ["", "a", "a_", "_a", "a_b_c", "a b_c", "a_b-c", `a_${"b".repeat(54)}`])
    test(`${JSON.stringify(id)} is no pool id`, () =>
      assert.throws(() => pinnedPoolId({ _custom_id_: id }), refused(/user pool id/)));
  test("two ids are one too many", () =>
    assert.throws(() => pinnedPoolId({ _custom_id_: "a_b", "ms-custom-id": "a_c" }), refused(/contradict/)));
});
