// Pre sign-up: who signs in with Google for the first time becomes the user who has the same e-mail address already.
import {
  AdminLinkProviderForUserCommand,
  CognitoIdentityProviderClient,
  ListUsersCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const client = new CognitoIdentityProviderClient({});

const findByEmail = async (UserPoolId, email) => {
  const { Users } = await client.send(
    new ListUsersCommand({ UserPoolId, Filter: `email = "${email}"`, Limit: 1 }),
  );
  return Users[0];
};

export const handler = async (event) => {
  if (event.triggerSource !== "PreSignUp_ExternalProvider") return event;
  const { email } = event.request.userAttributes;
  const user = await findByEmail(event.userPoolId, email);
  event.response.autoConfirmUser = true;
  event.response.autoVerifyEmail = true;
  if (user === undefined) return event;

  // userName is Google_1234567890.
  const [providerName, ...rest] = event.userName.split("_");
  await client.send(
    new AdminLinkProviderForUserCommand({
      UserPoolId: event.userPoolId,
      DestinationUser: { ProviderName: "Cognito", ProviderAttributeValue: user.Username },
      SourceUser: {
        ProviderName: providerName[0].toUpperCase() + providerName.slice(1),
        ProviderAttributeName: "Cognito_Subject",
        ProviderAttributeValue: rest.join("_"),
      },
    }),
  );
  return event;
};
