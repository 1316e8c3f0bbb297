/** The provider's metadata, and the gateway's client there, as openid-client sees them. */
import type { Configuration } from "openid-client";
import type { GatewayProvider } from "../lib/gateway-settings.ts";

/** The provider does not answer, or not as one. */
export class ProviderAway extends Error {
  override name = "ProviderAway";
  /** Whether nobody gets an answer: there is no connection, none in time, or there are no metadata. Else others may get one. */
  readonly isForAll: boolean;

  constructor(message: string, options: ErrorOptions & { readonly isForAll?: boolean } = {}) {
    super(message, options);
    this.isForAll = options.isForAll ?? false;
  }
}

/** The provider refused: the code, or the refresh token, does not count. */
export class ProviderRefused extends Error {
  override name = "ProviderRefused";
  /** What it told the browser by `error` and `error_description` (RFC 6749 section 4.1.2.1). */
  readonly told: string | undefined;

  constructor(message: string, options: ErrorOptions & { readonly told?: string | undefined } = {}) {
    super(message, options);
    this.told = options.told;
  }
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
      const message = `The provider ${issuer} cannot be used: ${reasonsOf(cause)}`;
      throw new ProviderAway(message, { cause, isForAll: true });
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

/** The messages of an error and of what caused it; of an answer that was not understood, its status. */
export function reasonsOf(error: unknown): string {
  if (!(error instanceof Error)) {
    // A Response; the global class of that name may be somebody else's.
    const { status } = (error ?? {}) as { readonly status?: unknown };
    return typeof status === "number" ? String(status) : "";
  }
  return [error.message, reasonsOf(error.cause)].filter(Boolean).join(": ");
}

/** Errors of the library that are answers of the provider. */
const answers = ["ResponseBodyError", "AuthorizationResponseError", "WWWAuthenticateChallengeError"];

/** Error codes that say nothing about the request (RFC 6749 section 4.1.2.1). */
const passing = ["server_error", "temporarily_unavailable"];

/** The longest text of a provider that a page shows. Characters. */
const longestTold = 300;

/** Codes of the library for what browser and provider say and what contradicts what was asked for. */
const notValid = {
  /** What the browser brought back is checked, too. */
  redeem: /^OAUTH_(?:JWT|JSON_ATTRIBUTE|INVALID_RESPONSE)/,
  /** An answer that is none, such as the page of a proxy in between, says nothing about the session. */
  refresh: /^OAUTH_(?:JWT|JSON_ATTRIBUTE)/,
} as const;

/**
 * What an error of the library means: an OAuth error refuses unless it tells of an outage, as does an answer that
 * contradicts what was asked for.
 * @throws ProviderRefused, ProviderAway
 */
export function refusal(error: unknown, of: keyof typeof notValid): never {
  const { name, status, code = "", error: word = "", error_description: text } = error as LibraryError;
  const isOutage = (status !== undefined && (status >= 500 || status === 429)) || passing.includes(word);
  if (answers.includes(name) && !isOutage) {
    const told = name === "AuthorizationResponseError" ? [word, text].filter(Boolean).join(": ") : undefined;
    const answer = word === "" ? (status ?? code) : word;
    throw new ProviderRefused(`the provider answered ${answer}`, {
      cause: error,
      told: told?.slice(0, longestTold),
    });
  }
  if (name === "ClientError" && notValid[of].test(code))
    throw new ProviderRefused("the provider's answer is not valid", { cause: error });
  // The library passes the TypeError on by which `fetch` says that there was no connection.
  const isForAll = name === "TypeError" || code === "OAUTH_TIMEOUT";
  throw new ProviderAway("The provider does not answer.", { cause: error, isForAll });
}

interface LibraryError {
  readonly name: string;
  readonly status?: number;
  readonly code?: string;
  readonly error?: string;
  readonly error_description?: string;
}
