/**
 * PASSWORD: the password in plain text, which USER_PASSWORD_AUTH and the ADMIN flows contain in their first request.
 */

import type { Ctx } from "../../../app.ts";
import { type Credential, completeStored, readCredential } from "../../../store/credentials.ts";
import type { User } from "../../../store/users.ts";
import { refuseFor } from "../../../wire/refuse.ts";
import { learn } from "../../audit/attempt.ts";
import { admitPassword, countAhead, type Guess, settleGuess } from "../../credentials/guessing.ts";
import { completeCredential, verifyPassword } from "../../credentials/password.ts";
import { remembering } from "../../credentials/request-limits.ts";
import { subjectOf } from "../../credentials/subjects.ts";
import { preAuthentication } from "../../triggers/authentication.ts";
import { hidesUsers } from "../../user-pools/clients.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import { findUser } from "../../users/find-user.ts";
import { migrateByPassword, migratesUsers } from "../../users/migrate-user.ts";
import type { Challenge, Given, Proven } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, wrongPassword } from "../refusals.ts";
import { answerWith, findBySession } from "../session.ts";
import type { Outcome, SignIn } from "../sign-in.ts";
import { isCustom } from "../steps.ts";

export const passwordChallenge: Challenge = {
  kind: "first",
  find: findBySession,
  offer,
  answer: answerWith("PASSWORD"),
  member: "PASSWORD",
  // Asked for by the page with the name and password fields.
  page: undefined,
  refuse: invalidSession,
  proves: "Password",
  leadsOn: true,
  failsForGood: true,
};

/** Checks the password if the request contains one; otherwise asks for it. */
async function offer(ctx: Ctx, signIn: SignIn, given: Given): Promise<Outcome | Proven> {
  const password = given["PASSWORD"];
  if (password) return { kind: "proven", signIn: await provePassword(ctx, signIn, password) };
  return offerChallenge(ctx, signIn, { name: "PASSWORD", parameters: {}, available: ["PASSWORD"] });
}

/**
 * Checks the password. For a nonexistent user it costs the same hash and has the same answer. Throws
 * NotAuthorizedException (wrong, locked), and PasswordResetRequiredException for imported users without a password
 * (clients with LEGACY errors).
 */
async function provePassword(ctx: Ctx, begun: SignIn, password: string): Promise<SignIn> {
  learn(begun.attempt, { proving: "Password" });
  const { submitted } = begun;
  // UserMigration is not asked in CUSTOM_AUTH.
  const mayMigrate = begun.user === undefined && !isCustom(begun.flow) && migratesUsers(begun.pool);
  // Whoever was unknown when the sign-in began may be here by now, or is, but without the factor that was chosen.
  const present = begun.user ?? (mayMigrate ? await findUser(ctx, begun.pool, submitted) : undefined);
  const subject = subjectOf(ctx, begun.pool, present, submitted);
  const { guess: admitted, credential: found } = await admitPassword(ctx, subject, present);
  const migrates = mayMigrate && present === undefined;
  const guess = migrates ? await countAhead(ctx, admitted) : admitted;
  const signIn = migrates
    ? await withMigrated(ctx, begun, guess, password)
    : await withPresent(ctx, begun, present);
  const { pool, user } = signIn;
  const credential = user === present ? found : await readCredential(ctx.db, pool.id, user?.id);
  const right = await verifyPassword(ctx, pool, credential, password);
  await settleGuess(ctx, guess, right);
  if (!right || user === undefined || credential === undefined) {
    // Imported users have no password to enter; only LEGACY clients tell them to reset it.
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

/** The sign-in of a user who was not known when it began. Throws what PreAuthentication throws. */
async function withPresent(ctx: Ctx, signIn: SignIn, user: User | undefined): Promise<SignIn> {
  if (user === undefined || user === signIn.user) return signIn;
  const { pool, client, submitted, validationData } = signIn;
  learn(signIn.attempt, { user });
  await preAuthentication(ctx, { pool, client, user, submitted, validationData });
  return { ...signIn, user, signOuts: user.signOuts };
}

/**
 * The sign-in of a user who is not here yet, but whose password the pool's UserMigration function knows, as that of the
 * user who is created. A name that nobody has anywhere stays that. Throws PasswordResetRequiredException if the user
 * moves without the password, and what PreAuthentication throws.
 */
async function withMigrated(ctx: Ctx, signIn: SignIn, guess: Guess, password: string): Promise<SignIn> {
  const { pool, client, submitted, validationData, clientMetadata } = signIn;
  const moving = { pool, client, submitted, validationData, clientMetadata };
  const user = await migrateByPassword(ctx, moving, password);
  if (user === undefined) {
    if (!hidesUsers(client)) return refuseFor("noSuchUser");
    // As for everybody else whose first request this is; for others it was fired then.
    if (signIn.answered === undefined)
      await preAuthentication(ctx, { pool, client, user, submitted, validationData });
    return signIn;
  }
  if (user.status === "RESET_REQUIRED") {
    learn(signIn.attempt, { user });
    await settleGuess(ctx, guess, true);
    return refuseFor("resetRequired");
  }
  return withPresent(ctx, signIn, user);
}

/**
 * Adds the SRP verifier that an imported hash lacks, as the plain-text password is available. Returns the version of
 * the credential that holds this password; undefined if another password has replaced it in the meantime.
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
  // Either a parallel sign-in has added it, or the password was changed.
  const present = await readCredential(ctx.db, pool.id, user.id);
  return (await verifyPassword(ctx, pool, present, password)) ? present?.version : undefined;
}

function proven(signIn: SignIn, { caller }: Guess, credentialVersion: number): SignIn {
  const remember = remembering(caller);
  return { ...signIn, proven: [...signIn.proven, "password"], credentialVersion, remember };
}
