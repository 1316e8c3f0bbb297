/**
 * `--demo`: on an empty database, creates a pool, a client, a group and a user through the same operations that clients
 * call, and prints snippets that use them. The ids are fixed, so that the README can name them.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { App, Ctx } from "../app.ts";
import { userPoolHandlers } from "../http/aws-json/operations.ts";
import { createCtx } from "../http/context.ts";
import { sha256, toBase64url } from "../lib/bytes.ts";
import { listPools } from "../store/user-pools.ts";

const client = "demoappclient";
/** Where an application of one's own would listen. */
const appUrl = "http://localhost:3000/";
const callback = `${appUrl}callback`;
/** Public, like everything of the demo; applications make a new one for each sign-in. */
const verifier = "poolhouse-demo-verifier-which-applications-make-anew";
const user = { name: "demo@example.com", password: "Poolhouse-demo-1" };

/** Creates the demo on an empty database; returns the text to print. */
export async function makeDemo(app: App): Promise<string> {
  const request = { requestId: randomUUID(), address: "127.0.0.1", userAgent: "poolhouse --demo" };
  // Acts as the operator, whom no policy limits.
  const ctx: Ctx = { ...createCtx(app, request), authorize: async () => {} };
  const pool = `${app.config.region}_Demo12345`;
  const pools = await listPools(app.db, { after: "", limit: 100 });
  if (pools.length === 0) await create(ctx, pool);
  else if (!pools.some(({ poolId }) => poolId === pool))
    return "The database has pools already: no demo was made.\n";
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
    ClientName: `_custom_id_:${client}`,
    PreventUserExistenceErrors: "ENABLED",
    SupportedIdentityProviders: ["COGNITO"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
    CallbackURLs: [callback],
    LogoutURLs: [appUrl],
    ExplicitAuthFlows: [
      "ALLOW_USER_SRP_AUTH",
      "ALLOW_USER_AUTH",
      "ALLOW_USER_PASSWORD_AUTH",
      "ALLOW_ADMIN_USER_PASSWORD_AUTH",
      "ALLOW_REFRESH_TOKEN_AUTH",
    ],
  });
  const User = { UserPoolId: pool, Username: user.name };
  await userPoolHandlers.AdminCreateUser(ctx, {
    ...User,
    MessageAction: "SUPPRESS",
    UserAttributes: [
      { Name: "email", Value: user.name },
      { Name: "email_verified", Value: "true" },
    ],
  });
  await userPoolHandlers.AdminSetUserPassword(ctx, { ...User, Password: user.password, Permanent: true });
  await userPoolHandlers.CreateGroup(ctx, { UserPoolId: pool, GroupName: "admins" });
  await userPoolHandlers.AdminAddUserToGroup(ctx, { ...User, GroupName: "admins" });
}

function snippets(app: App, pool: string): string {
  const { publicUrl, region, data } = app.config;
  const query = new URLSearchParams({
    client_id: client,
    response_type: "code",
    scope: "openid email",
    redirect_uri: callback,
    code_challenge: toBase64url(sha256(verifier)),
    code_challenge_method: "S256",
  });
  return `Demo pool    ${pool}
Demo client  ${client}
Demo user    ${user.name}, password ${user.password}, group admins
Factors      passwords, codes by e-mail, passkeys (USER_AUTH); software tokens (TOTP) as a second one
Issuer       ${publicUrl}/${pool}
Messages     ${publicUrl}/inbox
Sign-in page ${publicUrl}/${pool}/login?${query}
             (goes on to ${callback} with a code; its code_verifier is ${verifier};
             discovery is at the issuer's /.well-known/openid-configuration)

aws-cli (calls of administrators need the key in ${join(data, "secrets", "root-access-key.json")})
  aws cognito-idp initiate-auth --endpoint-url ${publicUrl} --region ${region} --no-sign-request \\
    --auth-flow USER_PASSWORD_AUTH --client-id ${client} \\
    --auth-parameters USERNAME=${user.name},PASSWORD=${user.password}

AWS SDK for JavaScript v3
  new CognitoIdentityProviderClient({ endpoint: "${publicUrl}", region: "${region}" })

amazon-cognito-identity-js
  new CognitoUserPool({ UserPoolId: "${pool}", ClientId: "${client}", endpoint: "${publicUrl}" })

Amplify
  Amplify.configure({ Auth: { Cognito: { userPoolId: "${pool}", userPoolClientId: "${client}",
    userPoolEndpoint: "${publicUrl}" } } })
`;
}
