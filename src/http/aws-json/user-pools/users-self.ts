/** Operations of signed-in users on their own profile. The endpoint has verified the access token. */
import { canRead } from "../../../domain/user-pools/clients.ts";
import { removeUser, signOutEverywhere } from "../../../domain/users/access.ts";
import { assertWritable, attributesFrom } from "../../../domain/users/attributes.ts";
import { changePassword } from "../../../domain/users/passwords.ts";
import {
  removeAttributes,
  sendAttributeCode,
  updateAttributes,
  verifyAttribute,
} from "../../../domain/users/update-attributes.ts";
import type { Handler } from "../operation.ts";
import { codeDeliveryDetails, mfaOptions, mfaSettings, userAttributes } from "../shapes.ts";

export const GetUser: Handler<"GetUser"> = async (_ctx, _input, { pool, client, user }) => ({
  Username: user.username,
  UserAttributes: userAttributes(user, (name) => canRead(pool, client, name)),
  ...mfaSettings(user),
  ...mfaOptions(user),
});

export const UpdateUserAttributes: Handler<"UpdateUserAttributes"> = async (ctx, input, signedIn) => {
  const { pool, client, user } = signedIn;
  const change = attributesFrom(input.UserAttributes);
  assertWritable(pool, client, Object.keys(change));
  const { ClientMetadata: clientMetadata } = input;
  const changer = { by: "user", clientId: client.id, clientMetadata } as const;
  const deliveries = await updateAttributes(ctx, pool, user, change, changer);
  return { CodeDeliveryDetailsList: deliveries.map(codeDeliveryDetails) };
};

export const DeleteUserAttributes: Handler<"DeleteUserAttributes"> = async (ctx, input, signedIn) => {
  const { pool, client, user } = signedIn;
  assertWritable(pool, client, input.UserAttributeNames);
  await removeAttributes(ctx, pool, user, input.UserAttributeNames);
  return {};
};

export const GetUserAttributeVerificationCode: Handler<"GetUserAttributeVerificationCode"> = async (
  ctx,
  input,
  { pool, client, user },
) => {
  const { AttributeName: name, ClientMetadata: clientMetadata } = input;
  const delivery = await sendAttributeCode(ctx, pool, { user, clientId: client.id, clientMetadata }, name);
  return { CodeDeliveryDetails: codeDeliveryDetails(delivery) };
};

export const VerifyUserAttribute: Handler<"VerifyUserAttribute"> = async (ctx, input, { pool, user }) => {
  await verifyAttribute(ctx, pool, user, { name: input.AttributeName, code: input.Code });
  return {};
};

export const ChangePassword: Handler<"ChangePassword"> = async (ctx, input, signedIn) => {
  await changePassword(ctx, signedIn, {
    previous: input.PreviousPassword,
    proposed: input.ProposedPassword,
  });
  return {};
};

export const DeleteUser: Handler<"DeleteUser"> = async (ctx, _input, { pool, user }) => {
  await removeUser(ctx, pool, user);
  return {};
};

export const GlobalSignOut: Handler<"GlobalSignOut"> = async (ctx, _input, { pool, user }) => {
  await signOutEverywhere(ctx, pool, user);
  return {};
};
