/** Checks the settings of identity pools (CreateIdentityPool, UpdateIdentityPool, SetIdentityPoolRoles …). */
import type { Config } from "../../config/config.ts";
import type {
  CognitoIdentityProvider,
  CreateIdentityPoolInput,
  MappingRule,
  RoleMapping,
} from "../../wire/generated/identity-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPoolDocument } from "./load-identity-pool.ts";
import {
  isPublicProvider,
  isSamlProviderArn,
  openIdProviderOf,
  publicProviders,
  userPoolNamed,
} from "./provider-names.ts";

const invalid = (message: string): never => refuse("InvalidParameterException", message);

type Given = Omit<CreateIdentityPoolInput, "IdentityPoolName">;

/** The checked settings that Create and Update have in common; empty lists and maps count as omitted. */
export function poolSettings(config: Config, given: Given): IdentityPoolDocument {
  checkPublicProviders(given.SupportedLoginProviders ?? {});
  const openIds = distinct(given.OpenIdConnectProviderARNs ?? [], "OpenIdConnectProviderARNs");
  for (const arn of openIds)
    if (openIdProviderOf(arn) === undefined)
      invalid(`'${arn}' is not the ARN of an OpenID Connect provider.`);
  const samls = distinct(given.SamlProviderARNs ?? [], "SamlProviderARNs");
  for (const arn of samls)
    if (!isSamlProviderArn(arn)) invalid(`'${arn}' is not the ARN of a SAML provider.`);
  checkDeveloperProvider(config, given.DeveloperProviderName, openIds);
  const document = {
    AllowUnauthenticatedIdentities: given.AllowUnauthenticatedIdentities,
    AllowClassicFlow: given.AllowClassicFlow,
    SupportedLoginProviders: nonEmpty(given.SupportedLoginProviders),
    DeveloperProviderName: given.DeveloperProviderName,
    OpenIdConnectProviderARNs: openIds.length > 0 ? openIds : undefined,
    CognitoIdentityProviders: userPools(config, given.CognitoIdentityProviders ?? []),
    SamlProviderARNs: samls.length > 0 ? samls : undefined,
    IdentityPoolTags: nonEmpty(given.IdentityPoolTags),
  };
  checkTags(document.IdentityPoolTags ?? {});
  return document;
}

function checkPublicProviders(given: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(given))
    if (!isPublicProvider(name))
      invalid(`'${name}' is not supported in SupportedLoginProviders (${publicProviders.join(", ")}).`);
}

/**
 * The name of the developer's own provider, which must not be taken for another: who has a login there would have the identity
 * of the developer's user of the same name.
 */
function checkDeveloperProvider(config: Config, name: string | undefined, openIds: readonly string[]): void {
  if (name === undefined) return;
  const taken =
    isPublicProvider(name) ||
    name.endsWith(".amazonaws.com") ||
    name === new URL(config.publicUrl).host ||
    openIds.some((arn) => openIdProviderOf(arn) === name);
  if (taken) invalid(`DeveloperProviderName must not be the name of another provider: '${name}'.`);
}

/** Clients of user pools, each named once. */
function userPools(
  config: Config,
  given: readonly CognitoIdentityProvider[],
): CognitoIdentityProvider[] | undefined {
  const seen = new Set<string>();
  for (const { ProviderName, ClientId } of given) {
    if (ProviderName === undefined || ClientId === undefined)
      return invalid("A Cognito identity provider needs ProviderName and ClientId.");
    const poolId = userPoolNamed(config, ProviderName);
    if (poolId === undefined)
      return invalid(
        `'${ProviderName}' is not a user pool: use cognito-idp.<region>.amazonaws.com/<user pool id>.`,
      );
    const key = `${poolId}:${ClientId}`;
    if (seen.has(key)) invalid(`The provider ${ProviderName} is given twice for the client ${ClientId}.`);
    seen.add(key);
  }
  if (given.length === 0) return undefined;
  return given.map((one) => ({ ...one, ServerSideTokenCheck: one.ServerSideTokenCheck ?? false }));
}

function distinct(given: readonly string[], member: string): string[] {
  if (new Set(given).size < given.length) invalid(`${member} names a provider twice.`);
  return [...given];
}

const nonEmpty = <T extends object>(value: T | undefined): T | undefined =>
  value === undefined || Object.keys(value).length === 0 ? undefined : value;

/** The most tags of a resource ("Tagging", Amazon Cognito Developer Guide). */
const mostTags = 50;

export function checkTags(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > mostTags) invalid(`A resource has at most ${mostTags} tags.`);
  const reserved = Object.keys(tags).find((key) => key.toLowerCase().startsWith("aws:"));
  if (reserved !== undefined) invalid(`Tag keys that begin with aws: are reserved: '${reserved}'.`);
}

/** A role of AWS, or one of this server. Other partitions have the same form. */
const roleOfAws = /^arn:aws[\w-]*:iam::\d{12}:role\/(?:[\x21-\x7e]+\/)?[\w+=,.@-]{1,64}$/;

/**
 * A role of a store for S3: `arn:aws:iam:::role/NAME`, or with a tenant in place of the account, at Ceph; a partition of its own
 * at MinIO; no account at all at SeaweedFS.
 */
const roleOfStore = /^arn:[\w-]+:iam::(?:[^:]*:)?role\/[\x21-\x7e]+$/;

const isRoleArn = ({ sts }: Pick<Config, "sts">, text: string): boolean =>
  roleOfAws.test(text) || (sts !== undefined && roleOfStore.test(text));

/**
 * Checks the roles of SetIdentityPoolRoles. Roles that do not exist are accepted, as in AWS; those of stores only if the
 * roles that are not defined here belong to another token service.
 */
export function checkRoles(config: Pick<Config, "sts">, roles: Readonly<Record<string, string>>): void {
  for (const [kind, arn] of Object.entries(roles))
    if (!isRoleArn(config, arn))
      invalid(`The role of ${kind} identities is not the ARN of a role: '${arn}'.`);
}

const mostMappings = 10;
const mostRules = 25;

/** Checks role mappings ("Using rule-based mapping to assign roles to users", Amazon Cognito Developer Guide). */
export function checkRoleMappings(
  config: Pick<Config, "sts">,
  mappings: Readonly<Record<string, RoleMapping>>,
): void {
  const entries = Object.entries(mappings);
  if (entries.length > mostMappings)
    invalid(`There can be role mappings for at most ${mostMappings} providers.`);
  for (const [provider, { Type, AmbiguousRoleResolution, RulesConfiguration }] of entries) {
    if (AmbiguousRoleResolution === undefined)
      invalid(`The role mapping of ${provider} needs AmbiguousRoleResolution.`);
    if (Type === "Token" && RulesConfiguration !== undefined)
      invalid(`The role mapping of ${provider} is by token and cannot have rules.`);
    if (Type === "Rules") checkRules(config, provider, RulesConfiguration?.Rules ?? []);
  }
}

function checkRules(config: Pick<Config, "sts">, provider: string, rules: readonly MappingRule[]): void {
  if (rules.length === 0) invalid(`The role mapping of ${provider} needs rules.`);
  if (rules.length > mostRules) invalid(`A provider can have at most ${mostRules} rules.`);
  for (const { RoleARN } of rules)
    if (!isRoleArn(config, RoleARN))
      invalid(`The role of a rule of ${provider} is not the ARN of a role: '${RoleARN}'.`);
}
