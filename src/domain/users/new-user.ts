/**
 * Stores a new user with names, credential and first message. A unique index ensures that each name is used only once.
 */
import type { Ctx } from "../../app.ts";
import { firstVersion } from "../../lib/random.ts";
import { uuid4 } from "../../lib/uuid.ts";
import { insertCredential, type NewCredential } from "../../store/credentials.ts";
import { type Db, inTransaction, isUniqueViolation } from "../../store/db.ts";
import { isProvidersName } from "../../store/identity-providers.ts";
import type { LoginName } from "../../store/login-names.ts";
import { removeUser } from "../../store/user-removal.ts";
import { insertUser, noMfa, type User, type UserStatus } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { noSuchPool, type Pool } from "../user-pools/load-pool.ts";
import type { Attributes } from "./attributes.ts";
import {
  namesOf,
  refuseProvidersAlias,
  releaseAliases,
  subNamed,
  takenName,
  untilFresh,
} from "./change-user.ts";

/** A new `sub`. */
export function newSub(random: Ctx["random"]): string {
  return uuid4(random);
}

export function newUser(
  ctx: Ctx,
  pool: Pool,
  content: { sub: string; username: string; attributes: Attributes; status: UserStatus },
): User {
  return {
    poolId: pool.id,
    id: content.sub,
    username: content.username,
    version: firstVersion(ctx.random),
    status: content.status,
    enabled: true,
    signOuts: 0,
    attributes: content.attributes,
    pendingAttributes: {},
    mfa: noMfa,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
}

/**
 * Refuses names that are taken, before a password is hashed. The unique index still decides.
 * @param taken throws the operation's refusal
 */
export async function assertNamesFree(
  ctx: Ctx,
  pool: Pool,
  user: User,
  taken: (name: LoginName | undefined) => never,
): Promise<void> {
  const name = await takenName(ctx, pool, namesOf(pool, user), user.id);
  if (name !== undefined) taken(name);
}

/**
 * Refuses a username that begins as those of an identity provider's users do (`<ProviderName>_`), in whatever case:
 * somebody could take it before its user comes. Throws InvalidParameterException.
 */
export async function refuseProvidersName(ctx: Ctx, pool: Pool, username: string): Promise<void> {
  if (await isProvidersName(ctx.db, pool.id, username)) refuseFor("nameOfProvider");
}

interface NewUserOptions {
  readonly credential: NewCredential | undefined;
  /** The operation by which aliases of other users move to this user, if they may. */
  readonly takeAliases?: "AdminCreateUser" | "ConfirmSignUp" | undefined;
  /** Further store calls in the same transaction. */
  readonly also?: (tx: Db) => Promise<void>;
  /** Throws the operation's refusal for a taken name. */
  readonly taken: (name: LoginName | undefined) => never;
}

/** Stores a user with names and credential, all or nothing. Throws what `taken` throws if a name is taken. */
export async function storeNewUser(ctx: Ctx, pool: Pool, user: User, options: NewUserOptions): Promise<void> {
  const names = namesOf(pool, user);
  const sub = await subNamed(ctx, pool, names, user.id);
  if (sub !== undefined) options.taken(sub);
  await refuseProvidersAlias(ctx, pool, names);
  noteTarget(ctx, { target: user.id });
  const store = () => inTransaction(ctx.db, (tx) => insertWhole(tx, ctx, pool, { ...options, user, names }));
  try {
    // Only aliases that are taken over from others can have changed in the meantime.
    await (options.takeAliases === undefined ? store() : untilFresh(store));
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    options.taken(await takenName(ctx, pool, names, user.id));
  }
}

async function insertWhole(
  tx: Db,
  ctx: Ctx,
  pool: Pool,
  made: NewUserOptions & { readonly user: User; readonly names: LoginName[] },
): Promise<void> {
  const { user, names, credential, takeAliases: operation, also } = made;
  if (operation !== undefined) await releaseAliases(tx, ctx, pool, names, { id: user.id, operation });
  if (!(await insertUser(tx, user, names))) noSuchPool(pool.id);
  if (credential) await insertCredential(tx, pool.id, user.id, credential, ctx.now);
  await also?.(tx);
}

/**
 * Performs the work of storing a new user when the name is taken, so that the time does not differ: inserts rows under
 * names that nobody can have, and deletes them in the same transaction.
 */
export async function simulateNewUser(
  ctx: Ctx,
  pool: Pool,
  user: User,
  options: { credential: NewCredential | undefined; also: (tx: Db) => Promise<void> },
): Promise<void> {
  const { credential, also } = options;
  const nobody = { ...user, username: user.id };
  await inTransaction(ctx.db, async (tx) => {
    if (!(await insertUser(tx, nobody, [{ key: user.id, kind: "username" }]))) noSuchPool(pool.id);
    if (credential) await insertCredential(tx, pool.id, user.id, credential, ctx.now);
    await also(tx);
    await removeUser(tx, pool.id, user.id, ["users"]);
  });
}
