/** Administration of users. */

import { adminConfirmSignUp } from "../../../domain/signup/confirm.ts";
import { loadPool } from "../../../domain/user-pools/load-pool.ts";
import { removeUser, setEnabled, signOutEverywhere } from "../../../domain/users/access.ts";
import { createUser, resendInvitation } from "../../../domain/users/admin-create-user.ts";
import { attributesFrom } from "../../../domain/users/attributes.ts";
import { poolAndUser } from "../../../domain/users/find-user.ts";
import { setPassword } from "../../../domain/users/passwords.ts";
import { resetPassword } from "../../../domain/users/recovery.ts";
import { removeAttributes, updateAttributes } from "../../../domain/users/update-attributes.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { mfaOptions, mfaSettings, userAttributes, userType } from "../shapes.ts";

export const AdminCreateUser: Handler<"AdminCreateUser"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const invitation = {
    username: input.Username,
    temporaryPassword: input.TemporaryPassword,
    mediums: input.DesiredDeliveryMediums,
    clientMetadata: input.ClientMetadata,
  };
  if (input.MessageAction === "RESEND") {
    return { User: userType(await resendInvitation(ctx, pool, invitation)) };
  }
  const user = await createUser(ctx, pool, {
    ...invitation,
    attributes: attributesFrom(input.UserAttributes),
    forceAliasCreation: input.ForceAliasCreation ?? false,
    suppressMessage: input.MessageAction === "SUPPRESS",
    validationData: input.ValidationData && attributesFrom(input.ValidationData),
  });
  return { User: userType(user) };
};

export const AdminGetUser: Handler<"AdminGetUser"> = async (ctx, input) => {
  const { user } = await poolAndUser(ctx, input);
  return {
    Username: user.username,
    UserAttributes: userAttributes(user),
    UserCreateDate: epochSeconds(user.createdAt),
    UserLastModifiedDate: epochSeconds(user.updatedAt),
    Enabled: user.enabled,
    UserStatus: user.status,
    ...mfaSettings(user),
    ...mfaOptions(user),
  };
};

export const AdminDeleteUser: Handler<"AdminDeleteUser"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await removeUser(ctx, pool, user);
  return {};
};

export const AdminEnableUser: Handler<"AdminEnableUser"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await setEnabled(ctx, pool, user, true);
  return {};
};

export const AdminDisableUser: Handler<"AdminDisableUser"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await setEnabled(ctx, pool, user, false);
  return {};
};

export const AdminConfirmSignUp: Handler<"AdminConfirmSignUp"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await adminConfirmSignUp(ctx, pool, user, input.ClientMetadata);
  return {};
};

export const AdminSetUserPassword: Handler<"AdminSetUserPassword"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await setPassword(ctx, pool, user, { password: input.Password, permanent: input.Permanent ?? false });
  return {};
};

export const AdminResetUserPassword: Handler<"AdminResetUserPassword"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await resetPassword(ctx, pool, user, input.ClientMetadata);
  return {};
};

export const AdminUpdateUserAttributes: Handler<"AdminUpdateUserAttributes"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  const { ClientMetadata: clientMetadata } = input;
  const change = attributesFrom(input.UserAttributes);
  await updateAttributes(ctx, pool, user, change, { by: "admin", clientMetadata });
  return {};
};

export const AdminDeleteUserAttributes: Handler<"AdminDeleteUserAttributes"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await removeAttributes(ctx, pool, user, input.UserAttributeNames);
  return {};
};

export const AdminUserGlobalSignOut: Handler<"AdminUserGlobalSignOut"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await signOutEverywhere(ctx, pool, user);
  return {};
};
