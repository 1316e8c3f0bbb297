/** PreTokenGeneration, version V2_0: claims and a scope for members, in both tokens. */
import type { PreTokenGenerationV2TriggerHandler } from "aws-lambda";

export const handler: PreTokenGenerationV2TriggerHandler = async (event) => {
  const isMember = event.request.groupConfiguration.groupsToOverride?.includes("members") === true;
  const claims = { claimsToAddOrOverride: { plan: isMember ? "member" : "guest" } };
  event.response.claimsAndScopeOverrideDetails = {
    idTokenGeneration: claims,
    accessTokenGeneration: { ...claims, scopesToAdd: isMember ? ["articles/read"] : [] },
  };
  return event;
};
