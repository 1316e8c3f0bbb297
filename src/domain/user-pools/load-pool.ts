/**
 * user-pools: the settings of user pools and app clients. This file loads them; settings are the wire documents and are
 * read by their wire names. Other rooms load pools and clients through this file, never from the tables.
 */
import type { Ctx, Reader } from "../../app.ts";
import type { Config } from "../../config/config.ts";
import { CacheKind } from "../../lib/caches.ts";
import { findClient, readClient, readClientVersions, readSecrets } from "../../store/clients.ts";
import { readPool, readPoolVersion } from "../../store/user-pools.ts";
import type {
  GetUserPoolMfaConfigResponse,
  GetUserPoolSessionConfigurationResponse,
  UserPoolClientType,
  UserPoolType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";

/**
 * The stored settings of a pool: DescribeUserPool's document without computed members, plus the settings of MFA and
 * sessions.
 */
export type PoolDocument = Omit<
  UserPoolType,
  | "Id"
  | "Name"
  | "Arn"
  | "CreationDate"
  | "LastModifiedDate"
  | "EstimatedNumberOfUsers"
  | "Domain"
  | "CustomDomain"
> &
  Pick<
    GetUserPoolMfaConfigResponse,
    | "SmsMfaConfiguration"
    | "SoftwareTokenMfaConfiguration"
    | "EmailMfaConfiguration"
    | "WebAuthnConfiguration"
  > &
  Pick<GetUserPoolSessionConfigurationResponse, "UserSessionTracking" | "TokenSession">;

export interface Pool {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly document: PoolDocument;
  /** 32 bytes that no rotation changes: the seed for data of users who do not exist. */
  readonly fakeSecret: Uint8Array;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The stored settings of a client: DescribeUserPoolClient's document without ids, dates and the secret. */
export type ClientDocument = Omit<
  UserPoolClientType,
  "UserPoolId" | "ClientId" | "ClientName" | "ClientSecret" | "CreationDate" | "LastModifiedDate"
>;

export interface Client {
  readonly id: string;
  readonly poolId: string;
  readonly version: number;
  readonly name: string;
  readonly document: ClientDocument;
  /** SSOSession.MaxValidityMinutes, once it has been set. */
  readonly ssoMinutes?: number | undefined;
  /** Active secrets, oldest first; none for a public client. */
  readonly secrets: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

const pools = new CacheKind<Pool>(10_000);
const clients = new CacheKind<Client>(10_000);

/** The pool with this id. Throws ResourceNotFoundException. */
export async function loadPool(ctx: Ctx, poolId: string): Promise<Pool> {
  return (await findPool(ctx, poolId)) ?? noSuchPool(poolId);
}

/** The pool with this id, if it exists. */
export async function findPool(ctx: Reader, poolId: string): Promise<Pool | undefined> {
  const version = await readPoolVersion(ctx.db, poolId);
  return version === undefined ? undefined : poolAt(ctx, poolId, version);
}

/** Whether a text has the form of a client id (ClientIdType). */
export function isClientId(text: string): boolean {
  return /^[\w+]{1,128}$/.test(text);
}

/** A client and its pool, by the client id alone. Throws ResourceNotFoundException. */
export async function loadClient(ctx: Ctx, clientId: string): Promise<{ pool: Pool; client: Client }> {
  return (await findClientWithPool(ctx, clientId)) ?? noSuchClient(clientId);
}

/** A client and its pool, by the client id alone; undefined if there is no such client. */
async function findClientWithPool(
  ctx: Ctx,
  clientId: string,
): Promise<{ pool: Pool; client: Client } | undefined> {
  const found = await findClient(ctx.db, clientId, cachedClient(ctx, clientId)?.poolId);
  return found && settingsAt(ctx, clientId, found);
}

/** The client as last loaded: for the pool that it was last found in. */
function cachedClient(ctx: Reader, clientId: string): Client | undefined {
  return ctx.app.caches.of(clients).get(clientId);
}

/** A client and its pool as last loaded, without a look at the database; undefined if one of them was not. */
export function cachedSettings(ctx: Reader, clientId: string): { pool: Pool; client: Client } | undefined {
  const client = cachedClient(ctx, clientId);
  const pool = client && ctx.app.caches.of(pools).get(client.poolId);
  return client && pool && { pool, client };
}

/** A client and its pool at versions that were just read; undefined if one of them is gone by now. */
export async function settingsAt(
  ctx: Reader,
  clientId: string,
  found: { readonly poolId: string; readonly version: number; readonly poolVersion: number },
): Promise<{ pool: Pool; client: Client } | undefined> {
  const pool = await poolAt(ctx, found.poolId, found.poolVersion);
  const client = await clientAt(ctx, found.poolId, clientId, found.version);
  return pool && client && { pool, client };
}

/** A client of this pool, with the pool; undefined if the pool has no such client. */
export async function findPoolClient(
  ctx: Ctx,
  poolId: string,
  clientId: string,
): Promise<{ pool: Pool; client: Client } | undefined> {
  const found = await readClientVersions(ctx.db, poolId, clientId);
  return found && settingsAt(ctx, clientId, found);
}

/** A client of this pool. Throws ResourceNotFoundException for an unknown pool, then for an unknown client. */
export async function loadPoolClient(
  ctx: Ctx,
  poolId: string,
  clientId: string,
): Promise<{ pool: Pool; client: Client }> {
  const found = await findPoolClient(ctx, poolId, clientId);
  if (found !== undefined) return found;
  await loadPool(ctx, poolId);
  return noSuchClient(clientId);
}

export function noSuchPool(poolId: string): never {
  return refuse("ResourceNotFoundException", `User pool ${poolId} does not exist.`);
}

function noSuchClient(clientId: string): never {
  return refuse("ResourceNotFoundException", `User pool client ${clientId} does not exist.`);
}

async function poolAt(ctx: Reader, poolId: string, version: number): Promise<Pool | undefined> {
  const cached = ctx.app.caches.of(pools).get(poolId);
  if (cached?.version === version) return cached;
  const row = await readPool(ctx.db, poolId);
  if (row === undefined) return undefined;
  const { poolId: id, document, ...rest } = row;
  const pool: Pool = Object.freeze({ id, document: document as PoolDocument, ...rest });
  ctx.app.caches.of(pools).set(poolId, pool);
  return pool;
}

async function clientAt(
  ctx: Reader,
  poolId: string,
  clientId: string,
  version: number,
): Promise<Client | undefined> {
  const cached = cachedClient(ctx, clientId);
  if (cached?.version === version && cached.poolId === poolId) return cached;
  const row = await readClient(ctx.db, poolId, clientId);
  if (row === undefined) return undefined;
  // Each change of the secrets also changes the client's version, so they are cached with it.
  const secrets = await readSecrets(ctx.db, poolId, clientId);
  const { clientId: id, document, ...rest } = row;
  const client: Client = Object.freeze({
    id,
    document: document as ClientDocument,
    secrets: secrets.map((secret) => secret.secret),
    ...rest,
  });
  ctx.app.caches.of(clients).set(clientId, client);
  return client;
}

/** Removes a deleted pool from this server's cache. */
export function forgetPool(ctx: Ctx, poolId: string): void {
  ctx.app.caches.of(pools).delete(poolId);
}

/** Removes a deleted client from this server's cache. */
export function forgetClient(ctx: Ctx, clientId: string): void {
  ctx.app.caches.of(clients).delete(clientId);
}

/** The part of the pool id after `_`, which SRP calls the pool name. */
export function srpPoolName(pool: Pick<Pool, "id">): string {
  return pool.id.slice(pool.id.indexOf("_") + 1);
}

export function poolArn(config: Config, poolId: string): string {
  return `arn:aws:cognito-idp:${config.region}:${config.accountId}:userpool/${poolId}`;
}

/**
 * The tag that selects AWS's own issuer for a pool's tokens, for applications that pin it: `own` (default) or `aws`.
 */
export const issuerTag = "poolhouse:issuer";

/** The `iss` of a pool's tokens and discovery document. */
export function issuer(config: Config, pool: Pick<Pool, "id" | "document">): string {
  if (pool.document.UserPoolTags?.[issuerTag] === "aws") {
    const region = pool.id.slice(0, pool.id.indexOf("_"));
    return `https://cognito-idp.${region}.amazonaws.com/${pool.id}`;
  }
  return `${config.publicUrl}/${pool.id}`;
}
