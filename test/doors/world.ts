/** A pool in which every operation could have an effect, and the inputs with which it would. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  AddUserPoolClientSecretCommand,
  AdminAddUserToGroupCommand,
  AdminLinkProviderForUserCommand,
  AdminListUserAuthEventsCommand,
  AdminListUserSessionsCommand,
  AdminUpdateUserAttributesCommand,
  AssociateSoftwareTokenCommand,
  ConfirmDeviceCommand,
  CreateGroupCommand,
  CreateManagedLoginBrandingCommand,
  CreateResourceServerCommand,
  CreateTermsCommand,
  CreateUserPoolDomainCommand,
  SetUserPoolSessionConfigurationCommand,
  SignUpCommand,
  VerifySoftwareTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { addProvider } from "../federation/people.ts";
import { start, totp, turnMfa } from "../kit/factors.ts";
import { everyFlow, makeClient, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import { createProvider, least, openIdProvider } from "../kit/providers.ts";
import type { TestServer } from "../kit/server.ts";
import { makeIdentityWorld } from "./identity-world.ts";
import { type KnownOperation, sampleInput, type Values } from "./operations.ts";

export interface World {
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly Username: string;
  readonly AccessToken: string;
  readonly RefreshToken: string;
  /** The input with which the operation would succeed. */
  input(operation: KnownOperation): Record<string, unknown>;
}

/** Signs in, confirms the device and sets up a software token, which is not asked for yet. */
async function signInWithDevice(server: TestServer, ClientId: string, Username: string) {
  const { client, clock } = server;
  const { AuthenticationResult } = await start(server, { ClientId }, Username);
  const { AccessToken, RefreshToken, NewDeviceMetadata } = AuthenticationResult ?? assert.fail("no tokens");
  const { DeviceKey } = NewDeviceMetadata ?? assert.fail("no device");
  const DeviceSecretVerifierConfig = {
    Salt: Buffer.alloc(16, 3).toString("base64"),
    PasswordVerifier: Buffer.alloc(300, 5).toString("base64"),
  };
  await client.send(new ConfirmDeviceCommand({ AccessToken, DeviceKey, DeviceSecretVerifierConfig }));
  const { SecretCode } = await client.send(new AssociateSoftwareTokenCommand({ AccessToken }));
  const UserCode = totp(SecretCode ?? assert.fail("no SecretCode"), clock.now);
  await client.send(new VerifySoftwareTokenCommand({ AccessToken, UserCode }));
  return { tokens: { AccessToken: AccessToken!, RefreshToken: RefreshToken! }, DeviceKey: DeviceKey! };
}

/** Identity providers of a pool, and what a further one would be. */
async function makeProviders(server: TestServer, UserPoolId: string) {
  const IdpIdentifiers = ["doors.example"];
  await createProvider(server, UserPoolId, openIdProvider("Doors", { IdpIdentifiers }));
  const { ProviderDetails } = least.OIDC;
  const values: Values = {
    ProviderName: "Doors",
    ProviderType: "OIDC",
    ProviderDetails,
    IdpIdentifier: "doors.example",
  };
  const special: Readonly<Record<string, Values>> = { CreateIdentityProvider: { ProviderName: "More" } };
  return { values, special };
}

/** What a pool's authorization server shows, including what it would show of another pool. */
async function makeHosting(server: TestServer, UserPoolId: string, ClientId: string) {
  const { client } = server;
  const Domain = `doors-${randomBytes(6).toString("hex")}`;
  await client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
  await client.send(new CreateResourceServerCommand({ UserPoolId, Identifier: "api", Name: "api" }));
  const key = { UserPoolId, ClientId };
  const style = await client.send(new CreateManagedLoginBrandingCommand(key));
  const terms = await client.send(
    new CreateTermsCommand({ ...key, TermsName: "terms-of-use", TermsSource: "LINK", Enforcement: "NONE" }),
  );
  const plain = await makeClient(server, UserPoolId);
  const other = await makePool(server);
  const special: Readonly<Record<string, Values>> = {
    CreateManagedLoginBranding: { ClientId: plain.ClientId },
    CreateResourceServer: { Identifier: "more" },
    CreateTerms: { ClientId: plain.ClientId },
    CreateUserPoolDomain: { UserPoolId: other.UserPoolId, Domain: `${Domain}-more` },
  };
  const values: Values = {
    Domain,
    Identifier: "api",
    ManagedLoginBrandingId: style.ManagedLoginBranding?.ManagedLoginBrandingId ?? assert.fail("no style id"),
    TermsId: terms.Terms?.TermsId ?? assert.fail("no terms id"),
    TermsName: "terms-of-use",
    Settings: { categories: {} },
  };
  return { values, special };
}

const identity = (ProviderName: string, ProviderAttributeValue: string) => ({
  ...{ ProviderName, ProviderAttributeValue },
  ProviderAttributeName: "Cognito_Subject",
});

