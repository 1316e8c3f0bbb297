/** SELECT_CHALLENGE: the choice of a first factor in USER_AUTH ("Choice-based sign-in"). */
import type { Ctx } from "../../../app.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { Challenge, Given } from "../challenge.ts";
import { chooseFactor } from "../first-factors.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, required } from "../refusals.ts";
import { findBySession, useRow } from "../session.ts";
import type { Outcome, SignIn } from "../sign-in.ts";
import { isFirstFactor } from "../steps.ts";

export const selectChallenge: Challenge = {
  kind: "choice",
  find: findBySession,
  offer,
  answer,
  member: "ANSWER",
  page: "first-factors",
  refuse: invalidSession,
  proves: undefined,
  leadsOn: true,
  failsForGood: false,
};

/** Offers the first factors that `chooseFactor` has found. */
function offer(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { available } = signIn;
  return offerChallenge(ctx, signIn, { name: "SELECT_CHALLENGE", parameters: {}, available });
}

/** Accepts a choice. Throws InvalidParameterException for an unavailable factor, which keeps the Session. */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const given = required(responses, "ANSWER");
  const choice = await chooseFactor(ctx, signIn, given);
  if (!isFirstFactor(given) || choice.chosen === undefined)
    return refuse("InvalidParameterException", `${given} is not available for the user.`);
  return useRow(ctx, choice);
}
