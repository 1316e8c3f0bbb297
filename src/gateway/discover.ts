/** The provider's metadata, and the gateway's client there, as openid-client sees them. */
import type { Configuration } from "openid-client";
import type { GatewayProvider } from "../lib/gateway-settings.ts";

/** The provider does not answer, or not as one. */
export class ProviderAway extends Error {
  override name = "ProviderAway";
}

/** The provider refused: the code, or the refresh token, does not count. */
export class ProviderRefused extends Error {
  override name = "ProviderRefused";
}

/** How long a request to the provider may take. Seconds. */
const patience = 10;

/** How much the clocks may differ. Seconds. */
export const clockTolerance = 60;

/** Reads the metadata (OpenID Connect Discovery 1.0). @throws ProviderAway */
export async function discover(
  settings: GatewayProvider,
  fetch: typeof globalThis.fetch,
): Promise<Configuration> {
  const { issuer, clientId, clientSecret } = settings;
  const library = await import("openid-client");
  const isPlain = issuer.startsWith("http:");
  const found = await library
    .discovery(new URL(issuer), clientId, {}, library.None(), {
      timeout: patience,
      [library.customFetch]: fetch as never,
      ...(isPlain && { execute: [library.allowInsecureRequests] }),
    })
    .catch((cause: unknown) => {
      const detail =
        cause instanceof Error ? [cause, cause.cause].map(messageOf).filter(Boolean).join(": ") : "";
      throw new ProviderAway(`The provider ${issuer} cannot be used: ${detail}`, { cause });
    });
  const metadata = found.serverMetadata();
  const methods = metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const secretIn = methods.includes("client_secret_basic")
    ? library.ClientSecretBasic
    : library.ClientSecretPost;
  const authentication = clientSecret === undefined ? library.None() : secretIn(clientSecret);
  const options = { [library.clockTolerance]: clockTolerance };
  const configuration = new library.Configuration(metadata, clientId, options, authentication);
  configuration[library.customFetch] = fetch as never;
  configuration.timeout = patience;
  if (isPlain) library.allowInsecureRequests(configuration);
  return configuration;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : "");

/** Errors of the library that are answers of the provider. */
const answers = ["ResponseBodyError", "AuthorizationResponseError", "WWWAuthenticateChallengeError"];

/**
 * What an error of the library means: an answer other than an outage refuses, as does one that is not valid.
 * @throws ProviderRefused, ProviderAway
 */
export function refusal(error: unknown): never {
  const {
    name = "",
    status,
    code = "",
    error: word,
  } = error as Readonly<Partial<{ name: string; status: number; code: string; error: string }>>;
  const isOutage = status !== undefined && (status >= 500 || status === 429);
  if (answers.includes(name) && !isOutage)
    throw new ProviderRefused(`the provider answered ${word ?? status ?? code}`, { cause: error });
  if (name === "ClientError" && /^OAUTH_(?:JWT|INVALID_RESPONSE|RESPONSE)/.test(code) && status === undefined)
    throw new ProviderRefused("the provider's answer is not valid", { cause: error });
  throw new ProviderAway("The provider does not answer.", { cause: error });
}
