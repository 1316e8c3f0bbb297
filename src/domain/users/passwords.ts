/** Passwords set by an administrator or changed by their user. */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { endBrowserSessions } from "../../store/browser-sessions.ts";
import { deleteCodes } from "../../store/codes.ts";
import { type NewCredential, readCredential, writeCredential } from "../../store/credentials.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { deleteDevices } from "../../store/devices.ts";
import { revokeManyFamilies, signOutUser } from "../../store/token-families.ts";
import { originOf } from "../../store/token-sessions.ts";
import type { User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { beginAttempt, concluded } from "../audit/attempt.ts";
import { recordCredentialChange } from "../audit/credential.ts";
import { forgetChanges } from "../audit/rows.ts";
import { resetGuesses } from "../credentials/guessing.ts";
import { checkPassword, makeCredential, verifyPassword } from "../credentials/password.ts";
import { callerLimits, countRequest } from "../credentials/request-limits.ts";
import { subjectOf } from "../credentials/subjects.ts";
import { noticeChange } from "../notices/changes.ts";
import type { SignedIn } from "../tokens/access-token.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { changeUser } from "./change-user.ts";

/**
 * AdminSetUserPassword: any user, even an unconfirmed or federated one, becomes CONFIRMED, or FORCE_CHANGE_PASSWORD
 * with a temporary password. Sessions from the old password end.
 */
export function setPassword(
  ctx: Ctx,
  pool: Pool,
  user: User,
  request: { password: string; permanent: boolean },
): Promise<void> {
  const attempt = beginAttempt(ctx, "PasswordChange", { user });
  return concluded(ctx, attempt, storePassword(ctx, pool, user, request));
}

async function storePassword(
  ctx: Ctx,
  pool: Pool,
  user: User,
  request: { password: string; permanent: boolean },
): Promise<void> {
  checkPassword(pool, request.password, "admin");
  const previous = await readCredential(ctx.db, pool.id, user.id);
  const options = { temporary: !request.permanent, previous };
  const credential = await makeCredential(ctx, pool, user, request.password, options);
  const status = request.permanent ? "CONFIRMED" : "FORCE_CHANGE_PASSWORD";
  await revokeManyFamilies(ctx.db, pool.id, user.id, ctx.now);
  try {
    await changeUser(ctx, pool, user, () => ({ status }), {
      operation: "AdminSetUserPassword",
      isEvent: true,
      also: (tx) => replacePassword(tx, pool, user, credential, ctx.now),
    });
  } catch (error) {
    // Somebody else has the address that becomes a name of a user who came through an identity provider.
    if (!(error instanceof Refusal) || error.code !== "AliasExistsException") throw error;
    refuse("InvalidParameterException", error.message);
  }
}

/**
 * The store calls of every password reset: sets the new credential, whatever the old one was; ends all refresh and
 * access tokens, remembered devices, codes and locks.
 */
export async function replacePassword(
  tx: Db,
  pool: Pool,
  user: Pick<User, "id">,
  credential: NewCredential,
  now: number,
): Promise<void> {
  await writeCredential(tx, pool.id, user.id, undefined, credential, now);
  await endTrust(tx, pool, user, now);
  await resetGuesses(tx, pool.id, user.id);
  await deleteCodes(tx, pool.id, user.id, ["forgot-password", "sign-up"]);
}

/**
 * Ends what a reset ends before there is a new password: all sign-ins, including those in browsers, and devices that
 * replaced the second factor. The account may have been taken over, so used-up limits are reset.
 */
export async function endTrust(tx: Db, pool: Pool, user: Pick<User, "id">, now: number): Promise<void> {
  await signOutUser(tx, pool.id, user.id, now);
  await deleteDevices(tx, pool.id, user.id);
  await forgetChanges(tx, pool.id, user.id);
}

/**
 * ChangePassword. Tokens stay valid, as in Cognito: the user knew the old password. The user's browser sessions end,
 * except the one that the request came through, if that is known. Throws NotAuthorizedException for a wrong password.
 */
export function changePassword(ctx: Ctx, by: ChangedBy, request: PasswordChange): Promise<void> {
  const attempt = beginAttempt(ctx, "PasswordChange", { user: by.user });
  return concluded(ctx, attempt, exchangePassword(ctx, by, request));
}

/** The user who changes the password, with the access token's session. */
type ChangedBy = Pick<SignedIn, "pool" | "user" | "session">;

interface PasswordChange {
  readonly previous: string | undefined;
  readonly proposed: string;
}

async function exchangePassword(
  ctx: Ctx,
  { pool, user, session }: ChangedBy,
  request: PasswordChange,
): Promise<void> {
  checkPassword(pool, request.proposed, "user");
  // Only an administrator makes them a user with a password.
  if (user.status === "EXTERNAL_PROVIDER") wrongPassword();
  const limit = "change-password";
  const subject = subjectOf(ctx, pool, user, user.username);
  const { caller } = await callerLimits(ctx, subject, limit, "passwords-per-address");
  await countRequest(ctx, caller, limit);
  const credential = await readCredential(ctx.db, pool.id, user.id);
  // "PreviousPassword: Required if the user has a password."
  if (credential?.phc !== undefined || request.previous !== undefined) {
    if (!(await verifyPassword(ctx, pool, credential, request.previous ?? ""))) wrongPassword();
  }
  const made = await makeCredential(ctx, pool, user, request.proposed, { previous: credential });
  const replaced = await inTransaction(ctx.db, async (tx) => {
    const written = await writeCredential(tx, pool.id, user.id, credential?.version, made, ctx.now);
    if (!written) return false;
    const of = { poolId: pool.id, userId: user.id };
    await endBrowserSessions(tx, of, await originOf(tx, { poolId: pool.id, id: session.id }));
    await deleteCodes(tx, pool.id, user.id, ["forgot-password"]);
    const operation = "ChangePassword";
    await recordCredentialChange(tx, ctx, { operation, poolId: pool.id, userId: user.id });
    await noticeChange(tx, ctx, pool, { operation, before: user });
    return true;
  });
  if (!replaced) wrongPassword();
}

function wrongPassword(): never {
  return refuseFor("wrongPassword");
}
