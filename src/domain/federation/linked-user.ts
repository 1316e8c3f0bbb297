/** Finds the user whom an identity signs in as, and changes whose identities there are. */
import type { Ctx } from "../../app.ts";
import { readCredential } from "../../store/credentials.ts";
import type { Db } from "../../store/db.ts";
import {
  deleteIdentity,
  insertIdentity,
  type LinkedIdentity,
  readIdentity,
  readIdentityHolder,
} from "../../store/linked-identities.ts";
import { readUser, type User } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Attributes } from "../users/attributes.ts";
import { findByVerifiedEmail } from "./by-email.ts";
import type { Coming } from "./coming.ts";
import {
  expectedIssuer,
  identityKey,
  isSame,
  listedIdentities,
  listedIdentity,
  subjectAttribute,
  withIdentities,
} from "./identities.ts";
import { verifiedEmail } from "./mapping.ts";
import type { Provider } from "./provider.ts";

/** A user's identities change: one is added, perhaps in place of one under which an administrator's link waited. */
export interface Relinking {
  readonly add: LinkedIdentity;
  readonly issuer: string;
  readonly replaces?: LinkedIdentity | undefined;
}

export interface LinkedUser {
  readonly user: User;
  /** The version of the user's password here, 0 if there is none. */
  readonly credentialVersion: number;
  /** What the sign-in must store, for the next one to find the user by the subject. */
  readonly relinking: Relinking | undefined;
}

/** "You can link up to five federated users to each user profile." */
const mostLinks = 5;

/** The user whom the identity signs in as; undefined if it is nobody's yet. */
export async function findLinkedUser(ctx: Ctx, coming: Coming): Promise<LinkedUser | undefined> {
  const { pool, provider, identity } = coming;
  const key = identityKey(identity.issuer, subjectAttribute, identity.subject);
  const bound = await readIdentityHolder(ctx.db, { poolId: pool.id, provider: provider.name, key });
  if (bound !== undefined) {
    const { user, credentialVersion } = bound;
    return user && { user, credentialVersion, relinking: undefined };
  }
  const awaited = await findAwaited(ctx, coming);
  const user =
    awaited === undefined
      ? await findByVerifiedEmail(ctx, coming)
      : await readUser(ctx.db, pool.id, awaited.userId);
  if (user === undefined) return undefined;
  const credential = await readCredential(ctx.db, pool.id, user.id);
  const relinking = relinkingOf(coming, user.id, ctx.now, awaited);
  return { user, credentialVersion: credential?.version ?? 0, relinking };
}

function relinkingOf(
  coming: Coming,
  userId: string,
  now: number,
  replaces: LinkedIdentity | undefined,
): Relinking {
  const add = identityOf(coming, { userId, primary: false, createdAt: replaces?.createdAt ?? now });
  return { add, issuer: coming.identity.issuer, replaces };
}

/** The row of an identity that has signed in. */
export function identityOf(
  { pool, provider, identity: { issuer, subject } }: Pick<Coming, "pool" | "provider" | "identity">,
  of: Pick<LinkedIdentity, "userId" | "primary" | "createdAt">,
): LinkedIdentity {
  const [attribute, value] = [subjectAttribute, subject];
  const key = identityKey(issuer, attribute, value);
  return { poolId: pool.id, provider: provider.name, key, attribute, value, ...of };
}

/**
 * The link by which an administrator awaits this user: by the subject, else by a claim. An e-mail address that an OpenID
 * or social provider does not call verified is nobody's. A link to a former provider of the same name does not count.
 */
async function findAwaited(
  ctx: Ctx,
  { pool, provider, identity, claims }: Coming,
): Promise<LinkedIdentity | undefined> {
  const issuer = expectedIssuer(provider);
  // Somebody from another issuer is not the one who is awaited, or known, from that one.
  if (issuer !== "" && issuer !== identity.issuer) return undefined;
  const named: [string, string][] = [[subjectAttribute, identity.subject]];
  for (const claim of new Set(Object.values(provider.mapping))) {
    // A claim of that name says nothing about the provider's own id.
    if (claim === subjectAttribute) continue;
    const value = isMail(provider, claim) ? verifiedEmail(provider, claims, claim) : claims[claim];
    if (typeof value === "string") named.push([claim, value]);
  }
  for (const [attribute, value] of named) {
    const key = identityKey(issuer, attribute, value);
    const link = await readIdentity(ctx.db, { poolId: pool.id, provider: provider.name, key });
    if (link !== undefined && link.createdAt >= provider.createdAt) return link;
  }
  return undefined;
}

/** Whether a claim is an e-mail address that counts only if the provider has verified it. */
const isMail = ({ type, mapping }: Provider, claim: string): boolean =>
  type !== "SAML" && (claim === "email" || claim === mapping["email"]);

/** The attributes of a user after a change of identities. Throws LimitExceededException. */
export function relinkedAttributes(
  provider: Provider,
  attributes: Attributes,
  relinking: Relinking,
): Attributes {
  const { add, issuer, replaces } = relinking;
  const others = listedIdentities(attributes).filter(
    (one) => replaces === undefined || !isSame(one, replaces),
  );
  assertRoom(others);
  return withIdentities(attributes, [...others, listedIdentity(provider, add, issuer)]);
}

function assertRoom(others: readonly { readonly primary: boolean }[]): void {
  if (others.filter(({ primary }) => !primary).length >= mostLinks)
    refuse("LimitExceededException", `A user can have ${mostLinks} linked identities.`);
}

/** Stores a change of identities with that of the user's attributes. False if another sign-in was first. */
export async function storeRelinking(tx: Db, { add, replaces }: Relinking): Promise<boolean> {
  if (replaces !== undefined && !(await deleteIdentity(tx, replaces))) return false;
  return insertIdentity(tx, add);
}
