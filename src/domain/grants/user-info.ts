/** The answer of the userInfo endpoint ("The userInfo endpoint", Amazon Cognito Developer Guide). */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { authorizeAccessToken, type SignedIn } from "../tokens/access-token.ts";
import { attributeClaim } from "../tokens/claims.ts";
import { scopeIncludes } from "../tokens/scope-claims.ts";
import { isStrict } from "../user-pools/client-tags.ts";
import { canRead } from "../user-pools/clients.ts";
import { refuseOAuth } from "./oauth-error.ts";

/**
 * The claims that the token's scopes allow. Whether addresses are verified is given as the texts "true" and "false", as
 * in Cognito, but as booleans to clients that want the standard. Throws invalid_token,
 * and insufficient_scope where the standard wants it.
 */
export async function userInfo(ctx: Ctx, poolId: string, token: string): Promise<Record<string, unknown>> {
  const { pool, client, user, scopes } = await signedIn(ctx, poolId, token);
  const strict = isStrict(pool, client);
  const claims = Object.entries(user.attributes)
    .filter(([name]) => canRead(pool, client, name) && scopeIncludes(scopes, name, { strict }))
    .map(([name, value]): [string, unknown] => [name, strict ? attributeClaim(name, value) : value]);
  return { sub: user.id, ...Object.fromEntries(claims), username: user.username };
}

/** The sentence of "The userInfo endpoint" for all tokens that are no longer good for it. */
const tokenInvalid = "Access token is expired, disabled, or deleted, or the user has globally signed out.";

async function signedIn(ctx: Ctx, poolId: string, token: string): Promise<SignedIn> {
  let found: SignedIn;
  try {
    found = await authorizeAccessToken(ctx, token, { scope: undefined, mayNameMissingUser: false });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refuseOAuth("invalid_token", tokenInvalid, error.detail ?? error.message);
  }
  if (found.pool.id !== poolId) return refuseOAuth("invalid_token", tokenInvalid, "another pool's token");
  if (!found.scopes.includes("openid"))
    return refuseOAuth(
      isStrict(found.pool, found.client) ? "insufficient_scope" : "invalid_token",
      "Access token does not contain openid scope",
    );
  return found;
}
