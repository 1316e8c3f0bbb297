/** SELECT_MFA_TYPE: a user with several second factors and no preferred one chooses which to use. */
import type { Ctx } from "../../../app.ts";
import { refuse } from "../../../wire/refuse.ts";
import { maskDestination } from "../../messages/delivery.ts";
import { factorDelivery, type SecondFactor, usableFactors } from "../../mfa/factors.ts";
import type { Challenge, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, required } from "../refusals.ts";
import { findBySession, useRow } from "../session.ts";
import type { Outcome, SignIn } from "../sign-in.ts";

function choices({ pool, user }: SignIn): SecondFactor[] {
  return user === undefined ? [] : usableFactors(pool, user);
}

export const selectMfa: Challenge = {
  kind: "choice",
  find: findBySession,
  offer,
  answer,
  member: "ANSWER",
  page: "second-factors",
  refuse: invalidSession,
  proves: undefined,
  leadsOn: false,
  failsForGood: false,
};

function offer(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  return offerChallenge(ctx, signIn, {
    name: "SELECT_MFA_TYPE",
    parameters: {
      MFAS_CAN_CHOOSE: JSON.stringify(choices(signIn)),
      USER_ID_FOR_SRP: signIn.user?.username ?? "",
      ...(signIn.page !== undefined && destinations(signIn)),
    },
  });
}

/** For the hosted pages: where each factor's codes are sent, masked. The user has proven a first factor. */
function destinations(signIn: SignIn): Record<string, string> {
  const { user } = signIn;
  if (user === undefined || signIn.proven.length === 0) return {};
  const entries = choices(signIn).flatMap((factor) => {
    const delivery = factorDelivery(user, factor);
    return delivery === undefined ? [] : [[`destination.${factor}`, maskDestination(delivery)]];
  });
  return Object.fromEntries(entries);
}

/** Accepts a choice. Throws InvalidParameterException for anything that was not offered, which keeps the Session. */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const given = required(responses, "ANSWER");
  // The developer guide names it EMAIL_MFA; Amplify sends the name that was offered.
  const named = given === "EMAIL_MFA" ? "EMAIL_OTP" : given;
  const chosen = choices(signIn).find((factor) => factor === named);
  if (chosen === undefined) return refuse("InvalidParameterException", `Invalid MFA type: ${given}`);
  return { ...(await useRow(ctx, signIn)), chosen };
}
