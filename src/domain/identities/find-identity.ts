/**
 * Decides which identity a request is about ("Linking identities", "Getting credentials", Amazon Cognito Developer Guide):
 * creates, links and merges identities.
 */
import type { Ctx } from "../../app.ts";
import { uuid4 } from "../../lib/uuid.ts";
import {
  type IdentityRow,
  identityOfLogin,
  insertIdentity,
  keepIdentity,
  type Login,
  linkLogins,
  loginsOf,
  mergeIdentity,
  readIdentity,
} from "../../store/identities.ts";
import { refuse } from "../../wire/refuse.ts";
import { countGuest, countIdentity } from "../credentials/request-limits.ts";
import { type IdentityPool, noSuchIdentityPool } from "../identity-pools/load-identity-pool.ts";

const day = 24 * 60 * 60 * 1000;

/** When an identity is forgotten that is not used from now on. */
export const forgottenAt = ({ now, config }: Pick<Ctx, "now" | "config">): number =>
  now + config.guestDays * day;

/** The most logins of an identity ("Quotas", Amazon Cognito Developer Guide). */
const mostLogins = 20;
/** How often a change is tried again that another request came before. */
const mostAttempts = 5;

export function noSuchIdentity(identityId: string): never {
  return refuse("ResourceNotFoundException", `Identity '${identityId}' not found.`);
}

const forbidden = (identityId: string): never =>
  refuse("NotAuthorizedException", `Access to Identity '${identityId}' is forbidden.`);

const noMatch = (): never =>
  refuse(
    "NotAuthorizedException",
    "Logins don't match. Please include at least one valid login for this identity or identity pool.",
  );

/** Throws NotAuthorizedException unless the pool has guests. */
export function assertGuests(pool: IdentityPool): void {
  if (pool.document.AllowUnauthenticatedIdentities) return;
  refuse("NotAuthorizedException", "Unauthenticated access is not supported for this identity pool.");
}

/** GetId without logins: a new identity each time. Bounded by address and day. */
export async function newGuest(ctx: Ctx, pool: IdentityPool): Promise<string> {
  assertGuests(pool);
  await countGuest(ctx, pool.id);
  return create(ctx, pool, [], forgottenAt(ctx));
}

async function create(
  ctx: Ctx,
  pool: IdentityPool,
  logins: readonly Login[],
  expiresAt: number | undefined,
): Promise<string> {
  const id = newIdentityId(ctx, pool);
  const row = { poolId: pool.id, id, createdAt: ctx.now, expiresAt };
  switch (await insertIdentity(ctx.db, row, logins)) {
    case "added":
      return id;
    case "no-pool":
      return noSuchIdentityPool(pool.id);
    case "taken":
      throw new Overtaken();
  }
}

/** A random UUID that begins with the pool's first 48 bits. */
function newIdentityId(ctx: Ctx, pool: IdentityPool): string {
  const start = pool.id.indexOf(":") + 1;
  const uuid = uuid4(ctx.random);
  return pool.id.slice(0, start) + pool.id.slice(start, start + 13) + uuid.slice(13);
}

/** Another request has changed what this one was decided by. */
class Overtaken extends Error {}

async function tried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
      if (attempt === mostAttempts)
        return refuse(
          "ResourceConflictException",
          "The identity was changed by other requests at the same time.",
        );
    }
  }
}

/** GetId with logins: the identity that they belong to, a new one if to none. */
export function identityOf(ctx: Ctx, pool: IdentityPool, logins: readonly Login[]): Promise<string> {
  return tried(async () => {
    const owned = await ownersOf(ctx, pool, logins);
    const [first, ...others] = owned.ids;
    if (first === undefined) {
      for (const { provider, subject } of logins) await countIdentity(ctx, pool.id, `${provider} ${subject}`);
      return create(ctx, pool, logins, undefined);
    }
    await link(ctx, pool, first, owned.free);
    for (const other of others) await merge(ctx, pool, other, first);
    return first;
  });
}

/** The identities that logins belong to, the oldest first, and the logins that belong to none. */
async function ownersOf(ctx: Ctx, pool: IdentityPool, logins: readonly Login[]) {
  const ids = new Set<string>();
  const free: Login[] = [];
  for (const login of logins) {
    const id = await identityOfLogin(ctx.db, pool.id, login);
    if (id === undefined) free.push(login);
    else ids.add(id);
  }
  if (ids.size < 2) return { ids: [...ids], free };
  const rows = await Promise.all([...ids].map((id) => readIdentity(ctx.db, pool.id, id)));
  const sorted = rows.flatMap((row) => row ?? []).sort((a, b) => a.createdAt - b.createdAt);
  return { ids: sorted.map(({ id }) => id), free };
}

