/**
 * Adds a client for the API to the pool of examples/web-app, and writes its settings into the same .env. Only the API may
 * use this client: it has a secret, and signs users in through the administrators' API. policy.json says what its access key
 * must be allowed to do.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  DescribeUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { setting } from "./settings.ts";

const apiUrl = new URL(process.env["API_URL"] ?? "http://localhost:3002").href;
const endpoint = setting("AWS_ENDPOINT_URL");
try {
  await fetch(endpoint);
} catch (error) {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  console.error(
    `No server answers at ${endpoint} (AWS_ENDPOINT_URL): ${code ?? error}. Is Poolhouse running there?`,
  );
  process.exit(1);
}

const idp = new CognitoIdentityProviderClient();
const UserPoolId = setting("USER_POOL_ID");
const { UserPoolClient } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Works API",
    GenerateSecret: true,
    ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
    AccessTokenValidity: 5,
    TokenValidityUnits: { AccessToken: "minutes" },
  }),
);
const settings = {
  API_URL: apiUrl,
  API_CLIENT_ID: UserPoolClient!.ClientId,
  API_CLIENT_SECRET: UserPoolClient!.ClientSecret,
};
// What the API's own access key must be allowed to do.
const { UserPool } = await idp.send(new DescribeUserPoolCommand({ UserPoolId }));
const policy = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "cognito-idp:AdminInitiateAuth", Resource: UserPool!.Arn }],
};
writeFileSync("policy.json", `${JSON.stringify(policy, null, 2)}\n`);
for (const [name, value] of Object.entries(settings)) appendFileSync(".env", `${name}='${value}'\n`);
console.log(`Wrote policy.json and added to .env. What comes next is to make the API's access key: README.md.
The API's client is ready. Programs sign in with the same names and password at ${apiUrl}login`);
