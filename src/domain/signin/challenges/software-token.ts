/**
 * SOFTWARE_TOKEN_MFA: a code from the user's authenticator app ("TOTP software token MFA"; RFC 6238). Each code is
 * accepted once; a wrong one keeps the Session and counts against the user.
 */

import type { Ctx } from "../../../app.ts";
import { readSoftwareToken, useStep } from "../../../store/software-tokens.ts";
import { refuseFor } from "../../../wire/refuse.ts";
import { admitGuess, settleGuess } from "../../credentials/guessing.ts";
import { remembering } from "../../credentials/request-limits.ts";
import { subjectOf } from "../../credentials/subjects.ts";
import { stepOf } from "../../mfa/totp.ts";
import type { Challenge, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, noSoftwareToken, required, usedSession, wrongCode } from "../refusals.ts";
import { findBySession, useRow } from "../session.ts";
import type { Outcome, SignIn } from "../sign-in.ts";

export const softwareToken: Challenge = {
  kind: "second",
  find: findBySession,
  offer,
  answer,
  member: "SOFTWARE_TOKEN_MFA_CODE",
  page: "code-of-app",
  refuse: invalidSession,
  proves: "Mfa",
  leadsOn: false,
  failsForGood: false,
};

function offer(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { user } = signIn;
  return offerChallenge(ctx, signIn, {
    name: "SOFTWARE_TOKEN_MFA",
    parameters: {
      USER_ID_FOR_SRP: user?.username ?? "",
      FRIENDLY_DEVICE_NAME: user?.mfa.softwareToken || "TOTP device",
    },
  });
}

/**
 * Checks the code. Throws CodeMismatchException, ExpiredCodeException (code used before) and NotAuthorizedException
 * (locked, Session used), and SoftwareTokenMFANotFoundException if the user no longer has one.
 */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const { pool, user, row } = signIn;
  const code = required(responses, "SOFTWARE_TOKEN_MFA_CODE");
  if (row === undefined || user === undefined) return usedSession();
  const guess = await admitGuess(ctx, subjectOf(ctx, pool, user, signIn.submitted), "software-token");
  const token = await readSoftwareToken(ctx.db, pool.id, user.id);
  if (token?.seed === undefined) return noSoftwareToken();
  const step = stepOf(token.seed, code, ctx.now);
  // Used up before the result is revealed, so that only one of parallel answers with a code succeeds.
  const fresh = step !== undefined && (await useStep(ctx.db, pool.id, user.id, step));
  await settleGuess(ctx, guess, fresh);
  if (step === undefined) return wrongCode();
  if (!fresh) refuseFor("tokenUsed");
  return {
    ...(await useRow(ctx, signIn)),
    proven: [...signIn.proven, "software-token"],
    remember: remembering(guess.caller),
  };
}
