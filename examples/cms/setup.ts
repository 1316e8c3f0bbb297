/**
 * Creates what the example needs: users of the CMS, as they have always been there; a user pool whose triggers know the way
 * to them, with an editor and a stand-in for Google; the gateway's client; and a certificate for the hosts. With the
 * unmodified AWS SDK, which finds the pool's server by AWS_ENDPOINT_URL. Writes .env, gateway.yaml, tls.pem, ca.pem, and
 * policy.json with what the functions' access key must be allowed to do.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateIdentityProviderCommand,
  CreateUserPoolClientCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { googleAt } from "../federation/providers.ts";
import {
  addOldUsers,
  createPool,
  discovered,
  findServer,
  triggers,
  webClient,
  writeDown,
} from "../legacy-cms/pool.ts";
import { certificateFor } from "./certificates.ts";
import { gatewayFile, scopes } from "./gateway.ts";

const endpoint = await findServer();
const password = await addOldUsers();
const placeOf = (variable: string, fallback: string) => new URL(process.env[variable] ?? fallback).href;
const place = {
  AUTH_URL: placeOf("AUTH_URL", "https://auth-api.example.test:3051"),
  CMS_URL: placeOf("CMS_URL", "https://cms.example.test:3051"),
  SHOP_URL: placeOf("SHOP_URL", "https://shop.example.test:3053"),
  GATEWAY_URL: placeOf("GATEWAY_URL", "http://localhost:3050"),
  BACKEND_URL: placeOf("BACKEND_URL", "http://localhost:3052"),
  LEGACY_URL: placeOf("LEGACY_URL", "http://localhost:3054"),
  GOOGLE_URL: placeOf("GOOGLE_URL", "http://localhost:3055"),
};
const store = process.env["GATEWAY_STORE"] ?? "sqlite:gateway.sqlite";

const idp = new CognitoIdentityProviderClient();
// The functions are there once the server is started with them, which the editor does not wait for.
const pool = await createPool(idp, { LambdaConfig: {} });
const UserPoolId = pool.Id!;
const editor = await addEditor();
await idp.send(
  new UpdateUserPoolCommand({
    UserPoolId,
    AutoVerifiedAttributes: ["email"],
    // Whoever comes by Google for the first time is confirmed at once, and authenticates from the second time on.
    LambdaConfig: { ...triggers, PostConfirmation: triggers.PostAuthentication },
  }),
);

const googleSecret = randomBytes(24).toString("base64url");
const google = googleAt(new URL(place.GOOGLE_URL).origin, googleSecret);
await idp.send(new CreateIdentityProviderCommand({ UserPoolId, ...google }));

const { UserPoolClient: client } = await idp.send(
  new CreateUserPoolClientCommand({
    ...webClient,
    UserPoolId,
    ClientName: "Gateway",
    CallbackURLs: [new URL("auth/signin/callback", place.AUTH_URL).href],
    AllowedOAuthScopes: scopes,
    // Where sign-outs lead, and so do sign-ins: the pool's pages name these hosts in their form-action.
    LogoutURLs: [place.AUTH_URL, place.CMS_URL, place.SHOP_URL],
    SupportedIdentityProviders: ["COGNITO", google.ProviderName!],
    // Short, so that the gateway refreshes them while somebody works.
    AccessTokenValidity: 5,
    IdTokenValidity: 5,
    TokenValidityUnits: { AccessToken: "minutes", IdToken: "minutes" },
  }),
);

const { issuer, authorization_endpoint: authorize } = await discovered(endpoint, pool);
const certificate = await certificateFor(new URL(place.AUTH_URL).hostname.replace(/^[^.]+\./, ""));
writeFileSync("tls.pem", certificate.server, { mode: 0o600 });
writeFileSync("ca.pem", certificate.authority);
const known = { issuer, id: client!.ClientId!, secret: client!.ClientSecret!, api: endpoint };
writeFileSync("gateway.yaml", gatewayFile(place, known, store), { mode: 0o600 });
const settings = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: await idp.config.region(),
  ...place,
  LEGACY_SECRET: randomBytes(24).toString("base64url"),
  USER_POOL_ID: UserPoolId,
  CLIENT_ID: known.id,
  GOOGLE_SECRET: googleSecret,
  // What the endpoints of the pool's domain begin with: providers send browsers back to it.
  POOL_URL: authorize.replace(/\/oauth2\/authorize$/, ""),
};
writeDown(settings, pool);

console.log(`Users of the CMS: ada, grace, mary. Their password: ${password}
An editor, who has moved to the pool: edna. Her password: ${editor}
A browser window that finds the hosts and trusts their certificate, with a profile of its own:
  chromium --user-data-dir="$(mktemp -d)" --host-resolver-rules="MAP *.example.test 127.0.0.1" \\
    --ignore-certificate-errors-spki-list=${certificate.hash} ${place.CMS_URL}`);

/** Somebody who is in the CMS and in the pool, in its group of editors. Returns her password. */
async function addEditor(): Promise<string> {
  const { addUser } = await import("../legacy-cms/records.ts");
  const Username = "edna";
  const Password = `Edna-${randomBytes(9).toString("base64url")}-1`;
  const about = { username: Username, displayName: "Edna Mode", email: "edna@example.com" };
  const { id } = addUser(about, Password);
  await idp.send(
    new AdminCreateUserCommand({
      ...{ UserPoolId, Username, MessageAction: "SUPPRESS" },
      UserAttributes: [
        { Name: "name", Value: about.displayName },
        { Name: "email", Value: about.email },
        { Name: "email_verified", Value: "true" },
        { Name: "custom:legacy_id", Value: String(id) },
      ],
    }),
  );
  await idp.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
  await idp.send(new CreateGroupCommand({ UserPoolId, GroupName: "editors" }));
  await idp.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: "editors" }));
  return Password;
}
