/**
 * Names of identity providers, as in Logins and in the settings of identity pools ("Identity pools third-party identity
 * providers", Amazon Cognito Developer Guide).
 */
import type { Config } from "../../config/config.ts";

/** The login of tokens that GetOpenIdTokenForDeveloperIdentity has made. */
export const ownProvider = "cognito-identity.amazonaws.com";

/** The `iss` of identity pools' tokens. */
export const identityIssuer = ({ publicUrl }: Pick<Config, "publicUrl">): string => `${publicUrl}/identity`;

/** The public providers, which SupportedLoginProviders lists with the ids of their applications. */
export const publicProviders = [
  "accounts.google.com",
  "graph.facebook.com",
  "www.amazon.com",
  "appleid.apple.com",
] as const;
export type PublicProvider = (typeof publicProviders)[number];

export const isPublicProvider = (name: string): name is PublicProvider =>
  (publicProviders as readonly string[]).includes(name);

/**
 * The user pool that a provider's name means: `cognito-idp.<region>.amazonaws.com/<pool>`, or the issuer of a pool of this
 * server without its scheme, as Amplify writes it. Undefined if it is none.
 */
export function userPoolNamed(config: Pick<Config, "publicUrl">, name: string): string | undefined {
  const aws = /^cognito-idp\.[a-z0-9-]+\.amazonaws\.com\/([\w-]+)$/.exec(name)?.[1];
  if (aws !== undefined) return aws;
  const { host } = new URL(config.publicUrl);
  if (!name.toLowerCase().startsWith(`${host}/`)) return undefined;
  const poolId = name.slice(host.length + 1);
  return /^[a-z0-9-]+_[A-Za-z0-9]+$/.test(poolId) ? poolId : undefined;
}

/** The name under which the logins of a user pool's users are stored and shown, as AWS writes it. */
export function userPoolProvider(poolId: string): string {
  return `cognito-idp.${poolId.slice(0, poolId.indexOf("_"))}.amazonaws.com/${poolId}`;
}

/** A key of RoleMappings with the user pool's name as AWS writes it. */
export function mappingKey(config: Pick<Config, "publicUrl">, key: string): string {
  const end = key.lastIndexOf(":");
  const poolId = end < 0 ? undefined : userPoolNamed(config, key.slice(0, end));
  return poolId === undefined ? key : userPoolProvider(poolId) + key.slice(end);
}

/** Whether a login is stored under the name of a user pool. */
export const isUserPoolProvider = (provider: string): boolean =>
  /^cognito-idp\.[^/]+\.amazonaws\.com\//.test(provider);

/** An issuer as Logins, ARNs and condition keys name it: without its scheme. */
export const withoutScheme = (issuer: string): string => issuer.replace(/^https?:\/\//, "");

/** The ARN of an OpenID provider. @param provider host and path of its issuer */
export function openIdProviderArn({ accountId }: Pick<Config, "accountId">, provider: string): string {
  return `arn:aws:iam::${accountId}:oidc-provider/${provider}`;
}

/** The provider of an OpenID provider's ARN, as in Logins: host and path of its issuer. Undefined if it is no such ARN. */
export function openIdProviderOf(arn: string): string | undefined {
  return /^arn:aws[\w-]*:iam::\d+:oidc-provider\/(.+)$/.exec(arn)?.[1];
}

/** Whether a text is the ARN of a SAML provider, which Logins names by it. */
export function isSamlProviderArn(text: string): boolean {
  return /^arn:aws[\w-]*:iam::\d+:saml-provider\/[\w+=,.@-]+$/.test(text);
}
