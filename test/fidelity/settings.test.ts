/** Settings of pools as AWS was seen to show them, and refusals in its words. */
import { allowing, type Body, holds, type Measured, sms } from "./measured.ts";

const standardStrings = [
  ..."address email family_name gender given_name locale middle_name name nickname phone_number".split(" "),
  ..."picture preferred_username profile website zoneinfo".split(" "),
];
const invalid = (message: string) => `InvalidParameterException: ${message}`;

interface Attribute {
  readonly Name: string;
  readonly AttributeDataType: string;
  readonly StringAttributeConstraints?: unknown;
  readonly NumberAttributeConstraints?: unknown;
  readonly Required: boolean;
  readonly Mutable: boolean;
}
const schema = (pool: Body) => pool["SchemaAttributes"] as readonly Attribute[];
const constraintsOf = (pool: Body, name: string) => {
  const found = schema(pool).find(({ Name }) => Name === name);
  return (
    found && [found.AttributeDataType, found.StringAttributeConstraints ?? found.NumberAttributeConstraints]
  );
};

const pools: readonly Measured[] = [
  {
    aws: "a pool of which only the name is given",
    see: async (at) => {
      const {
        Id,
        Arn,
        CreationDate,
        LastModifiedDate,
        SchemaAttributes: _,
        ...shown
      } = await at.describe(await at.pool());
      return shown;
    },
    is: {
      Name: "measured",
      Policies: {
        PasswordPolicy: {
          MinimumLength: 8,
          RequireUppercase: true,
          RequireLowercase: true,
          RequireNumbers: true,
          RequireSymbols: true,
          TemporaryPasswordValidityDays: 7,
        },
        ...allowing("PASSWORD"),
      },
      DeletionProtection: "INACTIVE",
      LambdaConfig: {},
      VerificationMessageTemplate: { DefaultEmailOption: "CONFIRM_WITH_CODE" },
      UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: [] },
      MfaConfiguration: "OFF",
      EstimatedNumberOfUsers: 0,
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
      KeyConfiguration: { KeyType: "AWS_OWNED_KEY" },
      IssuerConfiguration: { Type: "ORIGINAL" },
    },
  },
  {
    aws: "a PasswordPolicy that names one requirement has no other, 8 characters and 7 days",
    see: async (at) =>
      at.shows(await at.pool({ Policies: { PasswordPolicy: { RequireNumbers: true } } }), "Policies"),
    is: {
      Policies: {
        PasswordPolicy: {
          MinimumLength: 8,
          RequireUppercase: false,
          RequireLowercase: false,
          RequireNumbers: true,
          RequireSymbols: false,
          TemporaryPasswordValidityDays: 7,
        },
        ...allowing("PASSWORD"),
      },
    },
  },
  {
    aws: "a MinimumLength of 0 is refused",
    see: (at) =>
      at.says("CreateUserPool", { PoolName: "measured", Policies: { PasswordPolicy: { MinimumLength: 0 } } }),
    is: /^InvalidParameterException: .*minimumLength.* Member must have value greater than or equal to 6$/,
  },
  {
    aws: "UnusedAccountValidityDays follows TemporaryPasswordValidityDays",
    see: async (at) => {
      const PasswordPolicy = { TemporaryPasswordValidityDays: 3 };
      return at.shows(await at.pool({ Policies: { PasswordPolicy } }), "AdminCreateUserConfig");
    },
    is: { AdminCreateUserConfig: { AllowAdminCreateUserOnly: false, UnusedAccountValidityDays: 3 } },
  },
  {
    aws: "recovery mechanisms are neither sorted nor completed",
    see: async (at) => {
      const both = [
        { Priority: 2, Name: "verified_email" },
        { Priority: 1, Name: "verified_phone_number" },
      ];
      const shown = [both, both.slice(1)].map(async (RecoveryMechanisms) => {
        const id = await at.pool({ AccountRecoverySetting: { RecoveryMechanisms } });
        return at.shows(id, "AccountRecoverySetting");
      });
      return Promise.all(shown);
    },
    is: [
      {
        AccountRecoverySetting: {
          RecoveryMechanisms: [
            { Priority: 2, Name: "verified_email" },
            { Priority: 1, Name: "verified_phone_number" },
          ],
        },
      },
      { AccountRecoverySetting: { RecoveryMechanisms: [{ Priority: 1, Name: "verified_phone_number" }] } },
    ],
  },
  {
    aws: "UsernameConfiguration, DeviceConfiguration and the order of names are shown as they were given",
    see: async (at) => {
      const given = {
        UsernameConfiguration: { CaseSensitive: false },
        DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
        AliasAttributes: ["preferred_username", "email"],
        AutoVerifiedAttributes: ["phone_number", "email"],
        MfaConfiguration: "OPTIONAL",
        SmsConfiguration: sms,
      };
      return at.shows(await at.pool(given), ...Object.keys(given).slice(0, 5));
    },
    is: {
      UsernameConfiguration: { CaseSensitive: false },
      DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
      AliasAttributes: ["preferred_username", "email"],
      AutoVerifiedAttributes: ["phone_number", "email"],
      MfaConfiguration: "OPTIONAL",
    },
  },
  {
    aws: "the older members of verification messages show those of the template",
    see: async (at) => {
      const VerificationMessageTemplate = {
        EmailMessage: "{####}",
        EmailSubject: "s",
        SmsMessage: "sms {####}",
      };
      const older = ["EmailVerificationMessage", "EmailVerificationSubject", "SmsVerificationMessage"];
      return at.shows(await at.pool({ VerificationMessageTemplate }), ...older);
    },
    is: {
      EmailVerificationMessage: "{####}",
      EmailVerificationSubject: "s",
      SmsVerificationMessage: "sms {####}",
    },
  },
  {
    aws: "the schema has 21 standard attributes, in this order",
    see: async (at) =>
      schema(await at.describe(await at.pool()))
        .map(({ Name }) => Name)
        .join(" "),
    is:
      "profile address birthdate gender preferred_username updated_at website picture identities sub phone_number " +
      "phone_number_verified zoneinfo locale email email_verified given_name family_name middle_name name nickname",
  },
  {
    aws: "constraints of the standard attributes; only sub is required, and immutable",
    see: async (at) => {
      const pool = await at.describe(await at.pool());
      const texts = standardStrings.map((name) => JSON.stringify(constraintsOf(pool, name)));
      const others = [
        "birthdate",
        "sub",
        "identities",
        "updated_at",
        "email_verified",
        "phone_number_verified",
      ];
      const special = schema(pool).filter(({ Required, Mutable }) => Required || !Mutable);
      return [
        ...new Set(texts),
        ...others.map((name) => constraintsOf(pool, name)),
        special.map(({ Name, Required, Mutable }) => [Name, Required, Mutable]),
      ];
    },
    is: [
      '["String",{"MinLength":"0","MaxLength":"2048"}]',
      ["String", { MinLength: "10", MaxLength: "10" }],
      ["String", { MinLength: "1", MaxLength: "2048" }],
      ["String", {}],
      ["Number", { MinValue: "0" }],
      ["Boolean", undefined],
      ["Boolean", undefined],
      [["sub", true, false]],
    ],
  },
  {
    aws: "a standard attribute without type and constraints is a string of 0 to 2048; custom ones have the prefix",
    see: async (at) => {
      const Constraints = { StringAttributeConstraints: { MinLength: "0", MaxLength: "256" } };
      const own = { Name: "own", AttributeDataType: "String", ...Constraints };
      const pool = await at.describe(await at.pool({ Schema: [{ Name: "email", Required: true }, own] }));
      return [constraintsOf(pool, "email"), constraintsOf(pool, "custom:own")];
    },
    is: [
      ["String", { MinLength: "0", MaxLength: "2048" }],
      ["String", { MinLength: "0", MaxLength: "256" }],
    ],
  },
  {
    aws: "email_verified in a schema makes a custom attribute; phone_number_verified is too long a name for one",
    see: async (at) => {
      const named = (Name: string) => ({ Schema: [{ Name, AttributeDataType: "Boolean", Mutable: true }] });
      const pool = await at.describe(await at.pool(named("email_verified")));
      const refused = await at.says("CreateUserPool", {
        PoolName: "measured",
        ...named("phone_number_verified"),
      });
      return [constraintsOf(pool, "email_verified"), constraintsOf(pool, "custom:email_verified"), refused];
    },
    is: [
      ["Boolean", undefined],
      ["Boolean", undefined],
      invalid(
        "1 validation error detected: Value 'phone_number_verified' at 'schema.1.member.name' failed to satisfy constraint: Member must have length less than or equal to 20",
      ),
    ],
  },
  {
    aws: "AddCustomAttributes adds an attribute once",
    see: async (at) => {
      const CustomAttributes = [{ Name: "own", AttributeDataType: "String" }];
      const request = { UserPoolId: await at.pool(), CustomAttributes };
      return [await at.says("AddCustomAttributes", request), await at.says("AddCustomAttributes", request)];
    },
    is: ["accepted", invalid("custom:own: Existing attribute already has name custom:own.")],
  },
  {
    aws: "keys of tags must not begin with aws:",
    see: (at) => at.says("CreateUserPool", { PoolName: "measured", UserPoolTags: { "aws:x": "y" } }),
    is: /^InvalidParameterException: /,
  },
  {
    aws: "DescribeUserPool shows a prefix domain and a custom one",
    see: async (at) => {
      const UserPoolId = await at.pool();
      const prefix = UserPoolId.slice(-9).toLowerCase();
      const CustomDomainConfig = { CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/a" };
      await at.ask("CreateUserPoolDomain", { UserPoolId, Domain: `m${prefix}` });
      await at.ask("CreateUserPoolDomain", {
        UserPoolId,
        Domain: `${prefix}.example.com`,
        CustomDomainConfig,
      });
      const other = await at.pool();
      const taken = await at.says("CreateUserPoolDomain", { UserPoolId: other, Domain: `m${prefix}` });
      const { Domain, CustomDomain } = await at.describe(UserPoolId);
      return [Domain === `m${prefix}`, CustomDomain === `${prefix}.example.com`, taken.split(":")[0]];
    },
    is: [true, true, "InvalidParameterException"],
  },
  {
    aws: "a pool is gone at once, with its clients, groups and resource servers; a protected one stays",
    see: async (at) => {
      const UserPoolId = await at.pool({ DeletionProtection: "ACTIVE" });
      const server = { UserPoolId, Identifier: "api", Name: "api" };
      await at.ask("CreateGroup", { UserPoolId, GroupName: "g" });
      await at.ask("CreateResourceServer", server);
      const early = await at.says("DeleteUserPool", { UserPoolId });
      await at.ask("UpdateUserPool", { UserPoolId, DeletionProtection: "INACTIVE" });
      await at.ask("DeleteUserPool", { UserPoolId });
      const rest = ["DescribeUserPool", "ListGroups", "ListUserPoolClients"].map((name) =>
        at.says(name, { UserPoolId }),
      );
      const said = [...(await Promise.all(rest)), await at.says("DescribeResourceServer", server)];
      return [early.split(":")[0], new Set(said.map((one) => one.split(":")[0]))];
    },
    is: ["InvalidParameterException", new Set(["ResourceNotFoundException"])],
  },
];

holds("pools, as AWS shows them", pools);
