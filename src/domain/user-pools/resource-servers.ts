/** Resource servers: the APIs whose scopes a pool's clients may be granted (RFC 6749 section 3.3). */
import type { Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import {
  insertResourceServer,
  type ResourceServer,
  readResourceServers,
  updateResourceServer,
} from "../../store/resource-servers.ts";
import type {
  CreateResourceServerRequest,
  ResourceServerScopeType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { hasStrictClients } from "./client-tags.ts";
import { loadPool, noSuchPool, type Pool } from "./load-pool.ts";

/** Scopes that every pool has. */
export const standardScopes: readonly string[] = [
  "openid",
  "email",
  "phone",
  "profile",
  "aws.cognito.signin.user.admin",
];

/**
 * An OpenID Connect scope (Core 1.0 section 5.4) that Cognito does not have: only in pools with clients that want the
 * standard.
 */
export const addressScope = "address";

/** Throws InvalidParameterException if the identifier is taken. */
export async function createResourceServer(
  ctx: Ctx,
  request: CreateResourceServerRequest,
): Promise<ResourceServer> {
  const server = resourceServer(request);
  switch (await insertResourceServer(ctx.db, { ...server, now: ctx.now })) {
    case "added":
      return server;
    case "exists":
      return refuse(
        "InvalidParameterException",
        `${server.identifier} already exists in user pool ${server.poolId}.`,
      );
    case "no-pool":
      return noSuchPool(server.poolId);
  }
}

/** UpdateResourceServer replaces everything: omitted scopes are removed. */
export async function replaceResourceServer(
  ctx: Ctx,
  request: CreateResourceServerRequest,
): Promise<ResourceServer> {
  const server = resourceServer(request);
  await loadPool(ctx, server.poolId);
  if (!(await updateResourceServer(ctx.db, { ...server, now: ctx.now })))
    noSuchResourceServer(server.identifier);
  return server;
}

export function noSuchResourceServer(identifier: string): never {
  return refuse("ResourceNotFoundException", `Resource server ${identifier} does not exist.`);
}

function resourceServer(request: CreateResourceServerRequest): ResourceServer {
  const { UserPoolId: poolId, Identifier: identifier, Name: name, Scopes } = request;
  return { poolId, identifier, name, scopes: scopesOf(Scopes ?? []) };
}

function scopesOf(given: readonly ResourceServerScopeType[]): ResourceServer["scopes"] {
  const names = new Set<string>();
  for (const { ScopeName } of given) {
    if (names.has(ScopeName))
      refuse("InvalidParameterException", `The scope ${ScopeName} is given more than once.`);
    names.add(ScopeName);
  }
  return given.map(({ ScopeName: name, ScopeDescription: description }) => ({ name, description }));
}

/**
 * The scopes of a client that exist now, in order. "A deleted scope stays on clients": a client keeps the scopes it was
 * given, but none is granted whose resource server no longer exists or no longer has it.
 */
export async function existingScopes(
  ctx: Ctx,
  pool: Pick<Pool, "id" | "version" | "createdAt" | "document">,
  scopes: readonly string[],
): Promise<string[]> {
  const standard = hasStrictClients(pool) ? [...standardScopes, addressScope] : standardScopes;
  const custom = scopes.flatMap((scope) => customScope(scope) ?? []);
  const identifiers = [...new Set(custom.map(({ identifier }) => identifier))];
  const servers = await knownServers(ctx, pool, identifiers);
  const existing = new Set(
    servers.flatMap(({ identifier, scopes }) => scopes.map(({ name }) => `${identifier}/${name}`)),
  );
  return scopes.filter((scope) => standard.includes(scope) || existing.has(scope));
}

/** Whether the pool has a resource server with this identifier. */
export async function isResourceServer(
  ctx: Ctx,
  pool: Pick<Pool, "id" | "version" | "createdAt">,
  identifier: string,
): Promise<boolean> {
  return (await knownServers(ctx, pool, [identifier])).length > 0;
}

/** Resource servers by pool, its creation time and identifier, as of the pool's version. */
const known = new CacheKind<{ readonly version: number; readonly server: ResourceServer | undefined }>(
  10_000,
);

/** The resource servers of these identifiers that exist at the pool's version. */
async function knownServers(
  ctx: Ctx,
  { id, version, createdAt }: Pick<Pool, "id" | "version" | "createdAt">,
  identifiers: readonly string[],
): Promise<ResourceServer[]> {
  const cache = ctx.app.caches.of(known);
  // A pool that was deleted and created again under a pinned id starts with the same version.
  const nameOf = (identifier: string) => `${id}/${createdAt}/${identifier}`;
  const cached = identifiers.map((identifier) => cache.get(nameOf(identifier)));
  if (cached.every((one) => one?.version === version)) return cached.flatMap((one) => one?.server ?? []);
  const servers = await readResourceServers(ctx.db, id, identifiers);
  for (const identifier of identifiers) {
    const server = servers.find((one) => one.identifier === identifier);
    cache.set(nameOf(identifier), { version, server });
  }
  return servers;
}

/** Splits `<identifier>/<name>`: an identifier may be a URL, but a name contains no slash. */
function customScope(scope: string): { identifier: string; name: string } | undefined {
  const slash = scope.lastIndexOf("/");
  return slash <= 0 ? undefined : { identifier: scope.slice(0, slash), name: scope.slice(slash + 1) };
}