export async function makeWorld(server: TestServer): Promise<World> {
  const { client } = server;
  const { UserPoolId, ClientId } = await makePool(
    server,
    {
      AutoVerifiedAttributes: ["email"],
      DeviceConfiguration: { ChallengeRequiredOnNewDevice: false },
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "WEB_AUTHN"] } },
    },
    { ExplicitAuthFlows: everyFlow },
  );
  const Username = await makeUser(server, UserPoolId, "ann", [
    { Name: "email", Value: newAddress() },
    { Name: "email_verified", Value: "true" },
    { Name: "nickname", Value: "Annie" },
  ]);
  for (const GroupName of ["staff", "others"]) {
    await client.send(new CreateGroupCommand({ UserPoolId, GroupName }));
  }
  await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: "staff" }));
  await client.send(
    new SignUpCommand({ ClientId, Username: "fresh", Password: password, UserAttributes: [] }),
  );
  await client.send(
    new AdminUpdateUserAttributesCommand({
      UserPoolId,
      Username: "fresh",
      UserAttributes: [{ Name: "email", Value: newAddress() }],
    }),
  );
  await addProvider({ server, UserPoolId }, "Corporate");
  await client.send(
    new AdminLinkProviderForUserCommand({
      UserPoolId,
      DestinationUser: identity("Cognito", "fresh"),
      SourceUser: identity("Corporate", "linked"),
    }),
  );
  const withSecret = await makeClient(server, UserPoolId, { GenerateSecret: true });
  const second = await client.send(
    new AddUserPoolClientSecretCommand({ UserPoolId, ClientId: withSecret.ClientId }),
  );
  const ClientSecretId = second.ClientSecretDescriptor?.ClientSecretId ?? assert.fail("no secret id");
  await turnMfa(server, { UserPoolId }, "OPTIONAL", { SoftwareTokenMfaConfiguration: { Enabled: true } });
  const tracking = { UserSessionTracking: "ENABLED", TokenSession: { MaxPerUser: 20 } } as const;
  await client.send(new SetUserPoolSessionConfigurationCommand({ UserPoolId, ...tracking }));
  const { tokens, DeviceKey } = await signInWithDevice(server, ClientId, Username);
  const hosting = await makeHosting(server, UserPoolId, ClientId);
  const providers = await makeProviders(server, UserPoolId);
  const { AuthEvents } = await client.send(new AdminListUserAuthEventsCommand({ UserPoolId, Username }));
  const { Sessions } = await client.send(new AdminListUserSessionsCommand({ UserPoolId, Username }));
  const identities = await makeIdentityWorld(server, { UserPoolId, ClientId });
  const values: Values = {
    ...hosting.values,
    ...providers.values,
    ...tracking,
    SessionId: Sessions?.[0]?.SessionId ?? assert.fail("no session"),
    UserPoolId,
    ClientId,
    Username,
    GroupName: "staff",
    ResourceArn: `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${UserPoolId}`,
    TagKeys: ["colour"],
    Tags: { colour: "blue" },
    AccessToken: tokens.AccessToken,
    Token: tokens.RefreshToken,
    RefreshToken: tokens.RefreshToken,
    AttributeName: "email",
    UserAttributeNames: ["nickname"],
    UserAttributes: [{ Name: "nickname", Value: "Nan" }],
    CustomAttributes: [{ Name: "doors", AttributeDataType: "String" }],
    MfaConfiguration: "OFF",
    MFAOptions: [],
    DeviceKey,
    EventId: AuthEvents?.[0]?.EventId ?? assert.fail("no event"),
  };
  const AuthParameters = { USERNAME: Username, PASSWORD: password };
  const special: Readonly<Record<string, Values>> = {
    ...hosting.special,
    ...providers.special,
    AddUserPoolClientSecret: {
      ClientId: (await makeClient(server, UserPoolId, { GenerateSecret: true })).ClientId,
    },
    AdminAddUserToGroup: { GroupName: "others" },
    AdminConfirmSignUp: { Username: "fresh" },
    AdminCreateUser: { Username: "bob", MessageAction: "SUPPRESS" },
    AdminDisableProviderForUser: { User: identity("Corporate", "linked") },
    AdminInitiateAuth: { AuthFlow: "ADMIN_NO_SRP_AUTH", AuthParameters },
    AdminLinkProviderForUser: {
      DestinationUser: identity("Cognito", Username),
      SourceUser: identity("Corporate", "subject"),
    },
    AdminSetUserPassword: { Password: "Another-Horse-8" },
    ChangePassword: { PreviousPassword: password, ProposedPassword: "Another-Horse-8" },
    ConfirmForgotPassword: { Password: "Another-Horse-8" },
    ConfirmSignUp: { Username: "fresh" },
    CreateGroup: { GroupName: "more" },
    DeleteUserPoolClientSecret: { ClientId: withSecret.ClientId, ClientSecretId },
    InitiateAuth: { AuthFlow: "USER_PASSWORD_AUTH", AuthParameters },
    ResendConfirmationCode: { Username: "fresh" },
    SignUp: { Username: "carol", Password: password },
  };
  return {
    UserPoolId,
    ClientId,
    Username,
    ...tokens,
    input: (operation) =>
      operation.service === "cognito-identity"
        ? sampleInput(operation, { ...identities.values, ...identities.special[operation.name] })
        : sampleInput(operation, { ...values, ...special[operation.name] }),
  };
}
