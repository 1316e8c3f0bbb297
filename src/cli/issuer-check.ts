/** Asks an OpenID provider what it publishes, as the server will when it gets one of its tokens. */
import type { Config } from "../config/config.ts";
import { userPoolNamed, withoutScheme } from "../domain/identity-pools/provider-names.ts";
import { findEndpoint, readKeys } from "../verify/issuer.ts";
import { TokenError } from "../verify/token-error.ts";
import { withOutbound } from "./with-outbound.ts";

/**
 * Why the tokens of an issuer cannot be verified at this moment: its configuration or its keys cannot be read (OpenID Connect
 * Discovery 1.0). Returns undefined if they can, or the issuer is a user pool of this server, which need not be asked.
 */
export async function issuerProblem(config: Config, issuer: string): Promise<string | undefined> {
  if (userPoolNamed(config, withoutScheme(issuer)) !== undefined) return undefined;
  return withOutbound(config, async (outbound) => {
    const fetch: Parameters<typeof findEndpoint>[0] = (url, { headers, signal }) =>
      outbound.fetch(url, { headers, signal });
    try {
      await readKeys(fetch, await findEndpoint(fetch, issuer, "jwks_uri"));
      return undefined;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      const { cause } = error;
      return cause instanceof Error ? `${error.message.replace(/\.$/, "")}: ${cause.message}` : error.message;
    }
  });
}
