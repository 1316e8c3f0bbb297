/**
 * Creates what the example needs: a user pool with four identity providers, which are the stand-ins, and a client that offers
 * them. With the unmodified AWS SDK, which finds the pool's server by AWS_ENDPOINT_URL. Writes the settings to .env, the
 * key of the SAML stand-in to saml-key.json, and to policy.json what the function's access key must be allowed to do.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import {
  CognitoIdentityProviderClient,
  CreateIdentityProviderCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { providersAt } from "./providers.ts";
import { openIdProvider } from "./stand-ins/openid.ts";
import { newSamlKey } from "./stand-ins/saml-key.ts";
import { samlProvider } from "./stand-ins/samlify.ts";

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

const placeOf = (variable: string, port: number) =>
  new URL(process.env[variable] ?? `http://localhost:${port}`).href;
const urls = {
  APP_URL: placeOf("APP_URL", 3040),
  GOOGLE_URL: placeOf("GOOGLE_URL", 3041),
  FACEBOOK_URL: placeOf("FACEBOOK_URL", 3042),
  OPENID_URL: placeOf("OPENID_URL", 3043),
  SAML_URL: placeOf("SAML_URL", 3044),
};
const secret = () => randomBytes(24).toString("base64url");
const secrets = { GOOGLE_SECRET: secret(), FACEBOOK_SECRET: secret(), OPENID_SECRET: secret() };

const idp = new CognitoIdentityProviderClient();
const handler = "arn:aws:lambda:us-east-1:000000000000:function:visits";
const { UserPool } = await idp.send(
  new CreateUserPoolCommand({
    PoolName: "Federation",
    AutoVerifiedAttributes: ["email"],
    Schema: ["member_since", "visits"].map((Name) => ({ Name, AttributeDataType: "String", Mutable: true })),
    LambdaConfig: { PostConfirmation: handler, PostAuthentication: handler },
  }),
);
const UserPoolId = UserPool!.Id!;

const discovery = new URL(`${UserPoolId}/.well-known/openid-configuration`, new URL("/", endpoint));
const { issuer, authorization_endpoint: authorize } = (await (await fetch(discovery)).json()) as {
  issuer: string;
  authorization_endpoint: string;
};

// What the endpoints of the pool's domain begin with: providers send browsers back to it.
const poolUrl = authorize.replace(/\/oauth2\/authorize$/, "");

const samlKey = await newSamlKey();
writeFileSync("saml-key.json", JSON.stringify(samlKey), { mode: 0o600 });
const providers = providersAt({
  google: new URL(urls.GOOGLE_URL).origin,
  googleSecret: secrets.GOOGLE_SECRET,
  facebook: new URL(urls.FACEBOOK_URL).origin,
  facebookSecret: secrets.FACEBOOK_SECRET,
  openid: new URL(urls.OPENID_URL).origin,
  openidSecret: secrets.OPENID_SECRET,
  saml: samlProvider(urls.SAML_URL, samlKey).getMetadata(),
});
// The endpoints of Corporate are discovered when it is entered: its stand-in runs until then.
const corporate = { id: "our-app-at-corporate", secret: secrets.OPENID_SECRET, pool: poolUrl };
const standIn = createServer(openIdProvider("Corporate", urls.OPENID_URL, corporate));
standIn.listen(Number(new URL(urls.OPENID_URL).port), "127.0.0.1");
await once(standIn, "listening");
for (const provider of providers)
  await idp.send(new CreateIdentityProviderCommand({ UserPoolId, ...provider }));
standIn.close();
standIn.closeAllConnections();

const { UserPoolClient } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "Club",
    GenerateSecret: true,
    CallbackURLs: [new URL("callback", urls.APP_URL).href],
    LogoutURLs: [urls.APP_URL],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "profile"],
    SupportedIdentityProviders: ["COGNITO", ...providers.map(({ ProviderName }) => ProviderName!)],
    PreventUserExistenceErrors: "ENABLED",
    // What is mapped must be among them; the attributes of its own are for the function alone.
    WriteAttributes: ["email", "name"],
  }),
);

const settings = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: await idp.config.region(),
  ...urls,
  ...secrets,
  ISSUER: issuer,
  POOL_URL: poolUrl,
  USER_POOL_ID: UserPoolId,
  CLIENT_ID: UserPoolClient!.ClientId,
  CLIENT_SECRET: UserPoolClient!.ClientSecret,
  SESSION_SECRET: randomBytes(32).toString("base64url"),
};
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
writeFileSync(".env", lines.join(""), { flag: "wx", mode: 0o600 });

const Action = ["cognito-idp:AdminUpdateUserAttributes"];
const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: UserPool!.Arn }] };
writeFileSync("policy.json", `${JSON.stringify(policy, null, 2)}\n`);

console.log(`The user pool ${UserPoolId} has the identity providers Google, Facebook, Corporate (OpenID) and Campus (SAML).
What they send browsers back to begins with ${settings.POOL_URL}`);
