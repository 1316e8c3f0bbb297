/**
 * Adds a client for the API to the pool of examples/web-app, and writes its settings into the same .env. Only the API may
 * use this client: it has a secret, and signs users in through the administrators' API.
 */
import { appendFileSync } from "node:fs";
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { setting } from "./settings.ts";

const apiUrl = new URL(process.env["API_URL"] ?? "http://localhost:3002").href;
const { UserPoolClient } = await new CognitoIdentityProviderClient().send(
  new CreateUserPoolClientCommand({
    UserPoolId: setting("USER_POOL_ID"),
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
for (const [name, value] of Object.entries(settings)) appendFileSync(".env", `${name}='${value}'\n`);
console.log(`The API's client is ready. Programs sign in with the same names and password at ${apiUrl}login`);
