/**
 * Creates what the example needs: a user pool in which only administrators create users, and the client of the server and
 * the page. With the unmodified AWS SDK, which finds the pool's server by AWS_ENDPOINT_URL. Writes the settings to .env, and
 * to policy.json what the server's own access key must be allowed to do.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const endpoint = process.env["AWS_ENDPOINT_URL"];
if (!endpoint) {
  console.error("AWS_ENDPOINT_URL is not set. A local Poolhouse is at http://localhost:4747.");
  process.exit(1);
}
if (existsSync(".env")) {
  console.error(".env is there already. Remove it to begin anew.");
  process.exit(1);
}
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
const { UserPool } = await idp.send(
  new CreateUserPoolCommand({
    PoolName: "Accounts",
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
    // User names are the ids of our records; people sign in with their address.
    AliasAttributes: ["email"],
    UsernameConfiguration: { CaseSensitive: false },
    // A new address counts when its owner has entered the code that was sent there.
    AutoVerifiedAttributes: ["email"],
    UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email"] },
  }),
);
const UserPoolId = UserPool!.Id!;

const { UserPoolClient } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Accounts",
    ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
  }),
);

const discovery = new URL(`${UserPoolId}/.well-known/openid-configuration`, new URL("/", endpoint));
const { issuer } = (await (await fetch(discovery)).json()) as { issuer: string };

// Development servers keep what they would send.
const inbox = new URL("/inbox", endpoint);
const hasInbox = (await fetch(inbox)).ok;

/** A clone of Poolhouse is not built: its source is used as it is. */
const isClone = existsSync(join(import.meta.dirname, "..", "..", "src", "verify", "index.ts"));

const settings = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: await idp.config.region(),
  ACCOUNTS_URL: new URL(process.env["ACCOUNTS_URL"] ?? "http://localhost:3000").href,
  ISSUER: issuer,
  USER_POOL_ID: UserPoolId,
  CLIENT_ID: UserPoolClient!.ClientId,
  ...(hasInbox && { INBOX_URL: inbox.href }),
  ...(isClone && { NODE_OPTIONS: "--conditions=poolhouse-source" }),
};
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });

const Action = ["CreateUser", "GetUser", "SetUserPassword", "InitiateAuth", "RespondToAuthChallenge"].map(
  (name) => `cognito-idp:Admin${name}`,
);
const policy = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action, Resource: UserPool!.Arn }],
};
writeFileSync("policy.json", `${JSON.stringify(policy, null, 2)}\n`);

console.log(`Wrote .env and policy.json. What comes next is to make the server's access key: README.md.
The user pool ${UserPoolId} is ready.`);