/** Links logins to an identity. Throws ResourceConflictException if it has another login of one of the providers. */
async function link(ctx: Ctx, pool: IdentityPool, id: string, free: readonly Login[]): Promise<void> {
  if (free.length === 0) return;
  assertCompatible(await loginsOf(ctx.db, pool.id, id), free, pool);
  if ((await linkLogins(ctx.db, { poolId: pool.id, id }, free, ctx.now)) !== "linked") throw new Overtaken();
}

/** Merges an identity into another one. */
export async function merge(ctx: Ctx, pool: IdentityPool, id: string, into: string): Promise<void> {
  assertCompatible(await loginsOf(ctx.db, pool.id, into), await loginsOf(ctx.db, pool.id, id), pool);
  if (!(await mergeIdentity(ctx.db, { poolId: pool.id, id, into }, ctx.now))) throw new Overtaken();
}

/** An identity has one login of each provider, except of the developer's own, and at most twenty. */
function assertCompatible(some: readonly Login[], others: readonly Login[], pool: IdentityPool): void {
  const providers = new Set(some.map(({ provider }) => provider));
  const twice = others.find(
    ({ provider }) => provider !== pool.document.DeveloperProviderName && providers.has(provider),
  );
  if (twice !== undefined)
    refuse("ResourceConflictException", `The identity has another login of ${twice.provider} already.`);
  if (some.length + others.length > mostLogins)
    refuse("ResourceConflictException", `An identity has at most ${mostLogins} logins.`);
}

/**
 * The identity that a request with this id is about: usually that one. Throws ResourceNotFoundException, and
 * NotAuthorizedException unless the logins prove that it is the caller's; a guest's identity needs no proof.
 */
export function identityFor(
  ctx: Ctx,
  pool: IdentityPool,
  identityId: string,
  logins: readonly Login[],
): Promise<string> {
  return tried(async () => {
    const row = (await readIdentity(ctx.db, pool.id, identityId)) ?? noSuchIdentity(identityId);
    if (row.expiresAt !== undefined && row.expiresAt <= ctx.now) return noSuchIdentity(identityId);
    return logins.length === 0 ? asGuest(ctx, pool, row) : withLogins(ctx, pool, row, logins);
  });
}

/** An identity that has logins is nobody's who shows none. */
async function asGuest(
  ctx: Ctx,
  pool: IdentityPool,
  { id, expiresAt, mergedInto }: IdentityRow,
): Promise<string> {
  if (expiresAt === undefined || mergedInto !== undefined) return forbidden(id);
  assertGuests(pool);
  const until = forgottenAt(ctx);
  // Once a day at most: most requests write nothing.
  if (until - expiresAt > day) await keepIdentity(ctx.db, { poolId: pool.id, id }, until);
  return id;
}

async function withLogins(
  ctx: Ctx,
  pool: IdentityPool,
  { id, expiresAt, mergedInto }: IdentityRow,
  logins: readonly Login[],
): Promise<string> {
  const owned = await ownersOf(ctx, pool, logins);
  const isGuest = expiresAt !== undefined;
  if (mergedInto !== undefined) {
    // The client learns where its former identity went.
    return owned.ids.includes(mergedInto) ? mergedInto : forbidden(id);
  }
  if (owned.ids.includes(id)) {
    await link(ctx, pool, id, owned.free);
    for (const other of owned.ids) if (other !== id) await merge(ctx, pool, other, id);
    return id;
  }
  const [owner] = owned.ids;
  if (isGuest && owner === undefined) {
    await link(ctx, pool, id, owned.free);
    return id;
  }
  // A guest signs in who has an identity already: theirs counts, and the guest's is forgotten in time.
  if (isGuest) return identityOf(ctx, pool, logins);
  return owner === undefined ? noMatch() : forbidden(id);
}

/** Throws unless an identity exists and is enabled. */
export async function assertUsable(ctx: Ctx, pool: IdentityPool, identityId: string): Promise<void> {
  const row = (await readIdentity(ctx.db, pool.id, identityId)) ?? noSuchIdentity(identityId);
  if (row.mergedInto !== undefined) forbidden(identityId);
}
