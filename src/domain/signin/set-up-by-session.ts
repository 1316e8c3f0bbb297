/** AssociateSoftwareToken and VerifySoftwareToken, authorized by the Session of a sign-in that waits for MFA_SETUP. */
import type { Ctx } from "../../app.ts";
import { fromBase64, toBase64 } from "../../lib/bytes.ts";
import { moveSignIn, type SignInRow } from "../../store/sign-ins.ts";
import { readUser, type User } from "../../store/users.ts";
import { usableFactors } from "../mfa/factors.ts";
import { secretCode, seedBytes } from "../mfa/totp.ts";
import { allowsFlow } from "../user-pools/clients.ts";
import { loadPoolClient, type Pool } from "../user-pools/load-pool.ts";
import { assertSoftwareTokensOn, enrolSoftwareToken } from "../users/software-token.ts";
import { invalidSession, usedSession } from "./refusals.ts";
import { findRow, sessionText } from "./session.ts";
import type { SignInState } from "./sign-in.ts";

/** Finds a sign-in that waits for MFA_SETUP by its Session alone. Throws NotAuthorizedException. */
async function setupOf(
  ctx: Ctx,
  session: string,
): Promise<{ pool: Pool; user: User; row: SignInRow<SignInState> }> {
  const row = await findRow(ctx, session);
  if (row.state.awaiting !== "MFA_SETUP") return invalidSession();
  const { pool, client } = await loadPoolClient(ctx, row.poolId, row.clientId);
  const user = await readUser(ctx.db, pool.id, row.userId ?? "nobody");
  if (user === undefined || !user.enabled || user.signOuts !== row.state.signOuts) return invalidSession();
  if (!allowsFlow(client, row.state.flow)) return invalidSession();
  if (usableFactors(pool, user).length > 0) return usedSession();
  return { pool, user, row };
}

/** AssociateSoftwareToken with a Session. Throws NotAuthorizedException and SoftwareTokenMFANotFoundException. */
export async function associateBySession(
  ctx: Ctx,
  text: string,
): Promise<{ secretCode: string; session: string }> {
  const { pool, row } = await setupOf(ctx, text);
  assertSoftwareTokensOn(pool);
  const seed = ctx.random(seedBytes);
  const { enrolled: _, ...state } = row.state;
  const session = await moved(ctx, row, { ...state, pendingSeed: toBase64(seed) });
  return { secretCode: secretCode(seed), session };
}

async function moved(ctx: Ctx, row: SignInRow<SignInState>, state: SignInState): Promise<string> {
  if (!(await moveSignIn(ctx.db, row, state))) return usedSession();
  return sessionText(ctx, { ...row, version: row.version + 1 });
}

/**
 * VerifySoftwareToken with a Session; returns the next Session. Throws NotAuthorizedException, and
 * EnableSoftwareTokenMFAException for a wrong code.
 */
export async function verifyBySession(
  ctx: Ctx,
  text: string,
  request: { code: string; name: string },
): Promise<string> {
  const { pool, user, row } = await setupOf(ctx, text);
  assertSoftwareTokensOn(pool);
  const { pendingSeed } = row.state;
  const seed = pendingSeed === undefined ? undefined : fromBase64(pendingSeed);
  if (seed === undefined) return invalidSession();
  await enrolSoftwareToken(ctx, pool, user, {
    ...request,
    seed,
    version: undefined,
    decide: (fresh) => {
      if (fresh.signOuts !== row.state.signOuts || usableFactors(pool, fresh).length > 0) usedSession();
      return { enable: true };
    },
    also: (tx) => moveSignIn(tx, row, { ...row.state, enrolled: true }),
  });
  return sessionText(ctx, { ...row, version: row.version + 1 });
}
