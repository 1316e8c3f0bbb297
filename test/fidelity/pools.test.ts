/** User pools as they were measured at AWS, by direct calls or through CloudFormation: updates, MFA, defaults. */
import { allowing, holds, type Measured, sms, totp } from "./measured.ts";

const policy = {
  MinimumLength: 12,
  RequireUppercase: true,
  RequireLowercase: true,
  RequireNumbers: true,
  RequireSymbols: false,
  TemporaryPasswordValidityDays: 7,
};
const choice = allowing("PASSWORD", "EMAIL_OTP");
const withPolicies = { Policies: { PasswordPolicy: policy, ...choice } };
const invalid = (message: string) => `InvalidParameterException: ${message}`;
const withoutSms = invalid(
  "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
);
const together = invalid("Invalid MFA configuration given, can't turn off MFA and configure an MFA together");
const onlyPasswords = invalid(
  "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled",
);
const singleFactor = invalid(
  "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor",
);
const off = { MfaConfiguration: "OFF" };
const on = { MfaConfiguration: "ON" };
const optional = { MfaConfiguration: "OPTIONAL" };

const keptByInference = {
  UserPoolTier: "PLUS",
  EmailConfiguration: { EmailSendingAccount: "COGNITO_DEFAULT", ReplyToEmailAddress: "a@example.com" },
  AccountRecoverySetting: { RecoveryMechanisms: [{ Name: "verified_email", Priority: 1 }] },
  VerificationMessageTemplate: { DefaultEmailOption: "CONFIRM_WITH_LINK" },
};

