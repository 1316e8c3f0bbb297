/** The pool for the page's users: created with AWS SDK v3, as it would be at Amazon Cognito. */
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  type CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  SetUserPoolMfaConfigCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { ResourcesConfig } from "aws-amplify";

export const person = { email: "ann@example.com", password: "Correct-Horse-7", group: "readers" };

/** The last one lets users change their own passkeys and factors, even after signing in at the hosted pages. */
const scopes = ["openid", "email", "profile", "aws.cognito.signin.user.admin"];

/** Creates a pool, a client and a user, and returns the configuration for Amplify. */
export async function makePool(
  client: CognitoIdentityProviderClient,
  endpoint: string,
  pageUrl: string,
): Promise<ResourcesConfig> {
  const { UserPool } = await client.send(
    new CreateUserPoolCommand({
      PoolName: "react-amplify",
      UsernameAttributes: ["email"],
      AutoVerifiedAttributes: ["email"],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] } },
    }),
  );
  const userPoolId = UserPool!.Id!;
  await client.send(
    new SetUserPoolMfaConfigCommand({
      UserPoolId: userPoolId,
      MfaConfiguration: "OPTIONAL",
      SoftwareTokenMfaConfiguration: { Enabled: true },
      // The host that passkeys are for: the page's own. On localhost it is also that of the hosted pages.
      WebAuthnConfiguration: { RelyingPartyId: new URL(pageUrl).hostname, UserVerification: "required" },
    }),
  );
  const { UserPoolClient } = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId: userPoolId,
      // The hosted pages show this name for the application.
      ClientName: "Reading room",
      ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      PreventUserExistenceErrors: "ENABLED",
      SupportedIdentityProviders: ["COGNITO"],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: scopes,
      CallbackURLs: [pageUrl],
      LogoutURLs: [pageUrl],
    }),
  );
  await makePerson(client, userPoolId);
  return amplifyConfig(endpoint, pageUrl, userPoolId, UserPoolClient!.ClientId!);
}

async function makePerson(client: CognitoIdentityProviderClient, UserPoolId: string): Promise<void> {
  const Username = person.email;
  await client.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username,
      MessageAction: "SUPPRESS",
      UserAttributes: [
        { Name: "email", Value: person.email },
        { Name: "email_verified", Value: "true" },
      ],
    }),
  );
  await client.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: person.password, Permanent: true }),
  );
  await client.send(new CreateGroupCommand({ UserPoolId, GroupName: person.group }));
  await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: person.group }));
}

function amplifyConfig(
  endpoint: string,
  pageUrl: string,
  userPoolId: string,
  userPoolClientId: string,
): ResourcesConfig {
  return {
    Auth: {
      Cognito: {
        userPoolId,
        userPoolClientId,
        // Where calls go. Without it Amplify would call Amazon.
        userPoolEndpoint: endpoint,
        loginWith: {
          oauth: {
            // Amplify puts https:// in front. Every pool has its pages at /<pool id>, so no DNS is needed.
            domain: `${new URL(endpoint).host}/${userPoolId}`,
            scopes,
            redirectSignIn: [pageUrl],
            redirectSignOut: [pageUrl],
            responseType: "code",
          },
        },
      },
    },
  };
}
