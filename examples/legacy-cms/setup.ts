/**
 * Creates what the example needs: users of the CMS, as they have always been there, an empty user pool whose triggers know
 * the way to them, and the clients of the CMS and of programs. With the unmodified AWS SDK, which finds the pool's server by
 * AWS_ENDPOINT_URL. Writes the settings to .env, and to policy.json what the functions' access key must be allowed to do.
 */
import { randomBytes } from "node:crypto";
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { addOldUsers, createPool, discovered, findServer, webClient, writeDown } from "./pool.ts";

const endpoint = await findServer();
const password = await addOldUsers();

const cmsUrl = new URL(process.env["CMS_URL"] ?? "http://localhost:3020").href;
const idp = new CognitoIdentityProviderClient();
const pool = await createPool(idp);
const UserPoolId = pool.Id!;

const { UserPoolClient: cms } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "CMS",
    CallbackURLs: [new URL("/auth/signin/callback", cmsUrl).href],
    LogoutURLs: [cmsUrl],
    SupportedIdentityProviders: ["COGNITO"],
    ...webClient,
  }),
);
const { UserPoolClient: programs } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Programs",
    ExplicitAuthFlows: [
      "ALLOW_USER_PASSWORD_AUTH",
      "ALLOW_ADMIN_USER_PASSWORD_AUTH",
      "ALLOW_USER_SRP_AUTH",
      "ALLOW_REFRESH_TOKEN_AUTH",
    ],
    PreventUserExistenceErrors: "ENABLED",
    WriteAttributes: webClient.WriteAttributes,
  }),
);

const { issuer } = await discovered(endpoint, pool);
const settings = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: await idp.config.region(),
  CMS_URL: cmsUrl,
  LEGACY_URL: new URL(process.env["LEGACY_URL"] ?? "http://localhost:3021").href,
  LEGACY_SECRET: randomBytes(24).toString("base64url"),
  ISSUER: issuer,
  USER_POOL_ID: UserPoolId,
  CLIENT_ID: cms!.ClientId,
  CLIENT_SECRET: cms!.ClientSecret,
  PROGRAMS_CLIENT_ID: programs!.ClientId,
  SESSION_SECRET: randomBytes(32).toString("base64url"),
};
writeDown(settings, pool);

console.log(`The user pool ${UserPoolId} has no users yet. Client for programs: ${programs!.ClientId}
Users of the CMS: ada, grace, mary. Their password: ${password}`);
