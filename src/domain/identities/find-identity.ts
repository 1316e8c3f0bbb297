/**
 * Decides which identity a request is about ("Linking identities", "Getting credentials", Amazon Cognito Developer Guide):
 * creates, links and merges identities.
 */
import type { Ctx } from "../../app.ts";
import { uuid4 } from "../../lib/uuid.ts";
import {
  type IdentityRow,
  identityOfLogin,
  keepIdentity,
  type Login,
  readIdentity,
  readIdentityAndOwner,
} from "../../store/identities.ts";
import { insertIdentity, linkLogins, mergeIdentity } from "../../store/identity-logins.ts";
import { refuse } from "../../wire/refuse.ts";
import { countGuest, countIdentity, rateExceeded } from "../credentials/request-limits.ts";
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
function assertGuests(pool: IdentityPool): void {
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
  const names = logins.map(({ provider, subject }) => `${provider} ${subject}`);
  switch (await insertIdentity(ctx.db, row, logins, (tx) => countIdentity(tx, ctx, pool.id, names))) {
    case "added":
      return id;
    case "not-allowed":
      return rateExceeded("identities-per-login");
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
    if (first === undefined) return create(ctx, pool, logins, undefined);
    await link(ctx, pool, first, owned.free);
    for (const other of others) await merge(ctx, pool, other, first);
    return first;
  });
}

/**
 * The identities that logins belong to, the oldest first, and the logins that belong to none.
 * @param found those of some logins, as read before
 */
async function ownersOf(
  ctx: Ctx,
  pool: IdentityPool,
  logins: readonly Login[],
  found: ReadonlyMap<Login, string | undefined> = new Map(),
) {
  const ids = new Set<string>();
  const free: Login[] = [];
  for (const login of logins) {
    const id = found.has(login) ? found.get(login) : await identityOfLogin(ctx.db, pool.id, login);
    if (id === undefined) free.push(login);
    else ids.add(id);
  }
  if (ids.size < 2) return { ids: [...ids], free };
  const rows = await Promise.all([...ids].map((id) => readIdentity(ctx.db, pool.id, id)));
  const sorted = rows.flatMap((row) => row ?? []).sort((a, b) => a.createdAt - b.createdAt);
  return { ids: sorted.map(({ id }) => id), free };
}

/** Links logins to an identity. Throws ResourceConflictException if it has another login of one of the providers. */
function link(ctx: Ctx, pool: IdentityPool, id: string, free: readonly Login[]): Promise<void> {
  return linkIf(ctx, pool, { id, free }, (linked) => {
    // Another request with the same logins can have linked them since they were free.
    if (linked.some((one) => free.some((other) => isSame(one, other)))) throw new Overtaken();
    assertCompatible(linked, free, pool);
  });
}

const isSame = (one: Login, other: Login) => one.provider === other.provider && one.subject === other.subject;

/** Links logins to a guest, who must still be one: two people who sign in at once do not become the same identity. */
function linkGuest(ctx: Ctx, pool: IdentityPool, id: string, free: readonly Login[]): Promise<void> {
  return linkIf(ctx, pool, { id, free }, (linked) => {
    if (linked.length > 0) throw new Overtaken();
  });
}

async function linkIf(
  { db, now }: Ctx,
  { id: poolId }: IdentityPool,
  { id, free }: { readonly id: string; readonly free: readonly Login[] },
  check: (linked: readonly Login[]) => void,
): Promise<void> {
  if (free.length === 0) return;
  if ((await linkLogins(db, { poolId, id }, free, { now, check })) !== "linked") throw new Overtaken();
}

/** Merges an identity into another one. Throws ResourceConflictException if one identity cannot have the logins of both. */
async function merge(ctx: Ctx, pool: IdentityPool, id: string, into: string): Promise<void> {
  if (!(await mergeIfCompatible(ctx, pool, id, into))) throw new Overtaken();
}

