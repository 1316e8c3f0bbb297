/**
 * NEW_PASSWORD_REQUIRED: a user whom an administrator made chooses a password and fills in what the schema requires
 * (AWS: "Set up new user accounts created by administrators"). A refused password keeps the Session; success uses it up.
 * Addresses of somebody who has a second factor change at the end of the sign-in, when that is proven as well.
 */
import type { Ctx } from "../../../app.ts";
import { readCredential, writeCredential } from "../../../store/credentials.ts";
import { takeSignIn } from "../../../store/sign-ins.ts";
import type { User } from "../../../store/users.ts";
import { refuse, refuseFor } from "../../../wire/refuse.ts";
import { attemptedBy } from "../../audit/attempt.ts";
import { checkPassword, makeCredential } from "../../credentials/password.ts";
import { isContact } from "../../messages/delivery.ts";
import { usableFactors } from "../../mfa/factors.ts";
import { canRead, canWrite } from "../../user-pools/clients.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import { type Attributes, assertWritable, changeAttributes } from "../../users/attributes.ts";
import { changeUser } from "../../users/change-user.ts";
import { type Outcome, required, type SignIn, usedSession, wrongPassword } from "../sign-in.ts";
import { offerChallenge } from "./offer.ts";

const prefix = "userAttributes.";

/** Asks for a new password. Throws NotAuthorizedException when the temporary one has lapsed. */
export async function offerNewPassword(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
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
 * Sets the password and the attributes given, and confirms the user, all or nothing.
 * Throws InvalidPasswordException, PasswordHistoryPolicyViolationException, InvalidParameterException (attributes
 * missing or not to be changed), NotAuthorizedException (session used, password changed meanwhile).
 */
export async function answerNewPassword(
  ctx: Ctx,
  signIn: SignIn,
  responses: Readonly<Record<string, string>>,
): Promise<SignIn> {
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
  const changed = await attemptedBy(ctx, user, "PasswordChange", () =>
    changeUser(
      ctx,
      pool,
      user,
      (fresh) => {
        // As it is at this moment, not as it was when the Session was handed out.
        if (!fresh.enabled) refuseFor("disabled");
        if (fresh.status !== "FORCE_CHANGE_PASSWORD" || fresh.signOuts !== signIn.signOuts) usedSession();
        // The whole change must be in order, also the part that waits.
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
    remember: true,
  };
}

/**
 * Which attributes change with the password, and which addresses only when a factor that the user already has is proven
 * too: the password alone must neither send that factor's codes elsewhere, nor add a factor to it, nor take it away.
 */
export function splitAddresses(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa">,
  given: Attributes,
): { now: Attributes; later: Attributes | undefined } {
  if (usableFactors(pool, user).length === 0) return { now: given, later: undefined };
  const entries = Object.entries(given);
  const later = entries.filter(([name, value]) => isContact(name) && value !== (user.attributes[name] ?? ""));
  if (later.length === 0) return { now: given, later: undefined };
  const now = entries.filter(([name]) => !isContact(name));
  return { now: Object.fromEntries(now), later: Object.fromEntries(later) };
}

/**
 * The addresses that have waited for the end of the sign-in become the user's, as pool and client are now. Throws
 * NotAuthorizedException, InvalidParameterException and AliasExistsException.
 */
export async function changeAddresses(ctx: Ctx, signIn: SignIn, user: User): Promise<User> {
  const { pool, client, addresses, signOuts } = signIn;
  if (addresses === undefined) return user;
  assertWritable(pool, client, Object.keys(addresses));
  const changed = await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      if (!fresh.enabled || fresh.signOuts !== signOuts) usedSession();
      return { attributes: changeAttributes(pool, fresh.attributes, addresses) };
    },
    { operation: "RespondToAuthChallenge", details: { challenge: "NEW_PASSWORD_REQUIRED" } },
  );
  return changed ?? usedSession();
}

/** The `userAttributes.…` answers, held against what is there already, what is missing and what the client may write. */
function givenAttributes(
  signIn: SignIn,
  user: User,
  responses: Readonly<Record<string, string>>,
): Attributes {
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

/** Required by the schema and without a value. */
function missingAttributes(pool: Pool, attributes: Attributes): string[] {
  const schema = pool.document.SchemaAttributes ?? [];
  return schema
    .filter((one) => one.Required === true && one.Name !== "sub" && !attributes[one.Name ?? ""])
    .map((one) => one.Name ?? "");
}
