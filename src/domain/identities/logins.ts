/**
 * Verifies Logins: the map of provider names to tokens by which callers of identity pools prove who they are. This is THE
 * table of the kinds of providers; what no row accepts is refused.
 */
import type { Ctx } from "../../app.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPool } from "../identity-pools/load-identity-pool.ts";
import { ownProvider } from "../identity-pools/provider-names.ts";
import type { LoginKind, VerifiedLogin } from "./login.ts";
import { openIdLogin } from "./openid-login.ts";
import { amazonLogin, appleLogin, facebookLogin, googleLogin } from "./public-logins.ts";
import { samlLogin } from "./saml-login.ts";
import { userPoolLogin } from "./user-pool-login.ts";

const kinds: readonly LoginKind[] = [
  userPoolLogin,
  googleLogin,
  facebookLogin,
  amazonLogin,
  appleLogin,
  openIdLogin,
  samlLogin,
];

const mostLogins = 10;

/** Verifies all logins of a request. Throws NotAuthorizedException or ResourceConflictException. */
export async function verifyLogins(
  ctx: Ctx,
  pool: IdentityPool,
  logins: Readonly<Record<string, string>>,
): Promise<VerifiedLogin[]> {
  const entries = Object.entries(logins);
  if (entries.length > mostLogins)
    refuse("InvalidParameterException", `A request has at most ${mostLogins} logins.`);
  const verified: VerifiedLogin[] = [];
  for (const [name, token] of entries) verified.push(await verifyLogin(ctx, pool, name, token));
  const providers = new Set(verified.map(({ provider }) => provider));
  if (providers.size < verified.length)
    refuse("ResourceConflictException", "There are several logins of one provider.");
  return verified;
}

async function verifyLogin(
  ctx: Ctx,
  pool: IdentityPool,
  name: string,
  token: string,
): Promise<VerifiedLogin> {
  if (name === ownProvider)
    return refuse("NotAuthorizedException", `The login of ${ownProvider} must be the only one.`);
  for (const kind of kinds) {
    const login = await kind(ctx, pool, name, token);
    if (login !== undefined) return login;
  }
  return refuse("NotAuthorizedException", "Token is not from a supported provider of this identity pool.");
}
