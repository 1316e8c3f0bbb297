/**
 * Creates what the example needs: the user pools of template.yaml with a client each, and the members' group. With the unmodified AWS
 * SDK, which finds the pools' server by AWS_ENDPOINT_URL. Writes the settings to .env, and to policy.json what the functions'
 * access key must be allowed to do.
 */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { poolOfTemplate } from "./template.ts";

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
const createPool = async (id: "Members" | "Guests") =>
  (await idp.send(new CreateUserPoolCommand(poolOfTemplate(id) as unknown as CreateUserPoolCommandInput)))
    .UserPool!;
const members = await createPool("Members");
const UserPoolId = members.Id!;
await idp.send(new CreateGroupCommand({ UserPoolId, GroupName: "members" }));
const { UserPoolClient } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Members",
    ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
  }),
);
const guests = await createPool("Guests");
const { UserPoolClient: guestsClient } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId: guests.Id,
    ClientName: "Guests",
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
  }),
);

const discovery = new URL(`${UserPoolId}/.well-known/openid-configuration`, new URL("/", endpoint));
const { issuer } = (await (await fetch(discovery)).json()) as { issuer: string };

const mailUrl = new URL(process.env["MAIL_URL"] ?? "http://localhost:3031");
/** A clone of Poolhouse is not built: its source is used as it is. */
const isClone = existsSync(join(import.meta.dirname, "..", "..", "src", "verify", "index.ts"));

const settings = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: await idp.config.region(),
  APP_URL: new URL(process.env["APP_URL"] ?? "http://localhost:3030").href,
  MAIL_URL: mailUrl.href,
  SMTP_URL: process.env["SMTP_URL"] ?? "smtp://127.0.0.1:3032",
  SMS_URL: new URL("/sms", mailUrl).href,
  ISSUER: issuer,
  USER_POOL_ID: UserPoolId,
  CLIENT_ID: UserPoolClient!.ClientId,
  GUESTS_POOL_ID: guests.Id,
  GUESTS_CLIENT_ID: guestsClient!.ClientId,
  SESSION_SECRET: randomBytes(32).toString("base64url"),
  ...(isClone && { NODE_OPTIONS: "--conditions=poolhouse-source" }),
};
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });

const Action = ["cognito-idp:AdminAddUserToGroup", "cognito-idp:AdminUpdateUserAttributes"];
const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: members.Arn }] };
writeFileSync("policy.json", `${JSON.stringify(policy, null, 2)}\n`);

console.log(
  `The user pool ${UserPoolId} is ready. Everybody with an address of example.com or example.org may sign up.`,
);
console.log(`Its guests have a pool of their own, ${guests.Id}, with the client ${guestsClient!.ClientId}.`);
