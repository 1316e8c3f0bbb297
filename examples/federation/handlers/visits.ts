/**
 * PostConfirmation, which is called at the first sign-in through another identity provider, and PostAuthentication, which is
 * called at the others: counts the visits of those who come through a provider as `custom:visits`, and keeps the day of the first
 * as `custom:member_since`.
 */
import {
  AdminUpdateUserAttributesCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import type { PostAuthenticationTriggerEvent, PostConfirmationTriggerEvent } from "aws-lambda";

// Its key and the pool's server are in the environment.
const idp = new CognitoIdentityProviderClient();

const today = () => new Date().toISOString().slice(0, 10);

export const handler = async (event: PostAuthenticationTriggerEvent | PostConfirmationTriggerEvent) => {
  const { userName: Username, userPoolId: UserPoolId, request } = event;
  const {
    "cognito:user_status": status,
    "custom:member_since": since = today(),
    "custom:visits": visits = "0",
  } = request.userAttributes;
  if (status !== "EXTERNAL_PROVIDER") return event;
  const UserAttributes = [
    { Name: "custom:member_since", Value: since },
    { Name: "custom:visits", Value: String(Number(visits) + 1) },
  ];
  await idp.send(new AdminUpdateUserAttributesCommand({ UserPoolId, Username, UserAttributes }));
  return event;
};
