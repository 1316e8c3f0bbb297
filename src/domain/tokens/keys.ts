/**
 * tokens: what is issued after a sign-in, and what comes back as proof of it. This file keeps a pool's signing keys:
 * two RSA keys of 2048 bits, one signs ID tokens, the other access tokens (AWS: "Verifying JSON web tokens").
 */
import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8 } from "jose";
import type { Ctx } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import { insertSigningKey, readSigningKeys, type SigningKeyRow } from "../../store/signing-keys.ts";
import { noSuchPool, type Pool } from "../pools/settings.ts";

export type TokenUse = "id" | "access";

export interface SigningKey {
  readonly kid: string;
  readonly tokenUse: TokenUse;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
  readonly activeFrom: number;
}

/** How long imported keys are kept before the table is read again; a new key signs later than that. Milliseconds. */
const keptFor = 60_000;

/** The pool's published keys; its first two are made on first use. */
export async function signingKeys(ctx: Ctx, pool: Pool): Promise<readonly SigningKey[]> {
  const cache = ctx.app.caches.signingKeys;
  // A pool that was deleted and made again under a pinned id has other keys.
  const name = `${pool.id}/${pool.createdAt}`;
  const cached = cache.get(name);
  if (cached !== undefined && cached.until > ctx.now) return (await cached.value) as readonly SigningKey[];
  const value = loadKeys(ctx, pool);
  cache.set(name, { until: ctx.now + keptFor, value });
  value.catch(() => cache.delete(name));
  return value;
}

/** The key that signs now: of the active ones the newest. */
export async function signingKey(ctx: Ctx, pool: Pool, tokenUse: TokenUse): Promise<SigningKey> {
  const keys = await signingKeys(ctx, pool);
  const ofUse = keys.filter((key) => key.tokenUse === tokenUse);
  const newest = ofUse.findLast((key) => key.activeFrom <= ctx.now) ?? ofUse[0];
  // There is none only when the pool was deleted meanwhile.
  return newest ?? noSuchPool(pool.id);
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

/** The first key of each use has a kid that follows from the pool, so that only one can be inserted. */
async function makeFirstKey(ctx: Ctx, pool: Pool, tokenUse: TokenUse): Promise<void> {
  const kid = toBase64url(ctx.db.sealer.mac("first-signing-key", pool.id, String(pool.createdAt), tokenUse));
  const { publicKey, privateKey } = await generateKeyPair("RS256", {
    modulusLength: 2048,
    extractable: true,
  });
  const jwk = await exportJWK(publicKey);
  const pem = await exportPKCS8(privateKey);
  await insertSigningKey(ctx.db, pool.id, {
    kid,
    tokenUse,
    publicJwk: { alg: "RS256", e: jwk.e!, kid, kty: "RSA", n: jwk.n!, use: "sig" },
    privateKey: Buffer.from(pem, "utf8"),
    createdAt: ctx.now,
    // Not from now: requests that came a moment earlier, or whose server's clock is behind, sign with it as well.
    activeFrom: pool.createdAt,
    retiredAt: undefined,
  });
}

async function importKey(row: SigningKeyRow): Promise<SigningKey> {
  return {
    kid: row.kid,
    tokenUse: row.tokenUse,
    publicJwk: row.publicJwk,
    publicKey: (await importJWK(row.publicJwk, "RS256")) as CryptoKey,
    privateKey: await importPKCS8(Buffer.from(row.privateKey).toString("utf8"), "RS256"),
    activeFrom: row.activeFrom,
  };
}
