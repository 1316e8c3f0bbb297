/** Stores a new user with its names, credential and first message. That a name is used once is the unique index. */
import type { Ctx } from "../../app.ts";
import { firstVersion } from "../../lib/random.ts";
import { uuid4 } from "../../lib/uuid4.ts";
import { insertCredential, type NewCredential } from "../../store/credentials.ts";
import { type Db, inTransaction, isUniqueViolation } from "../../store/db.ts";
import {
  insertUser,
  type LoginName,
  noMfa,
  removeUser,
  type User,
  type UserStatus,
} from "../../store/users.ts";
import { noteTarget } from "../audit/call.ts";
import { noSuchPool, type Pool } from "../user-pools/load-pool.ts";
import type { Attributes } from "./attributes.ts";
import { namesOf, releaseAliases, subNamed, takenName, untilFresh } from "./change-user.ts";

/** A `sub`. */
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

/** Refuses early, before a password is hashed. The index decides all the same. */
export async function assertNamesFree(
  ctx: Ctx,
  pool: Pool,
  user: User,
  taken: (name: LoginName | undefined) => never,
): Promise<void> {
  const name = await takenName(ctx, pool, namesOf(pool, user), user.id);
  if (name !== undefined) taken(name);
}

export async function storeNewUser(
  ctx: Ctx,
  pool: Pool,
  user: User,
  options: {
    credential: NewCredential | undefined;
    takeAliases?: boolean;
    also?: (tx: Db) => Promise<void>;
    /** Refuses, in the words of the operation. */
    taken: (name: LoginName | undefined) => never;
  },
): Promise<void> {
  const names = namesOf(pool, user);
  const sub = await subNamed(ctx, pool, names, user.id);
  if (sub !== undefined) options.taken(sub);
  noteTarget(ctx, { target: user.id });
  await untilFresh(async () => {
    try {
      await inTransaction(ctx.db, async (tx) => {
        if (options.takeAliases === true)
          await releaseAliases(tx, ctx, pool, names, { id: user.id, operation: "AdminCreateUser" });
        if (!(await insertUser(tx, user, names))) noSuchPool(pool.id);
        if (options.credential) await insertCredential(tx, pool.id, user.id, options.credential, ctx.now);
        await options.also?.(tx);
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      options.taken(await takenName(ctx, pool, names, user.id));
    }
  });
}

/**
 * The work of storing a new user for one whose name is taken: rows under names nobody can have, gone before the
 * transaction ends.
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
