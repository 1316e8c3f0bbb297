/**
 * Refreshing and revoking tokens ("Refresh tokens", "Refresh token rotation", "Revoking tokens", Amazon Cognito
 * Developer Guide; RFC 9700 section 4.14).
 */
import type { Ctx } from "../../app.ts";
import { endBrowserSession } from "../../store/browser-sessions.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { findDevice } from "../../store/devices.ts";
import { isProviderSince } from "../../store/identity-providers.ts";
import { readFamily, revokeFamily, rotateFamily, type TokenFamily } from "../../store/token-families.ts";
import { originOf } from "../../store/token-sessions.ts";
import { readFamilyAndUser } from "../../store/token-state.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { recordCredentialChange } from "../audit/credential.ts";
import { allowsCodeFlow, remainingScopes } from "../user-pools/client-scopes.ts";
import { rotatesRefreshTokens } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { tracksSessions } from "../user-pools/session-settings.ts";
import { tracksDevices } from "./device-keys.ts";
import { shapeTokens, signTokens } from "./mint.ts";
import {
  isRefreshTokenOf,
  makeRefreshToken,
  type RefreshTokenParts,
  readRefreshToken,
} from "./refresh-token.ts";
import { noteRefresh } from "./session-tracking.ts";

const invalid = (): never => refuse("NotAuthorizedException", "Invalid Refresh Token.");
const revoked = (): never => refuse("NotAuthorizedException", "Refresh Token has been revoked");

/** A refresh token presented by a client, with its family and user. */
export interface PresentedToken {
  readonly pool: Pool;
  readonly client: Client;
  readonly family: TokenFamily;
  /** Undefined if the user has been deleted. */
  readonly user: User | undefined;
  readonly parts: RefreshTokenParts;
}

/**
 * Reads a refresh token and its family. Throws NotAuthorizedException if it is malformed, unknown or another client's;
 * `refreshTokens` checks whether it is still valid.
 */
export async function readPresented(
  ctx: Ctx,
  { pool, client, token }: { readonly pool: Pool; readonly client: Client; readonly token: string },
): Promise<PresentedToken> {
  const parts = readRefreshToken(token);
  if (parts === undefined || parts.poolId !== pool.id) return invalid();
  const found = await readFamilyAndUser(ctx.db, pool.id, parts.familyId);
  if (found === undefined || found.family.clientId !== client.id || !isRefreshTokenOf(found.family, parts))
    return invalid();
  return { pool, client, ...found, parts };
}

/** The user of a presented token, whose SECRET_HASH is checked. Throws NotAuthorizedException if the user is gone. */
export function userOf({ user }: PresentedToken): User {
  return user ?? revoked();
}

/**
 * Issues new tokens for a refresh token, with those of its scopes that the client may still have. With rotation, the
 * result contains the next refresh token, and reusing the old one after the grace period revokes the whole family.
 * Throws NotAuthorizedException (invalid, expired, revoked, user disabled, no scope left) and
 * RefreshTokenReuseException.
 */
export async function refreshTokens(
  ctx: Ctx,
  presented: PresentedToken,
  deviceKey: string | undefined,
): Promise<AuthenticationResultType> {
  const { pool, client, family, user, parts } = presented;
  if (family.revokedAt !== undefined) return revoked();
  if (family.expiresAt <= ctx.now) return refuse("NotAuthorizedException", "Refresh Token has expired");
  if (user === undefined) return revoked();
  if (!user.enabled) return refuseFor("disabled");
  if (!(await isProviderThere(ctx, family))) return revoked();
  if (!(await isFromDevice(ctx, pool, family, deviceKey))) return invalid();
  const scopes = await grantable(ctx, presented, family);
  if (scopes.length === 0) return invalid();
  const shaped = await shapeTokens(ctx, {
    ...{ pool, client, user, family, scopes },
    occasion: { source: "TokenGeneration_RefreshTokens" },
  });
  const generation = await nextGeneration(ctx, client, family, parts);
  await noteRefresh(ctx, presented, family);
  const tokens = await signTokens(ctx, pool, shaped);
  return rotatesRefreshTokens(client)
    ? { ...tokens, RefreshToken: makeRefreshToken(family, generation) }
    : tokens;
}

/** Whether the identity provider that has signed the user in still exists; true if none has. */
async function isProviderThere(
  ctx: Ctx,
  { poolId, provider, createdAt }: Pick<TokenFamily, "poolId" | "provider" | "createdAt">,
): Promise<boolean> {
  return provider === undefined || isProviderSince(ctx.db, poolId, provider, createdAt);
}

/**
 * The scopes that can still be granted. The scope of API tokens cannot be withdrawn; those granted by the authorization
 * server must still be allowed for the client.
 */
