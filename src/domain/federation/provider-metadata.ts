/**
 * Where an OpenID provider's endpoints are (OpenID Connect Discovery 1.0): read from its issuer, or given in
 * ProviderDetails.
 */
import type { CustomFetch, ServerMetadata } from "openid-client";
import type { Ctx } from "../../app.ts";
import { publishedRedirects } from "../../integrations/outbound.ts";
import { CacheKind } from "../../lib/caches.ts";
import type { Provider } from "./provider.ts";
import { atProvider, ProviderMismatch } from "./provider-errors.ts";

interface Discovered {
  readonly metadata: Promise<ServerMetadata>;
  /** Epoch milliseconds. */
  readonly until: number;
}

const discovered = new CacheKind<Discovered>(2000);

/** How long a discovery document counts. */
const freshMs = 10 * 60_000;

/** The algorithms of signatures that are accepted: those whose keys the provider publishes (RFC 7518, RFC 8037). */
const publicKeyAlgorithms: readonly string[] = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** Algorithms whose key is the client secret: accepted only if the provider's metadata announces them. */
const secretAlgorithms: readonly string[] = ["HS256", "HS384", "HS512"];

/** What the cached things of a provider are called: another version, or another provider of its name, has others. */
export const versionKey = ({ poolId, name, createdAt, version }: Provider): string =>
  `${poolId}/${name}/${createdAt}/${version}`;

/**
 * The provider's metadata. Without discovery if authorize_url, token_url and jwks_uri are all given; otherwise those
 * that are given take the place of the discovered ones. One request serves all who wait for it.
 */
export async function metadataOf(ctx: Ctx, provider: Provider): Promise<ServerMetadata> {
  const { details } = provider;
  const given = endpointsOf(details);
  const { authorization_endpoint, token_endpoint, jwks_uri } = given;
  if (authorization_endpoint && token_endpoint && jwks_uri)
    return checked(provider, { issuer: details["oidc_issuer"] ?? "", ...given });
  return checked(provider, { ...(await discoveredBy(ctx, provider)), ...given });
}

function discoveredBy(ctx: Ctx, provider: Provider): Promise<ServerMetadata> {
  const cache = ctx.app.caches.of(discovered);
  const key = versionKey(provider);
  const known = cache.get(key);
  if (known !== undefined && ctx.now < known.until) return known.metadata;
  const metadata = atProvider(provider, "discovery", () => discover(ctx, provider));
  cache.set(key, { metadata, until: ctx.now + freshMs });
  return metadata.catch((error: unknown) => {
    if (cache.get(key)?.metadata === metadata) cache.delete(key);
    throw error;
  });
}

function endpointsOf(details: Provider["details"]): Partial<ServerMetadata> {
  const pairs = [
    ["authorization_endpoint", details["authorize_url"]],
    ["token_endpoint", details["token_url"]],
    ["userinfo_endpoint", details["attributes_url"]],
    ["jwks_uri", details["jwks_uri"]],
  ].filter(([, url]) => url);
  return Object.fromEntries(pairs);
}

async function discover(ctx: Ctx, provider: Provider): Promise<ServerMetadata> {
  const issuer = provider.details["oidc_issuer"] ?? "";
  const metadata = await readDiscovery(ctx, issuer);
  if (bare(metadata.issuer) !== bare(issuer))
    throw new ProviderMismatch("the discovery document is of another issuer");
  return metadata;
}

/** Where the configuration of an issuer is (OpenID Connect Discovery 1.0, section 4). */
export const discoveryUrl = (issuer: string): string => `${bare(issuer)}/.well-known/openid-configuration`;

/**
 * Reads the configuration of an issuer. Whether it is of this issuer is for the caller to say. Throws OutboundError, and
 * openid-client's errors for an answer that is no configuration.
 */
export async function readDiscovery(ctx: Ctx, issuer: string): Promise<ServerMetadata> {
  const { allowInsecureRequests, customFetch, discovery } = await import("openid-client");
  const fetch: CustomFetch = (url, { headers, signal }) =>
    ctx.app.outbound.fetch(url, { headers, redirects: publishedRedirects, ...(signal && { signal }) });
  const configuration = await discovery(
    // With the whole path the library leaves the issuer to us: it makes exceptions for some providers.
    new URL(discoveryUrl(issuer)),
    "discovery",
    undefined,
    undefined,
    // Which URLs are allowed is decided by the client for outgoing requests.
    { execute: [allowInsecureRequests], [customFetch]: fetch },
  );
  return configuration.serverMetadata();
}

/** An issuer may be written with or without a slash at its end; in tokens it is as its metadata has it. */
function bare(issuer: string): string {
  let end = issuer.length;
  // A regular expression would take quadratic time for slashes that are not at the end.
  while (issuer[end - 1] === "/") end--;
  return issuer.slice(0, end);
}

/** Metadata whose list of algorithms consists of those that we accept. */
function checked(provider: Provider, metadata: ServerMetadata): ServerMetadata {
  const announced = metadata.id_token_signing_alg_values_supported;
  const accepted = provider.details["client_secret"]
    ? [...publicKeyAlgorithms, ...secretAlgorithms]
    : publicKeyAlgorithms;
  return Object.freeze({
    ...metadata,
    id_token_signing_alg_values_supported: Array.isArray(announced)
      ? accepted.filter((name) => announced.includes(name))
      : [...publicKeyAlgorithms],
  });
}
