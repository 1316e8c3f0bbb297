/** Creates, changes and describes the identity providers of a pool. */
import type { Ctx } from "../../app.ts";
import { firstVersion } from "../../lib/random.ts";
import {
  deleteProvider,
  IdentifierTaken,
  identifierKey,
  insertProvider,
  type ProviderDocument,
  type ProviderRow,
  type ProviderType,
  providerNameOf,
  readProvider,
  updateProvider,
} from "../../store/identity-providers.ts";
import { readSamlKey, type SamlKey } from "../../store/saml-keys.ts";
import { isOfShape } from "../../wire/check.ts";
import { userPoolModel } from "../../wire/generated/user-pools.ts";
import type {
  CreateIdentityProviderRequest,
  UpdateIdentityProviderRequest,
} from "../../wire/generated/user-pools.types.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type Fetched, keepMetadata } from "../saml/provider.ts";
import { loadPool, noSuchPool } from "../user-pools/load-pool.ts";
import { ownUsers } from "../user-pools/providers.ts";
import { checkMapping } from "./attribute-mapping.ts";
import { checkDiscovery } from "./check-discovery.ts";
import { checkSamlMetadata } from "./check-saml-metadata.ts";
import { checkEndpointUrl } from "./endpoint-url.ts";
import { type Provider, providerFrom } from "./provider.ts";
import { checkDetails, hiddenMembers, shownDetails, splitDetails, withDefaults } from "./provider-details.ts";
import { newSamlKey } from "./saml-keys.ts";

type Details = Readonly<Record<string, string>>;

/** A provider as DescribeIdentityProvider returns it, besides its dates. */
export interface Described {
  readonly provider: Provider;
  readonly details: Record<string, string>;
}

/**
 * CreateIdentityProvider. Throws InvalidParameterException, and DuplicateProviderException also for a name that differs from
 * that of another provider only by case: the usernames of their users begin with it.
 */
