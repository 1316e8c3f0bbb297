/**
 * Checks the OAuth 2.0 settings of an app client
 * (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html).
 */
import type { UpdateUserPoolClientRequest } from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { addressScope, standardScopes } from "./resource-servers.ts";

type OAuthSettings = Pick<
  UpdateUserPoolClientRequest,
  | "SupportedIdentityProviders"
  | "CallbackURLs"
  | "LogoutURLs"
  | "DefaultRedirectURI"
  | "AllowedOAuthFlows"
  | "AllowedOAuthScopes"
  | "AllowedOAuthFlowsUserPoolClient"
>;

/**
 * The checked settings; that the providers exist is checked by client-providers.ts.
 * @param options.scopes the requested scopes that exist (resource-servers.ts)
 */
export function oauthSettings(
  given: OAuthSettings,
  options: { hasSecret: boolean; scopes: readonly string[] },
): OAuthSettings {
  const flows = unique(given.AllowedOAuthFlows);
  const scopes = unique(given.AllowedOAuthScopes);
  if (given.AllowedOAuthFlowsUserPoolClient === true && (flows === undefined || scopes === undefined))
    invalid(
      "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.",
    );
  const unknown = scopes?.find((scope) => !options.scopes.includes(scope));
  if (unknown !== undefined) refuse("ScopeDoesNotExistException", `Invalid scope requested: ${unknown}`);
  if (flows?.includes("client_credentials")) checkClientCredentials(flows, scopes ?? [], options.hasSecret);
  for (const url of given.CallbackURLs ?? []) checkRedirectUrl(url);
  for (const url of given.LogoutURLs ?? []) checkRedirectUrl(url);
  const { DefaultRedirectURI } = given;
  if (DefaultRedirectURI !== undefined && !given.CallbackURLs?.includes(DefaultRedirectURI))
    invalid("DefaultRedirectURI must be in the CallbackURLs list.");
  return {
    SupportedIdentityProviders: unique(given.SupportedIdentityProviders),
    CallbackURLs: unique(given.CallbackURLs),
    LogoutURLs: unique(given.LogoutURLs),
    DefaultRedirectURI,
    AllowedOAuthFlows: flows,
    AllowedOAuthScopes: scopes,
    AllowedOAuthFlowsUserPoolClient: given.AllowedOAuthFlowsUserPoolClient ?? false,
  };
}

/** The list without duplicates; undefined if it is empty. */
function unique<T>(list: readonly T[] | undefined): T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : [...new Set(list)];
}

/** "To create an app client that generates client credentials grants, you must add client_credentials as the only allowed OAuth flow." */
function checkClientCredentials(
  flows: readonly string[],
  scopes: readonly string[],
  hasSecret: boolean,
): void {
  if (flows.length > 1)
    refuse(
      "InvalidOAuthFlowException",
      "client_credentials flow can not be selected along with code flow or implicit flow.",
    );
  if (!hasSecret)
    refuse(
      "InvalidOAuthFlowException",
      "client_credentials flow can not be selected if client does not have a client secret.",
    );
  const standard = scopes.find((scope) => standardScopes.includes(scope) || scope === addressScope);
  if (standard !== undefined)
    refuse("InvalidOAuthFlowException", `${standard} is not supported with client_credentials flow`);
}

/** Schemes that execute or display what the URL contains, or stay off the network: no application is behind them. */
export const forbiddenSchemes: ReadonlySet<string> = new Set([
  "about:",
  "blob:",
  "data:",
  "file:",
  "filesystem:",
  "ftp:",
  "javascript:",
  "vbscript:",
  "view-source:",
  "ws:",
  "wss:",
]);

const loopbackHosts = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Checks a callback or sign-out URL (CallbackURLs): "Be an absolute URI", "not include a fragment component", "HTTPS
 * over HTTP except for callback URLs to http://localhost, http://127.0.0.1 and http://[::1]", and "App callback URLs
 * such as myapp://example are also supported".
 */
export function checkRedirectUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  // Refuses what the parser would silently repair (except the scheme's case): browsers and clients compare the
  // original.
  if (parsed === undefined || !/^[a-z][a-z0-9+.-]*:\/[^\\]*$/i.test(url))
    invalid(`${url} is not a valid URL.`);
  if (url.includes("#")) invalid(`${url} cannot contain a fragment.`);
  if (forbiddenSchemes.has(parsed.protocol)) invalid(`${url} cannot use the ${parsed.protocol} protocol.`);
  const isWeb = parsed.protocol === "https:" || parsed.protocol === "http:";
  if (isWeb && !/^https?:\/\/[^/]/i.test(url)) invalid(`${url} is not a valid URL.`);
  // Wildcards, and characters that mean something in a policy.
  if (isWeb && !/^(?:[\w.-]+|\[[\da-f:.]+\])$/.test(parsed.hostname)) invalid(`${url} is not a valid URL.`);
  if (parsed.protocol === "http:" && !loopbackHosts.has(parsed.hostname))
    invalid(`${url} cannot use the HTTP protocol.`);
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
