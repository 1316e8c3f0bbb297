/**
 * tokens: what is issued after a sign-in, and what comes back as proof of it. This file keeps a pool's signing keys:
 * two RSA keys of 2048 bits, one signs ID tokens, the other access tokens (AWS: "Verifying JSON web tokens").
 */
import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8 } from "jose";
import type { Ctx } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
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
  /** Absent once the key signs no more. */
  readonly privateKey: CryptoKey | undefined;
  readonly activeFrom: number;
  readonly retiredAt: number | undefined;
}

/** How long imported keys are kept at most, so that a private half which was destroyed leaves the memory too. Ms. */
const keptFor = 60_000;

/**
 * The pool's published keys; its first two are made on first use. They are kept by the pool's version, which every
 * request reads and every rotation raises: what another server added or revoked is known with the next request.
 */
export async function signingKeys(ctx: Ctx, pool: Pool): Promise<readonly SigningKey[]> {
  const keys = await keysOf(ctx, pool);
  return keys.filter((key) => key.retiredAt === undefined || key.retiredAt > ctx.now);
}

function keysOf(ctx: Ctx, pool: Pool): Promise<readonly SigningKey[]> {
  const cache = ctx.app.caches.signingKeys;
  // A pool that was deleted and made again under a pinned id has other keys.
  const name = `${pool.id}/${pool.createdAt}`;
  const cached = cache.get(name);
  if (cached !== undefined && cached.version === pool.version && cached.until > ctx.now)
    return cached.value as Promise<readonly SigningKey[]>;
  const value = loadKeys(ctx, pool);
  const entry = { version: pool.version, until: ctx.now + keptFor, value };
  cache.set(name, entry);
  value.catch(() => {
    if (cache.get(name) === entry) cache.delete(name);
  });
  return value;
}

export interface Signer {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** The key that signs now: of the active ones the newest. */
export async function signingKey(ctx: Ctx, pool: Pool, tokenUse: TokenUse): Promise<Signer> {
  const keys = await signingKeys(ctx, pool);
  const able = keys.flatMap(({ tokenUse: use, kid, activeFrom, privateKey }) =>
    use === tokenUse && privateKey !== undefined ? [{ kid, activeFrom, privateKey }] : [],
  );
  // The first when this server's clock is behind the one by which the only key was made.
  const newest = able.findLast((key) => key.activeFrom <= ctx.now) ?? able[0];
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
  // Not from now: requests that came a moment earlier, or whose server's clock is behind, sign with it as well.
  const times = { createdAt: ctx.now, activeFrom: pool.createdAt };
  await insertSigningKey(ctx.db, pool.id, await makeSigningKey(kid, tokenUse, times));
}

/** A new pair of 2048 bits that is in no database yet. */
export async function makeSigningKey(
  kid: string,
  tokenUse: TokenUse,
  times: { createdAt: number; activeFrom: number },
): Promise<NewSigningKey> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", {
    modulusLength: 2048,
    extractable: true,
  });
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

async function importKey(row: SigningKeyRow): Promise<SigningKey> {
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
