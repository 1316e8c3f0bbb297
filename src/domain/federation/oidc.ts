/** OpenID Connect (Core 1.0, authorization code flow), as a relying party. */
import type { AuthorizationResponseError, Configuration, IDToken, ServerMetadata } from "openid-client";
import type { Ctx } from "../../app.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Answered, Beginning, Begun, Protocol, ProviderIdentity } from "./protocol.ts";
import type { Provider } from "./provider.ts";
import { atProvider, ProviderMismatch, refuseProvider } from "./provider-errors.ts";
import { clockTolerance, verifySigned } from "./provider-keys.ts";
import { metadataOf } from "./provider-metadata.ts";

/** The path of a pool's domain that OpenID and social providers send the browser back to. */
export const idpResponsePath = "/oauth2/idpresponse";

export const oidc: Protocol = { begin, verify, logout };

async function begin(ctx: Ctx, beginning: Beginning): Promise<Begun> {
  const { provider, state, fresh, loginHint, base } = beginning;
  const metadata = await metadataOf(ctx, provider);
  const library = await import("openid-client");
  const verifier = library.randomPKCECodeVerifier();
  const nonce = library.randomNonce();
  const methods = metadata.code_challenge_methods_supported;
  const pkce = methods === undefined || methods.includes("S256");
  const parameters = {
    redirect_uri: `${base}${idpResponsePath}`,
    scope: scopesOf(provider),
    state,
    nonce,
    ...(pkce && {
      code_challenge: await library.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }),
    ...(fresh && { prompt: "login" }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
  };
  const location = await atProvider(provider, "discovery", async () => {
    const configuration = await relyingParty(ctx, provider, metadata);
    return library.buildAuthorizationUrl(configuration, parameters).href;
  });
  return {
    location,
    remembered: { issuer: metadata.issuer, state, nonce, ...(pkce && { verifier }) },
  };
}

/** `openid` is what makes it OpenID Connect, whether or not the settings name it. */
function scopesOf({ details }: Provider): string {
  const scopes = (details["authorize_scopes"] ?? "").split(/[\s,]+/).filter((scope) => scope !== "");
  return [...new Set(["openid", ...scopes])].join(" ");
}

async function verify(ctx: Ctx, answered: Answered): Promise<ProviderIdentity> {
  const { provider, remembered, parameters, base } = answered;
  const metadata = await metadataOf(ctx, provider);
  const { issuer, nonce, state, verifier } = remembered;
  if (issuer !== metadata.issuer || nonce === undefined || state === undefined)
    refuseOAuth("invalid_request", `${provider.name} Error - its settings have changed, sign in again`);
  const library = await import("openid-client");
  const configuration = await relyingParty(ctx, provider, metadata);
  const url = new URL(`${base}${idpResponsePath}`);
  url.search = parameters.toString();
  const tokens = await library
    .authorizationCodeGrant(configuration, url, {
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
      ...(verifier !== undefined && { pkceCodeVerifier: verifier }),
    })
    .catch((error: unknown) => {
      if (error instanceof library.AuthorizationResponseError) refuseDenied(provider, error);
      return refuseProvider(provider, "token", error);
    });
  const idToken = tokens.claims()!;
  checkParty(provider, idToken);
  const { jwks_uri: jwksUri, id_token_signing_alg_values_supported: algorithms = [] } = metadata;
  await verifySigned(ctx, { provider, issuer, jwksUri, algorithms }, tokens.id_token!);
  const userInfo = await userInfoOf(ctx, { provider, metadata, token: tokens.access_token, idToken });
  const { iss, sub, aud } = idToken;
  return {
    issuer: iss,
    subject: sub,
    claims: { ...idToken, ...userInfo, iss, sub, aud },
    answers: { tokenResponse: { ...tokens }, idToken, ...(userInfo && { userInfo }) },
    session: typeof idToken["sid"] === "string" ? idToken["sid"] : undefined,
    logout: { id_token: tokens.id_token! },
  };
}

/** The token was made for us, not for another client that passes it on (OpenID Connect Core 1.0 section 3.1.3.7). */
function checkParty(provider: Provider, { azp }: IDToken): void {
  if (azp !== undefined && azp !== provider.details["client_id"])
    refuseProvider(provider, "token", new ProviderMismatch("wrong claim azp in the ID token"));
}

/** The user, or the provider, said no: the client gets the provider's words. */
function refuseDenied(provider: Provider, { error, error_description }: AuthorizationResponseError): never {
  // The characters of RFC 6749 section 4.1.2.1; the text becomes part of a URL, and perhaps of a page.
  const said = (text: string) => text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, " ").slice(0, 300);
  const description = said(error_description ?? "");
  if (error === "access_denied") refuseOAuth("access_denied", description || "access_denied");
  const text = [said(error), description].filter((part) => part !== "").join(": ");
  return refuseOAuth("invalid_request", `${provider.name} Error - ${text}`);
}

/** The claims of the UserInfo endpoint, if there is one: of the same subject, or refused. */
async function userInfoOf(
  ctx: Ctx,
  about: {
    readonly provider: Provider;
    readonly metadata: ServerMetadata;
    readonly token: string;
    readonly idToken: IDToken;
  },
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { provider, metadata, token, idToken } = about;
  if (metadata.userinfo_endpoint === undefined) return undefined;
  const library = await import("openid-client");
  const method = provider.details["attributes_request_method"] === "POST" ? "POST" : "GET";
  const configuration = await relyingParty(ctx, provider, metadata, method);
  return atProvider(provider, "user info", () => library.fetchUserInfo(configuration, token, idToken.sub));
}

/**
 * The library's view of the provider and of our client there.
 * @param method the method of its requests, in place of the library's own
 */
async function relyingParty(
  ctx: Ctx,
  provider: Provider,
  metadata: ServerMetadata,
  method?: "GET" | "POST",
): Promise<Configuration> {
  const library = await import("openid-client");
  const { client_id: clientId = "", client_secret: secret } = provider.details;
  const configuration = new library.Configuration(
    metadata,
    clientId,
    {
      // The library looks at the machine's clock.
      [library.clockSkew]: Math.round((ctx.now - Date.now()) / 1000),
      [library.clockTolerance]: clockTolerance,
    },
    clientAuthentication(library, metadata, secret),
  );
  // Which URLs are allowed is decided by the client for outgoing requests.
  library.allowInsecureRequests(configuration);
  configuration[library.customFetch] = (url, { method: own, headers, body, signal }) =>
    ctx.app.outbound.fetch(url, {
      method: method ?? (own === "POST" ? "POST" : "GET"),
      headers,
      redirects: 0,
      ...(body != null && { body: String(body) }),
      ...(signal && { signal }),
    });
  return configuration;
}

/** In the body, as Cognito does, unless the provider only knows HTTP Basic (OpenID Connect Core 1.0 section 9). */
function clientAuthentication(
  library: typeof import("openid-client"),
  { token_endpoint_auth_methods_supported: methods }: ServerMetadata,
  secret: string | undefined,
) {
  if (!secret) return library.None();
  const onlyBasic =
    methods !== undefined &&
    !methods.includes("client_secret_post") &&
    methods.includes("client_secret_basic");
  return onlyBasic ? library.ClientSecretBasic(secret) : library.ClientSecretPost(secret);
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
