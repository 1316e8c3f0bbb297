/** Creates, changes and deletes identity pools. */
import type { App, Ctx } from "../../app.ts";
import { firstVersion } from "../../lib/random.ts";
import { uuid4 } from "../../lib/uuid.ts";
import {
  deleteIdentityPool,
  insertIdentityPool,
  readIdentityPool,
  updateIdentityPool,
} from "../../store/identity-pools.ts";
import type {
  CreateIdentityPoolInput,
  IdentityPool as IdentityPoolType,
  SetIdentityPoolRolesInput,
} from "../../wire/generated/identity-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import {
  forgetIdentityPool,
  type IdentityPool,
  type IdentityPoolDocument,
  idPrefixOf,
  loadIdentityPool,
  noSuchIdentityPool,
  type PrincipalTagMap,
} from "./load-identity-pool.ts";
import { checkRoleMappings, checkRoles, checkTags, poolSettings } from "./settings.ts";

const mostAttempts = 10;

/** Creates a pool under a new id. Throws InvalidParameterException. */
export async function createIdentityPool(ctx: Ctx, request: CreateIdentityPoolInput): Promise<IdentityPool> {
  const document = poolSettings(ctx.config, request);
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const id = `${ctx.config.region}:${uuid4(ctx.random)}`;
    const pool: IdentityPool = {
      id,
      idPrefix: idPrefixOf(id),
      version: firstVersion(ctx.random),
      name: request.IdentityPoolName,
      document,
      createdAt: ctx.now,
      updatedAt: ctx.now,
    };
    noteTarget(ctx, { poolId: id });
    if (await insertIdentityPool(ctx.db, { poolId: id, ...pool })) return pool;
  }
  throw new Error("No id for an identity pool was free.");
}

/** Which error tells that others changed the pool at the same time: what the operation declares. */
type Conflict = "ConcurrentModificationException" | "TooManyRequestsException";

async function changePool(
  ctx: Ctx,
  poolId: string,
  conflict: Conflict,
  change: (pool: IdentityPool) => { readonly name?: string; readonly document: IdentityPoolDocument },
): Promise<IdentityPool> {
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const pool = await loadIdentityPool(ctx, poolId);
    const next = { name: pool.name, ...change(pool) };
    if (await updateIdentityPool(ctx.db, { poolId, version: pool.version, now: ctx.now, ...next }))
      return { ...pool, ...next, version: pool.version + 1, updatedAt: ctx.now };
  }
  return refuse(
    conflict,
    "The identity pool was changed by another request at the same time. Please try again.",
  );
}

/**
 * UpdateIdentityPool replaces all settings that DescribeIdentityPool shows, except for tags if none are given. The name of
 * the developer provider cannot change once it is set.
 */
export function replaceIdentityPool(ctx: Ctx, request: IdentityPoolType): Promise<IdentityPool> {
  const settings = poolSettings(ctx.config, request);
  return changePool(ctx, request.IdentityPoolId, "ConcurrentModificationException", ({ document }) => {
    const { DeveloperProviderName: name } = document;
    if (name !== undefined && settings.DeveloperProviderName !== name)
      refuse(
        "InvalidParameterException",
        `The developer provider name '${name}' cannot be changed once it has been set: give it with each update.`,
      );
    const { Roles, RoleMappings, PrincipalTags, notBefore, IdentityPoolTags } = document;
    return {
      name: request.IdentityPoolName,
      document: { IdentityPoolTags, Roles, RoleMappings, PrincipalTags, notBefore, ...given(settings) },
    };
  });
}

/** A document without the members that are undefined, which would otherwise replace others. */
const given = (settings: IdentityPoolDocument): IdentityPoolDocument =>
  Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as IdentityPoolDocument;

/** DeleteIdentityPool. Its identities are deleted with it; credentials that were issued are refused. */
export async function removeIdentityPool(ctx: Ctx, poolId: string): Promise<void> {
  if (!(await deleteIdentityPool(ctx.db, poolId))) noSuchIdentityPool(poolId);
  forgetIdentityPool(ctx, poolId);
}

/**
 * Ends all credentials and OpenID tokens that a pool gave until now. Returns false if there is no such pool, or it was
 * changed at the same time.
 */
export async function revokeCredentials(
  { db, clock }: Pick<App, "db" | "clock">,
  poolId: string,
): Promise<boolean> {
  const pool = await readIdentityPool(db, poolId);
  if (pool === undefined) return false;
  const now = clock();
  // Those of this very millisecond, too.
  const document = { ...(pool.document as IdentityPoolDocument), notBefore: now + 1 };
  return updateIdentityPool(db, { poolId, version: pool.version, name: pool.name, now, document });
}

/** SetIdentityPoolRoles replaces roles and role mappings. */
export async function setRoles(ctx: Ctx, request: SetIdentityPoolRolesInput): Promise<void> {
  const { IdentityPoolId, Roles, RoleMappings } = request;
  checkRoles(ctx.config, Roles);
  checkRoleMappings(ctx.config, RoleMappings ?? {});
  await changePool(ctx, IdentityPoolId, "ConcurrentModificationException", ({ document }) => ({
    document: { ...document, Roles, RoleMappings },
  }));
}

/** SetPrincipalTagAttributeMap replaces the map of one provider. */
export async function setPrincipalTags(
  ctx: Ctx,
  poolId: string,
  provider: string,
  map: PrincipalTagMap,
): Promise<PrincipalTagMap> {
  await changePool(ctx, poolId, "TooManyRequestsException", ({ document }) => ({
    document: { ...document, PrincipalTags: { ...document.PrincipalTags, [provider]: map } },
  }));
  return map;
}

/** Adds tags, replacing those with the same keys. Throws InvalidParameterException. */
export async function addTags(
  ctx: Ctx,
  poolId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  await changePool(ctx, poolId, "TooManyRequestsException", ({ document }) => {
    const IdentityPoolTags = { ...document.IdentityPoolTags, ...tags };
    checkTags(IdentityPoolTags);
    return { document: { ...document, IdentityPoolTags } };
  });
}

export async function removeTags(ctx: Ctx, poolId: string, keys: readonly string[]): Promise<void> {
  await changePool(ctx, poolId, "TooManyRequestsException", ({ document }) => {
    const kept = Object.entries(document.IdentityPoolTags ?? {}).filter(([key]) => !keys.includes(key));
    return { document: { ...document, IdentityPoolTags: Object.fromEntries(kept) } };
  });
}
