/** Programs that sign the demo's user in, complete as they are. */
import type { Config } from "../../config/config.ts";
import { demoClientId, demoPoolId, demoUser, ownCallback } from "./demo.ts";

export interface Snippet {
  readonly title: string;
  readonly language: "sh" | "js" | "python";
  /** The packages to install, and anything else to know. */
  readonly note: string;
  readonly code: string;
}

type Settings = Pick<Config, "publicUrl" | "region">;

/** One snippet for each kind of client, the shortest first. */
export function snippetsFor(config: Settings): readonly Snippet[] {
  return [awsCli(config), sdk(config), amplify(config), openIdClient(config), boto3(config)];
}

export function awsCli({ publicUrl, region }: Settings): Snippet {
  return {
    title: "aws-cli",
    language: "sh",
    note: "Signs in and prints the tokens.",
    code: `aws cognito-idp initiate-auth --endpoint-url ${publicUrl} \\
  --region ${region} --no-sign-request \\
  --auth-flow USER_PASSWORD_AUTH --client-id ${demoClientId} \\
  --auth-parameters USERNAME=${demoUser.name},PASSWORD=${demoUser.password}`,
  };
}

function sdk({ publicUrl, region }: Settings): Snippet {
  return {
    title: "AWS SDK for JavaScript v3",
    language: "js",
    note: "npm install @aws-sdk/client-cognito-identity-provider",
    code: `import {
  CognitoIdentityProviderClient, InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const client = new CognitoIdentityProviderClient({
  endpoint: "${publicUrl}", region: "${region}",
});
const answer = await client.send(new InitiateAuthCommand({
  ClientId: "${demoClientId}",
  AuthFlow: "USER_PASSWORD_AUTH",
  AuthParameters: { USERNAME: "${demoUser.name}", PASSWORD: "${demoUser.password}" },
}));
console.log(answer.AuthenticationResult.IdToken);`,
  };
}

function amplify(config: Settings): Snippet {
  return {
    title: "Amplify",
    language: "js",
    note: "npm install aws-amplify",
    code: `import { Amplify } from "aws-amplify";
import { fetchAuthSession, signIn } from "aws-amplify/auth";

Amplify.configure({ Auth: { Cognito: {
  userPoolId: "${demoPoolId(config)}",
  userPoolClientId: "${demoClientId}",
  userPoolEndpoint: "${config.publicUrl}",
} } });
await signIn({ username: "${demoUser.name}", password: "${demoUser.password}" });
console.log((await fetchAuthSession()).tokens.idToken.payload);`,
  };
}

/** Plain http has to be allowed explicitly. */
function openIdClient(config: Settings): Snippet {
  const isPlain = config.publicUrl.startsWith("http:");
  const args = isPlain
    ? `\n  issuer, "${demoClientId}", undefined, undefined,\n  { execute: [client.allowInsecureRequests] },\n`
    : `issuer, "${demoClientId}"`;
  return {
    title: "OpenID Connect client",
    language: "js",
    note: `npm install openid-client. Prints where to send the browser, which returns to ${ownCallback}.`,
    code: `import * as client from "openid-client";

const issuer = new URL("${config.publicUrl}/${demoPoolId(config)}");
const config = await client.discovery(${args});
// Keep it with the visitor's session until the browser returns.
const verifier = client.randomPKCECodeVerifier();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: "${ownCallback}",
  scope: "openid email",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
console.log(url.href);
// There:
// client.authorizationCodeGrant(config, thatUrl, { pkceCodeVerifier: verifier })`,
  };
}

function boto3({ publicUrl, region }: Settings): Snippet {
  return {
    title: "boto3",
    language: "python",
    note: "pip install boto3",
    code: `import boto3
from botocore import UNSIGNED
from botocore.config import Config

idp = boto3.client(
    "cognito-idp", endpoint_url="${publicUrl}", region_name="${region}",
    config=Config(signature_version=UNSIGNED))
answer = idp.initiate_auth(
    ClientId="${demoClientId}", AuthFlow="USER_PASSWORD_AUTH",
    AuthParameters={"USERNAME": "${demoUser.name}", "PASSWORD": "${demoUser.password}"})
print(answer["AuthenticationResult"]["IdToken"])`,
  };
}
