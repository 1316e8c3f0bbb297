/** Verifies a pool's ID tokens where they prove who a user is: in the logins of identity pools. */
import { compactVerify, decodeJwt, decodeProtectedHeader, type JWTPayload } from "jose";
import type { Ctx } from "../../app.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import { CacheKind } from "../../lib/caches.ts";
import { readAccessState } from "../../store/token-state.ts";
import { issuer, type Pool } from "../user-pools/load-pool.ts";
import { type SigningKey, signingKeys } from "./signing-keys.ts";

export type IdTokenFault = "expired" | "issuer" | "invalid";

/** The claims of a valid ID token of this pool, for whichever client; or why it is not valid. */
export async function verifyIdToken(ctx: Ctx, pool: Pool, token: string): Promise<JWTPayload | IdTokenFault> {
  try {
    const { kid } = decodeProtectedHeader(token);
    const key = (await signingKeys(ctx, pool)).find((one) => one.kid === kid && one.tokenUse === "id");
    if (key === undefined) return "invalid";
    await assertSigned(ctx, key, token);
    const claims = decodeJwt(token);
    return faultOf(ctx, pool, claims) ?? claims;
  } catch {
    return "invalid";
  }
}

/**
 * The moduli of the keys that signed tokens, by the tokens' SHA-256: applications show one token several times, for their
 * identity's id and then for its credentials. Everything else about a token is checked each time.
 */
const verifiedTokens = new CacheKind<string>(10_000);

/** Throws an error of jose unless the key signed the token. */
async function assertSigned(ctx: Ctx, key: SigningKey, token: string): Promise<void> {
  const cache = ctx.app.caches.of(verifiedTokens);
  const digest = sha256Base64url(token);
  const modulus = key.publicJwk["n"]!;
  if (cache.get(digest) === modulus) return;
  await compactVerify(token, key.publicKey, { algorithms: ["RS256"] });
  cache.set(digest, modulus);
}

/** What is wrong with the claims of a token that is signed. */
function faultOf(
  { config, now }: Ctx,
  pool: Pool,
  { iss, sub, aud, exp, iat, token_use: use }: JWTPayload,
): IdTokenFault | undefined {
  const isComplete = [sub, aud].every((claim) => typeof claim === "string") && typeof iat === "number";
  if (!isComplete || use !== "id") return "invalid";
  if (iss !== issuer(config, pool)) return "issuer";
  return typeof exp === "number" && exp > Math.floor(now / 1000) ? undefined : "expired";
}

/** Whether the user of a verified ID token still exists, is enabled, and has not ended the session that it is from. */
export async function isStillValid(
  ctx: Ctx,
  pool: Pool,
  { aud, sub, ...claims }: JWTPayload,
): Promise<boolean> {
  const familyId = claims["event_id"];
  if (typeof aud !== "string" || sub === undefined || typeof familyId !== "string") return false;
  const state = await readAccessState(ctx.db, { poolId: pool.id, clientId: aud, familyId, userId: sub });
  if (state?.user?.enabled !== true || state.session === undefined) return false;
  const { session } = state;
  return session.revokedAt === undefined && session.userId === sub && session.clientId === aud;
}
