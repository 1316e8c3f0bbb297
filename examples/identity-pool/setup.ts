/**
 * Creates what the example needs: a user pool with two users, and an identity pool that gives guests and users temporary
 * credentials. With the unmodified AWS SDK, which finds the server by AWS_ENDPOINT_URL. Writes the settings to .env, the
 * roles to roles.json, and to policy.json what the API's own access key must be allowed to do.
 */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CognitoIdentityClient } from "@aws-sdk/client-cognito-identity";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { type Group, makeIdentityPool, makeUserPool, makeUsers } from "./pools.ts";
import { apiPolicy, roleArn, roleTemplate } from "./roles.ts";

function stop(problem: string): never {
  console.error(problem);
  process.exit(1);
}

const endpoint =
  process.env["AWS_ENDPOINT_URL"] ??
  stop("AWS_ENDPOINT_URL is not set. A local Poolhouse is at http://localhost:4747.");
if (existsSync(".env")) stop(".env is there already. Remove it to begin anew.");
const { S3_URL, S3_BUCKET, S3_ROLE_ARN } = process.env;
if (!S3_URL !== !S3_BUCKET) stop("S3_URL and S3_BUCKET belong together: a store, and a bucket in it.");
if (S3_ROLE_ARN && !/^arn:[\w-]+:iam::\d+:role\/./.test(S3_ROLE_ARN))
  stop("S3_ROLE_ARN must be the ARN of a role whose account is a number, as Cognito wants it for groups.");
const store = S3_URL && S3_BUCKET ? { url: new URL(S3_URL).href, bucket: S3_BUCKET } : undefined;
try {
  await fetch(endpoint);
} catch (error) {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  stop(`No server answers at ${endpoint} (AWS_ENDPOINT_URL): ${code ?? error}. Is Poolhouse running there?`);
}

const idp = new CognitoIdentityProviderClient();
const region = await idp.config.region();
const pool = await makeUserPool(idp);
const place = { region, accountId: pool.accountId };

const admins: Group = { name: "admins", roleArn: roleArn(place, "museum-admins"), precedence: 1 };
const filesRole = S3_ROLE_ARN || roleArn(place, "museum-files");
const files: Group = { name: "files", roleArn: filesRole, precedence: 2 };
const groups = store === undefined ? [admins] : [admins, files];
const password = `Aa1-${randomBytes(9).toString("base64url")}`;
await makeUsers(idp, pool.userPoolId, groups, {
  ada: { password, groups: groups.map(({ name }) => name) },
  gus: { password, groups: [] },
});

const identityPoolId = await makeIdentityPool(new CognitoIdentityClient(), region, pool, {
  guests: roleArn(place, "museum-guests"),
  members: roleArn(place, "museum-members"),
});

/** A clone of Poolhouse is not built: its source is used as it is. */
const isClone = existsSync(join(import.meta.dirname, "..", "..", "src", "sigv4", "index.ts"));

const settings = {
  POOLHOUSE_URL: new URL(endpoint).origin,
  PAGE_URL: new URL(process.env["PAGE_URL"] ?? "http://localhost:3060").href,
  REGION: region,
  ACCOUNT_ID: pool.accountId,
  USER_POOL_ID: pool.userPoolId,
  CLIENT_ID: pool.clientId,
  IDENTITY_POOL_ID: identityPoolId,
  ...(store && { S3_URL: store.url, S3_BUCKET: store.bucket, S3_ROLE_ARN: filesRole }),
  ...(isClone && { NODE_OPTIONS: "--conditions=poolhouse-source" }),
};
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });
const writeJson = (file: string, value: object) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
writeJson("roles.json", roleTemplate(place, identityPoolId, S3_ROLE_ARN ? undefined : store?.bucket));
writeJson("policy.json", apiPolicy(place));

console.log(`Wrote .env, roles.json and policy.json. What comes next is to create the roles and the API's access key: README.md.
Users: ada (in the group admins), gus. Their password: ${password}`);
