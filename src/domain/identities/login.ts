/** What a login is once its token was verified, and how it is refused. */
import type { Ctx } from "../../app.ts";
import type { Login } from "../../store/identities.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPool } from "../identity-pools/load-identity-pool.ts";
import { isUserPoolProvider } from "../identity-pools/provider-names.ts";

/** A login whose token was verified. */
export interface VerifiedLogin extends Login {
  /** Under which RoleMappings has rules for it: the provider, with the client of a user pool. */
  readonly mapping: string;
  /** The client or application that the token was issued to; undefined if there is no such thing. */
  readonly clientId: string | undefined;
  /** What the provider says of the user: the claims of a token, the attributes of an assertion. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The roles that a SAML provider lets the user choose from; undefined if it names none, and for all others. */
  readonly roles?: readonly string[];
}

/**
 * Verifies the token of a provider for a pool; undefined if the name is none of this kind, or the pool does not accept
 * this provider. Throws NotAuthorizedException for a token that does not prove anything.
 */
export type LoginKind = (
  ctx: Ctx,
  pool: IdentityPool,
  name: string,
  token: string,
) => Promise<VerifiedLogin | undefined>;

/** The authentication methods of an identity, as `amr` of its tokens and as API Gateway's cognitoAuthenticationProvider. */
export function methodsOf(logins: readonly VerifiedLogin[]): string[] {
  return ["authenticated", ...logins.flatMap((login) => [login.provider, methodOf(login)])];
}

/**
 * How somebody signed in. What other providers than user pools call their users can be any text, so that its separators are
 * encoded: else it could be read as the login of a user pool.
 */
function methodOf({ provider, clientId, subject }: VerifiedLogin): string {
  const named = subject.replace(/[%,:\s]/g, encodeURIComponent);
  if (isUserPoolProvider(provider)) return `${provider}:CognitoSignIn:${named}`;
  return [provider, ...(clientId === undefined ? [] : [clientId]), named].join(":");
}

/** The error of a token that is not an OpenID token of its provider, whatever is wrong with it. */
export function refuseLogin(fault: "expired" | "issuer" | "audience" | "invalid", detail?: string): never {
  return refuse("NotAuthorizedException", sentences[fault], detail);
}

const sentences = {
  expired: "Invalid login token. Token expired.",
  issuer: "Invalid login token. Issuer doesn't match providerName",
  audience: "Invalid login token. Incorrect token audience.",
  invalid: "Invalid login token. Not a valid OpenId Connect identity token.",
} as const;
