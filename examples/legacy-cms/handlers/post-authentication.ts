/**
 * PostAuthentication: users who came to the pool without the legacy service (they signed up, or signed in at a social
 * provider, for which UserMigration never runs) get a record in the CMS, and its id as `custom:legacy_id`.
 */
import {
  AdminUpdateUserAttributesCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import type { PostAuthenticationTriggerHandler } from "aws-lambda";
import { callLegacy } from "./legacy.ts";

// Its key and the pool's server are in the environment.
const idp = new CognitoIdentityProviderClient();

export const handler: PostAuthenticationTriggerHandler = async (event) => {
  const { userName, userPoolId, request } = event;
  const { sub, email, name, "custom:legacy_id": legacyId } = request.userAttributes;
  if (legacyId !== undefined) return event;
  const wanted = { username: userName, display_name: name ?? userName, email: email ?? "" };
  const { user } = await callLegacy(`/api/pool-users/${sub}`, [], wanted);
  await idp.send(
    new AdminUpdateUserAttributesCommand({
      UserPoolId: userPoolId,
      Username: userName,
      UserAttributes: [{ Name: "custom:legacy_id", Value: String(user.userid) }],
    }),
  );
  return event;
};