async function grantable(
  ctx: Ctx,
  of: { readonly pool: Pool; readonly client: Client },
  { origin, scope }: TokenFamily,
): Promise<readonly string[]> {
  if (origin === "api") return [scope];
  return allowsCodeFlow(of.client) ? remainingScopes(ctx, of, scope.split(" ")) : [];
}

/**
 * Whether tokens that belong to a device may be refreshed: the device must be confirmed, and named in the request. If
 * the pool no longer tracks devices, none can be confirmed, so tokens of an unconfirmed one need no name.
 */
async function isFromDevice(
  ctx: Ctx,
  pool: Pool,
  { userId, deviceKey }: TokenFamily,
  named: string | undefined,
): Promise<boolean> {
  if (deviceKey === undefined) return true;
  const isNamed = named === deviceKey;
  const isConfirmed = async () => (await findDevice(ctx.db, pool.id, userId, deviceKey)) !== undefined;
  return tracksDevices(pool) ? isNamed && (await isConfirmed()) : isNamed || !(await isConfirmed());
}

/**
 * The generation of the next refresh token. One conditional update decides between parallel refreshes. Throws
 * RefreshTokenReuseException, having revoked the family, for a token used again after the grace period.
 */
async function nextGeneration(
  ctx: Ctx,
  client: Client,
  family: TokenFamily,
  parts: RefreshTokenParts,
): Promise<number> {
  if (parts.generation === family.generation) {
    if (!rotatesRefreshTokens(client)) return family.generation;
    if (await rotateFamily(ctx.db, family, parts.generation, ctx.now)) return parts.generation + 1;
  }
  const current = await readFamily(ctx.db, family.poolId, family.id);
  if (current === undefined || current.revokedAt !== undefined) return revoked();
  const grace = rotatesRefreshTokens(client)
    ? (client.document.RefreshTokenRotation?.RetryGracePeriodSeconds ?? 0) * 1000
    : 0;
  const isPredecessor = parts.generation === current.generation - 1;
  // A grace period of 0 allows nothing, even if the request started, or the clock reads, before the rotation.
  const inGrace = grace > 0 && ctx.now - (current.rotatedAt ?? 0) < grace;
  if (isPredecessor && inGrace) return current.generation;
  await revokeRecorded(ctx, family, { actor: "system", result: "RefreshTokenReuseException" });
  return refuse("RefreshTokenReuseException", "Refresh token has already been used");
}

/**
 * RevokeToken: revokes a refresh token and all tokens of its sign-in. Unknown and already revoked tokens are not
 * errors. Throws UnsupportedOperationException, UnsupportedTokenTypeException and UnauthorizedException.
 * @param request.linked whether to end the browser session in which the tokens were issued as well, if it is tracked
 */
export async function revokeToken(
  ctx: Ctx,
  request: { pool: Pool; client: Client; token: string; linked?: boolean },
): Promise<void> {
  const { pool, client, token, linked = false } = request;
  if (client.document.EnableTokenRevocation === false) {
    return refuse("UnsupportedOperationException", "Token revocation is not enabled for this client");
  }
  if (looksLikeJwt(token)) return refuse("UnsupportedTokenTypeException", "Unsupported token type");
  const parts = readRefreshToken(token);
  if (parts?.poolId !== pool.id) return refuse("UnauthorizedException", "Invalid token");
  const family = await readFamily(ctx.db, pool.id, parts.familyId);
  if (family === undefined) return;
  if (family.clientId !== client.id || !isRefreshTokenOf(family, parts))
    return refuse("UnauthorizedException", "Invalid token");
  await revokeRecorded(ctx, family, { linked: linked && tracksSessions(pool) });
}

/** Revokes a family unless it is revoked already, and records an audit event RevokeToken with the reason. */
async function revokeRecorded(
  ctx: Ctx,
  family: TokenFamily,
  { linked = false, ...why }: { actor?: string; result?: string; linked?: boolean },
): Promise<void> {
  const { poolId, userId } = family;
  await inTransaction(ctx.db, async (tx) => {
    if (!(await revokeFamily(tx, poolId, family.id, ctx.now))) return false;
    if (linked) await endOrigin(tx, family, ctx.now);
    const details = { client: family.clientId, ...(linked && { associated: "LINKED" }) };
    await recordCredentialChange(tx, ctx, { operation: "RevokeToken", poolId, userId, details, ...why });
    return true;
  });
}

/** Ends the browser session in which a family's tokens were issued, if there is one. */
async function endOrigin(tx: Db, family: TokenFamily, now: number): Promise<void> {
  const originId = await originOf(tx, family);
  if (originId !== undefined) await endBrowserSession(tx, family, originId, now);
}

/** Whether a token looks like a JWT: a JOSE header is JSON, so its base64url begins with that of `{"`. */
const looksLikeJwt = (token: string): boolean => token.startsWith("eyJ");