const updates: readonly Measured[] = [
  {
    aws: "UpdateUserPool without MfaConfiguration keeps MFA and its factor; OFF turns it off",
    see: async (at) => {
      const id = await at.strict();
      const change = { UserPoolTags: { control: "changed" } };
      const kept = await at.updated(id, change, "MfaConfiguration", "UserPoolTags");
      const { SoftwareTokenMfaConfiguration: factor, MfaConfiguration: mode } = await at.mfa(id);
      return [kept, factor, mode, await at.updated(id, off, "MfaConfiguration")];
    },
    is: [{ ...on, UserPoolTags: { control: "changed" } }, { Enabled: true }, "ON", off],
  },
  {
    aws: "UpdateUserPool without AutoVerifiedAttributes resets them",
    see: async (at) =>
      at.updated(await at.pool({ AutoVerifiedAttributes: ["email"] }), {}, "AutoVerifiedAttributes"),
    is: { AutoVerifiedAttributes: undefined },
  },
  {
    aws: "UpdateUserPool without Policies keeps both of them, what is false included",
    see: async (at) => at.updated(await at.pool(withPolicies), {}, "Policies"),
    is: withPolicies,
  },
  {
    aws: "PasswordPolicy alone keeps SignInPolicy",
    see: async (at) => {
      const PasswordPolicy = { ...policy, MinimumLength: 20 };
      return at.updated(await at.pool(withPolicies), { Policies: { PasswordPolicy } }, "Policies");
    },
    is: { Policies: { PasswordPolicy: { ...policy, MinimumLength: 20 }, ...choice } },
  },
  {
    aws: "SignInPolicy alone is set, and keeps PasswordPolicy",
    see: async (at) =>
      at.updated(await at.pool(withPolicies), { Policies: allowing("PASSWORD", "WEB_AUTHN") }, "Policies"),
    is: { Policies: { PasswordPolicy: policy, ...allowing("PASSWORD", "WEB_AUTHN") } },
  },
  {
    aws: "UpdateUserPool without DeletionProtection leaves it ACTIVE",
    see: async (at) => at.updated(await at.pool({ DeletionProtection: "ACTIVE" }), {}, "DeletionProtection"),
    is: { DeletionProtection: "ACTIVE" },
  },
  {
    aws: "UpdateUserPool keeps tier, mail, recovery and templates that it does not name",
    see: async (at) => at.updated(await at.pool(keptByInference), {}, ...Object.keys(keptByInference)),
    is: keptByInference,
  },
  {
    aws: "DeletionProtection INACTIVE is accepted where it is INACTIVE already",
    see: async (at) =>
      at.says("UpdateUserPool", { UserPoolId: await at.pool(), DeletionProtection: "INACTIVE" }),
    is: "accepted",
  },
  {
    aws: "Schema is no member of UpdateUserPool, and changes nothing",
    see: async (at) => {
      const id = await at.pool();
      const before = await at.shows(id, "SchemaAttributes");
      const after = await at.updated(id, { Schema: [{ Name: "email", Required: true }] }, "SchemaAttributes");
      return JSON.stringify(after) === JSON.stringify(before);
    },
    is: true,
  },
  {
    aws: "an update stays if SetUserPoolMfaConfig is refused after it",
    see: async (at) => {
      const id = await at.pool();
      await at.ask("UpdateUserPool", { UserPoolId: id, DeletionProtection: "ACTIVE" });
      return [await at.setsMfa(id, { ...off, ...totp }), await at.shows(id, "DeletionProtection")];
    },
    is: [together, { DeletionProtection: "ACTIVE" }],
  },
  {
    aws: "empty structures are accepted unless they have required members",
    see: async (at) => {
      const id = await at.pool();
      const accepted = [
        "LambdaConfig",
        "AdminCreateUserConfig",
        "AccountRecoverySetting",
        "EmailConfiguration",
      ];
      const more = ["UserAttributeUpdateSettings", "VerificationMessageTemplate", "DeviceConfiguration"];
      const said = [...accepted, ...more].map((name) =>
        at.says("UpdateUserPool", { UserPoolId: id, [name]: {} }),
      );
      const refused = at.says("UpdateUserPool", { UserPoolId: id, UserPoolAddOns: {} });
      return [...new Set(await Promise.all(said)), /advancedSecurityMode.*not be null/.test(await refused)];
    },
    is: ["accepted", true],
  },
  {
    aws: "UpdateUserPool cannot turn MFA ON before a factor is set up, but then ON and OPTIONAL",
    see: async (at) => {
      const UserPoolId = await at.pool();
      const early = await at.says("UpdateUserPool", { UserPoolId, ...on });
      await at.ask("SetUserPoolMfaConfig", { UserPoolId, ...optional, ...totp });
      const later = [on, optional].map((mode) => at.says("UpdateUserPool", { UserPoolId, ...mode }));
      return [early, ...(await Promise.all(later))];
    },
    is: [
      invalid("Cannot turn MFA functionality ON, once the user pool has been created."),
      "accepted",
      "accepted",
    ],
  },
  ...[on, optional].map(
    (mode) =>
      ({
        aws: `CreateUserPool with MFA ${mode.MfaConfiguration} but without SMS is refused`,
        see: (at) => at.says("CreateUserPool", { PoolName: "measured", ...mode }),
        is: withoutSms,
      }) satisfies Measured,
  ),
  {
    aws: "an empty MfaConfiguration is no value of the enumeration",
    see: async (at) => at.says("UpdateUserPool", { UserPoolId: await at.pool(), MfaConfiguration: "" }),
    is: /^InvalidParameterException: 1 validation error detected: Value '' at 'mfaConfiguration' failed/,
  },
];

