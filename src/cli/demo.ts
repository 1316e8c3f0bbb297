/**
 * `--demo`: on an empty database, creates a pool, a client, a group and a user through the same operations that clients
 * call, and prints snippets that use them. The ids are fixed, so that the README can name them.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { App, Ctx } from "../app.ts";
import { findClientOf } from "../domain/grants/client.ts";
import { userPoolHandlers } from "../http/aws-json/operations.ts";
import { createCtx } from "../http/context.ts";
import {
  builtInCallback,
  callbackPath,
  demoClientId,
  demoPoolId,
  demoUser,
  homeUrl,
  ownApplication,
  ownCallback,
  signInPath,
} from "../http/welcome/demo.ts";
import { awsCli } from "../http/welcome/snippets.ts";
import { listPools } from "../store/user-pools.ts";

/** Creates the demo on an empty database; returns the text to print. */
export async function makeDemo(app: App): Promise<string> {
  const request = { requestId: randomUUID(), address: "127.0.0.1", userAgent: "poolhouse --demo" };
  // Acts as the operator, whom no policy limits.
  const ctx: Ctx = { ...createCtx(app, request), authorize: async () => {} };
  const pool = demoPoolId(app.config);
  const pools = await listPools(app.db, { after: "", limit: 100 });
  if (pools.length === 0) await create(ctx, pool);
  else if (!pools.some(({ poolId }) => poolId === pool))
    return "The database has pools already: no demo was made.\n";
  else await addApplication(ctx, pool);
  return snippets(app, pool);
}

async function create(ctx: Ctx, pool: string): Promise<void> {
  await userPoolHandlers.CreateUserPool(ctx, {
    PoolName: "demo",
    UserPoolTags: { _custom_id_: pool, "poolhouse:require-pkce": "public" },
    UsernameAttributes: ["email"],
    UsernameConfiguration: { CaseSensitive: false },
    AutoVerifiedAttributes: ["email"],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] } },
  });
  await userPoolHandlers.SetUserPoolMfaConfig(ctx, {
    UserPoolId: pool,
    MfaConfiguration: "OPTIONAL",
    SoftwareTokenMfaConfiguration: { Enabled: true },
  });
  await userPoolHandlers.CreateUserPoolClient(ctx, {
    UserPoolId: pool,
    ClientName: `_custom_id_:${demoClientId}`,
    PreventUserExistenceErrors: "ENABLED",
    SupportedIdentityProviders: ["COGNITO"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
    CallbackURLs: [builtInCallback(ctx.config), ownCallback],
    LogoutURLs: [homeUrl(ctx.config), ownApplication],
    ExplicitAuthFlows: [
      "ALLOW_USER_SRP_AUTH",
      "ALLOW_USER_AUTH",
      "ALLOW_USER_PASSWORD_AUTH",
      "ALLOW_ADMIN_USER_PASSWORD_AUTH",
      "ALLOW_REFRESH_TOKEN_AUTH",
    ],
  });
  const User = { UserPoolId: pool, Username: demoUser.name };
  await userPoolHandlers.AdminCreateUser(ctx, {
    ...User,
    MessageAction: "SUPPRESS",
    UserAttributes: [{ Name: "email", Value: demoUser.name }],
  });
  await userPoolHandlers.AdminSetUserPassword(ctx, { ...User, Password: demoUser.password, Permanent: true });
  // Only now, so that the inbox does not begin with a notice of the password.
  await userPoolHandlers.AdminUpdateUserAttributes(ctx, {
    ...User,
    UserAttributes: [{ Name: "email_verified", Value: "true" }],
  });
  await userPoolHandlers.CreateGroup(ctx, { UserPoolId: pool, GroupName: demoUser.group });
  await userPoolHandlers.AdminAddUserToGroup(ctx, { ...User, GroupName: demoUser.group });
}

/** Lets the demo's client know the built-in application, whose address changes with the public URL. */
async function addApplication(ctx: Ctx, pool: string): Promise<void> {
  const callback = builtInCallback(ctx.config);
  const found = await findClientOf(ctx, pool, demoClientId);
  if (found === undefined) return;
  const { CallbackURLs = [], LogoutURLs = [], ...rest } = found.client.document;
  if (CallbackURLs.includes(callback)) return;
  const former = CallbackURLs.filter((url) => new URL(url).pathname.endsWith(callbackPath));
  const formerHomes = former.map((url) => url.slice(0, -callbackPath.length + 1));
  await userPoolHandlers.UpdateUserPoolClient(ctx, {
    ...rest,
    UserPoolId: pool,
    ClientId: demoClientId,
    CallbackURLs: [callback, ...CallbackURLs.filter((url) => !former.includes(url))],
    LogoutURLs: [homeUrl(ctx.config), ...LogoutURLs.filter((url) => !formerHomes.includes(url))],
  });
}

function snippets(app: App, pool: string): string {
  const { publicUrl, region, data } = app.config;
  return `Welcome page ${publicUrl}/
Sign-in page ${publicUrl}${signInPath}
             (shows the tokens; discovery is at the issuer's /.well-known/openid-configuration)
Demo pool    ${pool}
Demo client  ${demoClientId}
Demo user    ${demoUser.name}, password ${demoUser.password}, group ${demoUser.group}
Factors      passwords, codes by e-mail, passkeys (USER_AUTH); software tokens (TOTP) as a second one
Issuer       ${publicUrl}/${pool}
Messages     ${publicUrl}/inbox

aws-cli (calls of administrators need the key in ${join(data, "secrets", "root-access-key.json")})
${awsCli(app.config).code.replaceAll(/^/gm, "  ")}

AWS SDK for JavaScript v3
  new CognitoIdentityProviderClient({ endpoint: "${publicUrl}", region: "${region}" })

amazon-cognito-identity-js
  new CognitoUserPool({ UserPoolId: "${pool}", ClientId: "${demoClientId}", endpoint: "${publicUrl}" })

Amplify
  Amplify.configure({ Auth: { Cognito: { userPoolId: "${pool}", userPoolClientId: "${demoClientId}",
    userPoolEndpoint: "${publicUrl}" } } })
`;
}
