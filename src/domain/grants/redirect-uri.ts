/** The redirect URIs of a client: those that it has registered, compared byte by byte. */
import { isStrict } from "../user-pools/client-tags.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { requireOAuth } from "./client.ts";
import { refuseOAuth } from "./oauth-error.ts";

/** The redirect URI of a request. Errors are shown to the developer on a page of ours. */
export function redirectUriOf(pool: Pool, client: Client, given: string | undefined): string {
  requireOAuth(client);
  const { DefaultRedirectURI } = client.document;
  if (given === undefined && DefaultRedirectURI !== undefined) return DefaultRedirectURI;
  if (given === undefined)
    return refuseOAuth("invalid_request", "Required parameter redirect_uri is not present.");
  if (isCallback(pool, client, given)) return given;
  return refuseOAuth("redirect_mismatch", "The redirect_uri is not registered for the client.");
}

/**
 * Whether the URI is one of CallbackURLs. Native applications listen on whatever port is free: for clients that want the
 * standard, the port of a loopback address does not matter (RFC 8252 section 7.3).
 */
export function isCallback(pool: Pool, client: Client, uri: string): boolean {
  const { CallbackURLs = [] } = client.document;
  if (CallbackURLs.includes(uri)) return true;
  const asked = isStrict(pool, client) ? withoutPort(uri) : undefined;
  return asked !== undefined && CallbackURLs.some((one) => withoutPort(one) === asked);
}

/** A URI at a loopback address without its port; undefined for other URIs. A name could lead to another machine. */
function withoutPort(uri: string): string | undefined {
  const [, host, rest] = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?((?:[/?].*)?)$/.exec(uri) ?? [];
  return host !== undefined && URL.canParse(uri) ? `${host}${rest}` : undefined;
}
