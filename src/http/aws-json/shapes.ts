/** Converts stored values to wire shapes that several operations share. */
import { type Delivery, maskDestination } from "../../domain/messages/delivery.ts";
import type { User } from "../../store/users.ts";
import type {
  AttributeType,
  CodeDeliveryDetailsType,
  MFAOptionType,
  UserType,
} from "../../wire/generated/user-pools.types.ts";
import { epochSeconds } from "./operation.ts";

/** A user's attributes, `sub` first, limited to those that `allowed` accepts. */
export function userAttributes(user: User, allowed: (name: string) => boolean = () => true): AttributeType[] {
  const all = [["sub", user.id] as const, ...Object.entries(user.attributes)];
  return all.filter(([name]) => allowed(name)).map(([Name, Value]) => ({ Name, Value }));
}

/** A user in the shape that ListUsers, ListUsersInGroup and AdminCreateUser return. */
export function userType(user: User, allowed?: (name: string) => boolean): UserType {
  return {
    Username: user.username,
    Attributes: userAttributes(user, allowed),
    UserCreateDate: epochSeconds(user.createdAt),
    UserLastModifiedDate: epochSeconds(user.updatedAt),
    Enabled: user.enabled,
    UserStatus: user.status,
    ...mfaOptions(user),
  };
}

/**
 * A user's second factors in the shape that GetUser, AdminGetUser and GetUserAuthFactors return; empty if there are
 * none.
 */
export function mfaSettings(user: Pick<User, "mfa">): {
  UserMFASettingList?: string[];
  PreferredMfaSetting?: string;
} {
  const { enabled, preferred } = user.mfa;
  return {
    ...(enabled.length > 0 && { UserMFASettingList: [...enabled] }),
    ...(preferred !== undefined && { PreferredMfaSetting: preferred }),
  };
}

/** MFAOptions, the deprecated way to say that a user gets codes by SMS. */
export function mfaOptions(user: Pick<User, "mfa">): { MFAOptions?: MFAOptionType[] } {
  if (!user.mfa.enabled.includes("SMS_MFA")) return {};
  return { MFAOptions: [{ DeliveryMedium: "SMS", AttributeName: "phone_number" }] };
}

export function codeDeliveryDetails(delivery: Delivery): CodeDeliveryDetailsType {
  return {
    Destination: maskDestination(delivery),
    DeliveryMedium: delivery.medium,
    AttributeName: delivery.attribute,
  };
}
