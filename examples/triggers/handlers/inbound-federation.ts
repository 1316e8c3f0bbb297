/**
 * InboundFederation: of what another provider says of a user, the pool gets no more than members need. It is called once
 * users can sign in with another provider.
 */
import type { InboundFederationTriggerHandler } from "aws-lambda";

const kept = ["sub", "email", "email_verified", "name"];

export const handler: InboundFederationTriggerHandler = async (event) => {
  const { idToken, userInfo, samlResponse } = event.request.attributes;
  const said: Readonly<Record<string, string | undefined>> = { ...samlResponse, ...idToken, ...userInfo };
  // All that is left out is dropped.
  event.response.userAttributesToMap = Object.fromEntries(
    kept.flatMap((name) => (said[name] === undefined ? [] : [[name, String(said[name])]])),
  );
  return event;
};
