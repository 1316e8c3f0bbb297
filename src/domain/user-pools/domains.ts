/**
 * Domains of a pool: prefixes below the server's domain for them, and customers' own host names. A domain serves only
 * its pool, so names are unique across the installation.
 */
import type { Ctx } from "../../app.ts";
import { type Config, mainHosts } from "../../config/config.ts";
import { CacheKind } from "../../lib/caches.ts";
import { foldHostName, hostKey, isHostName } from "../../lib/host-name.ts";
import {
  type Domain,
  deleteDomain,
  findDomain,
  insertDomain,
  listDomains,
  updateDomain,
} from "../../store/domains.ts";
import type {
  CreateUserPoolDomainRequest,
  UpdateUserPoolDomainRequest,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { loadPool, noSuchPool } from "./load-pool.ts";
import { authorizeReuse } from "./retired.ts";

const prefixPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** CreateUserPoolDomain: a custom domain if CustomDomainConfig is given, else a prefix. */
export async function createDomain(ctx: Ctx, request: CreateUserPoolDomainRequest): Promise<Domain> {
  const { UserPoolId: poolId, CustomDomainConfig: customConfig } = request;
  await loadPool(ctx, poolId);
  checkLoginVersion(request.ManagedLoginVersion);
  const domain: Domain = {
    poolId,
    domain: customConfig === undefined ? prefix(request.Domain) : customDomain(ctx.config, request.Domain),
    kind: customConfig === undefined ? "prefix" : "custom",
    loginVersion: request.ManagedLoginVersion ?? 1,
    customConfig,
    routing: request.Routing,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  const added = insertDomain(ctx.db, domain).catch(async (error: unknown) => {
    await authorizeReuse(ctx, error, poolId);
    return insertDomain(ctx.db, domain, { reuse: true });
  });
  switch (await added) {
    case "taken":
      return invalid("Domain already associated with another user pool.");
    case "no-pool":
      return noSuchPool(poolId);
    case "added":
      forget(ctx, domain);
      return domain;
  }
}

/** UpdateUserPoolDomain: what is omitted stays unchanged. */
export async function changeDomain(ctx: Ctx, request: UpdateUserPoolDomainRequest): Promise<Domain> {
  checkLoginVersion(request.ManagedLoginVersion);
  const domain = domainKey(request.Domain);
  const updated =
    domain === undefined
      ? undefined
      : await updateDomain(ctx.db, {
          poolId: request.UserPoolId,
          domain,
          loginVersion: request.ManagedLoginVersion,
          customConfig: request.CustomDomainConfig,
          routing: request.Routing,
          now: ctx.now,
        });
  if (updated !== undefined) {
    forget(ctx, updated);
    return updated;
  }
  const found = domain === undefined ? undefined : await findDomain(ctx.db, domain);
  if (found?.poolId === request.UserPoolId && found.kind === "prefix")
    invalid("CustomDomainConfig can only be set for a custom domain.");
  return noSuchDomain();
}

export async function removeDomain(ctx: Ctx, poolId: string, name: string): Promise<void> {
  const domain = domainKey(name);
  if (domain === undefined || !(await deleteDomain(ctx.db, poolId, domain, ctx.now))) return noSuchDomain();
  forget(ctx, { domain });
}

/** A domain of any pool, by its name in any spelling. */
export async function domainNamed(ctx: Ctx, name: string): Promise<Domain | undefined> {
  const key = domainKey(name);
  const domain = key === undefined ? undefined : await findDomain(ctx.db, key);
  if (domain !== undefined) noteTarget(ctx, { poolId: domain.poolId });
  return domain;
}

/** The domains that DescribeUserPool shows: the oldest of each kind. */
export async function shownDomains(
  ctx: Ctx,
  poolId: string,
): Promise<{ Domain: string | undefined; CustomDomain: string | undefined }> {
  const domains = await listDomains(ctx.db, poolId);
  const oldest = (kind: Domain["kind"]) => domains.find((domain) => domain.kind === kind)?.domain;
  return { Domain: oldest("prefix"), CustomDomain: oldest("custom") };
}

/**
 * The base URL of a pool's endpoints, without a trailing slash, if it has a domain: its oldest custom one, else a
 * prefix.
 */
export async function domainBase(ctx: Ctx, pool: { readonly id: string }): Promise<string | undefined> {
  const { Domain: prefix, CustomDomain: custom } = await shownDomains(ctx, pool.id);
  const { authDomain, publicUrl } = ctx.config;
  const below = prefix === undefined || authDomain === undefined ? undefined : `${prefix}.${authDomain}`;
  const host = custom ?? below;
  if (host === undefined) return undefined;
  // Domains are served on the same port and with the same scheme as the server itself.
  const { protocol, port } = new URL(publicUrl);
  return `${protocol}//${host}${port === "" ? "" : `:${port}`}`;
}

/** The URL that the pool's pages begin with in messages: on its domain, else on the main host. */
export async function pagesBase(ctx: Ctx, pool: { readonly id: string }): Promise<string> {
  return (await domainBase(ctx, pool)) ?? `${ctx.config.publicUrl}/${pool.id}`;
}

/** How long a server may not notice that a domain was added, removed or moved. Milliseconds. */
const cacheMs = 5_000;

/** The pool and version of pages that a host name serves. */
type Served = Pick<Domain, "poolId" | "loginVersion">;

/** Pools by host name. Each request for a page looks its host up, so results are cached for seconds. */
const known = new CacheKind<{ readonly until: number; readonly served: Served | undefined }>(10_000);

/**
 * The pool that a host name serves, and its version of pages, ignoring case. Undefined for the server's own names and
 * for unknown ones.
 * @param host the host of a Host header, without its port
 */
export async function servedBy(ctx: Ctx, host: string): Promise<Served | undefined> {
  const name = hostKey(host);
  const cache = ctx.app.caches.of(known);
  const cached = cache.get(name);
  if (cached !== undefined && cached.until > ctx.now) return cached.served;
  // Nothing else can be a domain, so nothing else costs a query.
  if (!isHostName(name) || mainHosts(ctx.config).has(name) || name === ctx.config.authDomain)
    return undefined;
  const { key, kind } = domainOfHost(ctx.config, name);
  const found = await findDomain(ctx.db, key);
  const served =
    found?.kind === kind ? { poolId: found.poolId, loginVersion: found.loginVersion } : undefined;
  cache.set(name, { until: ctx.now + cacheMs, served });
  return served;
}

/** The key and kind under which the domain with this host name would be stored. */
function domainOfHost(config: Config, host: string): { key: string; kind: Domain["kind"] } {
  const below = config.authDomain === undefined ? undefined : `.${config.authDomain}`;
  if (below === undefined || !host.endsWith(below)) return { key: host, kind: "custom" };
  const key = host.slice(0, -below.length);
  return key.includes(".") ? { key: host, kind: "custom" } : { key, kind: "prefix" };
}

/** Drops this server's cache of a domain; other servers notice within seconds. */
function forget(ctx: Ctx, { domain }: Pick<Domain, "domain">): void {
  const cache = ctx.app.caches.of(known);
  cache.delete(domain);
  if (ctx.config.authDomain !== undefined) cache.delete(`${domain}.${ctx.config.authDomain}`);
}

/** The stored form of a domain; undefined if it cannot be one. A prefix may be all digits, unlike a host name. */
export const domainKey = (given: string) => (prefixPattern.test(given) ? given : foldHostName(given));

function prefix(given: string): string {
  if (!prefixPattern.test(given))
    invalid(
      "The domain name contains an invalid character. Domain names can only contain lower-case letters, numbers, " +
        "and hyphens. Please enter a different name that follows this format: " +
        "^[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?$",
    );
  const reserved = ["aws", "amazon", "cognito"].find((word) => given.includes(word));
  if (reserved !== undefined) invalid(`Domain cannot contain reserved word: ${reserved}`);
  return given;
}

/** Checks a custom domain: it must not be one of the server's own names, or in the domain of prefixes. */
function customDomain(config: Config, given: string): string {
  const name = foldHostName(given) ?? invalid(`${given} is not a valid domain name.`);
  // Its pages could set cookies for every prefix domain.
  if (mainHosts(config).has(name) || name === config.authDomain)
    invalid(`${given} is a name of this server itself.`);
  if (config.authDomain !== undefined && name.endsWith(`.${config.authDomain}`))
    invalid(
      `${given} lies in the domain of prefix domains: give the prefix alone, without CustomDomainConfig.`,
    );
  return name;
}

function checkLoginVersion(version: number | undefined): void {
  if (version !== undefined && version !== 1 && version !== 2)
    invalid("ManagedLoginVersion must be 1 (hosted UI) or 2 (managed login).");
}

function noSuchDomain(): never {
  return invalid("No such domain or user pool exists.");
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
