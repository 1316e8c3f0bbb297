/** Takes access tokens back: whose it is, or a refusal (AWS: "Verifying JSON web tokens"; RFC 8725 on algorithms). */
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readFamily, type TokenFamily } from "../../store/token-families.ts";
import { readUser, type User } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { type Client, issuer, loadClient, type Pool } from "../pools/settings.ts";
import { apiScope } from "./issue.ts";
import { signingKeys } from "./keys.ts";

/** Whose access token it is; verified, unexpired, unrevoked, its user enabled, its client and pool existing. */
export interface SignedIn {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  readonly family: TokenFamily;
  readonly scopes: readonly string[];
}

const invalid = (detail: string): never => refuse("NotAuthorizedException", "Invalid Access Token", detail);

/**
 * Verifies an access token and that what it stands for still stands. Revocation is read from the database each time.
 * Throws NotAuthorizedException (malformed, forged, foreign, expired, revoked, without the scope, user disabled) and
 * UserNotFoundException.
 */
export async function authorizeAccessToken(ctx: Ctx, token: string, scope = apiScope): Promise<SignedIn> {
  const { pool, client, payload } = await verifyAccessToken(ctx, token);
  const scopes = typeof payload["scope"] === "string" ? payload["scope"].split(" ") : [];
  const familyId = payload["event_id"];
  if (typeof familyId !== "string" || typeof payload.sub !== "string") return invalid("no event_id or sub");
  const [family, user] = await Promise.all([
    readFamily(ctx.db, pool.id, familyId),
    readUser(ctx.db, pool.id, payload.sub),
  ]);
  if (user === undefined) return refuse("UserNotFoundException", "User does not exist.");
  if (family === undefined || family.revokedAt !== undefined) {
    return refuse("NotAuthorizedException", "Access Token has been revoked");
  }
  if (family.userId !== user.id || family.clientId !== client.id)
    return invalid("family of another user or client");
  if (!user.enabled) return refuse("NotAuthorizedException", "User is disabled.");
  if (!scopes.includes(scope)) {
    return refuse("NotAuthorizedException", "Access Token does not have required scopes");
  }
  return { pool, client, user, family, scopes };
}

/**
 * Checks signature, issuer, use and time. The token's own words only choose which client's pool to ask; the key is that
 * pool's own access-token key of the named kid, the algorithm is fixed, and `jwk`, `jku` and `x5c` are never read.
 */
async function verifyAccessToken(
  ctx: Ctx,
  token: string,
): Promise<{ pool: Pool; client: Client; payload: JWTPayload }> {
  const { clientId, kid } = unverified(token);
  const { pool, client } = await loadClient(ctx, clientId).catch((error: unknown) =>
    error instanceof Refusal && error.code === "ResourceNotFoundException"
      ? invalid("unknown client")
      : Promise.reject(error),
  );
  const key = (await signingKeys(ctx, pool)).find(
    (known) => known.kid === kid && known.tokenUse === "access",
  );
  if (key === undefined) return invalid("unknown kid, or that of ID tokens");
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ["RS256"],
      issuer: issuer(ctx.config, pool),
      currentDate: new Date(ctx.now),
      requiredClaims: ["exp", "iat", "sub", "client_id", "token_use"],
    });
    if (payload["token_use"] !== "access") return invalid("not an access token");
    return { pool, client, payload };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof errors.JWTExpired)
      return refuse("NotAuthorizedException", "Access Token has expired");
    return invalid(error instanceof Error ? error.message : "unverifiable");
  }
}

function unverified(token: string): { clientId: string; kid: string } {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    const clientId = decodeJwt(token)["client_id"];
    if (alg === "RS256" && typeof kid === "string" && typeof clientId === "string") return { clientId, kid };
  } catch {
    // Not a JWT at all: refused below with the others.
  }
  return invalid("not an access token's header and claims");
}
