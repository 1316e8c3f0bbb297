/**
 * CUSTOM_AUTH: the pool's triggers define the challenges, check the answers and decide when the sign-in is complete
 * ("Custom authentication challenge Lambda triggers",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-challenge.html). Triggers cannot run yet,
 * so every such sign-in is refused at its first request.
 */
import { refuse } from "../../../wire/refuse.ts";
import { refuseTriggers } from "../../triggers/unavailable.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import type { Challenge } from "../challenge.ts";
import { invalidSession, required } from "../refusals.ts";
import { findBySession } from "../session.ts";

const triggers = ["DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"] as const;

/**
 * Refuses CUSTOM_AUTH. Throws UnexpectedLambdaException if the pool has the triggers, and InvalidParameterException
 * otherwise.
 */
export function refuseCustomAuth(pool: Pool): never {
  refuseTriggers(pool, ...triggers);
  return refuse(
    "InvalidParameterException",
    "Custom auth lambda trigger is not configured for the user pool.",
  );
}

/**
 * Whether CHALLENGE_NAME asks to prove the password by SRP first. Throws InvalidParameterException for any other name.
 */
export function beginsWithSrp(parameters: Readonly<Record<string, string>>): boolean {
  const name = parameters["CHALLENGE_NAME"];
  if (!name) return false;
  if (name !== "SRP_A") refuse("InvalidParameterException", "Unknown CHALLENGE_NAME.");
  required(parameters, "SRP_A");
  return true;
}

export const customChallenge: Challenge = {
  kind: "custom",
  find: findBySession,
  offer: async (_ctx, { pool }) => refuseCustomAuth(pool),
  answer: async (_ctx, { pool }, responses) => {
    required(responses, "ANSWER");
    return refuseCustomAuth(pool);
  },
  member: "ANSWER",
  page: "custom",
  refuse: invalidSession,
  proves: "Mfa",
  leadsOn: false,
  failsForGood: true,
};
