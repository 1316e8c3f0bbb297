/**
 * A pool's published keys and metadata (OpenID Connect Discovery 1.0, RFC 8414), at the same paths as on Cognito's API
 * host: `/<poolId>/.well-known/…`. Endpoints that do not exist yet are left out of the metadata.
 */
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import { claimsOfScope } from "../../domain/tokens/scope-claims.ts";
import { signingKeys } from "../../domain/tokens/signing-keys.ts";
import { hasStrictClients } from "../../domain/user-pools/client-tags.ts";
import { issuer, type Pool } from "../../domain/user-pools/load-pool.ts";
import { addressScope } from "../../domain/user-pools/resource-servers.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Serving } from "../context.ts";
import { type Bindings, baseOf, placeOf, poolPath } from "../place.ts";

export function discoveryRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  routes.get(`${poolPath}/.well-known/jwks.json`, (c) =>
    answer(serving, c, async (ctx, pool) => ({
      keys: (await signingKeys(ctx, pool)).map((key) => key.publicJwk),
    })),
  );
  // In RFC 8414 the well-known part comes before the issuer's path, in OpenID Connect after it.
  for (const path of [
    `${poolPath}/.well-known/openid-configuration`,
    `${poolPath}/.well-known/oauth-authorization-server`,
    `/.well-known/oauth-authorization-server${poolPath}`,
  ])
    routes.get(path, (c) => answer(serving, c, async (ctx, pool) => metadata(ctx, pool)));
  return routes;
}

function metadata(ctx: Ctx, pool: Pool): object {
  const base = baseOf(ctx, pool);
  const claimScopes = ["email", "phone", "profile", ...(hasStrictClients(pool) ? [addressScope] : [])];
  return {
    issuer: issuer(ctx.config, pool),
    authorization_endpoint: `${base}/oauth2/authorize`,
    token_endpoint: `${base}/oauth2/token`,
    userinfo_endpoint: `${base}/oauth2/userInfo`,
    revocation_endpoint: `${base}/oauth2/revoke`,
    end_session_endpoint: `${base}/logout`,
    jwks_uri: `${base}/.well-known/jwks.json`,
    response_types_supported: ["code", "token"],
    // Only clients that the tag `poolhouse:oidc` lists may choose one.
    ...(hasStrictClients(pool) && { response_modes_supported: ["query", "fragment"] }),
    grant_types_supported: ["authorization_code", "implicit", "refresh_token", "client_credentials"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    scopes_supported: ["openid", ...claimScopes],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    revocation_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    code_challenge_methods_supported: ["S256"],
    // Others are accepted, and change nothing.
    prompt_values_supported: ["none", "login"],
    claims_supported: [...claimsWithoutScope, ...claimScopes.flatMap((scope) => claimsOfScope[scope] ?? [])],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
  };
}

/** The claims that need no scope. */
const claimsWithoutScope = [
  "sub",
  "iss",
  "aud",
  "exp",
  "iat",
  "auth_time",
  "nonce",
  "at_hash",
  "cognito:username",
  "cognito:groups",
];

async function answer(
  serving: Serving,
  c: Context<Bindings>,
  document: (ctx: Ctx, pool: Pool) => Promise<object>,
): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  const cors = { "access-control-allow-origin": "*" };
  try {
    const { pool } = await placeOf(ctx, c);
    return c.json(await document(ctx, pool), 200, { ...cors, "cache-control": "public, max-age=300" });
  } catch (error) {
    if (error instanceof Refusal) return c.json({ message: error.message }, 404, cors);
    ctx.log.error({ err: error }, "internal error");
    return c.json({ message: `Internal error. Request id: ${ctx.requestId}` }, 500, cors);
  }
}
