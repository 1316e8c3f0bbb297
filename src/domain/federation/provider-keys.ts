/** The keys that providers sign with (RFC 7517), and the signatures of their tokens (RFC 7515, RFC 7519). */
import {
  createLocalJWKSet,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { App, Ctx } from "../../app.ts";
import { publishedRedirects } from "../../integrations/outbound.ts";
import { utf8 } from "../../lib/bytes.ts";
import { CacheKind } from "../../lib/caches.ts";
import { clockSkew } from "../../lib/provider-clocks.ts";
import { PublishedKeys } from "../../verify/published-keys.ts";
import { typeOf } from "../../verify/token-use.ts";
import type { Provider } from "./provider.ts";
import { atProvider, ProviderMismatch } from "./provider-errors.ts";
import { versionKey } from "./provider-metadata.ts";

const keySets = new CacheKind<PublishedKeys>(2000);

/** How much the clocks of a provider and of this server may differ, in seconds. */
export const clockTolerance = clockSkew / 1000;

export interface Signer {
  readonly provider: Provider;
  readonly issuer: string;
  readonly jwksUri: string | undefined;
  /** The algorithms that are accepted. Those with a shared key take the client secret, never a published key. */
  readonly algorithms: readonly string[];
}

/** What is asked of a kind of token. */
export interface TokenKind {
  readonly name: string;
  /** The values of `typ` in the header, in lower case; none counts as `jwt`. */
  readonly types: readonly string[];
  readonly claims: readonly string[];
}

const idTokens: TokenKind = {
  name: "ID token",
  types: ["jwt", "id_token+jwt"],
  claims: ["iat", "exp", "sub"],
};

/**
 * The claims of a token that the provider signed for our client: its issuer and audience are right, and it has not
 * expired. If its key is unknown, the keys are read once more, since the provider may just have changed them. Errors are
 * those of `refuseProvider`.
 */
export function verifySigned(ctx: Ctx, signer: Signer, token: string, kind = idTokens): Promise<JWTPayload> {
  const { provider, issuer, algorithms } = signer;
  const checks = {
    algorithms: [...algorithms],
    issuer,
    audience: provider.details["client_id"] ?? "",
    clockTolerance,
    currentDate: new Date(ctx.now),
    requiredClaims: [...kind.claims],
  };
  return atProvider(provider, "keys", async () => {
    const keys = keysOf(ctx, signer);
    const keyFor: JWTVerifyGetKey = (header, input) =>
      header.alg?.startsWith("HS") ? utf8(provider.details["client_secret"] ?? "") : keys.find(header, input);
    await keys.load();
    const { payload, protectedHeader } = await jwtVerify(token, keyFor, checks);
    if (!kind.types.includes(typeOf(protectedHeader.typ)))
      throw new ProviderMismatch(`wrong typ of the ${kind.name}`);
    if ((payload.iat ?? 0) * 1000 > ctx.now + clockTolerance * 1000)
      throw new ProviderMismatch(`wrong iat in the ${kind.name}`);
    return payload;
  });
}

/** The keys of a provider, of one version of its settings. */
function keysOf(ctx: Ctx, { provider, jwksUri }: Signer): PublishedKeys {
  if (!jwksUri) throw new ProviderMismatch("there is no jwks uri");
  const cache = ctx.app.caches.of(keySets);
  const name = `${versionKey(provider)} ${jwksUri}`;
  const known = cache.get(name);
  if (known !== undefined) return known;
  const { outbound, clock } = ctx.app;
  const keys = new PublishedKeys(() => fetchKeys(outbound, jwksUri), { now: clock });
  cache.set(name, keys);
  return keys;
}

async function fetchKeys(outbound: App["outbound"], jwksUri: string): Promise<JSONWebKeySet> {
  const response = await outbound.fetch(jwksUri, {
    headers: { accept: "application/json, application/jwk-set+json" },
    redirects: publishedRedirects,
  });
  if (response.status !== 200) throw new UnexpectedStatus(response.status);
  const set = (await response.json().catch(() => undefined)) as JSONWebKeySet | undefined;
  try {
    createLocalJWKSet(set ?? { keys: [] });
  } catch {
    throw new ProviderMismatch("the jwks uri has no key set");
  }
  return set ?? { keys: [] };
}

/** An answer with another status than was expected. */
class UnexpectedStatus extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}
