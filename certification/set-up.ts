/**
 * Creates what the OpenID Foundation's conformance suite needs on a running Poolhouse (a pool, two clients, a user),
 * and writes the plan's configuration with their names to standard output. See README.md.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";

export interface Suite {
  readonly client: CognitoIdentityProviderClient;
  /** Poolhouse's public URL. */
  readonly endpoint: string;
  /** The URL of the conformance suite. */
  readonly suite: string;
}

const plan = readFileSync(new URL("plan.json", import.meta.url), "utf8");
const alias = "poolhouse";

/** Values for the claims of every scope. */
const attributes = {
  email: "conformance@example.com",
  email_verified: "true",
  phone_number: "+15550001111",
  phone_number_verified: "true",
  name: "Conny Conformance",
  given_name: "Conny",
  family_name: "Conformance",
  middle_name: "C.",
  nickname: "conny",
  preferred_username: "conny",
  profile: "https://example.com/conny",
  picture: "https://example.com/conny.png",
  website: "https://example.com/",
  gender: "female",
  birthdate: "1990-01-01",
  zoneinfo: "Europe/Berlin",
  locale: "en-GB",
};

/** The plan's configuration as JSON. */
export async function setUpSuite({ client, endpoint, suite }: Suite): Promise<string> {
  const made = await client.send(
    new CreateUserPoolCommand({ PoolName: "conformance", UserPoolTags: { "poolhouse:oidc": "*" } }),
  );
  const UserPoolId = made.UserPool?.Id ?? "";
  const username = "conformance";
  const password = `Aa1-${randomBytes(12).toString("hex")}`;
  const UserAttributes = Object.entries(attributes).map(([Name, Value]) => ({ Name, Value }));
  await client.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username: username,
      UserAttributes,
      MessageAction: "SUPPRESS",
    }),
  );
  await client.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username: username, Password: password, Permanent: true }),
  );
  const [one, two] = [
    await makeClient(client, UserPoolId, suite),
    await makeClient(client, UserPoolId, suite),
  ];
  const values: Readonly<Record<string, string>> = {
    issuer: `${endpoint}/${UserPoolId}`,
    suite,
    username,
    password,
    client_id: one.id,
    client_secret: one.secret,
    client2_id: two.id,
    client2_secret: two.secret,
  };
  return plan.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
}

async function makeClient(client: CognitoIdentityProviderClient, UserPoolId: string, suite: string) {
  const made = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: "OpenID conformance suite",
      GenerateSecret: true,
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email", "phone", "profile"],
      CallbackURLs: [`${suite}/test/a/${alias}/callback`],
      LogoutURLs: [`${suite}/test/a/${alias}/post_logout_redirect`],
      SupportedIdentityProviders: ["COGNITO"],
    }),
  );
  return { id: made.UserPoolClient?.ClientId ?? "", secret: made.UserPoolClient?.ClientSecret ?? "" };
}

if (import.meta.main) {
  const options = { endpoint: { type: "string" }, suite: { type: "string" } } as const;
  const { values } = parseArgs({ options });
  const endpoint = (values.endpoint ?? "https://localhost:8443").replace(/\/+$/, "");
  const suite = (values.suite ?? "https://localhost.emobix.co.uk:8443").replace(/\/+$/, "");
  // Credentials come from the environment.
  const client = new CognitoIdentityProviderClient({ endpoint, region: "us-east-1" });
  process.stdout.write(await setUpSuite({ client, endpoint, suite }));
}
