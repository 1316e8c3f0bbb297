/**
 * Addresses submitted with a new password by a user who has a second factor: they change at the end of the sign-in,
 * once that factor is proven too.
 */
import type { Ctx } from "../../app.ts";
import type { User } from "../../store/users.ts";
import { isContact } from "../messages/delivery.ts";
import { usableFactors } from "../mfa/factors.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { type Attributes, assertWritable, changeAttributes } from "../users/attributes.ts";
import { changeUser } from "../users/change-user.ts";
import { usedSession } from "./refusals.ts";
import type { SignIn } from "./sign-in.ts";

/**
 * Splits submitted attributes into those that change with the password (`now`) and addresses that change only once an
 * existing second factor is proven (`later`): the password alone must not redirect that factor's codes, add a factor,
 * or remove one.
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
 * Applies the addresses that waited for the end of the sign-in, as the current settings of pool and client allow.
 * Throws NotAuthorizedException, InvalidParameterException and AliasExistsException.
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
