/**
 * A program that acts for a user without a browser: it signs in through the administrators' API ("Server-side
 * authentication flow", Amazon Cognito Developer Guide), and calls the notice board with the user's access token.
 *
 *     npm run call-api -- rita
 */
import {
  AdminInitiateAuthCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import { appUrl, patience, setting } from "./settings.ts";

const [username, text] = process.argv.slice(2);
if (username === undefined) {
  console.error("Say as whom: rita, eddy or nora.");
  process.exit(1);
}

const requestHandler = { requestTimeout: patience, throwOnRequestTimeout: true };
const idp = new CognitoIdentityProviderClient({ requestHandler });
const { AuthenticationResult } = await idp.send(
  new AdminInitiateAuthCommand({
    UserPoolId: setting("USER_POOL_ID"),
    ClientId: setting("SCRIPT_CLIENT_ID"),
    // Formerly named ADMIN_NO_SRP_AUTH.
    AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
    AuthParameters: { USERNAME: username, PASSWORD: setting("USERS_PASSWORD") },
  }),
);

const signal = AbortSignal.timeout(patience);
const headers = { authorization: `Bearer ${AuthenticationResult!.AccessToken}` };
const write = {
  method: "POST",
  signal,
  headers: { ...headers, "content-type": "application/json" },
  body: JSON.stringify({ text }),
};
const answer = await fetch(new URL("/api/notices", appUrl), text === undefined ? { headers, signal } : write);
console.log(answer.status, await answer.text());
