/**
 * Creates what the example needs: a user pool with the group Admin and two users, the client of People Web, and one for
 * scripts. All with the unmodified AWS SDK, which finds the server by AWS_ENDPOINT_URL. The settings are written to .env.
 */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
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

const webUrl = new URL(process.env["WEB_URL"] ?? "http://localhost:3010").href;
const apiUrl = new URL(process.env["API_URL"] ?? "http://localhost:3011").href;
const password = `Aa1-${randomBytes(9).toString("base64url")}`;
const idp = new CognitoIdentityProviderClient();

const { UserPool } = await idp.send(
  new CreateUserPoolCommand({
    PoolName: "People",
    // Whoever has an account can read.
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
  }),
);
const UserPoolId = UserPool!.Id!;

/** A user who is removed from a group keeps its rights no longer than this. */
const validity = { AccessTokenValidity: 5, TokenValidityUnits: { AccessToken: "minutes" } } as const;

const { UserPoolClient: web } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "People Web",
    GenerateSecret: true,
    CallbackURLs: [new URL("/callback", webUrl).href],
    LogoutURLs: [webUrl],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email"],
    SupportedIdentityProviders: ["COGNITO"],
    PreventUserExistenceErrors: "ENABLED",
    ...validity,
  }),
);

const { UserPoolClient: scripts } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Scripts",
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
    ...validity,
  }),
);

await idp.send(new CreateGroupCommand({ UserPoolId, GroupName: "Admin" }));
for (const Username of ["ada", "rob"]) {
  // A code for a forgotten password is sent there.
  const UserAttributes = [
    { Name: "email", Value: `${Username}@example.com` },
    { Name: "email_verified", Value: "true" },
  ];
  await idp.send(
    new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes, MessageAction: "SUPPRESS" }),
  );
  const chosen = { UserPoolId, Username, Password: password, Permanent: true };
  await idp.send(new AdminSetUserPasswordCommand(chosen));
}
await idp.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: "ada", GroupName: "Admin" }));

const discovery = new URL(`${UserPoolId}/.well-known/openid-configuration`, new URL("/", endpoint));
const { issuer } = (await (await fetch(discovery)).json()) as { issuer: string };

/** A clone of Poolhouse is not built: its source is used as it is. */
const isClone = existsSync(join(import.meta.dirname, "..", "..", "src", "verify", "index.ts"));

const settings = {
  WEB_URL: webUrl,
  API_URL: apiUrl,
  ISSUER: issuer,
  USER_POOL_ID: UserPoolId,
  CLIENT_ID: web!.ClientId,
  CLIENT_SECRET: web!.ClientSecret,
  SCRIPT_CLIENT_ID: scripts!.ClientId,
  SESSION_SECRET: randomBytes(32).toString("base64url"),
  USERS_PASSWORD: password,
  ...(isClone && { NODE_OPTIONS: "--conditions=poolhouse-source" }),
};
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });

console.log(`Wrote .env.
The user pool ${UserPoolId} is ready.
Users: ada (Admin), rob (in no group). Their password: ${password}
Client for scripts: ${scripts!.ClientId}`);
