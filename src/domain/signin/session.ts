/** Finds the row that a Session names. */
import type { Ctx } from "../../app.ts";
import { readSignIn, type SignInRow } from "../../store/sign-ins.ts";
import { expiredSession, readSession, type SignInState, usedSession } from "./sign-in.ts";

/** Throws NotAuthorizedException: none of ours, expired, used. Whose it is, is for the caller to look at. */
export async function findRow(ctx: Ctx, text: string): Promise<SignInRow<SignInState>> {
  const session = readSession(ctx, text);
  if (session.expiresAt <= ctx.now) return expiredSession();
  const row = await readSignIn<SignInState>(ctx.db, session.poolId, session.id);
  if (row === undefined || row.version !== session.version) return usedSession();
  return row;
}
