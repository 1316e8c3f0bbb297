/**
 * Creates what the example needs: a user pool with two groups and three users, the client of the web application, and
 * one for scripts. All with the unmodified AWS SDK, which finds the server by AWS_ENDPOINT_URL. The settings are
 * written to .env.
 */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
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

const appUrl = new URL(process.env["APP_URL"] ?? "http://localhost:3000").href;
const passportUrl = new URL(process.env["PASSPORT_URL"] ?? "http://localhost:3001").href;
const password = `Aa1-${randomBytes(9).toString("base64url")}`;
const idp = new CognitoIdentityProviderClient();

const { UserPool } = await idp.send(
  new CreateUserPoolCommand({
    PoolName: "Notice board",
    // Who signed up would be in no group, and see nothing.
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
  }),
);
const UserPoolId = UserPool!.Id!;

/** A user who is removed from a group keeps its rights no longer than this. */
const validity = { AccessTokenValidity: 5, TokenValidityUnits: { AccessToken: "minutes" } } as const;

const { UserPoolClient: web } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Notice board",
    GenerateSecret: true,
    CallbackURLs: [appUrl, passportUrl].map((url) => new URL("/callback", url).href),
    LogoutURLs: [appUrl, passportUrl],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
    SupportedIdentityProviders: ["COGNITO"],
    PreventUserExistenceErrors: "ENABLED",
    ...validity,
  }),
);

const { UserPoolClient: scripts } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Scripts",
    ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
    ...validity,
  }),
);

for (const GroupName of ["readers", "editors"])
  await idp.send(new CreateGroupCommand({ UserPoolId, GroupName }));

const users: Readonly<Record<string, readonly string[]>> = {
  rita: ["readers"],
  eddy: ["readers", "editors"],
  nora: [],
};
for (const [Username, groups] of Object.entries(users)) {
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
  for (const GroupName of groups)
    await idp.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
}

const discovery = new URL(`${UserPoolId}/.well-known/openid-configuration`, new URL("/", endpoint));
const metadata = (await (await fetch(discovery)).json()) as Record<string, string>;

/** The key that signs access tokens; the pool also publishes that of ID tokens. passport.ts only knows this one. */
async function accessTokenKey(): Promise<object> {
  const { AuthenticationResult } = await idp.send(
    new AdminInitiateAuthCommand({
      UserPoolId,
      ClientId: scripts!.ClientId,
      AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: "rita", PASSWORD: password },
    }),
  );
  const [header] = AuthenticationResult!.AccessToken!.split(".");
  const { kid } = JSON.parse(Buffer.from(header!, "base64url").toString()) as { kid: string };
  const published = (await (await fetch(metadata["jwks_uri"]!)).json()) as { keys: { kid: string }[] };
  return published.keys.find((key) => key.kid === kid)!;
}

/** A clone of Poolhouse is not built: its source is used as it is. */
const isClone = existsSync(join(import.meta.dirname, "..", "..", "src", "verify", "index.ts"));

const settings = {
  APP_URL: appUrl,
  PASSPORT_URL: passportUrl,
  ISSUER: metadata["issuer"],
  POOL_URL: metadata["authorization_endpoint"]!.replace("/oauth2/authorize", ""),
  USER_POOL_ID: UserPoolId,
  CLIENT_ID: web!.ClientId,
  CLIENT_SECRET: web!.ClientSecret,
  SCRIPT_CLIENT_ID: scripts!.ClientId,
  ACCESS_TOKEN_JWK: JSON.stringify(await accessTokenKey()),
  SESSION_SECRET: randomBytes(32).toString("base64url"),
  USERS_PASSWORD: password,
  ...(isClone && { NODE_OPTIONS: "--conditions=poolhouse-source" }),
};
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });

console.log(`Wrote .env.
The user pool ${UserPoolId} is ready.
Users: rita (readers), eddy (readers, editors), nora (in no group). Their password: ${password}`);
