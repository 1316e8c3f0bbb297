/** Logout tokens: a provider says that a session of its users is over (OpenID Connect Back-Channel Logout 1.0). */
import type { Ctx } from "../../app.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import { consumeId } from "../../store/federated-sign-ins.ts";
import { type LogoutClaims, longestLogoutMs, readLogoutClaims } from "../../verify/logout-claims.ts";
import type { Provider } from "./provider.ts";
import { ProviderMismatch, refuseProvider } from "./provider-errors.ts";
import { type TokenKind, verifySigned } from "./provider-keys.ts";
import { metadataOf } from "./provider-metadata.ts";

/** Whose sessions are over. */
export interface LoggedOut extends Omit<LogoutClaims, "jti"> {
  readonly issuer: string;
}

const logoutTokens: TokenKind = {
  name: "logout token",
  types: ["logout+jwt", "jwt"],
  claims: ["iat", "jti", "events"],
};

/**
 * Verifies a logout token as its section 2.6 says; each counts once. Errors are refusals: `invalid_request`, with a
 * description that says what is wrong.
 */
export async function verifyLogoutToken(ctx: Ctx, provider: Provider, token: string): Promise<LoggedOut> {
  const metadata = await metadataOf(ctx, provider);
  const { issuer, jwks_uri: jwksUri, id_token_signing_alg_values_supported: algorithms = [] } = metadata;
  const claims = await verifySigned(ctx, { provider, issuer, jwksUri, algorithms }, token, logoutTokens);
  const wrong = (what: string) =>
    refuseProvider(provider, "keys", new ProviderMismatch(`wrong ${what} in the logout token`));
  const { jti, ...whose } = readLogoutClaims(claims, ctx.now, wrong);
  const isNew = await consumeId(ctx.db, {
    poolId: provider.poolId,
    hash: sha256Base64url(JSON.stringify(["logout token", provider.name, issuer, jti])),
    expiresAt: ctx.now + 2 * longestLogoutMs,
  });
  if (!isNew) wrong("jti, used before,");
  return { issuer, ...whose };
}
