/** The password in the clear, as USER_PASSWORD_AUTH and the ADMIN flows bring it with their first request. */
import type { Ctx } from "../../../app.ts";
import { type Credential, completeStored, readCredential } from "../../../store/credentials.ts";
import type { User } from "../../../store/users.ts";
import { refuseFor } from "../../../wire/refuse.ts";
import { admitGuess, type Guess, settleGuess } from "../../credentials/guessing.ts";
import { completeCredential, verifyPassword } from "../../credentials/password.ts";
import { subjectOf } from "../../credentials/subjects.ts";
import { hidesUsers } from "../../user-pools/clients.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import { type SignIn, wrongPassword } from "../sign-in.ts";

/**
 * Proves the password. A user who does not exist costs the same hash and is answered the same.
 * Throws NotAuthorizedException (wrong, locked).
 */
export async function provePassword(ctx: Ctx, signIn: SignIn, password: string): Promise<SignIn> {
  const { pool, user } = signIn;
  signIn.attempt.proving = "Password";
  const guess = await admitGuess(ctx, subjectOf(ctx, pool, user, signIn.submitted), "password");
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  const right = await verifyPassword(ctx, pool, credential, password);
  await settleGuess(ctx, guess, right);
  if (!right || user === undefined || credential === undefined) {
    // Imported users have no password to be right about; only LEGACY clients tell them what to do.
    if (user?.status === "RESET_REQUIRED" && credential?.phc === undefined && !hidesUsers(signIn.client)) {
      return refuseFor("resetRequired");
    }
    return wrongPassword();
  }
  const version =
    credential.srp === undefined
      ? await addVerifier(ctx, { pool, user }, credential, password)
      : credential.version;
  return version === undefined ? wrongPassword() : proven(signIn, guess, version);
}

/**
 * A clear password is at hand: the verifier that an imported hash lacks can be made. Answers the version of the
 * credential that holds this password; undefined: another password has taken its place meanwhile.
 */
async function addVerifier(
  ctx: Ctx,
  { pool, user }: { pool: Pool; user: User },
  credential: Credential,
  password: string,
): Promise<number | undefined> {
  const whole = await completeCredential(ctx, pool, user, credential, password);
  const { version } = credential;
  if (await completeStored(ctx.db, pool.id, user.id, version, whole, ctx.now)) return version;
  // Another sign-in was faster, or a new password.
  const present = await readCredential(ctx.db, pool.id, user.id);
  return (await verifyPassword(ctx, pool, present, password)) ? present?.version : undefined;
}

function proven(signIn: SignIn, { caller }: Guess, credentialVersion: number): SignIn {
  const remember = !caller.fresh;
  return { ...signIn, proven: [...signIn.proven, "password"], credentialVersion, remember };
}
