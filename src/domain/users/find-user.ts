/** users: their data, and how it changes. This file finds users. */
import type { Ctx } from "../../app.ts";
import { isUuid } from "../../lib/uuid.ts";
import { findUserByLoginName, readUser, type User } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { loadPool, type Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";

/**
 * The user with this sign-in name or `sub`. The `sub` takes precedence, so that nobody can pass for another user by
 * choosing that user's `sub` as a username.
 */
export async function findUser(ctx: Ctx, pool: Pool, username: string): Promise<User | undefined> {
  const bySub = await findBySub(ctx, pool, username);
  // Even if the `sub` has matched, so that the time does not reveal it.
  const byName = await findByName(ctx, pool, username);
  return bySub ?? byName;
}

async function findBySub(ctx: Ctx, pool: Pool, username: string): Promise<User | undefined> {
  return isUuid(username) ? readUser(ctx.db, pool.id, username.toLowerCase()) : undefined;
}

async function findByName(ctx: Ctx, pool: Pool, username: string): Promise<User | undefined> {
  return (await findUserByLoginName(ctx.db, pool.id, loginNameKey(pool, username)))?.user;
}

/** The user with this sign-in name or `sub`, for operations of administrators. Throws UserNotFoundException. */
export async function requireUser(ctx: Ctx, pool: Pool, username: string): Promise<User> {
  const user =
    (await findBySub(ctx, pool, username)) ??
    (await findByName(ctx, pool, username)) ??
    refuseFor("noSuchUser");
  noteTarget(ctx, { target: user.id });
  return user;
}

/** A name by which people of the pool sign in as this user; undefined if the user is gone. */
export async function signInNameOf(ctx: Ctx, pool: Pool, userId: string): Promise<string | undefined> {
  const user = await readUser(ctx.db, pool.id, userId);
  const address = pool.document.UsernameAttributes?.find((name) => user?.attributes[name]);
  return address === undefined ? user?.username : user?.attributes[address];
}

/**
 * The pool and user that an administrator's operation names. Throws ResourceNotFoundException and
 * UserNotFoundException.
 */
export async function poolAndUser(
  ctx: Ctx,
  input: { readonly UserPoolId: string; readonly Username: string },
): Promise<{ pool: Pool; user: User }> {
  const pool = await loadPool(ctx, input.UserPoolId);
  return { pool, user: await requireUser(ctx, pool, input.Username) };
}

/** The refusal of self-service operations for a name that does not exist, with PreventUserExistenceErrors LEGACY. */
export function noSuchUserOfClient(): never {
  return refuseFor("nameOrClientUnknown");
}
