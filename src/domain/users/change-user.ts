/**
 * Changes a stored user: compare-and-swap on the version it was read with, and its sign-in names in the same
 * transaction.
 */
import type { Ctx } from "../../app.ts";
import { isUuid } from "../../lib/uuid.ts";
import { endBrowserSessionsBy } from "../../store/browser-sessions.ts";
import { type Db, inTransaction, isUniqueViolation } from "../../store/db.ts";
import { isProvidersName } from "../../store/identity-providers.ts";
import {
  deleteLoginNames,
  insertLoginNames,
  type LoginName,
  readLoginNames,
} from "../../store/login-names.ts";
import { findUserByLoginName, readUser, type User, type UserChange, updateUser } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import {
  type CredentialChange,
  type CredentialOperation,
  recordCredentialChange,
} from "../audit/credential.ts";
import { type ContactAttribute, isContact } from "../messages/delivery.ts";
import { noticeChange } from "../notices/changes.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { loginNames, usernameOf } from "../user-pools/login-names.ts";
import { contactAttributes, isVerified } from "./attributes.ts";
import { changedMeans, changesNothing, onlyTakesAway } from "./sign-in-means.ts";
import { takenReasons } from "./username.ts";

/** Rolls a transaction back because what it was based on has changed. */
class Stale extends Error {}

/** Attempts before the caller is asked to retry; each of them failed because of a concurrent change. */
const turns = 10;

/**
 * Repeats `work` with fresh reads while it finds that the user was changed concurrently. Finally throws
 * TooManyRequestsException.
 */
export async function untilFresh<T>(work: () => Promise<T>): Promise<T> {
  for (let turn = 1; turn <= turns; turn++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Stale)) throw error;
    }
  }
  return refuseFor("tooMany", { detail: "the same user is being changed all the time" });
}

/** To be called inside a transaction if a conditional update affected no row. */
function stale(): never {
  throw new Stale();
}

export interface ChangeOptions {
  /** The AWS operation by which the audit event names the change. */
  readonly operation: CredentialOperation;
  /** Further details for the event. */
  readonly details?: NonNullable<CredentialChange["details"]> | undefined;
  /**
   * Whether the transaction changes more than the user's row shows (a password, a software token), so that it is always
   * recorded.
   */
  readonly isEvent?: boolean;
  /** Whether aliases of others move to this user (ForceAliasCreation). */
  readonly takeAliases?: boolean;
  /**
   * Further store calls in the same transaction, after the user is written. Returning false rolls everything back,
   * because a code was used up concurrently.
   */
  readonly also?: (tx: Db, user: User) => Promise<unknown>;
}

/**
 * Changes a user as `decide` says, given a fresh read. Nothing is written if it returns undefined or no actual change,
 * unless there are further store calls. A change of how the user signs in or recovers is recorded in the same
 * transaction. Returns the stored user, or undefined if `also` returned false. Throws AliasExistsException,
 * TooManyRequestsException, and UserNotFoundException if the user is gone.
 */
export async function changeUser(
  ctx: Ctx,
  pool: Pool,
  user: User,
  decide: (fresh: User) => UserChange | undefined,
  options: ChangeOptions,
): Promise<User | undefined> {
  let known: User | undefined = user;
  return untilFresh(async () => {
    const fresh = known ?? (await readUser(ctx.db, pool.id, user.id));
    known = undefined;
    if (fresh === undefined) return refuseFor("noSuchUser");
    const change = decide(fresh);
    if (options.also === undefined && (change === undefined || changesNothing(fresh, change))) return fresh;
    const after: User = { ...fresh, ...change, version: fresh.version + 1, updatedAt: ctx.now };
    if (change?.attributes !== undefined && (await subNamed(ctx, pool, namesOf(pool, after), after.id))) {
      return aliasTaken(ctx, pool, after);
    }
    await refuseProvidersAlias(ctx, pool, namesOf(pool, after), namesOf(pool, fresh));
    try {
      return await inTransaction(ctx.db, async (tx) => {
        // The user's row first: issuing tokens locks it, and what comes after then sees those tokens.
        if (change !== undefined) await write(tx, ctx, pool, { fresh, change, after, ...options });
        if ((await options.also?.(tx, fresh)) === false) throw new Refused();
        await record(tx, ctx, { fresh, after, ...options });
        await noticeChange(tx, ctx, pool, { operation: options.operation, before: fresh, after });
        return change === undefined ? fresh : after;
      });
    } catch (error) {
      if (error instanceof Refused) return undefined;
      if (isUniqueViolation(error)) return aliasTaken(ctx, pool, after);
      throw error;
    }
  });
}

class Refused extends Error {}

/** Records the audit event of the change, if it is one. */
async function record(
  tx: Db,
  ctx: Ctx,
  change: Pick<ChangeOptions, "operation" | "details" | "isEvent"> & { fresh: User; after: User },
): Promise<void> {
  const { fresh, after, operation, isEvent = false } = change;
  const means = changedMeans(fresh, after);
  if (means === undefined && !isEvent) return;
  const details = { ...change.details, ...means };
  await recordCredentialChange(tx, ctx, {
    operation,
    poolId: after.poolId,
    userId: after.id,
    onlyTakesAway: onlyTakesAway(fresh, after),
    ...(Object.keys(details).length > 0 && { details }),
  });
}