export async function createProvider(ctx: Ctx, request: CreateIdentityProviderRequest): Promise<Described> {
  const { UserPoolId: poolId, ProviderName: name, ProviderType: type } = request;
  checkCharacters(name);
  const pool = await loadPool(ctx, poolId);
  checkName(name, type);
  const identifiers = checkIdentifiers(request.IdpIdentifiers ?? []);
  const mapping = checkMapping(pool, type, request.AttributeMapping);
  const checked = await checkedDetails(ctx, type, request.ProviderDetails);
  const row: ProviderRow = {
    poolId,
    name,
    type,
    version: firstVersion(ctx.random),
    document: {
      ProviderDetails: checked.open,
      AttributeMapping: mapping,
      IdpIdentifiers: identifiers,
      ...(request.AcrMapping !== undefined && { AcrMapping: request.AcrMapping }),
    },
    secrets: checked.secrets,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  const key = type === "SAML" ? await newSamlKey(ctx, poolId, name) : undefined;
  switch (await insertProvider(ctx.db, row, key).catch(refuseTaken("DuplicateProviderException", poolId))) {
    case "added":
      if (checked.fetched !== undefined) await keepMetadata(ctx, row, checked.fetched);
      return described(row, key);
    case "exists":
      return refuse("DuplicateProviderException", `${name} already exists in user pool ${poolId}.`);
    case "no-pool":
      return noSuchPool(poolId);
  }
}

/** DescribeIdentityProvider. Throws ResourceNotFoundException. */
export async function describeProvider(ctx: Ctx, poolId: string, name: string): Promise<Described> {
  await loadPool(ctx, poolId);
  return describeRow(ctx, (await readProvider(ctx.db, poolId, name)) ?? noSuchProvider(name));
}

/** GetIdentityProviderByIdentifier. Throws ResourceNotFoundException. */
export async function describeByIdentifier(ctx: Ctx, poolId: string, identifier: string): Promise<Described> {
  await loadPool(ctx, poolId);
  const name = await providerNameOf(ctx.db, poolId, identifier);
  const row = name === undefined ? undefined : await readProvider(ctx.db, poolId, name);
  if (row === undefined)
    refuse("ResourceNotFoundException", `There is no identity provider with the identifier ${identifier}.`);
  return describeRow(ctx, row);
}

/**
 * UpdateIdentityProvider: members that are given replace the former ones as a whole, the others stay; so does, of given
 * ProviderDetails, what no answer contains. Throws ConcurrentModificationException.
 */
export async function changeProvider(ctx: Ctx, request: UpdateIdentityProviderRequest): Promise<Described> {
  const { UserPoolId: poolId, ProviderName: name } = request;
  const pool = await loadPool(ctx, poolId);
  refuseOwnUsers(name);
  const row = (await readProvider(ctx.db, poolId, name)) ?? noSuchProvider(name);
  const { document, secrets, type, version } = row;
  const { IdpIdentifiers, AttributeMapping, ProviderDetails, AcrMapping } = request;
  const identifiers = IdpIdentifiers === undefined ? undefined : checkIdentifiers(IdpIdentifiers);
  const mapping = AttributeMapping === undefined ? undefined : checkMapping(pool, type, AttributeMapping);
  const checked =
    ProviderDetails === undefined
      ? { open: document.ProviderDetails, secrets, fetched: undefined }
      : await checkedDetails(ctx, type, { ...hiddenOf(type, secrets), ...ProviderDetails });
  const next: ProviderDocument = {
    ...document,
    ProviderDetails: checked.open,
    ...(mapping !== undefined && { AttributeMapping: mapping }),
    ...(identifiers !== undefined && { IdpIdentifiers: identifiers }),
    ...(AcrMapping !== undefined && { AcrMapping }),
  };
  const change = { poolId, name, version, document: next, secrets: checked.secrets, now: ctx.now };
  if (await updateProvider(ctx.db, change).catch(refuseTaken("InvalidParameterException", poolId))) {
    if (checked.fetched !== undefined) await keepMetadata(ctx, row, checked.fetched);
    return describeRow(ctx, { ...row, ...change, version: version + 1, updatedAt: ctx.now });
  }
  if ((await readProvider(ctx.db, poolId, name)) === undefined) noSuchProvider(name);
  return refuse(
    "ConcurrentModificationException",
    "The identity provider was changed by another request at the same time. Please try again.",
  );
}

/** DeleteIdentityProvider: its users stay, and clients keep its name, which then stands for nothing. */
export async function removeProvider(ctx: Ctx, poolId: string, name: string): Promise<void> {
  await loadPool(ctx, poolId);
  refuseOwnUsers(name);
  if (!(await deleteProvider(ctx.db, poolId, name))) noSuchProvider(name);
}

function noSuchProvider(name: string): never {
  return refuse("ResourceNotFoundException", `Identity provider ${name} does not exist.`);
}

/** The checked details with what was found out about them. Defaults are not stored: an endpoint may follow from another. */
async function checkedDetails(
  ctx: Ctx,
  type: ProviderType,
  given: Details,
): Promise<{ readonly open: Details; readonly secrets: Details; readonly fetched: Fetched | undefined }> {
  const details = checkDetails(type, given, (member, url) => checkEndpointUrl(ctx, member, url));
  if (type === "OIDC") await checkDiscovery(ctx, details);
  const saml = type === "SAML" ? await checkSamlMetadata(ctx, details) : undefined;
  return { ...splitDetails(type, { ...details, ...saml?.derived }), fetched: saml?.fetched };
}

/** The secrets that an update keeps unless it names them, since no answer contains them. */
function hiddenOf(type: ProviderType, secrets: Details): Details {
  const kept = hiddenMembers(type);
  return Object.fromEntries(Object.entries(secrets).filter(([member]) => kept.includes(member)));
}

/**
 * The model lets new names contain control characters, which those of all other operations cannot. Throws
 * InvalidParameterException, as for the model's pattern.
 */
function checkCharacters(name: string): void {
  if (isOfShape(userPoolModel, "ProviderNameType", name)) return;
  const { pattern } = userPoolModel.shapes["ProviderNameTypeV2"] as { readonly pattern?: string };
  refuseFor("inputMalformed", {
    violations:
      `1 validation error detected: Value '${name}' at 'providerName' failed to satisfy constraint: ` +
      `Member must satisfy regular expression pattern: ${pattern}`,
    names: ["providerName"],
  });
}

const socialTypes: readonly ProviderType[] = ["Facebook", "Google", "LoginWithAmazon", "SignInWithApple"];

/** A social provider has the name of its type, and no other has; `COGNITO` stands for the pool's own users. */
function checkName(name: string, type: ProviderType): void {
  const isTaken = (socialTypes as readonly string[]).includes(name) || isOwnUsers(name);
  if (socialTypes.includes(type) ? name !== type : isTaken)
    refuse("InvalidParameterException", `Provider ${name} cannot be of type ${type}.`);
}

const isOwnUsers = (name: string): boolean => name.toUpperCase() === ownUsers;

function refuseOwnUsers(name: string): void {
  if (isOwnUsers(name))
    refuse("UnsupportedIdentityProviderException", `${name} stands for the users of the pool itself.`);
}

function checkIdentifiers(given: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  for (const identifier of given) {
    const key = identifierKey(identifier);
    if (seen.has(key))
      refuse("InvalidParameterException", `The identifier ${identifier} is given more than once.`);
    seen.add(key);
  }
  return given;
}

/** Refuses identifiers of other providers, with the error that the operation declares. */
const refuseTaken =
  (code: "DuplicateProviderException" | "InvalidParameterException", poolId: string) =>
  (error: unknown): never => {
    if (!(error instanceof IdentifierTaken)) throw error;
    return refuse(code, `The identifier ${error.message} already exists in user pool ${poolId}.`);
  };

async function describeRow(ctx: Ctx, row: ProviderRow): Promise<Described> {
  return described(row, row.type === "SAML" ? await readSamlKey(ctx.db, row.poolId, row.name) : undefined);
}

function described(row: ProviderRow, key: SamlKey | undefined): Described {
  const provider = providerFrom(row);
  const details = shownDetails(provider.type, withDefaults(provider.type, provider.details));
  if (key !== undefined) details["ActiveEncryptionCertificate"] = key.certificate;
  return { provider, details };
}
