/** PostAuthentication: whoever opened the link has proven the address. */
import {
  AdminUpdateUserAttributesCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import type { PostAuthenticationTriggerHandler } from "aws-lambda";

const idp = new CognitoIdentityProviderClient();

export const handler: PostAuthenticationTriggerHandler = async (event) => {
  const { userPoolId: UserPoolId, userName: Username, request } = event;
  const UserAttributes = [{ Name: "email_verified", Value: "true" }];
  if (request.userAttributes["email_verified"] !== "true")
    await idp.send(new AdminUpdateUserAttributesCommand({ UserPoolId, Username, UserAttributes }));
  return event;
};
