/** Notes a sign-in in the user's own attributes, and tries what its access key does not allow. */
import {
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  AdminUpdateUserAttributesCommand,
  CognitoIdentityProviderClient,
  ListUserPoolsCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const client = new CognitoIdentityProviderClient({});

export const handler = async (event) => {
  const user = { UserPoolId: event.userPoolId, Username: event.userName };
  const refused = [];
  const others = [
    new AdminGetUserCommand(user),
    new AdminDeleteUserCommand(user),
    new ListUserPoolsCommand({ MaxResults: 1 }),
    new AdminUpdateUserAttributesCommand({ ...user, UserPoolId: "us-east-1_Elsewhere", UserAttributes: [] }),
  ];
  for (const command of others)
    refused.push(
      await client.send(command).then(
        () => "allowed",
        (error) => error.name,
      ),
    );
  const note = (name, value) => ({ Name: `custom:${name}`, Value: value });
  const UserAttributes = [
    note("seen", process.env.AWS_LAMBDA_FUNCTION_NAME),
    note("refused", refused.join(" ")),
  ];
  await client.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes }));
  console.log(`noted ${event.userName}`);
  return event;
};
