/** Loads identity pools; settings are the wire documents and are read by their wire names. */
import type { Ctx, Reader } from "../../app.ts";
import type { Config } from "../../config/config.ts";
import { CacheKind } from "../../lib/caches.ts";
import {
  findIdentityPoolVersion,
  readIdentityPool,
  readIdentityPoolVersion,
} from "../../store/identity-pools.ts";
import type {
  IdentityPool as IdentityPoolType,
  RoleMapping,
} from "../../wire/generated/identity-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";

/** The principal tags of one provider's users (SetPrincipalTagAttributeMap). */
export interface PrincipalTagMap {
  readonly UseDefaults?: boolean | undefined;
  /** Tag key -> claim. */
  readonly PrincipalTags?: Readonly<Record<string, string>> | undefined;
}

/** The stored settings: DescribeIdentityPool's document without id and name, and what other operations set. */
export type IdentityPoolDocument = Omit<IdentityPoolType, "IdentityPoolId" | "IdentityPoolName"> & {
  /** The roles of `authenticated` and `unauthenticated` identities: their ARNs. */
  readonly Roles?: Readonly<Record<string, string>> | undefined;
  /** By provider; for user pools by `<provider>:<client id>`. */
  readonly RoleMappings?: Readonly<Record<string, RoleMapping>> | undefined;
  /** By provider. */
  readonly PrincipalTags?: Readonly<Record<string, PrincipalTagMap>> | undefined;
  /** Credentials issued before are refused. Epoch milliseconds. */
  readonly notBefore?: number | undefined;
};

export interface IdentityPool {
  readonly id: string;
  /** How the ids of its identities begin, after the region: 12 hex digits. */
  readonly idPrefix: string;
  readonly version: number;
  readonly name: string;
  readonly document: IdentityPoolDocument;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const identityPools = new CacheKind<IdentityPool>(1_000);

/** The pool with this id. Throws ResourceNotFoundException. */
export async function loadIdentityPool(ctx: Reader, poolId: string): Promise<IdentityPool> {
  return (await findIdentityPool(ctx, poolId)) ?? noSuchIdentityPool(poolId);
}

/** The pool with this id, if it exists. */
export async function findIdentityPool(ctx: Reader, poolId: string): Promise<IdentityPool | undefined> {
  const version = await readIdentityPoolVersion(ctx.db, poolId);
  return version === undefined ? undefined : poolAt(ctx, poolId, version);
}

/** The pool that an identity with this id would belong to, if it exists. */
export async function findPoolOfIdentity(ctx: Reader, identityId: string): Promise<IdentityPool | undefined> {
  const found = await findIdentityPoolVersion(ctx.db, idPrefixOf(identityId));
  return found && poolAt(ctx, found.poolId, found.version);
}

async function poolAt(ctx: Reader, poolId: string, version: number): Promise<IdentityPool | undefined> {
  const cache = ctx.app.caches.of(identityPools);
  const cached = cache.get(poolId);
  if (cached?.version === version) return cached;
  const row = await readIdentityPool(ctx.db, poolId);
  if (row === undefined) return undefined;
  const { poolId: id, document, ...rest } = row;
  const pool: IdentityPool = Object.freeze({ id, document: document as IdentityPoolDocument, ...rest });
  cache.set(poolId, pool);
  return pool;
}

/** Whether what a pool issued at a time is refused by now (`poolhouse identity-pools revoke`). @param issuedAt epoch milliseconds */
export function isRevoked({ document }: Pick<IdentityPool, "document">, issuedAt: number): boolean {
  return (document.notBefore ?? 0) > issuedAt;
}

/** Removes a deleted pool from this server's cache. */
export function forgetIdentityPool(ctx: Ctx, poolId: string): void {
  ctx.app.caches.of(identityPools).delete(poolId);
}

/** The first 12 hex digits of the UUID in the id of an identity pool or of an identity. */
export function idPrefixOf(id: string): string {
  return id
    .slice(id.indexOf(":") + 1)
    .replaceAll("-", "")
    .slice(0, 12);
}

export function noSuchIdentityPool(poolId: string): never {
  return refuse("ResourceNotFoundException", `IdentityPool '${poolId}' not found.`);
}

export function identityPoolArn(config: Pick<Config, "region" | "accountId">, poolId: string): string {
  return `arn:aws:cognito-identity:${config.region}:${config.accountId}:identitypool/${poolId}`;
}
