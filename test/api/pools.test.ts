/** User pools through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AddCustomAttributesCommand,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  DeleteUserPoolCommand,
  DescribeUserPoolCommand,
  GetUserPoolMfaConfigCommand,
  ListUserPoolsCommand,
  paginateListUserPools,
  SetUserPoolMfaConfigCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forEachServer, type TestServer } from "../kit/server.ts";

const refused = (name: string, message: string | RegExp) => ({ name, message });

async function createPool({ client }: TestServer, given: Partial<CreateUserPoolCommandInput> = {}) {
  const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: "pool", ...given }));
  assert.ok(UserPool?.Id);
  return { ...UserPool, Id: UserPool.Id };
}

async function describePool({ client }: TestServer, UserPoolId: string) {
  const { UserPool } = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
  assert.ok(UserPool);
  return UserPool;
}

forEachServer("pools", (open) => {
  test("a pool is created with Cognito's defaults and described as it was created", async () => {
    const server = await open();
    const created = await createPool(server, { PoolName: "My pool" });
    assert.match(created.Id, /^us-east-1_[0-9A-Za-z]{9}$/);
    assert.equal(created.Arn, `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${created.Id}`);
    assert.equal(created.Name, "My pool");
    assert.equal(created.EstimatedNumberOfUsers, 0);
    assert.equal(created.SchemaAttributes?.length, 21);
    assert.deepEqual(created.Policies?.PasswordPolicy, {
      MinimumLength: 8,
      RequireUppercase: true,
      RequireLowercase: true,
      RequireNumbers: true,
      RequireSymbols: true,
      TemporaryPasswordValidityDays: 7,
    });
    assert.ok(created.CreationDate instanceof Date);
    assert.deepEqual(created.LastModifiedDate, created.CreationDate);
    assert.equal("SoftwareTokenMfaConfiguration" in created, false);
    assert.deepEqual(await describePool(server, created.Id), created);
  });

  test("AWS's own example of CreateUserPool is accepted", async () => {
    const server = await open();
    const pool = await createPool(server, {
      AccountRecoverySetting: { RecoveryMechanisms: [{ Name: "verified_email", Priority: 1 }] },
      AdminCreateUserConfig: {
        AllowAdminCreateUserOnly: false,
        InviteMessageTemplate: {
          EmailMessage: "Your username is {username} and temporary password is {####}.",
          EmailSubject: "Your sign-in information",
          SMSMessage: "Your username is {username} and temporary password is {####}.",
        },
      },
      AliasAttributes: ["email"],
      AutoVerifiedAttributes: ["email"],
      DeletionProtection: "ACTIVE",
      DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
      EmailConfiguration: {
        ConfigurationSet: "my-test-ses-configuration-set",
        EmailSendingAccount: "DEVELOPER",
        From: "support@example.com",
        ReplyToEmailAddress: "support@example.com",
        SourceArn: "arn:aws:ses:us-east-1:123456789012:identity/support@example.com",
      },
      MfaConfiguration: "OPTIONAL",
      Policies: {
        PasswordPolicy: {
          MinimumLength: 6,
          RequireLowercase: true,
          RequireNumbers: true,
          RequireSymbols: true,
          RequireUppercase: true,
          TemporaryPasswordValidityDays: 7,
        },
      },
      Schema: [
        {
          AttributeDataType: "Number",
          DeveloperOnlyAttribute: true,
          Mutable: true,
          Name: "mydev",
          NumberAttributeConstraints: { MaxValue: "99", MinValue: "1" },
          Required: false,
          StringAttributeConstraints: { MaxLength: "99", MinLength: "1" },
        },
      ],
      SmsConfiguration: {
        ExternalId: "my-role-external-id",
        SnsCallerArn: "arn:aws:iam::123456789012:role/service-role/test-cognito-SMS-Role",
      },
      UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email"] },
      UserPoolAddOns: { AdvancedSecurityMode: "OFF" },
      UserPoolTags: { "my-test-tag-key": "my-test-tag-value" },
      UsernameConfiguration: { CaseSensitive: true },
      VerificationMessageTemplate: {
        DefaultEmailOption: "CONFIRM_WITH_CODE",
        EmailMessage: "Your confirmation code is {####}",
        EmailMessageByLink: "Choose this link to {##verify your email##}",
        EmailSubject: "Here is your confirmation code",
        EmailSubjectByLink: "Here is your confirmation link",
        SmsMessage: "Your confirmation code is {####}",
      },
    });
    assert.deepEqual(pool.SchemaAttributes?.at(-1), {
      AttributeDataType: "Number",
      DeveloperOnlyAttribute: true,
      Mutable: true,
      Name: "dev:custom:mydev",
      NumberAttributeConstraints: { MaxValue: "99", MinValue: "1" },
      Required: false,
    });
    assert.equal(pool.SmsConfiguration?.SnsRegion, "us-east-1");
    assert.equal(pool.AdminCreateUserConfig?.UnusedAccountValidityDays, 7);
    await assert.rejects(
      server.client.send(new DeleteUserPoolCommand({ UserPoolId: pool.Id })),
      refused("InvalidParameterException", /deletion protection is activated/),
    );
    await server.client.send(
      new UpdateUserPoolCommand({ UserPoolId: pool.Id, DeletionProtection: "INACTIVE" }),
    );
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId: pool.Id }));
    await assert.rejects(
      describePool(server, pool.Id),
      refused("ResourceNotFoundException", `User pool ${pool.Id} does not exist.`),
    );
  });

  test("UpdateUserPool changes what it names, and leaves alone what it cannot set", async () => {
    const server = await open();
    const pool = await createPool(server, {
      PoolName: "before",
      AutoVerifiedAttributes: ["email"],
      DeletionProtection: "ACTIVE",
      UsernameConfiguration: { CaseSensitive: false },
      Schema: [{ Name: "color", AttributeDataType: "String" }],
    });
    server.clock.advance(1000);
    await server.client.send(
      new UpdateUserPoolCommand({
        UserPoolId: pool.Id,
        PoolName: "after",
        Policies: { PasswordPolicy: { MinimumLength: 12 } },
      }),
    );
    const after = await describePool(server, pool.Id);
    assert.equal(after.Name, "after");
    assert.equal(after.Policies?.PasswordPolicy?.MinimumLength, 12);
    assert.equal(after.DeletionProtection, "ACTIVE");
    assert.equal(after.AutoVerifiedAttributes, undefined);
    assert.deepEqual(after.UsernameConfiguration, { CaseSensitive: false });
    assert.deepEqual(after.SchemaAttributes, pool.SchemaAttributes);
    assert.deepEqual(after.CreationDate, pool.CreationDate);
    assert.ok(Number(after.LastModifiedDate) > Number(pool.LastModifiedDate));
  });

  test("changes that collide are all kept", async () => {
    const server = await open();
    const { Id } = await createPool(server);
    const add = (Name: string) =>
      server.client.send(
        new AddCustomAttributesCommand({
          UserPoolId: Id,
          CustomAttributes: [{ Name, AttributeDataType: "String" }],
        }),
      );
    await Promise.all(["a", "b", "c", "d", "e"].map(add));
    const names = (await describePool(server, Id)).SchemaAttributes?.map(({ Name }) => Name);
    for (const name of ["a", "b", "c", "d", "e"]) assert.ok(names?.includes(`custom:${name}`));
    await assert.rejects(
      add("a"),
      refused("InvalidParameterException", "custom:a: Existing attribute already has name custom:a."),
    );
  });

  test("pools are listed page by page", async () => {
    const server = await open();
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await createPool(server)).Id));
    const listed: string[] = [];
    for await (const page of paginateListUserPools(
      { client: server.client, pageSize: 2 },
      { MaxResults: 2 },
    )) {
      assert.ok((page.UserPools?.length ?? 0) <= 2);
      for (const pool of page.UserPools ?? []) listed.push(pool.Id ?? "");
    }
    assert.equal(new Set(listed).size, listed.length);
    for (const id of ids) assert.ok(listed.includes(id));

    const first = await server.client.send(new ListUserPoolsCommand({ MaxResults: 2 }));
    const badToken = refused("InvalidParameterException", "Invalid pagination token given.");
    const next = (MaxResults: number, NextToken: string | undefined) =>
      server.client.send(new ListUserPoolsCommand({ MaxResults, NextToken }));
    await assert.rejects(next(3, first.NextToken), badToken);
    await assert.rejects(next(2, `${first.NextToken}A`), badToken);
    await assert.rejects(next(2, "abc"), badToken);
    server.clock.advance(3_600_001);
    await assert.rejects(next(2, first.NextToken), badToken);
    await assert.rejects(
      next(0, undefined),
      refused("InvalidParameterException", /^1 validation error detected/),
    );
  });

  test("tags fix the id, once", async () => {
    const server = await open();
    const UserPoolTags = { _custom_id_: `us-east-1_pinned${Date.now()}` };
    const pool = await createPool(server, { UserPoolTags });
    assert.equal(pool.Id, UserPoolTags._custom_id_);
    assert.deepEqual(pool.UserPoolTags, UserPoolTags);
    await assert.rejects(
      createPool(server, { UserPoolTags }),
      refused("InvalidParameterException", `User pool ${pool.Id} already exists.`),
    );
    // Deleted and made anew, it is another pool: nothing of the old one is remembered.
    await describePool(server, pool.Id);
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId: pool.Id }));
    await createPool(server, { PoolName: "another", UserPoolTags });
    assert.equal((await describePool(server, pool.Id)).Name, "another");
    await assert.rejects(
      createPool(server, { UserPoolTags: { "ms-custom-id": "no_good_id" } }),
      refused("InvalidParameterException", /no_good_id/),
    );
  });

  test("MFA is configured", async () => {
    const server = await open();
    const { Id: UserPoolId } = await createPool(server);
    const read = async () => {
      const { $metadata: _, ...config } = await server.client.send(
        new GetUserPoolMfaConfigCommand({ UserPoolId }),
      );
      return config;
    };
    assert.deepEqual(await read(), { MfaConfiguration: "OFF" });
    const set = {
      MfaConfiguration: "OPTIONAL" as const,
      SoftwareTokenMfaConfiguration: { Enabled: true },
      EmailMfaConfiguration: { Message: "Your code: {####}", Subject: "Code" },
      WebAuthnConfiguration: { RelyingPartyId: "example.com", UserVerification: "required" as const },
    };
    const { $metadata: _, ...answer } = await server.client.send(
      new SetUserPoolMfaConfigCommand({ UserPoolId, ...set }),
    );
    assert.deepEqual(answer, set);
    assert.deepEqual(await read(), set);
    assert.equal((await describePool(server, UserPoolId)).MfaConfiguration, "OPTIONAL");
    await assert.rejects(
      server.client.send(new SetUserPoolMfaConfigCommand({ UserPoolId, MfaConfiguration: "ON" })),
      refused("InvalidParameterException", /can't turn on MFA/),
    );
    await assert.rejects(
      server.client.send(
        new SetUserPoolMfaConfigCommand({ UserPoolId, EmailMfaConfiguration: { Message: "no placeholder" } }),
      ),
      refused("InvalidParameterException", /emailMfaConfiguration\.message/),
    );
  });

  test("every operation on a pool that does not exist says so", async () => {
    const { client } = await open();
    const UserPoolId = "us-east-1_nothing00";
    const missing = refused("ResourceNotFoundException", `User pool ${UserPoolId} does not exist.`);
    await assert.rejects(client.send(new DescribeUserPoolCommand({ UserPoolId })), missing);
    await assert.rejects(client.send(new UpdateUserPoolCommand({ UserPoolId })), missing);
    await assert.rejects(client.send(new DeleteUserPoolCommand({ UserPoolId })), missing);
    await assert.rejects(client.send(new GetUserPoolMfaConfigCommand({ UserPoolId })), missing);
    await assert.rejects(
      client.send(new SetUserPoolMfaConfigCommand({ UserPoolId, MfaConfiguration: "OFF" })),
      missing,
    );
    await assert.rejects(
      client.send(
        new AddCustomAttributesCommand({ UserPoolId, CustomAttributes: [{ AttributeDataType: "String" }] }),
      ),
      missing,
    );
  });
});
