/**
 * SOFTWARE_TOKEN_MFA: a code of the user's authenticator app (AWS: "TOTP software token MFA"; RFC 6238). Each code is
 * accepted once; a wrong one keeps the Session and counts at the user.
 */
import type { Ctx } from "../../../app.ts";
import { takeSignIn } from "../../../store/sign-ins.ts";
import { readSoftwareToken, useStep } from "../../../store/software-tokens.ts";
import { refuseFor } from "../../../wire/refuse.ts";
import { admitGuess, settleGuess } from "../../credentials/guessing.ts";
import { subjectOf } from "../../credentials/subjects.ts";
import { stepOf } from "../../mfa/totp.ts";
import { type Outcome, required, type SignIn, usedSession } from "../sign-in.ts";
import { wrongCode } from "./code.ts";
import { offerChallenge } from "./offer.ts";

export function offerSoftwareToken(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { user } = signIn;
  return offerChallenge(ctx, signIn, {
    name: "SOFTWARE_TOKEN_MFA",
    parameters: {
      USER_ID_FOR_SRP: user?.username ?? "",
      FRIENDLY_DEVICE_NAME: user?.mfa.softwareToken || "TOTP device",
    },
  });
}

export function noSoftwareToken(): never {
  return refuseFor("tokenFactorGone");
}

/** Throws CodeMismatchException, ExpiredCodeException (used before), NotAuthorizedException (locked, Session used). */
export async function answerSoftwareToken(
  ctx: Ctx,
  signIn: SignIn,
  responses: Readonly<Record<string, string>>,
): Promise<SignIn> {
  const { pool, user, row } = signIn;
  const code = required(responses, "SOFTWARE_TOKEN_MFA_CODE");
  if (row === undefined || user === undefined) return usedSession();
  const guess = await admitGuess(ctx, subjectOf(ctx, pool, user, signIn.submitted), "software-token");
  const token = await readSoftwareToken(ctx.db, pool.id, user.id);
  if (token?.seed === undefined) return noSoftwareToken();
  const step = stepOf(token.seed, code, ctx.now);
  // Used up before it is told to be right: of parallel answers with one code one is.
  const fresh = step !== undefined && (await useStep(ctx.db, pool.id, user.id, step));
  await settleGuess(ctx, guess, fresh);
  if (step === undefined) return wrongCode();
  if (!fresh) refuseFor("tokenUsed");
  if (!(await takeSignIn(ctx.db, row))) return usedSession();
  return {
    ...signIn,
    row: undefined,
    proven: [...signIn.proven, "software-token"],
    remember: !guess.caller.fresh,
  };
}
