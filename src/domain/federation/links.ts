/**
 * AdminLinkProviderForUser and AdminDisableProviderForUser ("Linking federated users to an existing user profile", Amazon
 * Cognito Developer Guide).
 */
import type { Ctx } from "../../app.ts";
import { deleteCodes } from "../../store/codes.ts";
import { readCredential, writeCredential } from "../../store/credentials.ts";
import type { Db } from "../../store/db.ts";
import {
  deleteIdentity,
  identitiesNamed,
  insertIdentity,
  type LinkedIdentity,
} from "../../store/linked-identities.ts";
import { readUser, type User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { isMutable } from "../user-pools/schema.ts";
import { internalAttributes } from "../user-pools/standard-attributes.ts";
import { changeUser } from "../users/change-user.ts";
import { requireUser } from "../users/find-user.ts";
import { endTrust } from "../users/passwords.ts";
import {
  endedKey,
  expectedIssuer,
  identityKey,
  isSame,
  listedIdentities,
  subjectAttribute,
  withIdentities,
} from "./identities.ts";
import { relinkedAttributes } from "./linked-user.ts";
import { findProvider, type Provider } from "./provider.ts";
import { federatedName } from "./provision.ts";

/** A user as a provider, or the pool itself, knows them (ProviderUserIdentifierType). */
export interface NamedIdentity {
  readonly provider: string | undefined;
  readonly attribute: string | undefined;
  readonly value: string | undefined;
}

/** The name of the pool itself among the providers of a ProviderUserIdentifierType. */
const thePool = "Cognito";

/** The longest value that an identity can have; an attribute holds no more. */
const longestValue = 2048;

const invalid = (message: string): never => refuse("InvalidParameterException", message);

/**
 * Links an identity that has not signed in yet to a user: when it comes, it is that user. Throws UserNotFoundException for
 * the destination, ResourceNotFoundException for the source's provider, InvalidParameterException and
 * LimitExceededException.
 */
export async function linkIdentity(
  ctx: Ctx,
  pool: Pool,
  { destination, source }: { readonly destination: NamedIdentity; readonly source: NamedIdentity },
): Promise<void> {
  const provider = await sourceProvider(ctx, pool, source);
  const { attribute, value } = sourceName(provider, source);
  const user = await destinationUser(ctx, pool, destination);
  noteTarget(ctx, { target: user.id, details: { provider: provider.name, attribute } });
  assertAllMutable(pool, user);
  const named = await identitiesNamed(ctx.db, { poolId: pool.id, provider: provider.name, attribute, value });
  if (named.length > 0) alreadyLinked(named, user);
  const issuer = expectedIssuer(provider);
  const add: LinkedIdentity = {
    ...{ poolId: pool.id, provider: provider.name, key: identityKey(issuer, attribute, value) },
    ...{ userId: user.id, attribute, value, primary: false, createdAt: ctx.now },
  };
  if (attribute === subjectAttribute && user.username === federatedName(pool, provider, value))
    alreadyLinked([], user);
  const linked = await changeUser(
    ctx,
    pool,
    user,
    (fresh) => ({ attributes: relinkedAttributes(provider, fresh.attributes, { add, issuer }) }),
    {
      operation: "AdminLinkProviderForUser",
      details: { provider: provider.name },
      isEvent: true,
      also: (tx) => insertIdentity(tx, add),
    },
  );
  if (linked === undefined) alreadyLinked([], user);
}

async function sourceProvider(ctx: Ctx, pool: Pool, { provider: name }: NamedIdentity): Promise<Provider> {
  if (!name) return invalid("SourceUser must have a ProviderName.");
  if (name === thePool)
    return invalid("SourceUser must be a user of an identity provider, not of the user pool.");
  const found = await findProvider(ctx, pool.id, name);
  return found ?? refuse("ResourceNotFoundException", `Identity provider ${name} does not exist.`);
}

/** The attribute and the value by which the source will be known. Throws InvalidParameterException. */
function sourceName(
  { type, mapping }: Provider,
  { attribute, value }: NamedIdentity,
): { attribute: string; value: string } {
  if (!attribute) return invalid("SourceUser must have a ProviderAttributeName.");
  if (!value || value.length > longestValue)
    return invalid(`SourceUser must have a ProviderAttributeValue of at most ${longestValue} characters.`);
  const names = isSocial(type) ? [] : Object.values(mapping);
  if (attribute !== subjectAttribute && !names.includes(attribute))
    return invalid(
      isSocial(type)
        ? `ProviderAttributeName must be ${subjectAttribute} for social identity providers.`
        : `ProviderAttributeName must be ${subjectAttribute}, or a claim in the AttributeMapping of the identity provider.`,
    );
  return { attribute, value };
}

const isSocial = (type: Provider["type"]): boolean => type !== "OIDC" && type !== "SAML";

/** The user of the pool itself by the username, or the one whom a provider knows by this value. */
async function destinationUser(
  ctx: Ctx,
  pool: Pool,
  { provider: name, value }: NamedIdentity,
): Promise<User> {
  if (!name || !value)
    return invalid("DestinationUser must have a ProviderName and a ProviderAttributeValue.");
  if (name === thePool) return requireUser(ctx, pool, value);
  const [link] = await identitiesNamed(ctx.db, {
    ...{ poolId: pool.id, provider: name },
    ...{ attribute: subjectAttribute, value },
  });
  const user = link && (await readUser(ctx.db, pool.id, link.userId));
  return user ?? refuseFor("noSuchUser");
}

/** "All attributes in the DestinationUser profile must be mutable": a sign-in may have to write any of them. */
function assertAllMutable(pool: Pool, { attributes }: User): void {
  const fixed = Object.keys(attributes).filter(
    (name) => !internalAttributes.has(name) && !isMutable(pool, name),
  );
  if (fixed.length > 0) invalid(`DestinationUser has attributes that are not mutable: ${fixed.join(", ")}`);
}

function alreadyLinked(named: readonly LinkedIdentity[], { id }: User): never {
  if (named.some(({ userId }) => userId !== id))
    return invalid(
      "Merging is not currently supported, provide a SourceUser that has not been previously linked to DestinationUser",
    );
  return invalid("SourceUser is already linked to DestinationUser");
}

/**
 * Ends a way to sign in: that of an identity, whose next sign-in then makes a user of its own, or of a user of the pool
 * itself, who from then on only signs in with linked identities. All sign-ins of the user end. Throws
 * UserNotFoundException, ResourceNotFoundException and InvalidParameterException.
 */
export async function disableIdentity(ctx: Ctx, pool: Pool, identity: NamedIdentity): Promise<void> {
  const { provider: name, attribute, value } = identity;
  if (!name || !attribute || !value)
    return invalid("User must have a ProviderName, a ProviderAttributeName and a ProviderAttributeValue.");
  if (name === thePool) {
    if (attribute !== subjectAttribute)
      invalid(`ProviderAttributeName must be ${subjectAttribute} for users of the user pool.`);
    return endOwnSignIn(ctx, pool, await requireUser(ctx, pool, value));
  }
  const links = await identitiesNamed(ctx.db, { poolId: pool.id, provider: name, attribute, value });
  if (links.length === 0) {
    const provider = await findProvider(ctx, pool.id, name);
    if (provider === undefined)
      refuse("ResourceNotFoundException", `Identity provider ${name} does not exist.`);
    return refuseFor("noSuchUser");
  }
  for (const link of links) await unlink(ctx, pool, link);
}

async function unlink(ctx: Ctx, pool: Pool, link: LinkedIdentity): Promise<void> {
  const user = await readUser(ctx.db, pool.id, link.userId);
  if (user === undefined) return;
  noteTarget(ctx, { target: user.id, details: { provider: link.provider, attribute: link.attribute } });
  await changeUser(
    ctx,
    pool,
    user,
    ({ attributes }) => {
      const left = listedIdentities(attributes).filter((one) => !isSame(one, link));
      return { attributes: withIdentities(attributes, left) };
    },
    {
      operation: "AdminDisableProviderForUser",
      details: { provider: link.provider },
      isEvent: true,
      also: async (tx) => {
        await endTrust(tx, pool, user, ctx.now);
        // Whose value no request can name.
        const ended = {
          key: endedKey(user.id),
          attribute: "",
          value: "",
          primary: false,
          createdAt: ctx.now,
        };
        await insertIdentity(tx, { ...link, ...ended });
        // False if somebody else has removed it: there is nothing left to do.
        return deleteIdentity(tx, link);
      },
    },
  );
}

/** The user's password, codes and passkeys no longer sign in, nor do names other than the username. */
async function endOwnSignIn(ctx: Ctx, pool: Pool, user: User): Promise<void> {
  if (user.status === "EXTERNAL_PROVIDER") return;
  await changeUser(ctx, pool, user, () => ({ status: "EXTERNAL_PROVIDER" }), {
    operation: "AdminDisableProviderForUser",
    details: { provider: thePool },
    isEvent: true,
    also: (tx) => forgetPassword(tx, ctx, pool, user),
  });
}

async function forgetPassword(tx: Db, ctx: Ctx, pool: Pool, user: User): Promise<void> {
  const previous = await readCredential(tx, pool.id, user.id);
  if (previous !== undefined) {
    const history = previous.phc === undefined ? previous.history : [previous.phc, ...previous.history];
    const empty = { phc: undefined, srp: undefined, history, temporaryUntil: undefined };
    await writeCredential(tx, pool.id, user.id, undefined, empty, ctx.now);
  }
  await deleteCodes(tx, pool.id, user.id, ["forgot-password", "sign-up"]);
  await endTrust(tx, pool, user, ctx.now);
}
