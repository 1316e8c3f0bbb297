/**
 * What is known of a SAML provider: its metadata, a document (MetadataFile) or fetched from its URL (MetadataURL). Fetched
 * metadata is kept in the database for all servers, until its time has come to be fetched again.
 */
import type { App, Ctx } from "../../app.ts";
import { OutboundError, publishedRedirects } from "../../integrations/outbound.ts";
import { CacheKind } from "../../lib/caches.ts";
import { putSamlMetadata, readSamlMetadata, type SamlMetadata } from "../../store/saml-keys.ts";
import { parseSamlMetadata, type SamlProvider } from "./metadata.ts";
import { UnknownSigner } from "./signature.ts";
import { fault, SamlFault } from "./xml.ts";

const minute = 60_000;
/** When the metadata is fetched again if it does not say. */
const usualAge = 6 * 60 * minute;
/** How soon it may be fetched again, and how long its cacheDuration may keep it. */
const [leastAge, greatestAge] = [5 * minute, 24 * 60 * minute];
/** How soon an unknown certificate makes it fetched again. */
const leastAgeForNewKeys = minute;

/** The member of ProviderDetails, our own, with whose key the metadata must be signed: a certificate, PEM or base64. */
export const metadataCertificate = "MetadataSigningCertificate";

/** Where the metadata of a provider comes from. */
export interface MetadataSource {
  /** The pool that the provider belongs to. */
  readonly poolId: string;
  readonly name: string;
  /** Changes with the rest. */
  readonly version: number;
  /** MetadataFile or MetadataURL, and MetadataSigningCertificate, as in ProviderDetails. */
  readonly details: Readonly<Record<string, string>>;
}

interface Parsed {
  readonly text: string;
  readonly signedBy: string | undefined;
  readonly provider: SamlProvider;
}

const parsedDocuments = new CacheKind<Parsed>(2000);
const running = new CacheKind<Promise<SamlProvider>>(2000);

/** The metadata of a provider. Throws SamlFault if there is none that may be used. */
export async function samlProvider(ctx: Ctx, provider: MetadataSource): Promise<SamlProvider> {
  const { MetadataFile, MetadataURL } = provider.details;
  if (MetadataFile) return parse(ctx, provider, MetadataFile);
  if (!MetadataURL) return fault("the provider has neither MetadataURL nor MetadataFile.");
  const kept = await keptMetadata(ctx, provider, MetadataURL);
  if (kept !== undefined && ctx.now < kept.row.refreshAt) return kept.metadata;
  return refresh(ctx, provider, MetadataURL, kept);
}

/**
 * Checks something by the metadata; if its signer is unknown, once more by metadata that is fetched for that, since the
 * provider may have a new key.
 */
export async function withItsKeys<T>(
  ctx: Ctx,
  provider: MetadataSource,
  metadata: SamlProvider,
  check: (by: SamlProvider) => Promise<T>,
): Promise<T> {
  try {
    return await check(metadata);
  } catch (error) {
    const renewed = error instanceof UnknownSigner ? await renewedProvider(ctx, provider) : undefined;
    if (renewed === undefined) throw error;
    return check(renewed);
  }
}

/** Newer metadata than what is known; undefined if it comes from a file, or was fetched less than a minute ago. */
async function renewedProvider(ctx: Ctx, provider: MetadataSource): Promise<SamlProvider | undefined> {
  const { MetadataFile, MetadataURL } = provider.details;
  if (MetadataFile || !MetadataURL) return undefined;
  const kept = await keptMetadata(ctx, provider, MetadataURL);
  if (kept === undefined || ctx.now < kept.row.fetchedAt + leastAgeForNewKeys) return undefined;
  return refresh(ctx, provider, MetadataURL, kept);
}

/** What a server knows of a provider without asking it; undefined if nothing that may be used. */
export async function knownProvider(ctx: Ctx, provider: MetadataSource): Promise<SamlProvider | undefined> {
  const { MetadataFile, MetadataURL } = provider.details;
  if (!MetadataFile && MetadataURL) return (await keptMetadata(ctx, provider, MetadataURL))?.metadata;
  return MetadataFile ? orNothing(parse(ctx, provider, MetadataFile)) : undefined;
}

async function orNothing(parsing: Promise<SamlProvider>): Promise<SamlProvider | undefined> {
  try {
    return await parsing;
  } catch (error) {
    if (error instanceof SamlFault) return undefined;
    throw error;
  }
}

