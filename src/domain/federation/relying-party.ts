/** Our client at a provider (RFC 6749, OpenID Connect Core 1.0), as openid-client sees it. */
import type {
  AuthorizationCodeGrantChecks,
  AuthorizationResponseError,
  authorizationCodeGrant,
  Configuration,
  ServerMetadata,
} from "openid-client";
import type { Ctx } from "../../app.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Answered } from "./protocol.ts";
import type { Provider } from "./provider.ts";
import { refuseProvider } from "./provider-errors.ts";
import { clockTolerance } from "./provider-keys.ts";

/** The path of a pool's domain that OpenID and social providers send the browser back to. */
export const idpResponsePath = "/oauth2/idpresponse";

/**
 * The library's view of the provider and of our client there, for requests of one step.
 * @param method the method of its requests, in place of the library's own
 */
export async function relyingParty(
  ctx: Ctx,
  provider: Provider,
  metadata: ServerMetadata,
  method?: "GET" | "POST",
): Promise<Configuration> {
  const library = await import("openid-client");
  const { client_id: clientId = "", client_secret: secret } = provider.details;
  const configuration = new library.Configuration(
    metadata,
    clientId,
    {
      // The library looks at the machine's clock.
      [library.clockSkew]: Math.round((ctx.now - Date.now()) / 1000),
      [library.clockTolerance]: clockTolerance,
    },
    clientAuthentication(library, metadata, secret),
  );
  // Which URLs are allowed is decided by the client for outgoing requests.
  library.allowInsecureRequests(configuration);
  // It limits the time of requests, too.
  configuration.timeout = 0;
  configuration[library.customFetch] = (url, { method: own, headers, body, signal }) =>
    ctx.app.outbound.fetch(url, {
      method: method ?? (own === "POST" ? "POST" : "GET"),
      headers,
      ...(body != null && { body: String(body) }),
      ...(signal && { signal }),
    });
  return configuration;
}

/** In the body, as Cognito does, unless the provider only knows HTTP Basic (OpenID Connect Core 1.0 section 9). */
function clientAuthentication(
  library: typeof import("openid-client"),
  { token_endpoint_auth_methods_supported: methods }: ServerMetadata,
  secret: string | undefined,
) {
  if (!secret) return library.None();
  const onlyBasic =
    methods !== undefined &&
    !methods.includes("client_secret_post") &&
    methods.includes("client_secret_basic");
  return onlyBasic ? library.ClientSecretBasic(secret) : library.ClientSecretPost(secret);
}

/** The provider's tokens for the code that the browser has brought. Refuses if there is none, or none that it takes. */
export async function tokensFor(
  { provider, base, parameters }: Pick<Answered, "provider" | "base" | "parameters">,
  configuration: Configuration,
  checks: AuthorizationCodeGrantChecks,
): Promise<Awaited<ReturnType<typeof authorizationCodeGrant>>> {
  const library = await import("openid-client");
  // The URL that the browser came back to, as the library wants it.
  const url = new URL(`${base}${idpResponsePath}`);
  url.search = parameters.toString();
  return library.authorizationCodeGrant(configuration, url, checks).catch((error: unknown) => {
    if (error instanceof library.AuthorizationResponseError) refuseDenied(provider, error);
    return refuseProvider(provider, "token", error);
  });
}

/** The scopes that the settings ask for; Facebook's are separated by commas. */
export function scopesIn({ details }: Provider): string[] {
  return (details["authorize_scopes"] ?? "").split(/[\s,]+/).filter((scope) => scope !== "");
}

/** The user, or the provider, said no: the client gets the provider's words. */
function refuseDenied(provider: Provider, { error, error_description }: AuthorizationResponseError): never {
  // The characters of RFC 6749 section 4.1.2.1; the text becomes part of a URL, and perhaps of a page.
  const said = (text: string) => text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, " ").slice(0, 300);
  const description = said(error_description ?? "");
  if (error === "access_denied") refuseOAuth("access_denied", description || "access_denied");
  const text = [said(error), description].filter((part) => part !== "").join(": ");
  return refuseOAuth("invalid_request", `${provider.name} Error - ${text}`);
}
