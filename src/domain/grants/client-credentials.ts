/** The client credentials grant (RFC 6749 section 4.4): a client with a secret acts for itself. */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { sign } from "../tokens/mint.ts";
import { changeAccessClaims } from "../tokens/token-changes.ts";
import { preClientTokenGeneration } from "../triggers/token-generation.ts";
import { tokenLifetimes } from "../user-pools/clients.ts";
import { type Client, issuer, type Pool } from "../user-pools/load-pool.ts";
import { existingScopes } from "../user-pools/resource-servers.ts";
import { refuseOAuth } from "./oauth-error.ts";
import { grantedScopes } from "./scopes.ts";

/**
 * Issues an access token to a client. Throws invalid_grant if the client may not use the grant, as Cognito does where RFC
 * 6749 says unauthorized_client, and invalid_scope for a scope that is not the client's.
 */
export async function clientCredentials(
  ctx: Ctx,
  { pool, client, scope }: { pool: Pool; client: Client; scope: string | undefined },
): Promise<AuthenticationResultType> {
  const allows = client.document.AllowedOAuthFlows?.includes("client_credentials") === true;
  if (!allows || client.secrets.length === 0)
    return refuseOAuth("invalid_grant", "The client may not use the client_credentials grant.");
  const scopes = await existingScopes(ctx, pool, grantedScopes(client, scope, { strict: false }));
  if (scopes.length === 0) return refuseOAuth("invalid_scope", "None of the scopes exists.");
  const { access: lifetime } = tokenLifetimes(client);
  const now = Math.floor(ctx.now / 1000);
  const changes = await preClientTokenGeneration(ctx, pool, client, scopes);
  const own = {
    sub: client.id,
    token_use: "access",
    scope: scopes.join(" "),
    auth_time: now,
    iss: issuer(ctx.config, pool),
    exp: now + lifetime,
    iat: now,
    version: 2,
    jti: randomUUID(),
    client_id: client.id,
  };
  const claims = changes === undefined ? own : changeAccessClaims(own, changes);
  return { AccessToken: await sign(ctx, pool, "access", claims), ExpiresIn: lifetime, TokenType: "Bearer" };
}
