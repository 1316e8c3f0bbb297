/** The keys that providers sign with (RFC 7517), and the signatures of their tokens (RFC 7515, RFC 7519). */
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { Ctx } from "../../app.ts";
import { publishedRedirects } from "../../integrations/outbound.ts";
import { utf8 } from "../../lib/bytes.ts";
import { CacheKind } from "../../lib/caches.ts";
import type { Provider } from "./provider.ts";
import { atProvider, ProviderMismatch } from "./provider-errors.ts";
import { versionKey } from "./provider-metadata.ts";

type FindKey = ReturnType<typeof createLocalJWKSet>;

interface Keys {
  readonly find: Promise<FindKey>;
  /** Epoch milliseconds. */
  readonly until: number;
  /** Epoch milliseconds before which no unknown key makes us ask again. */
  readonly quietUntil: number;
}

const keySets = new CacheKind<Keys>(2000);

/** How long a key set counts. */
const freshMs = 10 * 60_000;

/** How often unknown keys may make us ask again: whoever sends tokens chooses the names of keys in them. */
const quietMs = 10_000;

/** How much the clocks of a provider and of this server may differ, in seconds. */
export const clockTolerance = 180;

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
  const verify = async (find: FindKey) => {
    const keyFor: JWTVerifyGetKey = (header, input) =>
      header.alg?.startsWith("HS") ? utf8(provider.details["client_secret"] ?? "") : find(header, input);
    const { payload, protectedHeader } = await jwtVerify(token, keyFor, checks);
    if (!kind.types.includes((protectedHeader.typ ?? "JWT").toLowerCase().replace("application/", "")))
      throw new ProviderMismatch(`wrong typ of the ${kind.name}`);
    if ((payload.iat ?? 0) * 1000 > ctx.now + clockTolerance * 1000)
      throw new ProviderMismatch(`wrong iat in the ${kind.name}`);
    return payload;
  };
  return atProvider(provider, "keys", async () => {
    try {
      return await verify(await keysOf(ctx, signer));
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return verify(await keysOf(ctx, signer, "again"));
    }
  });
}

function keysOf(ctx: Ctx, { provider, jwksUri }: Signer, again?: "again"): Promise<FindKey> {
  if (!jwksUri) throw new ProviderMismatch("there is no jwks uri");
  const cache = ctx.app.caches.of(keySets);
  const key = `${versionKey(provider)} ${jwksUri}`;
  const known = cache.get(key);
  if (known !== undefined && ctx.now < (again ? known.quietUntil : known.until)) return known.find;
  const find = fetchKeys(ctx, jwksUri);
  const quietUntil = again ? ctx.now + quietMs : (known?.quietUntil ?? 0);
  cache.set(key, { find, until: ctx.now + freshMs, quietUntil });
  return find.catch((error: unknown) => {
    if (cache.get(key)?.find === find) {
      // Keys that still count are not lost to a search for an unknown one, and the search is not repeated at once.
      if (again && known !== undefined) cache.set(key, { ...known, quietUntil });
      else cache.delete(key);
    }
    throw error;
  });
}

async function fetchKeys(ctx: Ctx, jwksUri: string): Promise<FindKey> {
  const response = await ctx.app.outbound.fetch(jwksUri, {
    headers: { accept: "application/json, application/jwk-set+json" },
    redirects: publishedRedirects,
  });
  if (response.status !== 200) throw new UnexpectedStatus(response.status);
  const set = (await response.json().catch(() => undefined)) as JSONWebKeySet | undefined;
  try {
    return createLocalJWKSet(set ?? { keys: [] });
  } catch {
    throw new ProviderMismatch("the jwks uri has no key set");
  }
}

/** An answer with another status than was expected. */
class UnexpectedStatus extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}
