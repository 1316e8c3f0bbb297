/**
 * tokens: what is issued after a sign-in and presented as proof of it later. This file manages a pool's signing keys:
 * two 2048-bit RSA keys, one for ID tokens and one for access tokens ("Verifying JSON web tokens", Amazon Cognito
 * Developer Guide).
 */
import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8 } from "jose";
import type { App, Ctx, SigningPair } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import { CacheKind } from "../../lib/caches.ts";
import {
  insertSigningKey,
  type NewSigningKey,
  readSigningKeys,
  type SigningKeyRow,
} from "../../store/signing-keys.ts";
import { noSuchPool, type Pool } from "../user-pools/load-pool.ts";

export type TokenUse = "id" | "access";

export interface SigningKey {
  readonly kid: string;
  readonly tokenUse: TokenUse;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly publicKey: CryptoKey;
  /** Absent once the key no longer signs. */
  readonly privateKey: CryptoKey | undefined;
  readonly activeFrom: number;
  readonly retiredAt: number | undefined;
}

/** How long imported keys are cached at most, so that a destroyed private half also leaves the memory. Milliseconds. */
const keptFor = 60_000;

/** Keys by pool and its creation time, as of the pool's version. */
export const importedKeys = new CacheKind<{
  readonly version: number;
  readonly until: number;
  readonly keys: Promise<readonly SigningKey[]>;
}>(10_000);

/**
 * The pool's published keys; the first two are created on first use. Cached by the pool's version, which every request
 * reads and every rotation increments: changes by another server are seen at the next request.
 */
export async function signingKeys(ctx: Ctx, pool: Pool): Promise<readonly SigningKey[]> {
  const keys = await keysOf(ctx, pool);
  return keys.filter((key) => key.retiredAt === undefined || key.retiredAt > ctx.now);
}

function keysOf(ctx: Ctx, pool: Pool): Promise<readonly SigningKey[]> {
  const cache = ctx.app.caches.of(importedKeys);
  // A pool that was deleted and created again under a pinned id has other keys.
  const name = `${pool.id}/${pool.createdAt}`;
  const cached = cache.get(name);
  if (cached !== undefined && cached.version === pool.version && cached.until > ctx.now) return cached.keys;
  const keys = loadKeys(ctx, pool);
  const entry = { version: pool.version, until: ctx.now + keptFor, keys };
  cache.set(name, entry);
  keys.catch(() => {
    if (cache.get(name) === entry) cache.delete(name);
  });
  return keys;
}

export interface Signer {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** The key that signs now: the newest active one. */
export async function signingKey(ctx: Ctx, pool: Pool, tokenUse: TokenUse): Promise<Signer> {
  const keys = await signingKeys(ctx, pool);
  // There is none only if the pool was deleted in the meantime.
  return newestSigner(keys, tokenUse, ctx.now) ?? noSuchPool(pool.id);
}

/** The newest active key of a use, if there is any. @param keys oldest first */
export function newestSigner(
  keys: readonly SigningKey[],
  tokenUse: TokenUse,
  now: number,
): Signer | undefined {
  const able = keys.flatMap(({ tokenUse: use, kid, activeFrom, privateKey }) =>
    use === tokenUse && privateKey !== undefined ? [{ kid, activeFrom, privateKey }] : [],
  );
  // Falls back to the first if this server's clock is behind that of the server that created the only key.
  return able.findLast((key) => key.activeFrom <= now) ?? able[0];
}

async function loadKeys(ctx: Ctx, pool: Pool): Promise<readonly SigningKey[]> {
  let rows = await readSigningKeys(ctx.db, pool.id, ctx.now);
  const missing = (["id", "access"] as const).filter((use) => !rows.some((row) => row.tokenUse === use));
  if (missing.length > 0) {
    await Promise.all(missing.map((use) => makeFirstKey(ctx, pool, use)));
    rows = await readSigningKeys(ctx.db, pool.id, ctx.now);
  }
  return Promise.all(rows.map(importKey));
}

/** Creates the first key of a use. Its kid is derived from the pool, so that only one can be inserted. */
async function makeFirstKey(ctx: Ctx, pool: Pool, tokenUse: TokenUse): Promise<void> {
  const kid = toBase64url(ctx.db.sealer.mac("first-signing-key", pool.id, String(pool.createdAt), tokenUse));
  // Active since before now: slightly earlier requests, or those of servers whose clock is behind, use it as well.
  const times = { createdAt: ctx.now, activeFrom: pool.createdAt };
  await insertSigningKey(ctx.db, pool.id, await makeSigningKey(ctx.app, kid, tokenUse, times));
}

/** Generates a key pair for RS256 of 2048 bits, which takes about 50 ms of a processor, on another thread. */
export function generateSigningPair(): Promise<SigningPair> {
  return generateKeyPair("RS256", { modulusLength: 2048, extractable: true });
}

/** Creates a key that is not stored yet. */
export async function makeSigningKey(
  app: Pick<App, "newSigningPair">,
  kid: string,
  tokenUse: TokenUse,
  times: { createdAt: number; activeFrom: number },
): Promise<NewSigningKey> {
  return keyOfPair(await app.newSigningPair(), kid, tokenUse, times);
}

/** The stored form of a key pair that was just generated. */
export async function keyOfPair(
  { publicKey, privateKey }: SigningPair,
  kid: string,
  tokenUse: TokenUse,
  times: { createdAt: number; activeFrom: number },
): Promise<NewSigningKey> {
  const jwk = await exportJWK(publicKey);
  const pem = await exportPKCS8(privateKey);
  return {
    kid,
    tokenUse,
    publicJwk: { alg: "RS256", e: jwk.e!, kid, kty: "RSA", n: jwk.n!, use: "sig" },
    privateKey: Buffer.from(pem, "utf8"),
    ...times,
  };
}

/** The keys of a stored row. */
export async function importKey(row: SigningKeyRow): Promise<SigningKey> {
  return {
    kid: row.kid,
    tokenUse: row.tokenUse,
    publicJwk: row.publicJwk,
    publicKey: (await importJWK(row.publicJwk, "RS256")) as CryptoKey,
    privateKey: row.privateKey && (await importPKCS8(Buffer.from(row.privateKey).toString("utf8"), "RS256")),
    activeFrom: row.activeFrom,
    retiredAt: row.retiredAt,
  };
}
