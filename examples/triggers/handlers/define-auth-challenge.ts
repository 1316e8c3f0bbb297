/** DefineAuthChallenge: one link, one try. */
import type { DefineAuthChallengeTriggerHandler } from "aws-lambda";

export const handler: DefineAuthChallengeTriggerHandler = async (event) => {
  const { session, userNotFound } = event.request;
  const [first] = session;
  if (first === undefined) event.response.challengeName = "CUSTOM_CHALLENGE";
  else {
    event.response.issueTokens = !userNotFound && first.challengeResult;
    event.response.failAuthentication = !event.response.issueTokens;
  }
  return event;
};
