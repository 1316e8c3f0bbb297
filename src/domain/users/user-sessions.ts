/**
 * Users' sessions in pools that track them: one per sign-in for tokens, one per browser at the hosted pages
 * (ListUserSessions and RevokeUserSession, Amazon Cognito API Reference).
 */
import type { Ctx } from "../../app.ts";
import { type BrowserSession, endBrowserSession, listBrowserSessions } from "../../store/browser-sessions.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import {
  endSessionsOf,
  endTokenSession,
  findTokenSession,
  listTokenSessions,
  type TokenSession,
} from "../../store/token-sessions.ts";
import type { User } from "../../store/users.ts";
import type { RevokeAssociatedSessionsType } from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { type CredentialChange, recordCredentialChange } from "../audit/credential.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { requireTracking } from "../user-pools/session-settings.ts";

/** The user's live sessions. Throws OperationNotEnabledException. */
export async function listSessions(
  ctx: Ctx,
  pool: Pool,
  user: User,
): Promise<{ tokens: TokenSession[]; browsers: BrowserSession[] }> {
  requireTracking(pool);
  const of = { poolId: pool.id, userId: user.id, signOuts: user.signOuts };
  const tokens = await listTokenSessions(ctx.db, of, ctx.now);
  return { tokens, browsers: await listBrowserSessions(ctx.db, of, ctx.now) };
}

export interface Revocation {
  readonly id: string;
  readonly associated: RevokeAssociatedSessionsType | undefined;
  /** The token family of the calling user, which is kept; undefined if an administrator calls. */
  readonly ownFamily: string | undefined;
}

/**
 * Ends a session; with LINKED also the browser session that its tokens came through, or the tokens that came through
 * it. Throws OperationNotEnabledException, ResourceNotFoundException (another user's session, or an ended one) and, for
 * the caller's own session, InvalidParameterException.
 */
export async function revokeSession(ctx: Ctx, pool: Pool, user: User, revocation: Revocation): Promise<void> {
  requireTracking(pool);
  const { id } = revocation;
  const kind = /^(tkn|sso)[0-9a-z]{25}$/.exec(id)?.[1];
  const ended =
    (kind === "tkn" && (await revokeTokens(ctx, user, revocation))) ||
    (kind === "sso" && (await revokeBrowser(ctx, user, revocation)));
  if (!ended) refuse("ResourceNotFoundException", "Session does not exist.");
}

async function revokeTokens(ctx: Ctx, user: User, revocation: Revocation): Promise<boolean> {
  const of = { poolId: user.poolId, userId: user.id };
  const session = await findTokenSession(ctx.db, of, revocation.id, ctx.now);
  if (session === undefined) return false;
  if (session.familyId === revocation.ownFamily)
    refuse("InvalidParameterException", "The session of the access token cannot be revoked.");
  return inTransaction(ctx.db, async (tx) => {
    if (!(await endTokenSession(tx, session, ctx.now))) return false;
    if (revocation.associated === "LINKED" && session.originId !== undefined)
      await endBrowserSession(tx, of, session.originId, ctx.now);
    await record(tx, ctx, user, revocation);
    return true;
  });
}

async function revokeBrowser(ctx: Ctx, user: User, revocation: Revocation): Promise<boolean> {
  const of = { poolId: user.poolId, userId: user.id };
  const { id, associated, ownFamily: sparedFamily } = revocation;
  return inTransaction(ctx.db, async (tx) => {
    if (!(await endBrowserSession(tx, of, id, ctx.now))) return false;
    if (associated === "LINKED") await endSessionsOf(tx, of, id, { sparedFamily, now: ctx.now });
    await record(tx, ctx, user, revocation);
    return true;
  });
}

async function record(tx: Db, ctx: Ctx, user: User, { id, associated }: Revocation): Promise<void> {
  const details = { session: id, ...(associated !== undefined && { associated }) };
  noteTarget(ctx, { details });
  const change: CredentialChange = {
    operation: "RevokeUserSession",
    poolId: user.poolId,
    userId: user.id,
    details,
  };
  await recordCredentialChange(tx, ctx, change);
}
