/**
 * Token sessions in pools that track sessions: what is stored when a family is stored, and when its tokens are
 * refreshed. In other pools this costs no statement.
 */
import type { Ctx } from "../../app.ts";
import { deviceTypeOf } from "../../lib/device-type.ts";
import { lowerCaseAndDigits, randomText } from "../../lib/random.ts";
import { touchOrigin } from "../../store/browser-sessions.ts";
import type { Db } from "../../store/db.ts";
import { insertFamily, type TokenFamily } from "../../store/token-families.ts";
import { insertFamilyWithSession, type TokenSession, touchTokenSession } from "../../store/token-sessions.ts";
import { type CredentialChange, recordCredentialChange } from "../audit/credential.ts";
import { rotatesRefreshTokens, tokenLifetimes } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { maxPerUser, tracksSessions } from "../user-pools/session-settings.ts";

/** What is known about the device at the other end. */
export type Seen = Pick<TokenSession, "deviceType" | "address">;

export function seenFrom(ctx: Ctx): Seen {
  return { deviceType: deviceTypeOf(ctx.userAgent), address: ctx.userAddress };
}

/** "A 28-character string of lowercase letters and digits, prefixed with tkn … or sso". */
export function newSessionId(ctx: Ctx, kind: "tkn" | "sso"): string {
  return kind + randomText(ctx.random, lowerCaseAndDigits, 25);
}

/** A family's session to be stored, and how many sessions the user may have. */
export interface Tracked {
  readonly session: TokenSession;
  readonly most: number;
}

/** The origin of tokens that this request does not reveal. */
export interface Origin {
  /** The browser session that they come through. */
  readonly sessionId: string | undefined;
  /** The device seen there; undefined for that of this request. */
  readonly seen: Seen | undefined;
  /** Whether there is a refresh token; the implicit grant has none. */
  readonly refreshable: boolean;
}

const fromApi: Origin = { sessionId: undefined, seen: undefined, refreshable: true };

/** The session to store for a family; undefined if the pool does not track sessions. */
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

/** When the last of the tokens issued so far, or still to be issued, expires. */
function lastUse(ctx: Ctx, client: Client, family: TokenFamily | undefined): number {
  return Math.max(family?.expiresAt ?? 0, ctx.now + tokenLifetimes(client).access * 1000);
}

/** Stores a family with its session, if it has one, inside a transaction. Returns false as insertFamily does. */
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

/** Records that a family's tokens were refreshed. */
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
