/**
 * NEW_PASSWORD_REQUIRED: a user created by an administrator chooses a password and fills in required attributes ("Set
 * up new user accounts created by administrators"). A refused password keeps the Session; success uses it up. If the
 * user has a second factor, addresses change at the end of the sign-in, once it is proven too.
 */
import type { Ctx } from "../../../app.ts";
import { readCredential, writeCredential } from "../../../store/credentials.ts";
import { takeSignIn } from "../../../store/sign-ins.ts";
import type { User } from "../../../store/users.ts";
import { refuse, refuseFor } from "../../../wire/refuse.ts";
import { beginAttempt, concluded } from "../../audit/attempt.ts";
import { checkPassword, makeCredential } from "../../credentials/password.ts";
import { canRead, canWrite } from "../../user-pools/clients.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import { type Attributes, changeAttributes } from "../../users/attributes.ts";
import { changeUser } from "../../users/change-user.ts";
import type { Challenge, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, required, usedSession, wrongPassword } from "../refusals.ts";
import { findBySession } from "../session.ts";
import type { Outcome, SignIn } from "../sign-in.ts";
import { splitAddresses } from "../waiting-addresses.ts";

const prefix = "userAttributes.";

export const newPassword: Challenge = {
  kind: "set-up",
  find: findBySession,
  offer,
  answer,
  member: "NEW_PASSWORD",
  page: "new-password",
  refuse: invalidSession,
  proves: undefined,
  leadsOn: false,
  failsForGood: false,
};

/** Asks for a new password. Throws NotAuthorizedException if the temporary password has expired. */
async function offer(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { pool, client, user } = signIn;
  if (user === undefined) return wrongPassword("the user is gone");
  const credential = await readCredential(ctx.db, pool.id, user.id);
  if (credential?.temporaryUntil !== undefined && credential.temporaryUntil <= ctx.now) {
    return refuseFor("temporaryPasswordExpired");
  }
  const readable = Object.entries(user.attributes).filter(([name]) => canRead(pool, client, name));
  return offerChallenge(ctx, signIn, {
    name: "NEW_PASSWORD_REQUIRED",
    parameters: {
      USER_ID_FOR_SRP: user.username,
      userAttributes: JSON.stringify(Object.fromEntries(readable)),
      requiredAttributes: JSON.stringify(
        missingAttributes(pool, user.attributes).map((name) => prefix + name),
      ),
    },
  });
}

/**
 * Sets the password and the submitted attributes, and confirms the user, all or nothing. Throws
 * InvalidPasswordException, PasswordHistoryPolicyViolationException, InvalidParameterException (attributes missing or
 * immutable) and NotAuthorizedException (Session used, password changed in the meantime).
 */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const { pool, user, row } = signIn;
  const password = required(responses, "NEW_PASSWORD");
  if (user === undefined || row === undefined) return wrongPassword("the user is gone");
  const given = givenAttributes(signIn, user, responses);
  checkPassword(pool, password, "user");
  const previous = await readCredential(ctx.db, pool.id, user.id);
  if (previous?.version !== signIn.credentialVersion)
    return wrongPassword("the password was changed meanwhile");
  const credential = await makeCredential(ctx, pool, user, password, { previous });
  let addresses: Attributes | undefined;
  const changed = await concluded(
    ctx,
    beginAttempt(ctx, "PasswordChange", { user }),
    changeUser(
      ctx,
      pool,
      user,
      (fresh) => {
        // The user as they are now, not as they were when the Session was issued.
        if (!fresh.enabled) refuseFor("disabled");
        if (fresh.status !== "FORCE_CHANGE_PASSWORD" || fresh.signOuts !== signIn.signOuts) usedSession();
        // The whole change must be valid, including the part that waits.
        changeAttributes(pool, fresh.attributes, given);
        const { now, later } = splitAddresses(pool, fresh, given);
        addresses = later;
        return { status: "CONFIRMED", attributes: changeAttributes(pool, fresh.attributes, now) };
      },
      {
        operation: "RespondToAuthChallenge",
        details: { challenge: "NEW_PASSWORD_REQUIRED" },
        isEvent: true,
        also: async (tx) =>
          (await takeSignIn(tx, row)) &&
          writeCredential(tx, pool.id, user.id, previous.version, credential, ctx.now),
      },
    ),
  );
  if (changed === undefined) return usedSession();
  return {
    ...signIn,
    user: changed,
    row: undefined,
    proven: [...signIn.proven, "new-password"],
    addresses,
    credentialVersion: previous.version + 1,
    remember: "new",
  };
}

/**
 * The `userAttributes.…` responses, without the prefix. Throws NotAuthorizedException if one is already set or not
 * writable by this client, and InvalidParameterException if a required attribute is missing.
 */
function givenAttributes(signIn: SignIn, user: User, responses: Given): Attributes {
  const { pool, client } = signIn;
  const given = Object.fromEntries(
    Object.entries(responses)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
  for (const name of Object.keys(given)) {
    if (
      pool.document.SchemaAttributes?.some((one) => one.Name === name && one.Required) &&
      user.attributes[name]
    ) {
      refuse("NotAuthorizedException", `Cannot modify an already provided ${name}`);
    }
    if (!canWrite(pool, client, name)) {
      refuse("NotAuthorizedException", "A client attempted to write unauthorized attribute");
    }
  }
  const missing = missingAttributes(pool, { ...user.attributes, ...given })[0];
  if (missing !== undefined)
    refuse("InvalidParameterException", `Invalid attributes given, ${missing} is missing`);
  return given;
}

/** The names of attributes that the schema requires and that have no value. */
function missingAttributes(pool: Pool, attributes: Attributes): string[] {
  const schema = pool.document.SchemaAttributes ?? [];
  return schema
    .filter((one) => one.Required === true && one.Name !== "sub" && !attributes[one.Name ?? ""])
    .map((one) => one.Name ?? "");
}
