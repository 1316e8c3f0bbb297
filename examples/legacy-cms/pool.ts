/** What the setups of the CMS have in common: its users of old, its user pool with the triggers, and what is written down. */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CognitoIdentityProviderClient,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  type UserPoolType,
} from "@aws-sdk/client-cognito-identity-provider";
import { policyFor } from "./policy.ts";

/** A clone of Poolhouse is not built: its source is used as it is. */
const isClone = existsSync(join(import.meta.dirname, "..", "..", "src", "verify", "index.ts"));

/** The server to set the example up at. Ends the program if there is none, or if the folder is set up already. */
export async function findServer(): Promise<string> {
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
  return endpoint;
}

/** Fills the CMS with users, each with an article. Returns the password that all of them have there. */
export async function addOldUsers(): Promise<string> {
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
  return password;
}

const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

/** The functions that functions.ts writes down. */
export const triggers = {
  UserMigration: arnOf("migrate-user"),
  PreSignUp: arnOf("pre-sign-up"),
  PostAuthentication: arnOf("post-authentication"),
};

/** An empty pool. */
export async function createPool(
  idp: CognitoIdentityProviderClient,
  change: Partial<CreateUserPoolCommandInput> = {},
): Promise<UserPoolType> {
  const { UserPool } = await idp.send(
    new CreateUserPoolCommand({
      PoolName: "CMS",
      AutoVerifiedAttributes: ["email"],
      // As in the CMS.
      UsernameConfiguration: { CaseSensitive: false },
      Schema: [{ Name: "legacy_id", AttributeDataType: "String", Mutable: true }],
      LambdaConfig: triggers,
      ...change,
    }),
  );
  return UserPool!;
}

/** What every web client of the pool has. */
export const webClient: Partial<CreateUserPoolClientCommandInput> = {
  GenerateSecret: true,
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code"],
  AllowedOAuthScopes: ["openid", "email", "profile"],
  PreventUserExistenceErrors: "ENABLED",
  /** Whoever could change `custom:legacy_id` could read anybody's articles: it is for the functions alone. */
  WriteAttributes: ["email", "name"],
};

/** What the pool's server says of the pool (OpenID Connect Discovery 1.0). */
export async function discovered(
  endpoint: string,
  { Id }: UserPoolType,
): Promise<{ readonly issuer: string; readonly authorization_endpoint: string }> {
  const url = new URL(`${Id}/.well-known/openid-configuration`, new URL("/", endpoint));
  return (await fetch(url)).json() as Promise<{ issuer: string; authorization_endpoint: string }>;
}

/** Writes .env, and policy.json with what the functions' access key must be allowed to do. */
export function writeDown(settings: Readonly<Record<string, string | undefined>>, pool: UserPoolType): void {
  const all = { ...settings, ...(isClone && { NODE_OPTIONS: "--conditions=poolhouse-source" }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });
  const [, , , region, account] = pool.Arn!.split(":");
  writeFileSync("policy.json", `${JSON.stringify(policyFor(region!, account!, pool.Id!), null, 2)}\n`);
}
