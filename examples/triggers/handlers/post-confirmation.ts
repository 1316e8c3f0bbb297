/** PostConfirmation: a new user becomes a member of a group. */
import {
  AdminAddUserToGroupCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import type { PostConfirmationTriggerHandler } from "aws-lambda";

// The server of the pool and the function's key are in the environment.
const idp = new CognitoIdentityProviderClient();

export const handler: PostConfirmationTriggerHandler = async (event) => {
  const { userPoolId: UserPoolId, userName: Username, triggerSource } = event;
  if (triggerSource === "PostConfirmation_ConfirmSignUp")
    await idp.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: "members" }));
  return event;
};
