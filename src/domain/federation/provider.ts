/**
 * federation: sign-in with other identity providers ("User pool sign-in with third party identity providers", Amazon
 * Cognito Developer Guide). This file loads providers; other rooms and files load them through it, never from the table.
 */
import type { Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import {
  type ProviderRow,
  type ProviderType,
  providerNameOf,
  readProvider,
  readProviderVersion,
} from "../../store/identity-providers.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { providersOf } from "../user-pools/providers.ts";

/** An identity provider of a pool. */
export interface Provider {
  readonly poolId: string;
  readonly name: string;
  readonly type: ProviderType;
  readonly version: number;
  /** ProviderDetails, with its secret members. Never logged or audited. */
  readonly details: Readonly<Record<string, string>>;
  /** AttributeMapping: attribute of the pool -> claim of the provider. */
  readonly mapping: Readonly<Record<string, string>>;
  /** IdpIdentifiers, as given. */
  readonly identifiers: readonly string[];
  /** AcrMapping; undefined if it was never given. */
  readonly acrMapping: Readonly<Record<string, string>> | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const providers = new CacheKind<Provider>(10_000);

/** A provider of the pool by its name; undefined if there is none. One statement if it is known. */
export async function findProvider(ctx: Ctx, poolId: string, name: string): Promise<Provider | undefined> {
  const cache = ctx.app.caches.of(providers);
  const key = `${poolId}/${name}`;
  const cached = cache.get(key);
  if (cached !== undefined) {
    const now = await readProviderVersion(ctx.db, poolId, name);
    if (now?.version === cached.version && now.createdAt === cached.createdAt) return cached;
  }
  const row = await readProvider(ctx.db, poolId, name);
  if (row === undefined) return undefined;
  const provider = providerFrom(row);
  cache.set(key, provider);
  return provider;
}

/** A provider of the pool by one of its identifiers (IdpIdentifiers), in whatever case. */
export async function findProviderByIdentifier(
  ctx: Ctx,
  poolId: string,
  identifier: string,
): Promise<Provider | undefined> {
  const name = await providerNameOf(ctx.db, poolId, identifier);
  return name === undefined ? undefined : findProvider(ctx, poolId, name);
}

export function providerFrom(row: ProviderRow): Provider {
  const { poolId, name, type, version, document, secrets, createdAt, updatedAt } = row;
  return Object.freeze({
    poolId,
    name,
    type,
    version,
    details: { ...document.ProviderDetails, ...secrets },
    mapping: document.AttributeMapping,
    identifiers: document.IdpIdentifiers,
    acrMapping: document.AcrMapping,
    createdAt,
    updatedAt,
  });
}

/** The provider of this name, if the client's pages offer it. */
export async function findClientProvider(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  name: string,
): Promise<Provider | undefined> {
  return providersOf(client).includes(name) ? findProvider(ctx, pool.id, name) : undefined;
}
