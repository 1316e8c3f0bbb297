/** Verifies ID tokens of issuers that are not here, by what they publish. */
import type { Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { createVerifier, TokenError, type Verifier } from "../../verify/index.ts";
import { refuse } from "../../wire/refuse.ts";
import { refuseLogin } from "./login.ts";

/** An issuer, and the clients whose tokens are accepted. */
export interface Issuer {
  readonly issuer: string;
  readonly clientIds: readonly string[];
}

/** Verifiers with the keys of their issuers, by issuer and clients. */
const verifiers = new CacheKind<Verifier>(500);

function verifierOf({ app }: Ctx, { issuer, clientIds }: Issuer): Verifier {
  const cache = app.caches.of(verifiers);
  const key = JSON.stringify([issuer, clientIds]);
  let verifier = cache.get(key);
  if (verifier === undefined) {
    const options = { issuer, clientId: clientIds, use: "id", algorithms } as const;
    verifier = createVerifier(options, {
      fetch: (url, { headers, signal }) => app.outbound.fetch(url, { headers, signal }),
      now: app.clock,
    });
    cache.set(key, verifier);
  }
  return verifier;
}

/** As OpenID providers sign; never with a key that is shared. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

/** The verified claims of an ID token, and the client that it was issued to. Throws as documented for logins. */
export async function verifyForeignToken(
  ctx: Ctx,
  issuer: Issuer,
  token: string,
): Promise<{
  readonly subject: string;
  readonly clientId: string;
  readonly claims: Readonly<Record<string, unknown>>;
}> {
  try {
    const { subject, clientId, claims } = await verifierOf(ctx, issuer).verify(token);
    return { subject, clientId: clientId!, claims };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { problem, message } = error;
    if (problem === "unavailable")
      return refuse("ExternalServiceException", "The identity provider cannot be reached.", message);
    if (problem === "expired" || problem === "issuer" || problem === "audience")
      return refuseLogin(problem, message);
    return refuseLogin("invalid", message);
  }
}
