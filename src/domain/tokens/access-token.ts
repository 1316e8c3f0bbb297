/** Takes access tokens back: whose it is, or a refusal (AWS: "Verifying JSON web tokens"; RFC 8725 on algorithms). */
import { type CryptoKey, decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Ctx } from "../../app.ts";
import { sha256, toBase64url } from "../../lib/bytes.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readAccessState, type Session } from "../../store/sessions.ts";
import type { User } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { type Client, issuer, type Pool, settingsAt } from "../pools/settings.ts";
import { apiScope } from "./issue.ts";
import { signingKeys } from "./keys.ts";

/** Whose access token it is; verified, unexpired, unrevoked, its user enabled, its client and pool existing. */
export interface SignedIn {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  readonly session: Session;
  readonly scopes: readonly string[];
}

const invalid = (detail: string): never => refuse("NotAuthorizedException", "Invalid Access Token", detail);
const expired = (): never => refuse("NotAuthorizedException", "Access Token has expired");

/**
 * Verifies an access token and that what it stands for still stands. Revocation is read from the database each time.
 * Throws NotAuthorizedException (malformed, forged, foreign, expired, revoked, without the scope, user disabled) and
 * UserNotFoundException.
 */
export async function authorizeAccessToken(ctx: Ctx, token: string, scope = apiScope): Promise<SignedIn> {
  const digest = toBase64url(sha256(token));
  const known = ctx.app.caches.verifiedTokens.get(digest)?.value as Claimed | undefined;
  const claimed = known ?? unverified(token);
  const state = await readAccessState(ctx.db, claimed);
  if (state === undefined) return invalid("unknown client");
  const { session, user } = state;
  const settings = await settingsAt(ctx, claimed.clientId, { ...state, version: state.clientVersion });
  if (settings === undefined) return invalid("client or pool gone meanwhile");
  const { pool, client } = settings;
  const payload = await verified(ctx, pool, claimed, known === undefined ? token : undefined);
  if (known === undefined) ctx.app.caches.verifiedTokens.set(digest, { value: { ...claimed, payload } });
  if (user === undefined) return refuse("UserNotFoundException", "User does not exist.");
  if (session === undefined || session.revokedAt !== undefined) {
    return refuse("NotAuthorizedException", "Access Token has been revoked");
  }
  if (session.userId !== user.id || session.clientId !== client.id)
    return invalid("session of another user or client");
  if (!user.enabled) return refuse("NotAuthorizedException", "User is disabled.");
  const scopes = typeof payload["scope"] === "string" ? payload["scope"].split(" ") : [];
  if (!scopes.includes(scope)) {
    return refuse("NotAuthorizedException", "Access Token does not have required scopes");
  }
  return { pool, client, user, session, scopes };
}

/** What a token says of itself. Its words only choose what to compare it with, until its signature is verified. */
interface Claimed {
  readonly kid: string;
  readonly clientId: string;
  readonly familyId: string;
  readonly userId: string;
  readonly payload: JWTPayload;
}

function unverified(token: string): Claimed {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    const payload = decodeJwt(token);
    const { client_id: clientId, event_id: familyId, sub: userId } = payload;
    const complete = [kid, clientId, familyId, userId].every((value) => typeof value === "string");
    if (alg === "RS256" && complete) return { kid, clientId, familyId, userId, payload } as Claimed;
  } catch {
    // Not a JWT at all: refused below with the others.
  }
  return invalid("not an access token's header and claims");
}

/**
 * Checks key, signature, issuer, use and time. The key is the pool's own access-token key of the named kid, the
 * algorithm is fixed, and `jwk`, `jku` and `x5c` are never read. `token` is undefined when the signature of these very
 * bytes was verified before: that cannot change, but whether the key is still the pool's, the issuer and the time can.
 */
async function verified(
  ctx: Ctx,
  pool: Pool,
  claimed: Claimed,
  token: string | undefined,
): Promise<JWTPayload> {
  const keys = await signingKeys(ctx, pool);
  const key = keys.find(({ kid, tokenUse }) => kid === claimed.kid && tokenUse === "access");
  if (key === undefined) return invalid("unknown kid, or that of ID tokens");
  const payload =
    token === undefined ? claimed.payload : await verifySignature(ctx, pool, token, key.publicKey);
  if (payload["token_use"] !== "access") return invalid("not an access token");
  if (payload.iss !== issuer(ctx.config, pool)) return invalid("another issuer");
  if (typeof payload.exp !== "number" || payload.exp <= Math.floor(ctx.now / 1000)) return expired();
  return payload;
}

async function verifySignature(ctx: Ctx, pool: Pool, token: string, key: CryptoKey): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["RS256"],
      issuer: issuer(ctx.config, pool),
      currentDate: new Date(ctx.now),
      requiredClaims: ["exp", "iat", "sub", "client_id", "token_use"],
    });
    return payload;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof errors.JWTExpired) return expired();
    return invalid(error instanceof Error ? error.message : "unverifiable");
  }
}
