/**
 * Creates what the example needs: users of the CMS, as they have always been there, an empty user pool whose triggers know
 * the way to them, and the clients of the CMS and of programs. With the unmodified AWS SDK, which finds the pool's server by
 * AWS_ENDPOINT_URL. Writes the settings to .env, and to policy.json what the functions' access key must be allowed to do.
 */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { policyFor } from "./policy.ts";

const endpoint = process.env["AWS_ENDPOINT_URL"];
if (!endpoint) {
  console.error("AWS_ENDPOINT_URL is not set. A local Poolhouse is at http://localhost:4747.");
  process.exit(1);
}
if (existsSync(".env") || existsSync("cms.db")) {
  console.error(".env or cms.db is there already. Remove both to begin anew.");
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

const password = `old-${randomBytes(9).toString("base64url")}`;
const { addArticle, addUser } = await import("./records.ts");
for (const [username, displayName] of [
  ["ada", "Ada Lovelace"],
  ["grace", "Grace Hopper"],
  ["mary", "Mary Somerville"],
] as const) {
  const { id } = addUser({ username, displayName, email: `${username}@example.com` }, password);
  addArticle(id, `The first article of ${displayName}`);
}

const cmsUrl = new URL(process.env["CMS_URL"] ?? "http://localhost:3020").href;
const idp = new CognitoIdentityProviderClient();
const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
const { UserPool } = await idp.send(
  new CreateUserPoolCommand({
    PoolName: "CMS",
    AutoVerifiedAttributes: ["email"],
    // As in the CMS.
    UsernameConfiguration: { CaseSensitive: false },
    Schema: [{ Name: "legacy_id", AttributeDataType: "String", Mutable: true }],
    LambdaConfig: {
      UserMigration: arnOf("migrate-user"),
      PreSignUp: arnOf("pre-sign-up"),
      PostAuthentication: arnOf("post-authentication"),
    },
  }),
);
const UserPoolId = UserPool!.Id!;

/** Whoever could change `custom:legacy_id` could read anybody's articles: it is for the functions alone. */
const attributes = { WriteAttributes: ["email", "name"] };

const { UserPoolClient: cms } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "CMS",
    GenerateSecret: true,
    CallbackURLs: [new URL("/auth/signin/callback", cmsUrl).href],
    LogoutURLs: [cmsUrl],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "profile"],
    SupportedIdentityProviders: ["COGNITO"],
    PreventUserExistenceErrors: "ENABLED",
    ...attributes,
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
    ...attributes,
  }),
);

const discovery = new URL(`${UserPoolId}/.well-known/openid-configuration`, new URL("/", endpoint));
const { issuer } = (await (await fetch(discovery)).json()) as { issuer: string };

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
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });

const [, , , region, account] = UserPool!.Arn!.split(":");
writeFileSync("policy.json", `${JSON.stringify(policyFor(region!, account!, UserPoolId), null, 2)}\n`);

console.log(`The user pool ${UserPoolId} has no users yet. Client for programs: ${programs!.ClientId}
Users of the CMS: ada, grace, mary. Their password: ${password}`);
