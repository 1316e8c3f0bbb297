/** SELECT_MFA_TYPE: a user with several second factors and none preferred says which one to use. */
import type { Ctx } from "../../../app.ts";
import { takeSignIn } from "../../../store/sign-ins.ts";
import { refuse } from "../../../wire/refuse.ts";
import { type SecondFactor, usableFactors } from "../../mfa/factors.ts";
import { type Outcome, required, type SignIn, usedSession } from "../sign-in.ts";
import { offerChallenge } from "./offer.ts";

function choices({ pool, user }: SignIn): SecondFactor[] {
  return user === undefined ? [] : usableFactors(pool, user);
}

export function offerMfaTypes(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  return offerChallenge(ctx, signIn, {
    name: "SELECT_MFA_TYPE",
    parameters: {
      MFAS_CAN_CHOOSE: JSON.stringify(choices(signIn)),
      USER_ID_FOR_SRP: signIn.user?.username ?? "",
    },
  });
}

/** Throws InvalidParameterException for anything but one of the choices, and keeps the Session then. */
export async function answerMfaType(
  ctx: Ctx,
  signIn: SignIn,
  responses: Readonly<Record<string, string>>,
): Promise<SignIn> {
  const answer = required(responses, "ANSWER");
  // The developer guide calls it so; Amplify sends what was listed.
  const named = answer === "EMAIL_MFA" ? "EMAIL_OTP" : answer;
  const chosen = choices(signIn).find((factor) => factor === named);
  if (chosen === undefined) return refuse("InvalidParameterException", `Invalid MFA type: ${answer}`);
  if (signIn.row === undefined || !(await takeSignIn(ctx.db, signIn.row))) return usedSession();
  return { ...signIn, row: undefined, chosen };
}
