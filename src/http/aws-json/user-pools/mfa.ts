/** Second factors: software tokens, preferences, and reading both. */

import type { Ctx } from "../../../app.ts";
import { associateBySession, verifyBySession } from "../../../domain/signin/set-up-by-session.ts";
import type { Pool } from "../../../domain/user-pools/load-pool.ts";
import { poolAndUser } from "../../../domain/users/find-user.ts";
import { authFactors, setMfaOptions, setMfaPreference } from "../../../domain/users/mfa-preferences.ts";
import {
  associateSoftwareToken,
  removeSoftwareToken,
  verifySoftwareToken,
} from "../../../domain/users/software-token.ts";
import type { User } from "../../../store/users.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { Handler } from "../operation.ts";
import { mfaSettings } from "../shapes.ts";

/** The Session if no access token was verified: either of them identifies the user whose software token it is. */
function sessionOf(input: {
  readonly AccessToken?: string | undefined;
  readonly Session?: string | undefined;
}) {
  if (input.AccessToken === undefined && input.Session !== undefined) return input.Session;
  return refuse("InvalidParameterException", "Either AccessToken or Session must be given.");
}

export const AssociateSoftwareToken: Handler<"AssociateSoftwareToken"> = async (ctx, input, signedIn) => {
  if (signedIn !== undefined)
    return { SecretCode: await associateSoftwareToken(ctx, signedIn.pool, signedIn.user) };
  const { secretCode, session } = await associateBySession(ctx, sessionOf(input));
  return { SecretCode: secretCode, Session: session };
};

export const VerifySoftwareToken: Handler<"VerifySoftwareToken"> = async (ctx, input, signedIn) => {
  const request = { code: input.UserCode, name: input.FriendlyDeviceName ?? "" };
  if (signedIn === undefined)
    return { Status: "SUCCESS", Session: await verifyBySession(ctx, sessionOf(input), request) };
  await verifySoftwareToken(ctx, signedIn.pool, signedIn.user, request);
  return { Status: "SUCCESS" };
};

export const SetUserMFAPreference: Handler<"SetUserMFAPreference"> = async (ctx, input, { pool, user }) => {
  await setMfaPreference(ctx, pool, user, input, "user");
  return {};
};

export const AdminSetUserMFAPreference: Handler<"AdminSetUserMFAPreference"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await setMfaPreference(ctx, pool, user, input, "admin");
  return {};
};

export const SetUserSettings: Handler<"SetUserSettings"> = async (ctx, input, { pool, user }) => {
  await setMfaOptions(ctx, pool, user, input.MFAOptions, "user");
  return {};
};

export const AdminSetUserSettings: Handler<"AdminSetUserSettings"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await setMfaOptions(ctx, pool, user, input.MFAOptions, "admin");
  return {};
};

export const AdminDeleteSoftwareToken: Handler<"AdminDeleteSoftwareToken"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await removeSoftwareToken(ctx, pool, user);
  return {};
};

async function factorsOf(ctx: Ctx, pool: Pool, user: User) {
  return {
    Username: user.username,
    ...mfaSettings(user),
    ConfiguredUserAuthFactors: await authFactors(ctx, pool, user),
  };
}

export const GetUserAuthFactors: Handler<"GetUserAuthFactors"> = (ctx, _input, { pool, user }) =>
  factorsOf(ctx, pool, user);

export const AdminGetUserAuthFactors: Handler<"AdminGetUserAuthFactors"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  return factorsOf(ctx, pool, user);
};
