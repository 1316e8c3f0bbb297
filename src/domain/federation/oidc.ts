/** OpenID Connect (Core 1.0, authorization code flow), as a relying party. */
import type { Configuration, IDToken, ServerMetadata } from "openid-client";
import type { Ctx } from "../../app.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import { authenticationTime, clockSkew } from "../../lib/provider-clocks.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Answered, Beginning, Begun, Freshness, Protocol, ProviderIdentity } from "./protocol.ts";
import type { Provider } from "./provider.ts";
import { atProvider, ProviderMismatch, refuseProvider } from "./provider-errors.ts";
import { clockTolerance, verifySigned } from "./provider-keys.ts";
import { metadataOf } from "./provider-metadata.ts";
import { idpResponsePath, relyingParty, scopesIn, tokensFor } from "./relying-party.ts";

/** In what an OpenID provider's authorization endpoint differs from others. */
interface Manners {
  /** Parameters of its own. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Parameters that ask the user anew. */
  readonly fresh: Readonly<Record<string, string>>;
  /** Set if it says in the ID token when the user has signed in, if it is asked with `max_age`. */
  readonly provesFresh?: true;
  readonly takesHint: boolean;
  /** Set if it knows no PKCE, whatever its metadata says. */
  readonly withoutPkce?: true;
}

export const oidc: Protocol = {
  begin: (ctx, beginning) =>
    beginOpenId(ctx, beginning, { fresh: { prompt: "login" }, provesFresh: true, takesHint: true }),
  verify: verifyOpenId,
  logout,
};

/** Sends the browser to an OpenID provider, by PKCE unless its metadata says that it knows no S256. */
export async function beginOpenId(ctx: Ctx, beginning: Beginning, manners: Manners): Promise<Begun> {
  const { provider, state, fresh, loginHint, base } = beginning;
  const metadata = await metadataOf(ctx, provider);
  const library = await import("openid-client");
  const verifier = library.randomPKCECodeVerifier();
  const nonce = library.randomNonce();
  const methods = metadata.code_challenge_methods_supported ?? ["S256"];
  const proof = fresh !== "no" && manners.provesFresh ? { freshSince: String(ctx.now), fresh } : undefined;
  const pkce = methods.includes("S256") && manners.withoutPkce !== true;
  const parameters = {
    redirect_uri: `${base}${idpResponsePath}`,
    scope: scopesOf(provider),
    state,
    nonce,
    ...(pkce && {
      code_challenge: sha256Base64url(verifier),
      code_challenge_method: "S256",
    }),
    ...manners.parameters,
    ...(fresh !== "no" && manners.fresh),
    ...(proof !== undefined && { max_age: String(clockTolerance) }),
    ...(manners.takesHint && loginHint !== undefined && { login_hint: loginHint }),
  };
  const configuration = await relyingParty(ctx, provider, metadata);
  const location = await atProvider(provider, "discovery", async () =>
    library.buildAuthorizationUrl(configuration, parameters),
  );
  return {
    location: location.href,
    remembered: { issuer: metadata.issuer, state, nonce, ...(pkce && { verifier }), ...proof },
  };
}

/** `openid` is what makes it OpenID Connect, whether or not the settings name it. */
function scopesOf(provider: Provider): string {
  return [...new Set(["openid", ...scopesIn(provider)])].join(" ");
}

