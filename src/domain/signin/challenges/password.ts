/** The password in the clear, as USER_PASSWORD_AUTH and the ADMIN flows bring it with their first request. */
import type { Ctx } from "../../../app.ts";
import { readCredential, writeCredential } from "../../../store/credentials.ts";
import { refuse } from "../../../wire/refuse.ts";
import { admitPassword, type Guess, settlePassword } from "../../credentials/guessing.ts";
import { makeCredential, verifyPassword } from "../../credentials/password.ts";
import { subjectOf } from "../../credentials/subjects.ts";
import { hidesUsers } from "../../pools/clients.ts";
import { type SignIn, wrongPassword } from "../sign-in.ts";

/**
 * Proves the password. A user who does not exist costs the same hash and is answered the same.
 * Throws NotAuthorizedException (wrong, locked).
 */
export async function provePassword(ctx: Ctx, signIn: SignIn, password: string): Promise<SignIn> {
  const { pool, user } = signIn;
  const guess = await admitPassword(ctx, subjectOf(ctx, pool, user, signIn.submitted));
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  const right = await verifyPassword(ctx, pool, credential, password);
  await settlePassword(ctx, guess, right);
  if (!right || user === undefined || credential === undefined) {
    // Imported users have no password to be right about; only LEGACY clients tell them what to do.
    if (user?.status === "RESET_REQUIRED" && credential?.phc === undefined && !hidesUsers(signIn.client)) {
      return refuse("PasswordResetRequiredException", "Password reset required for the user");
    }
    return wrongPassword();
  }
  if (credential.srp === undefined) {
    // A clear password is at hand: the verifier that an imported hash lacks can be made. Losing the race is harmless.
    const made = await makeCredential(ctx, pool, user, password);
    await writeCredential(
      ctx.db,
      pool.id,
      user.id,
      credential.version,
      { ...credential, srp: made.srp },
      ctx.now,
    );
    const written = await readCredential(ctx.db, pool.id, user.id);
    return proven(signIn, guess, written?.version ?? credential.version);
  }
  return proven(signIn, guess, credential.version);
}

function proven(signIn: SignIn, { caller }: Guess, credentialVersion: number): SignIn {
  const remember = !caller.fresh;
  return { ...signIn, proven: [...signIn.proven, "password"], credentialVersion, remember };
}
