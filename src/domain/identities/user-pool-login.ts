/** Logins of user pools: their ID tokens ("User pools with identity pools", Amazon Cognito Developer Guide). */

import type { Ctx } from "../../app.ts";
import type { CognitoIdentityProvider } from "../../wire/generated/identity-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { userPoolNamed, userPoolProvider } from "../identity-pools/provider-names.ts";
import { isStillValid, verifyIdToken } from "../tokens/id-token.ts";
import { findPool } from "../user-pools/load-pool.ts";
import { verifyForeignToken } from "./foreign-token.ts";
import { type LoginKind, refuseLogin, type VerifiedLogin } from "./login.ts";

export const userPoolLogin: LoginKind = async (ctx, pool, name, token) => {
  const poolId = userPoolNamed(ctx.config, name);
  if (poolId === undefined) return undefined;
  const accepted = (pool.document.CognitoIdentityProviders ?? []).filter(
    ({ ProviderName = "" }) => userPoolNamed(ctx.config, ProviderName) === poolId,
  );
  const userPool = accepted.length === 0 ? undefined : await findPool(ctx, poolId);
  if (userPool === undefined)
    return accepted.length === 0 ? undefined : elsewhere(ctx, poolId, accepted, token);
  const claims = await verifyIdToken(ctx, userPool, token);
  if (typeof claims === "string") return refuseLogin(claims);
  const client = accepted.find(({ ClientId }) => ClientId === claims.aud);
  if (client === undefined) return refuseLogin("audience");
  if (client.ServerSideTokenCheck === true && !(await isStillValid(ctx, userPool, claims)))
    return refuse("NotAuthorizedException", "Invalid login token. Token has been revoked.");
  return loginOf(poolId, claims);
};

/** The login of a user pool that is not here: of AWS's, by the ID tokens that it signs. */
async function elsewhere(
  ctx: Ctx,
  poolId: string,
  accepted: readonly CognitoIdentityProvider[],
  token: string,
): Promise<VerifiedLogin> {
  const provider = userPoolProvider(poolId);
  const issuer = ctx.config.loginEndpoints.get(provider) ?? `https://${provider}`;
  const clientIds = accepted.flatMap(({ ClientId }) => ClientId ?? []);
  const verified = await verifyForeignToken(ctx, { issuer, clientIds }, token);
  if (verified.claims["token_use"] !== "id") return refuseLogin("invalid", "no ID token of a user pool");
  const client = accepted.find(({ ClientId }) => ClientId === verified.clientId);
  if (client?.ServerSideTokenCheck !== false)
    return refuse(
      "NotAuthorizedException",
      "Invalid login token. ServerSideTokenCheck cannot be made for a user pool that is not of this server.",
    );
  return { provider, mapping: `${provider}:${verified.clientId}`, ...verified };
}

/** What an ID token says. */
type Claims = Exclude<Awaited<ReturnType<typeof verifyIdToken>>, string>;

function loginOf(poolId: string, claims: Claims): VerifiedLogin {
  const provider = userPoolProvider(poolId);
  const clientId = String(claims.aud);
  return { provider, subject: claims.sub!, mapping: `${provider}:${clientId}`, clientId, claims };
}
