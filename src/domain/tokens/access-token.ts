/** Verifies access tokens ("Verifying JSON web tokens", Amazon Cognito Developer Guide; RFC 8725 on algorithms). */
import { type CryptoKey, decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Ctx } from "../../app.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import { CacheKind } from "../../lib/caches.ts";
import { isStorable } from "../../lib/text.ts";
import { type AccessClaims, readAccessState, type Session } from "../../store/token-state.ts";
import type { User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type Client, issuer, type Pool, settingsAt } from "../user-pools/load-pool.ts";
import { apiScope } from "./scope-claims.ts";
import { type SigningKey, signingKeys } from "./signing-keys.ts";

/** The user of a valid access token: verified, not expired or revoked, the user enabled, client and pool existing. */
export interface SignedIn {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  readonly session: Session;
  readonly scopes: readonly string[];
}

const invalid = (detail: string): never => refuse("NotAuthorizedException", "Invalid Access Token", detail);
const revoked = (): never => refuse("NotAuthorizedException", "Access Token has been revoked");
const expired = (): never => refuse("NotAuthorizedException", "Access Token has expired");

/**
 * Verifies an access token, and that its user, client and family are still valid. Revocation is read from the database
 * each time. Throws NotAuthorizedException (malformed, forged, foreign, expired, revoked, without the scope, user
 * disabled) and UserNotFoundException. Operations that do not declare the latter get the error for a revoked token.
 * @param options.scope the required scope: by default that of the API's operations; undefined accepts any
 */
export async function authorizeAccessToken(
  ctx: Ctx,
  token: string,
  options: { scope?: string | undefined; mayNameMissingUser: boolean },
): Promise<SignedIn> {
  const { mayNameMissingUser } = options;
  const scope = "scope" in options ? options.scope : apiScope;
  const digest = sha256Base64url(token);
  const known = ctx.app.caches.of(verifiedTokens).get(digest);
  const claimed = known ?? unverified(token);
  const state = await readAccessState(ctx.db, claimed);
  if (state === undefined) return invalid("no such client in the issuer's pool");
  const { session, user } = state;
  const settings = await settingsAt(ctx, claimed.clientId, { ...state, version: state.clientVersion });
  if (settings === undefined) return invalid("client or pool gone meanwhile");
  const { pool, client } = settings;
  const key = await publishedKey(ctx, pool, claimed.kid);
  const modulus = key.publicJwk["n"]!;
  if (known?.modulus !== modulus) {
    await verifySignature(ctx, pool, token, key.publicKey);
    ctx.app.caches.of(verifiedTokens).set(digest, { ...claimed, modulus });
  }
  assertCurrent(ctx, pool, claimed.payload);
  if (user === undefined) return mayNameMissingUser ? refuseFor("noSuchUser") : revoked();
  if (session === undefined || session.revokedAt !== undefined) return revoked();
  if (session.userId !== user.id || session.clientId !== client.id)
    return invalid("session of another user or client");
  if (!user.enabled) return refuseFor("disabled");
  const { scope: granted } = claimed.payload;
  const scopes = typeof granted === "string" ? granted.split(" ") : [];
  if (scope !== undefined && !scopes.includes(scope)) {
    return refuse("NotAuthorizedException", "Access Token does not have required scopes");
  }
  return { pool, client, user, session, scopes };
}

/** The unverified claims of a token; until its signature is verified they only select what it is compared with. */
interface Claimed extends AccessClaims {
  readonly kid: string;
  readonly payload: JWTPayload;
}

/** A verified token: the signature over these bytes stays valid for the key of this modulus. All else may change. */
interface Verified extends Claimed {
  readonly modulus: string;
}

/** Verified tokens by their SHA-256. */
const verifiedTokens = new CacheKind<Verified>(10_000);

function unverified(token: string): Claimed {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    const payload = decodeJwt(token);
    const { iss = "", client_id: clientId, event_id: familyId, sub: userId } = payload;
    // Every issuer ends with the pool's id.
    const poolId = iss.slice(iss.lastIndexOf("/") + 1);
    const complete = [kid, poolId, clientId, familyId, userId].every(
      (value) => typeof value === "string" && isStorable(value),
    );
    if (alg === "RS256" && complete) return { kid, poolId, clientId, familyId, userId, payload } as Claimed;
  } catch {
    // Not a JWT: refused below with the others.
  }
  return invalid("not an access token's header and claims");
}

/** The pool's own access token key with this kid; `jwk`, `jku` and `x5c` of the token are never read. */
async function publishedKey(ctx: Ctx, pool: Pool, kid: string): Promise<SigningKey> {
  const keys = await signingKeys(ctx, pool);
  const key = keys.find((one) => one.kid === kid && one.tokenUse === "access");
  return key ?? invalid("unknown kid, or that of ID tokens");
}

/** Checks use, issuer and time, which depend on when the token is used. */
function assertCurrent(ctx: Ctx, pool: Pool, payload: JWTPayload): void {
  if (payload["token_use"] !== "access") invalid("not an access token");
  if (payload.iss !== issuer(ctx.config, pool)) invalid("another issuer");
  if (typeof payload.exp !== "number" || payload.exp <= Math.floor(ctx.now / 1000)) expired();
}

async function verifySignature(ctx: Ctx, pool: Pool, token: string, key: CryptoKey): Promise<void> {
  try {
    await jwtVerify(token, key, {
      algorithms: ["RS256"],
      issuer: issuer(ctx.config, pool),
      currentDate: new Date(ctx.now),
      requiredClaims: ["exp", "iat", "sub", "client_id", "token_use"],
    });
  } catch (error) {
    if (error instanceof errors.JWTExpired) return expired();
    return invalid(error instanceof Error ? error.message : "unverifiable");
  }
}