/** Verifies what an OpenID provider answers: the code, the ID token for it, and its claims about the user. */
export async function verifyOpenId(ctx: Ctx, answered: Answered): Promise<ProviderIdentity> {
  const { provider, remembered } = answered;
  const metadata = await metadataOf(ctx, provider);
  const { issuer, nonce, state, verifier } = remembered;
  if (issuer !== metadata.issuer || nonce === undefined || state === undefined)
    refuseOAuth("invalid_request", `${provider.name} Error - its settings have changed, sign in again`);
  const party = await relyingParty(ctx, provider, metadata);
  const tokens = await tokensFor(answered, party, {
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
    ...(verifier !== undefined && { pkceCodeVerifier: verifier }),
  });
  const idToken = tokens.claims()!;
  checkParty(provider, idToken);
  const authenticatedAt = readAuthTime(ctx, answered, idToken);
  const { jwks_uri: jwksUri, id_token_signing_alg_values_supported: algorithms = [] } = metadata;
  await verifySigned(ctx, { provider, issuer, jwksUri, algorithms }, tokens.id_token!);
  const userInfo = await userInfoOf(ctx, { provider, party, metadata, token: tokens.access_token, idToken });
  const { iss, sub, aud } = idToken;
  return {
    issuer: iss,
    subject: sub,
    authenticatedAt,
    claims: { ...idToken, ...userInfo, iss, sub, aud },
    answers: { tokenResponse: { ...tokens }, idToken, ...(userInfo && { userInfo }) },
    session: typeof idToken["sid"] === "string" ? idToken["sid"] : undefined,
    logout: { id_token: tokens.id_token! },
  };
}

/** The token was made for us, not for another client that passes it on (OpenID Connect Core 1.0 section 3.1.3.7). */
function checkParty(provider: Provider, { azp }: IDToken): void {
  if (azp !== undefined && azp !== provider.details["client_id"])
    refuseProvider(provider, "token", new ProviderMismatch("wrong azp"));
}

/**
 * When the user authenticated, if the provider says so: since this sign-in began, if that was asked for (OpenID Connect Core 1.0
 * sections 3.1.2.1 and 3.1.3.7, number 13). Whoever sits at the browser can take the parameters out of the URL that asks for it.
 */
function readAuthTime(
  { now }: Ctx,
  { provider, remembered: { freshSince, fresh } }: Answered,
  { auth_time: said }: IDToken,
): number | undefined {
  const no = (why: string) => refuseProvider(provider, "token", new ProviderMismatch(why));
  if (said === undefined) {
    const isBelieved = freshSince === undefined || fresh === ("asked" satisfies Freshness);
    return isBelieved ? undefined : no("no auth_time, which max_age needs");
  }
  const seconds: unknown = said;
  const at = typeof seconds === "number" ? authenticationTime(seconds * 1000, now) : undefined;
  if (at === undefined) return no("wrong auth_time: nobody can have signed in then");
  if (freshSince !== undefined && at + clockSkew < Number(freshSince))
    return no("wrong auth_time: the user has not signed in there anew");
  return at;
}

/** The claims of the UserInfo endpoint, if there is one: of the same subject, or refused. */
async function userInfoOf(
  ctx: Ctx,
  about: {
    readonly provider: Provider;
    readonly party: Configuration;
    readonly metadata: ServerMetadata;
    readonly token: string;
    readonly idToken: IDToken;
  },
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { provider, party, metadata, token, idToken } = about;
  if (metadata.userinfo_endpoint === undefined) return undefined;
  const library = await import("openid-client");
  const byPost = provider.details["attributes_request_method"] === "POST";
  const configuration = byPost ? await relyingParty(ctx, provider, metadata, "POST") : party;
  return atProvider(provider, "user info", () => library.fetchUserInfo(configuration, token, idToken.sub));
}

async function logout(
  ctx: Ctx,
  { provider, known, base, state }: Parameters<Protocol["logout"]>[1],
): Promise<string | undefined> {
  if (provider.details["IDPSignout"] !== "true") return undefined;
  const metadata = await metadataOf(ctx, provider);
  if (metadata.end_session_endpoint === undefined) return undefined;
  const library = await import("openid-client");
  const { id_token: hint } = known;
  return library.buildEndSessionUrl(await relyingParty(ctx, provider, metadata), {
    ...(hint !== undefined && { id_token_hint: hint }),
    post_logout_redirect_uri: `${base}/logout`,
    state,
  }).href;
}