async function write(
  tx: Db,
  ctx: Ctx,
  pool: Pool,
  written: Pick<ChangeOptions, "operation" | "takeAliases"> & {
    fresh: User;
    change: UserChange;
    after: User;
  },
): Promise<void> {
  const { fresh, change, after, operation } = written;
  await writeRow(tx, ctx, fresh, change);
  if (change.attributes === undefined && change.status === undefined) return;
  const names = namesOf(pool, after);
  const stored = await readLoginNames(tx, pool.id, after.id);
  const gone = stored.filter((one) => !names.some((name) => same(name, one)));
  const added = names.filter((one) => !stored.some((name) => same(name, one)));
  await deleteLoginNames(
    tx,
    pool.id,
    after.id,
    gone.map((name) => name.kind),
  );
  const owner = { id: after.id, operation };
  if (written.takeAliases === true) await releaseAliases(tx, ctx, pool, added, owner);
  await insertLoginNames(tx, pool.id, after.id, added);
}

/** Writes the user's row; ends browser sessions that were started with an address that the user loses. */
async function writeRow(tx: Db, ctx: Ctx, fresh: User, change: UserChange): Promise<void> {
  if (!(await updateUser(tx, fresh, change, ctx.now))) stale();
  const lost = lostAddresses(fresh, { ...fresh, ...change });
  if (lost.length > 0) await endBrowserSessionsBy(tx, { poolId: fresh.poolId, userId: fresh.id }, lost);
}

/** The proof that a code to each address is in a sign-in. */
const proofBy = { email: "email", phone_number: "sms" } as const;

/** The proofs by addresses that the user no longer has. */
function lostAddresses(before: User, after: Pick<User, "attributes">): string[] {
  const isKept = (contact: ContactAttribute) =>
    after.attributes[contact] === before.attributes[contact] && isVerified(after.attributes, contact);
  return contactAttributes
    .filter((contact) => isVerified(before.attributes, contact) && !isKept(contact))
    .map((contact) => proofBy[contact]);
}

const same = (a: LoginName, b: LoginName) => a.key === b.key && a.kind === b.kind;

/**
 * The names by which a user signs in. Whoever signs in elsewhere only has the username: an address that another provider
 * vouches for, or not, is nobody's name here.
 */
export function namesOf(pool: Pool, user: Pick<User, "username" | "attributes" | "status">): LoginName[] {
  if (user.status === "EXTERNAL_PROVIDER") return [usernameOf(pool, user.username)];
  return loginNames(pool, user.username, user.attributes, { confirmed: user.status !== "UNCONFIRMED" });
}

/**
 * Takes verified e-mail and phone aliases away from other users: "migrates the alias from the previous user"
 * (ConfirmSignUp). The previous user's address becomes unverified, so that it does not claim the alias again, which is
 * recorded as an event of that user.
 */
export async function releaseAliases(
  tx: Db,
  ctx: Ctx,
  pool: Pool,
  names: readonly LoginName[],
  to: { readonly id: string; readonly operation: CredentialOperation },
): Promise<void> {
  if (!pool.document.AliasAttributes?.length) return;
  for (const name of names) {
    if (!isContact(name.kind)) continue;
    const found = await findUserByLoginName(tx, pool.id, name.key);
    if (found === undefined || found.kind !== name.kind || found.user.id === to.id) continue;
    const attributes = { ...found.user.attributes, [`${name.kind}_verified`]: "false" };
    await writeRow(tx, ctx, found.user, { attributes });
    await deleteLoginNames(tx, pool.id, found.user.id, [name.kind]);
    await recordCredentialChange(tx, ctx, {
      operation: to.operation,
      poolId: pool.id,
      userId: found.user.id,
      actor: to.id,
      details: { attributes: [name.kind], alias: "moved to another user" },
      ofAnother: true,
    });
  }
}

/**
 * A name that is the `sub` of another user. Administrators may name users by either, so such a name could make them act
 * on the wrong user.
 */
export async function subNamed(
  ctx: Ctx,
  pool: Pool,
  names: readonly LoginName[],
  userId: string,
): Promise<LoginName | undefined> {
  for (const name of names) {
    const sub = name.key.toLowerCase();
    if (isUuid(sub) && sub !== userId && (await readUser(ctx.db, pool.id, sub)) !== undefined) return name;
  }
  return undefined;
}

/**
 * Refuses a new alias that begins as the usernames of an identity provider's users do: it would keep its user out. E-mail
 * addresses are left to their owners. Throws InvalidParameterException.
 */
export async function refuseProvidersAlias(
  ctx: Ctx,
  pool: Pool,
  names: readonly LoginName[],
  former: readonly LoginName[] = [],
): Promise<void> {
  for (const name of names) {
    if (name.kind !== "preferred_username" || former.some((one) => same(one, name))) continue;
    if (await isProvidersName(ctx.db, pool.id, name.key)) refuseFor("nameOfProvider");
  }
}

/** The requested name that belongs to somebody else; undefined if it has become free in the meantime. */
export async function takenName(
  ctx: Ctx,
  pool: Pool,
  names: readonly LoginName[],
  userId: string,
): Promise<LoginName | undefined> {
  for (const name of names) {
    const found = await findUserByLoginName(ctx.db, pool.id, name.key);
    if (found !== undefined && found.user.id !== userId) return name;
  }
  return subNamed(ctx, pool, names, userId);
}

async function aliasTaken(ctx: Ctx, pool: Pool, user: User): Promise<never> {
  const taken = await takenName(ctx, pool, namesOf(pool, user), user.id);
  return refuseFor(takenReasons.alias[taken?.kind ?? "email"]);
}
