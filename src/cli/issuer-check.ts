/** Asks an OpenID provider what it publishes, as the server will when it gets one of its tokens. */
import { type Config, servesThisMachine } from "../config/config.ts";
import { userAgent } from "../config/version.ts";
import { userPoolNamed, withoutScheme } from "../domain/identity-pools/provider-names.ts";
import { createOutbound } from "../integrations/outbound.ts";
import type { Finding } from "../lib/finding.ts";
import type { Db } from "../store/db.ts";
import { listTrustedProviders } from "../store/trusted-providers.ts";
import { findEndpoint, readKeys } from "../verify/issuer.ts";
import { TokenError } from "../verify/token-error.ts";

/**
 * Why the tokens of an issuer cannot be verified at this moment: its configuration or its keys cannot be read (OpenID Connect
 * Discovery 1.0). Returns undefined if they can, or the issuer is a user pool of this server, which need not be asked.
 */
export async function issuerProblem(config: Config, issuer: string): Promise<string | undefined> {
  if (userPoolNamed(config, withoutScheme(issuer)) !== undefined) return undefined;
  const outbound = createOutbound({
    privateRanges: config.privateProviders,
    loopback: servesThisMachine(config),
    userAgent,
  });
  const fetch: Parameters<typeof findEndpoint>[0] = (url, { headers, signal }) =>
    outbound.fetch(url, { headers, signal });
  try {
    await readKeys(fetch, await findEndpoint(fetch, issuer, "jwks_uri"));
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { cause } = error;
    return cause instanceof Error ? `${error.message.replace(/\.$/, "")}: ${cause.message}` : error.message;
  } finally {
    await outbound.close();
  }
}

/** What `poolhouse doctor` says of the OpenID providers whose tokens are trusted: which of them cannot be asked. */
export async function providerFindings(db: Db, config: Config): Promise<Finding[]> {
  const providers = await listTrustedProviders(db);
  const found = await Promise.all(
    providers.map(async ({ kind, document }): Promise<Finding[]> => {
      if (kind !== "oidc") return [];
      const { url } = document;
      const problem = await issuerProblem(config, url);
      return problem === undefined ? [] : [{ ok: false, text: `the trusted provider ${url}: ${problem}` }];
    }),
  );
  return found.flat();
}