/** Merges an identity into another one, as `merge` does. Returns false if one of the two is gone or disabled. */
export function mergeIfCompatible(
  { db, now }: Ctx,
  pool: IdentityPool,
  id: string,
  into: string,
): Promise<boolean> {
  const check = (some: readonly Login[], others: readonly Login[]) => assertCompatible(others, some, pool);
  return mergeIdentity(db, { poolId: pool.id, id, into }, { now, check });
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
  const [first] = logins;
  return tried(async () => {
    if (first === undefined) {
      const row = await readIdentity(ctx.db, pool.id, identityId);
      return asGuest(ctx, pool, existing(ctx, identityId, row));
    }
    const row = await readIdentityAndOwner(ctx.db, { poolId: pool.id, id: identityId }, first);
    const { owner, ...identity } = existing(ctx, identityId, row);
    const owned = await ownersOf(ctx, pool, logins, new Map([[first, owner]]));
    return withLogins(ctx, pool, identity, { logins, owned });
  });
}

/** Throws ResourceNotFoundException unless there is such an identity that is not forgotten. */
function existing<Row extends IdentityRow>({ now }: Ctx, identityId: string, row: Row | undefined): Row {
  const isThere = row !== undefined && (row.expiresAt === undefined || row.expiresAt > now);
  return isThere ? row : noSuchIdentity(identityId);
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

type Owners = Awaited<ReturnType<typeof ownersOf>>;

async function withLogins(
  ctx: Ctx,
  pool: IdentityPool,
  { id, expiresAt, mergedInto }: IdentityRow,
  { logins, owned }: { readonly logins: readonly Login[]; readonly owned: Owners },
): Promise<string> {
  const isGuest = expiresAt !== undefined;
  if (mergedInto !== undefined) {
    // The client learns where its former identity went, if that is its own.
    const went = await whereWent(ctx, pool, mergedInto);
    return owned.ids.includes(went) ? identityOf(ctx, pool, logins) : forbidden(id);
  }
  if (owned.ids.includes(id)) {
    await link(ctx, pool, id, owned.free);
    for (const other of owned.ids) if (other !== id) await merge(ctx, pool, other, id);
    return id;
  }
  const [owner] = owned.ids;
  if (isGuest && owner === undefined) {
    await linkGuest(ctx, pool, id, owned.free);
    return id;
  }
  // A guest signs in who has an identity already: theirs counts, and the guest's is forgotten in time.
  if (isGuest) return identityOf(ctx, pool, logins);
  return owner === undefined ? noMatch() : forbidden(id);
}

/** More merges in a row than this are followed no further. */
const mostMerges = 20;

/** The identity at the end of a chain of merges. */
async function whereWent(ctx: Ctx, pool: IdentityPool, mergedInto: string): Promise<string> {
  let id = mergedInto;
  for (let step = 1; step < mostMerges; step++) {
    const row = await readIdentity(ctx.db, pool.id, id);
    if (row?.mergedInto === undefined || row.mergedInto === id) return id;
    id = row.mergedInto;
  }
  return id;
}

/**
 * Links logins to an identity on the word of the pool's developer, who needs no login of it. The first login is the
 * developer's own, and must not belong to another identity; the identities of the others are merged into this one.
 */
export function linkByDeveloper(
  ctx: Ctx,
  pool: IdentityPool,
  identityId: string,
  [own, ...others]: readonly [Login, ...Login[]],
): Promise<string> {
  return tried(async () => {
    const row = existing(ctx, identityId, await readIdentity(ctx.db, pool.id, identityId));
    if (row.mergedInto !== undefined) return forbidden(identityId);
    const owner = await identityOfLogin(ctx.db, pool.id, own);
    if (owner !== undefined && owner !== identityId)
      refuse(
        "DeveloperUserAlreadyRegisteredException",
        "The developer user identifier is registered with another identity already.",
      );
    const owned = await ownersOf(ctx, pool, others);
    await link(ctx, pool, identityId, owner === undefined ? [own, ...owned.free] : owned.free);
    for (const other of owned.ids) if (other !== identityId) await merge(ctx, pool, other, identityId);
    return identityId;
  });
}

/** Throws unless an identity exists and is enabled. */
export async function assertUsable(ctx: Ctx, pool: IdentityPool, identityId: string): Promise<void> {
  const row = (await readIdentity(ctx.db, pool.id, identityId)) ?? noSuchIdentity(identityId);
  if (row.mergedInto !== undefined) forbidden(identityId);
}
