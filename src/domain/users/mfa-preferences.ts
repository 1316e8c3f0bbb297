/** Users' preferences for second factors, and how they read them. */
import type { Ctx } from "../../app.ts";
import { readCredential } from "../../store/credentials.ts";
import { listPasskeys } from "../../store/passkeys.ts";
import type { User } from "../../store/users.ts";
import type { AuthFactorType, MFAOptionType } from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { changePreferences, type PreferenceRequest } from "../mfa/factors.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { isVerified } from "./attributes.ts";
import { changeUser } from "./change-user.ts";

/** SetUserMFAPreference and AdminSetUserMFAPreference. Throws InvalidParameterException. */
export async function setMfaPreference(
  ctx: Ctx,
  pool: Pool,
  user: User,
  request: PreferenceRequest,
  by: "user" | "admin",
): Promise<void> {
  await changeUser(ctx, pool, user, (fresh) => ({ mfa: changePreferences(pool, fresh, request, by) }), {
    operation: "SetUserMFAPreference",
  });
}

/** SetUserSettings and AdminSetUserSettings: "This action is no longer supported", except for SMS. */
export async function setMfaOptions(
  ctx: Ctx,
  pool: Pool,
  user: User,
  options: readonly MFAOptionType[],
  by: "user" | "admin",
): Promise<void> {
  const known = options.every(
    ({ DeliveryMedium, AttributeName }) => DeliveryMedium === "SMS" && AttributeName === "phone_number",
  );
  if (!known) refuse("InvalidParameterException", "MFAOptions can only name SMS to phone_number.");
  await setMfaPreference(ctx, pool, user, { SMSMfaSettings: { Enabled: options.length > 0 } }, by);
}

/** GetUserAuthFactors and AdminGetUserAuthFactors: what the user can sign in with. Nothing, if they sign in elsewhere. */
export async function authFactors(ctx: Ctx, pool: Pool, user: User): Promise<AuthFactorType[]> {
  if (user.status === "EXTERNAL_PROVIDER") return [];
  const credential = await readCredential(ctx.db, pool.id, user.id);
  const passkeys = await listPasskeys(ctx.db, pool.id, user.id, { limit: 1 });
  const having: Partial<Record<AuthFactorType, boolean>> = {
    PASSWORD: credential?.phc !== undefined,
    EMAIL_OTP: isVerified(user.attributes, "email"),
    SMS_OTP: isVerified(user.attributes, "phone_number"),
    WEB_AUTHN: passkeys.length > 0,
    SOFTWARE_TOKEN: user.mfa.softwareToken !== undefined,
  };
  return (Object.keys(having) as AuthFactorType[]).filter((factor) => having[factor]);
}
