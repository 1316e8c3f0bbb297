/** VerifyAuthChallengeResponse: whether the answer is what the link has. */
import { timingSafeEqual } from "node:crypto";
import type { VerifyAuthChallengeResponseTriggerHandler } from "aws-lambda";

export const handler: VerifyAuthChallengeResponseTriggerHandler = async (event) => {
  const { privateChallengeParameters, challengeAnswer } = event.request;
  const [given, wanted] = [challengeAnswer, privateChallengeParameters["secret"] ?? ""].map((text) =>
    Buffer.from(text),
  );
  const isInTime = Date.now() < Number(privateChallengeParameters["expiresAt"]);
  event.response.answerCorrect =
    isInTime && given!.length === wanted!.length && timingSafeEqual(given!, wanted!);
  return event;
};
