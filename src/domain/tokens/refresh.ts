/** Refreshing and revoking (AWS: "Refresh tokens", "Refresh token rotation", "Revoking tokens"; RFC 9700 §4.14). */
import type { Ctx } from "../../app.ts";
import { endBrowserSession } from "../../store/browser-sessions.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { findDevice } from "../../store/devices.ts";
import { readFamily, revokeFamily, rotateFamily, type TokenFamily } from "../../store/token-families.ts";
import { originOf } from "../../store/token-sessions.ts";
import { readFamilyAndUser } from "../../store/token-state.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { recordCredentialChange } from "../audit/credential.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
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

/** A refresh token that a client has presented, with what it stands for. */
export interface PresentedToken {
  readonly pool: Pool;
  readonly client: Client;
  readonly family: TokenFamily;
  /** Undefined: gone. */
  readonly user: User | undefined;
  readonly parts: RefreshTokenParts;
}

/**
 * Reads a refresh token. Throws NotAuthorizedException for one that is none, or another client's; whether it is still good
 * `refreshTokens` looks at.
 */
export async function readPresented(
  ctx: Ctx,
  { pool, client, token }: { readonly pool: Pool; readonly client: Client; readonly token: string },
): Promise<PresentedToken> {
  refuseTriggers(pool, "PreTokenGeneration");
  const parts = readRefreshToken(token);
  if (parts === undefined || parts.poolId !== pool.id) return invalid();
  const found = await readFamilyAndUser(ctx.db, pool.id, parts.familyId);
  if (found === undefined || found.family.clientId !== client.id || !isRefreshTokenOf(found.family, parts))
    return invalid();
  return { pool, client, ...found, parts };
}

/** The user whose SECRET_HASH may come with it. Throws NotAuthorizedException: gone. */
export function userOf({ user }: PresentedToken): User {
  return user ?? revoked();
}

/**
 * Fresh tokens for a refresh token, with those of its scopes that the client may have now. With rotation
 * on, the answer carries the token's successor, and a token used again after the grace period revokes its whole family.
 * Throws NotAuthorizedException (invalid, expired, revoked, user disabled, nothing left to grant) and
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
  if (!(await isFromDevice(ctx, pool, family, deviceKey))) return invalid();
  const scopes = await grantable(ctx, presented, family);
  if (scopes.length === 0) return invalid();
  const shaped = await shapeTokens(ctx, { pool, client, user, family, scopes });
  const generation = await nextGeneration(ctx, client, family, parts);
  await noteRefresh(ctx, presented, family);
  const tokens = await signTokens(ctx, pool, shaped);
  return rotatesRefreshTokens(client)
    ? { ...tokens, RefreshToken: makeRefreshToken(family, generation) }
    : tokens;
}

/** The API's one scope is nobody's to take away; what the authorization server granted, the client must still be allowed. */
async function grantable(
  ctx: Ctx,
  of: { readonly pool: Pool; readonly client: Client },
  { origin, scope }: TokenFamily,
): Promise<readonly string[]> {
  if (origin === "api") return [scope];
  return allowsCodeFlow(of.client) ? remainingScopes(ctx, of, scope.split(" ")) : [];
}

/**
 * Tokens of a device are refreshed once it is confirmed, by who names it. Where the pool keeps track of devices no more,
 * none can be confirmed: those that are not need no name then.
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

/** The generation of the refresh token to answer with. One conditional update decides between parallel refreshes. */
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
  // A grace of 0 allows nothing, not even to a request that began, or to a clock that is, before the rotation.
  const inGrace = grace > 0 && ctx.now - (current.rotatedAt ?? 0) < grace;
  if (isPredecessor && inGrace) return current.generation;
  await revokeRecorded(ctx, family, { actor: "system", result: "RefreshTokenReuseException" });
  return refuse("RefreshTokenReuseException", "Refresh token has already been used");
}

/**
 * Ends a refresh token and every token of its sign-in. An unknown or already revoked token is no error.
 * @param request.linked also the session of the browser that they came through, where it is tracked
 * Throws UnsupportedOperationException, UnsupportedTokenTypeException and UnauthorizedException.
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

/** Revokes a family that is not revoked yet, and records it: under RevokeToken, with what it was revoked for. */
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

/** Ends the session of the browser that a family's tokens came through, if there is one. */
async function endOrigin(tx: Db, family: TokenFamily, now: number): Promise<void> {
  const originId = await originOf(tx, family);
  if (originId !== undefined) await endBrowserSession(tx, family, originId, now);
}

/** A JOSE header is JSON, so its first part begins with the base64url of `{"`. */
const looksLikeJwt = (token: string): boolean => token.startsWith("eyJ");
