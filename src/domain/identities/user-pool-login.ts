/** Logins of user pools: their ID tokens ("User pools with identity pools", Amazon Cognito Developer Guide). */
import { refuse } from "../../wire/refuse.ts";
import { userPoolNamed, userPoolProvider } from "../identity-pools/provider-names.ts";
import { isStillValid, verifyIdToken } from "../tokens/id-token.ts";
import { findPool } from "../user-pools/load-pool.ts";
import { type LoginKind, refuseLogin, type VerifiedLogin } from "./login.ts";

export const userPoolLogin: LoginKind = async (ctx, pool, name, token) => {
  const poolId = userPoolNamed(ctx.config, name);
  if (poolId === undefined) return undefined;
  const accepted = (pool.document.CognitoIdentityProviders ?? []).filter(
    ({ ProviderName = "" }) => userPoolNamed(ctx.config, ProviderName) === poolId,
  );
  const userPool = accepted.length === 0 ? undefined : await findPool(ctx, poolId);
  if (userPool === undefined) return undefined;
  const claims = await verifyIdToken(ctx, userPool, token);
  if (typeof claims === "string") return refuseLogin(claims);
  const client = accepted.find(({ ClientId }) => ClientId === claims.aud);
  if (client === undefined) return refuseLogin("audience");
  if (client.ServerSideTokenCheck === true && !(await isStillValid(ctx, userPool, claims)))
    return refuse("NotAuthorizedException", "Invalid login token. Token has been revoked.");
  return loginOf(poolId, claims);
};

/** What an ID token says. */
type Claims = Exclude<Awaited<ReturnType<typeof verifyIdToken>>, string>;

function loginOf(poolId: string, claims: Claims): VerifiedLogin {
  const provider = userPoolProvider(poolId);
  const clientId = String(claims.aud);
  return { provider, subject: claims.sub!, mapping: `${provider}:${clientId}`, clientId, claims };
}
