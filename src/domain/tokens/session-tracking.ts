/**
 * Sessions of tokens, in pools that track them: what is kept of each family when it is stored, and when its tokens are
 * refreshed. In other pools nothing of this costs a statement.
 */
import type { Ctx } from "../../app.ts";
import { lowerCaseAndDigits, randomText } from "../../lib/random.ts";
import { touchOrigin } from "../../store/browser-sessions.ts";
import type { Db } from "../../store/db.ts";
import { insertFamily, type TokenFamily } from "../../store/token-families.ts";
import { insertFamilyWithSession, type TokenSession, touchTokenSession } from "../../store/token-sessions.ts";
import { type CredentialChange, recordCredentialChange } from "../audit/credential.ts";
import { rotatesRefreshTokens, tokenLifetimes } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { maxPerUser, tracksSessions } from "../user-pools/session-settings.ts";
import { deviceTypeOf } from "./device-type.ts";

/** What is known of who is at the other end. */
export type Seen = Pick<TokenSession, "deviceType" | "address">;

export function seenFrom(ctx: Ctx): Seen {
  return { deviceType: deviceTypeOf(ctx.userAgent), address: ctx.userAddress };
}

/** "A 28-character string of lowercase letters and digits, prefixed with tkn … or sso". */
export function newSessionId(ctx: Ctx, kind: "tkn" | "sso"): string {
  return kind + randomText(ctx.random, lowerCaseAndDigits, 25);
}

/** A family's session, not yet stored, and how many the user may have. */
export interface Tracked {
  readonly session: TokenSession;
  readonly most: number;
}

/** Where tokens come from that no request to this endpoint tells of. */
export interface Origin {
  /** The session of the browser that they come through. */
  readonly sessionId: string | undefined;
  /** Who was seen there; undefined: who is here now. */
  readonly seen: Seen | undefined;
  /** The implicit grant has no refresh token. */
  readonly refreshable: boolean;
}

const fromApi: Origin = { sessionId: undefined, seen: undefined, refreshable: true };

/** Undefined where the pool tracks no sessions. */
export function trackedSession(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  family: TokenFamily,
  origin: Origin = fromApi,
): Tracked | undefined {
  if (!tracksSessions(pool)) return undefined;
  const session = {
    poolId: pool.id,
    id: newSessionId(ctx, "tkn"),
    userId: family.userId,
    clientId: client.id,
    familyId: family.id,
    originId: origin.sessionId,
    ...(origin.seen ?? seenFrom(ctx)),
    createdAt: ctx.now,
    activeAt: ctx.now,
    expiresAt: lastUse(ctx, client, origin.refreshable ? family : undefined),
  };
  return { session, most: maxPerUser(pool) };
}

/** Until when one of the tokens issued by now, or to be issued, can be good. */
function lastUse(ctx: Ctx, client: Client, family: TokenFamily | undefined): number {
  return Math.max(family?.expiresAt ?? 0, ctx.now + tokenLifetimes(client).access * 1000);
}

/** Stores a family, inside a transaction, with its session if it has one. False: as insertFamily. */
export async function insertTracked(
  tx: Db,
  ctx: Ctx,
  family: TokenFamily,
  proven: Parameters<typeof insertFamily>[2],
  tracked: Tracked | undefined,
): Promise<boolean> {
  if (tracked === undefined) return insertFamily(tx, family, proven);
  const ended = await insertFamilyWithSession(tx, family, proven, tracked);
  if (ended === false) return false;
  if (ended > 0) {
    const { poolId, userId } = family;
    const details = { reason: "TokenSession.MaxPerUser", sessions: ended };
    const change: CredentialChange = { operation: "RevokeToken", poolId, userId, actor: "system", details };
    await recordCredentialChange(tx, ctx, change);
  }
  return true;
}

/** Notes that a family's tokens were refreshed. */
export async function noteRefresh(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  family: TokenFamily,
): Promise<void> {
  if (!tracksSessions(pool)) return;
  const seen = { ...seenFrom(ctx), activeAt: ctx.now, expiresAt: lastUse(ctx, client, family) };
  const originId = await touchTokenSession(ctx.db, family, seen);
  // "For an SSO session, this is the most recent authentication, token grant, or token rotation."
  if (originId !== undefined && rotatesRefreshTokens(client))
    await touchOrigin(ctx.db, family, originId, ctx.now);
}
