/** Points Amplify at Poolhouse, and at the API. */
import { Amplify } from "aws-amplify";
import { settings } from "./settings.ts";

const { poolhouse, region, userPoolId, clientId, identityPoolId } = settings;

/** What the page calls the API. */
export const apiName = "museum";

Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId,
      userPoolClientId: clientId,
      identityPoolId,
      allowGuestAccess: true,
      // Where calls go. Without these two Amplify would call Amazon.
      userPoolEndpoint: poolhouse,
      identityPoolEndpoint: poolhouse,
    },
  },
  // With a service, Amplify signs its calls with the credentials of the identity pool.
  API: { REST: { [apiName]: { endpoint: location.origin, region, service: "execute-api" } } },
});
