/** Linking by an e-mail address that both sides have verified, for the providers that a tag of the pool names. */
import type { Ctx } from "../../app.ts";
import { readIdentity } from "../../store/linked-identities.ts";
import { listUsers } from "../../store/list-users.ts";
import { searchKey, type User } from "../../store/users.ts";
import { linksByEmail } from "../user-pools/link-tag.ts";
import { isVerified } from "../users/attributes.ts";
import type { Coming } from "./coming.ts";
import { endedKey, listedIdentities } from "./identities.ts";
import { verifiedEmail } from "./mapping.ts";

/** Users that share an address, beyond which nobody is linked. */
const mostRead = 20;

/**
 * The user of the pool who has verified the address that the provider has verified, if the operator trusts the provider
 * with that, if there is exactly one, and if no administrator has ended a link between the two.
 */
export async function findByVerifiedEmail(
  ctx: Ctx,
  { pool, provider, claims }: Pick<Coming, "pool" | "provider" | "claims">,
): Promise<User | undefined> {
  if (!linksByEmail(pool, provider.name)) return undefined;
  const email = verifiedEmail(provider, claims);
  if (email === undefined) return undefined;
  const search = { by: "email", text: searchKey(email), match: "exact" } as const;
  const found = await listUsers(ctx.db, pool.id, search, { after: undefined, limit: mostRead + 1 });
  if (found.length > mostRead) return undefined;
  const owners = found.map(({ user }) => user).filter((user) => owns(user, email));
  const [owner, another] = owners;
  if (owner === undefined || another !== undefined) return undefined;
  const place = { poolId: pool.id, provider: provider.name };
  const ended = await readIdentity(ctx.db, { ...place, key: endedKey(owner.id) });
  return ended === undefined ? owner : undefined;
}

/**
 * Whether a user of the pool itself has verified the address. The search folds letters further than mail does, so that it
 * also finds other people's addresses.
 */
function owns({ status, attributes }: User, email: string): boolean {
  if (status === "EXTERNAL_PROVIDER" || listedIdentities(attributes).some(({ primary }) => primary))
    return false;
  return isVerified(attributes, "email") && sameCase(attributes["email"] ?? "") === sameCase(email);
}

const sameCase = (address: string): string => address.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
