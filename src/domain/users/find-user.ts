/** users: who there is, what is known of them, and how that changes. This file finds them. */
import type { Ctx } from "../../app.ts";
import { findUserByLoginName, readUser, type User } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { loadPool, type Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";

/** The form of a `sub`. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The user of any sign-in name or `sub`. The `sub` goes first, so that nobody can be taken for another user by choosing
 * that user's `sub` as a username.
 */
export async function findUser(ctx: Ctx, pool: Pool, username: string): Promise<User | undefined> {
  const bySub = await findBySub(ctx, pool, username);
  // Also where the `sub` has led to somebody: the work must not tell that it has.
  const byName = await findByName(ctx, pool, username);
  return bySub ?? byName;
}

async function findBySub(ctx: Ctx, pool: Pool, username: string): Promise<User | undefined> {
  return uuid.test(username) ? readUser(ctx.db, pool.id, username.toLowerCase()) : undefined;
}

async function findByName(ctx: Ctx, pool: Pool, username: string): Promise<User | undefined> {
  return (await findUserByLoginName(ctx.db, pool.id, loginNameKey(pool, username)))?.user;
}

/** The same for operations of administrators. Throws UserNotFoundException. */
export async function requireUser(ctx: Ctx, pool: Pool, username: string): Promise<User> {
  const user =
    (await findBySub(ctx, pool, username)) ??
    (await findByName(ctx, pool, username)) ??
    refuseFor("noSuchUser");
  noteTarget(ctx, { target: user.id });
  return user;
}

/** A name that this user signs in by, as people of the pool do; undefined: the user is gone. */
export async function signInNameOf(ctx: Ctx, pool: Pool, userId: string): Promise<string | undefined> {
  const user = await readUser(ctx.db, pool.id, userId);
  const address = pool.document.UsernameAttributes?.find((name) => user?.attributes[name]);
  return address === undefined ? user?.username : user?.attributes[address];
}

/** The pool and user that an operation of administrators names. Throws ResourceNotFoundException too. */
export async function poolAndUser(
  ctx: Ctx,
  input: { readonly UserPoolId: string; readonly Username: string },
): Promise<{ pool: Pool; user: User }> {
  const pool = await loadPool(ctx, input.UserPoolId);
  return { pool, user: await requireUser(ctx, pool, input.Username) };
}

/** LEGACY's answer of the self-service operations to a name that does not exist. */
export function noSuchUserOfClient(): never {
  return refuseFor("nameOrClientUnknown");
}
