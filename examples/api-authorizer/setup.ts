/**
 * Creates what the example needs: a user pool with a group and two users, a client for people, and one for a program with
 * a scope of its own. All with the unmodified AWS SDK, which finds the server by AWS_ENDPOINT_URL. The settings are written
 * to .env.
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
  CreateResourceServerCommand,
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

/** A clone of Poolhouse is not built: its source is used as it is. */
const isClone = existsSync(join(import.meta.dirname, "..", "..", "src", "verify", "index.ts"));

const apiUrl = new URL(process.env["API_URL"] ?? "http://localhost:3050").href;
const password = `Aa1-${randomBytes(9).toString("base64url")}`;
const idp = new CognitoIdentityProviderClient();

const { UserPool } = await idp.send(
  new CreateUserPoolCommand({
    PoolName: "Orders",
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
  }),
);
const UserPoolId = UserPool!.Id!;

/** A user who is removed from a group keeps its rights no longer than this. */
const validity = { AccessTokenValidity: 5, TokenValidityUnits: { AccessToken: "minutes" } } as const;

const { UserPoolClient: people } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "People",
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
    ...validity,
  }),
);

await idp.send(
  new CreateResourceServerCommand({
    UserPoolId,
    Identifier: "orders",
    Name: "Orders",
    Scopes: [{ ScopeName: "report", ScopeDescription: "Reads the reports" }],
  }),
);
const { UserPoolClient: program } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Reporting program",
    GenerateSecret: true,
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["client_credentials"],
    AllowedOAuthScopes: ["orders/report"],
    ...validity,
  }),
);

await idp.send(new CreateGroupCommand({ UserPoolId, GroupName: "clerks" }));
for (const [Username, groups] of [
  ["clara", ["clerks"]],
  ["gus", []],
] as const) {
  await idp.send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: "SUPPRESS" }));
  await idp.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent: true }),
  );
  for (const GroupName of groups)
    await idp.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
}

const discovery = new URL(`${UserPoolId}/.well-known/openid-configuration`, new URL("/", endpoint));
const metadata = (await (await fetch(discovery)).json()) as Record<string, string>;
const settings = {
  AWS_ENDPOINT_URL: endpoint,
  API_URL: apiUrl,
  ISSUER: metadata["issuer"],
  TOKEN_URL: metadata["token_endpoint"],
  CLIENT_ID: people!.ClientId,
  PROGRAM_CLIENT_ID: program!.ClientId,
  PROGRAM_CLIENT_SECRET: program!.ClientSecret,
  USERS_PASSWORD: password,
  ...(isClone && { NODE_OPTIONS: "--conditions=poolhouse-source" }),
};
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { mode: 0o600 });
console.log(`Wrote .env.
Users: clara (takes orders), gus. Password: ${password}
A person's access token:
  curl -s ${endpoint} -H 'content-type: application/x-amz-json-1.1' \\
    -H 'x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth' -d '{"ClientId":"${people!.ClientId}",
    "AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"clara","PASSWORD":"${password}"}}'
The program's:
  curl -s ${metadata["token_endpoint"]} -u '${program!.ClientId}:${program!.ClientSecret}' -d grant_type=client_credentials
With either:
  curl -s ${apiUrl}orders -H 'authorization: Bearer <access token>'`);