async function parse(ctx: Ctx, provider: MetadataSource, text: string): Promise<SamlProvider> {
  const cache = ctx.app.caches.of(parsedDocuments);
  const key = `${provider.poolId}/${provider.name}`;
  const signedBy = provider.details[metadataCertificate] || undefined;
  const cached = cache.get(key);
  const found =
    cached?.text === text && cached.signedBy === signedBy
      ? cached.provider
      : await parseSamlMetadata(text, { now: ctx.now, signedBy });
  if (found.validUntil !== undefined && found.validUntil <= ctx.now)
    fault(`the metadata has expired: its validUntil is ${new Date(found.validUntil).toISOString()}.`);
  if (cached?.provider !== found) cache.set(key, { text, signedBy, provider: found });
  return found;
}

interface Kept {
  readonly row: SamlMetadata;
  readonly metadata: SamlProvider;
}

/** What was fetched before, if it may still be used. */
async function keptMetadata(ctx: Ctx, provider: MetadataSource, url: string): Promise<Kept | undefined> {
  const row = await readSamlMetadata(ctx.db, provider.poolId, provider.name);
  if (row?.url !== url) return undefined;
  const metadata = await orNothing(parse(ctx, provider, row.document));
  return metadata && { row, metadata };
}

/** Fetches the metadata: one request at a time for each server and provider. */
function refresh(
  ctx: Ctx,
  provider: MetadataSource,
  url: string,
  kept: Kept | undefined,
): Promise<SamlProvider> {
  const fetching = ctx.app.caches.of(running);
  const key = `${provider.poolId}/${provider.name}/${provider.version}`;
  const before = fetching.get(key);
  if (before !== undefined) return before;
  const mine = fetchOrKeep(ctx, provider, url, kept).finally(() => fetching.delete(key));
  fetching.set(key, mine);
  return mine;
}

/** The new metadata, or the former one while the new one does not come or is wrong. */
async function fetchOrKeep(
  ctx: Ctx,
  provider: MetadataSource,
  url: string,
  kept: Kept | undefined,
): Promise<SamlProvider> {
  const { poolId, name } = provider;
  try {
    const document = await download(ctx, url);
    const metadata = await parse(ctx, provider, document);
    await keepMetadata(ctx, provider, { url, document, metadata });
    return metadata;
  } catch (error) {
    if (!(error instanceof SamlFault)) throw error;
    ctx.log.warn(
      { poolId, provider: name, problem: error.message, kept: kept !== undefined },
      "SAML metadata was refused",
    );
    if (kept === undefined) throw error;
    const row = { ...kept.row, fetchedAt: ctx.now, refreshAt: ctx.now + leastAge };
    await putSamlMetadata(ctx.db, row);
    return kept.metadata;
  }
}

/** What a request has, and a command can have, to fetch metadata. */
type Fetching = Pick<Ctx, "now"> & { readonly app: Pick<App, "outbound"> };

/** Metadata that was just fetched. */
export interface Fetched {
  readonly url: string;
  readonly document: string;
  readonly metadata: SamlProvider;
}

/**
 * The metadata of a provider that is being configured, fetched if it comes from a URL. Throws SamlFault if it cannot be
 * had, or not be used. Returns what `keepMetadata` keeps; undefined for a document.
 */
export async function readFirstMetadata(
  ctx: Fetching,
  { MetadataFile, MetadataURL, [metadataCertificate]: signedBy }: MetadataSource["details"],
): Promise<Fetched | undefined> {
  const document = MetadataURL ? await download(ctx, MetadataURL) : (MetadataFile ?? "");
  const metadata = await parseSamlMetadata(document, { now: ctx.now, signedBy: signedBy || undefined });
  return MetadataURL ? { url: MetadataURL, document, metadata } : undefined;
}

/** Keeps metadata until its time has come to be fetched again. */
export async function keepMetadata(
  ctx: Pick<Ctx, "db" | "now">,
  { poolId, name }: Pick<MetadataSource, "poolId" | "name">,
  { url, document, metadata: { cacheFor, validUntil } }: Fetched,
): Promise<void> {
  const age = Math.min(Math.max(cacheFor ?? usualAge, leastAge), greatestAge);
  const refreshAt = Math.min(ctx.now + age, validUntil ?? Number.POSITIVE_INFINITY);
  const kept = { poolId, provider: name, url, document, fetchedAt: ctx.now, refreshAt, validUntil };
  await putSamlMetadata(ctx.db, kept);
}

/** Throws SamlFault; what exactly went wrong in the network is for the log alone. */
async function download(ctx: Fetching, url: string): Promise<string> {
  try {
    const response = await ctx.app.outbound.fetch(url, {
      headers: { accept: "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8" },
      redirects: publishedRedirects,
    });
    if (response.status !== 200) fault(`the metadata's URL answered ${response.status}.`);
    return await response.text();
  } catch (error) {
    if (error instanceof SamlFault) throw error;
    const problem = error instanceof OutboundError ? error.problem : "unreachable";
    throw new SamlFault(`the metadata cannot be fetched from its URL (${problem}).`, { cause: error });
  }
}
