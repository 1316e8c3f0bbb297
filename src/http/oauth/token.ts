/**
 * POST /oauth2/token ("The token issuer endpoint", Amazon Cognito Developer Guide; RFC 6749 sections 4.1.3, 4.4.2 and
 * 6).
 */
import type { Ctx } from "../../app.ts";
import { requireOAuth } from "../../domain/grants/client.ts";
import { clientCredentials } from "../../domain/grants/client-credentials.ts";
import { redeemCode } from "../../domain/grants/code.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { namedScope } from "../../domain/grants/scopes.ts";
import { issuedScopes } from "../../domain/tokens/mint.ts";
import { readPresented, refreshTokens } from "../../domain/tokens/refresh.ts";
import type { Client, Pool } from "../../domain/user-pools/load-pool.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { type Answer, type Call, json } from "./call.ts";
import { authenticateClient, isFailedBasic, unauthenticated, wantsStandard } from "./client-auth.ts";
import { readForm } from "./form.ts";

interface TokenRequest {
  readonly pool: Pool;
  readonly client: Client;
  readonly form: ReadonlyMap<string, string>;
}

interface Granted {
  readonly tokens: AuthenticationResultType;
  /** The scopes that the client knows of: those that it asked for, or has had so far. */
  readonly asked: string | undefined;
}

/** The supported grants. */
const grants: Readonly<Record<string, (ctx: Ctx, request: TokenRequest) => Promise<Granted>>> = {
  authorization_code: (ctx, { pool, client, form }) =>
    redeemCode(ctx, {
      pool,
      client,
      code: required(form, "code"),
      redirectUri: form.get("redirect_uri"),
      codeVerifier: form.get("code_verifier"),
    }),
  refresh_token: async (ctx, { pool, client, form }) => {
    const token = required(form, "refresh_token");
    const presented = await readPresented(ctx, { pool, client, token });
    return { tokens: await refreshTokens(ctx, presented, undefined), asked: presented.family.scope };
  },
  client_credentials: async (ctx, { pool, client, form }) => {
    const asked = form.get("scope");
    return { tokens: await clientCredentials(ctx, { pool, client, scope: asked }), asked };
  },
};

export async function answerToken(ctx: Ctx, call: Call): Promise<Answer> {
  const form = await readForm(call);
  let authenticated: Awaited<ReturnType<typeof authenticateClient>>;
  try {
    authenticated = await authenticateClient(ctx, call, form);
  } catch (error) {
    // Cognito answers 400.
    if (isFailedBasic(call, error) && (await wantsStandard(ctx, call)))
      return unauthenticated(ctx, call, error);
    throw error;
  }
  const { pool, client } = authenticated;
  requireOAuth(client);
  const type = required(form, "grant_type");
  const grant = Object.hasOwn(grants, type) ? grants[type] : undefined;
  if (grant === undefined)
    return refuseOAuth("unsupported_grant_type", "grant_type is none that is supported.");
  const { tokens, asked } = await grant(ctx, { pool, client, form });
  const answer = {
    access_token: tokens.AccessToken,
    id_token: tokens.IdToken,
    refresh_token: tokens.RefreshToken,
    token_type: "Bearer",
    expires_in: tokens.ExpiresIn,
    scope: namedScope(issuedScopes(tokens), asked),
  };
  return json(200, answer);
}

function required(form: ReadonlyMap<string, string>, name: string): string {
  return form.get(name) ?? refuseOAuth("invalid_request", `Required parameter ${name} is not present.`);
}
