/**
 * Addresses that are given with a new password, by somebody who has a second factor: they change at the end of the
 * sign-in, when that factor is proven as well.
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