const mfa: readonly Measured[] = [
  {
    aws: "SetUserPoolMfaConfig with the pool id alone turns MFA off, and removes the factor",
    see: async (at) => {
      const id = await at.strict();
      return [await at.setsMfa(id, {}), await at.mfa(id)];
    },
    is: ["accepted", off],
  },
  ...[
    totp,
    { ...off, ...totp },
    { ...off, SoftwareTokenMfaConfiguration: { Enabled: false } },
    // Before the sender of the mail is looked at.
    { ...off, EmailMfaConfiguration: { Message: "{####}", Subject: "code" } },
  ].map(
    (given) =>
      ({
        aws: `a factor with MFA OFF or unset is refused: ${JSON.stringify(given)}`,
        see: async (at) => at.setsMfa(await at.pool(), given),
        is: together,
      }) satisfies Measured,
  ),
  {
    aws: "ON with a software token is accepted",
    see: async (at) => at.mfa(await at.strict()),
    is: { ...on, ...totp },
  },
  {
    aws: "passkeys are no second factor: OFF with WebAuthnConfiguration is accepted, and both are set",
    see: async (at) => {
      const id = await at.strict();
      const WebAuthnConfiguration = { RelyingPartyId: "example.com", UserVerification: "required" };
      return [await at.setsMfa(id, { ...off, WebAuthnConfiguration }), await at.mfa(id)];
    },
    is: [
      "accepted",
      { ...off, WebAuthnConfiguration: { RelyingPartyId: "example.com", UserVerification: "required" } },
    ],
  },
  {
    aws: "OPTIONAL with only WebAuthnConfiguration is refused",
    see: async (at) =>
      at.setsMfa(await at.pool(), { ...optional, WebAuthnConfiguration: { UserVerification: "required" } }),
    is: invalid(
      "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.",
    ),
  },
  ...["EMAIL_OTP", "SMS_OTP"].flatMap((factor): Measured[] => {
    const given = { Policies: allowing("PASSWORD", factor), SmsConfiguration: sms };
    return [
      {
        aws: `MFA ON is refused where ${factor} is a first factor`,
        see: async (at) => at.setsMfa(await at.pool(given), { ...on, ...totp }),
        is: onlyPasswords,
      },
      {
        aws: `MFA OPTIONAL is accepted where ${factor} is a first factor`,
        see: async (at) => at.setsMfa(await at.pool(given), { ...optional, ...totp }),
        is: "accepted",
      },
    ];
  }),
  ...[undefined, { UserVerification: "preferred" }, { UserVerification: "required" }].map(
    (WebAuthnConfiguration) =>
      ({
        aws: `MFA ON is refused where passkeys are a first and only factor: ${JSON.stringify(WebAuthnConfiguration)}`,
        see: async (at) =>
          at.setsMfa(await at.pool({ Policies: allowing("PASSWORD", "WEB_AUTHN") }), {
            ...on,
            ...totp,
            ...(WebAuthnConfiguration && { WebAuthnConfiguration }),
          }),
        is: singleFactor,
      }) satisfies Measured,
  ),
  {
    aws: "MFA ON is accepted where passkeys are MULTI_FACTOR_WITH_USER_VERIFICATION, without UserVerification",
    see: async (at) =>
      at.setsMfa(await at.pool({ Policies: allowing("PASSWORD", "WEB_AUTHN") }), {
        ...on,
        ...totp,
        WebAuthnConfiguration: { FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION" },
      }),
    is: "accepted",
  },
  {
    aws: "MFA OPTIONAL is accepted where passkeys are a first and SINGLE_FACTOR",
    see: async (at) =>
      at.setsMfa(await at.pool({ Policies: allowing("PASSWORD", "WEB_AUTHN") }), {
        ...optional,
        ...totp,
        WebAuthnConfiguration: { FactorConfiguration: "SINGLE_FACTOR" },
      }),
    is: "accepted",
  },
  {
    aws: "CreateUserPool with SMS_OTP but without SmsConfiguration is refused",
    see: (at) =>
      at.says("CreateUserPool", { PoolName: "measured", Policies: allowing("PASSWORD", "SMS_OTP") }),
    is: invalid(
      "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration",
    ),
  },
  {
    aws: "CreateUserPool with EMAIL_OTP needs neither another sender nor another tier",
    see: async (at) =>
      at.shows(await at.pool({ Policies: choice }), "UserPoolTier", "EmailConfiguration", "MfaConfiguration"),
    is: {
      UserPoolTier: "ESSENTIALS",
      EmailConfiguration: { EmailSendingAccount: "COGNITO_DEFAULT" },
      MfaConfiguration: "OFF",
    },
  },
  {
    aws: "SMS is a second factor only of a pool with SmsConfiguration",
    see: async (at) => at.setsMfa(await at.pool(), { ...on, SmsMfaConfiguration: {} }),
    is: invalid("[SmsConfiguration] is a required member of [SmsMfaConfiguration]."),
  },
  {
    aws: "a pool without factors is OFF, and shows none",
    see: async (at) => at.mfa(await at.pool()),
    is: off,
  },
];

holds("updates of pools, as measured at AWS", updates);
holds("MFA of pools, as measured at AWS", mfa);
