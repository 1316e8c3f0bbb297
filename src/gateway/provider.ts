/** The gateway as a client of the OpenID provider (OpenID Connect Core 1.0, RFC 6749, RFC 7636, RFC 7009). */
import type { Configuration, TokenEndpointResponse } from "openid-client";
import type { GatewayProvider } from "../lib/gateway-settings.ts";
import { scopesOf } from "../verify/access.ts";
import { createLogoutVerifier, type LogoutVerifier } from "../verify/logout-token.ts";
import { revokedAtUserInfo } from "../verify/revocation.ts";
import { TokenError } from "../verify/token-error.ts";
import { createVerifier, type Verifier } from "../verify/verifier.ts";
import { clockTolerance, discover, ProviderAway, ProviderRefused, refusal } from "./discover.ts";
import { type Identity, identityOf } from "./identity.ts";
import { claimsIn } from "./sessions/session-identity.ts";
import type { Claims, Session, Tokens } from "./sessions/sessions.ts";

/** What the provider says of somebody who has signed in, or whose tokens were refreshed. */
export interface Granted extends Pick<Session, "tokens" | "userInfo"> {
  /** Empty if the answer did not name them. */
  readonly scopes: readonly string[];
}

/** What a sign-in began with. */
export interface Beginning {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface ProviderMeans {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly fetch: typeof globalThis.fetch;
}

/** How long metadata count, and how long nobody is asked again who did not answer. Milliseconds. */
const freshMs = 3_600_000;
const quietMs = 30_000;

/** How long a GlobalSignOut may take. Milliseconds. */
const globalSignOutMs = 10_000;

/** How long tokens count that do not say so. Seconds. */
const usualLife = 300;

/** What providers sign with. */
const algorithms = ["RS256", "PS256", "ES256", "EdDSA"];

export class Provider {
  /** Verifies bearer tokens. */
  readonly bearer: Verifier;
  /** Verifies a logout token, each of which counts once. @throws TokenError */
  readonly verifyLogout: LogoutVerifier;
  readonly #settings: GatewayProvider;
  readonly #means: ProviderMeans;
  readonly #idTokens: Verifier;
  #known: { readonly configuration: Configuration; readonly readAt: number } | undefined;
  #reading: Promise<Configuration> | undefined;

  constructor(settings: GatewayProvider, means: ProviderMeans) {
    const { issuer, clientId, groupsClaim, apiClients, audiences, revocation } = settings;
    const options = { ...means, clockTolerance };
    const issued = { issuer, groupsClaim, algorithms };
    this.#settings = settings;
    this.#means = means;
    this.#idTokens = createVerifier({ ...issued, clientId, use: "id" }, options);
    const audience = audiences.length > 0 && { audience: audiences };
    const isRevoked = revocation === "userinfo" && { isRevoked: revokedAtUserInfo(means) };
    this.bearer = createVerifier(
      { ...issued, clientId: [clientId, ...apiClients], ...audience },
      { ...options, ...isRevoked },
    );
    this.verifyLogout = createLogoutVerifier({ issuer, clientId, algorithms }, means);
  }

  /** Whom a bearer token is about. @throws TokenError */
  async identify(token: string): Promise<Identity> {
    const { claims, scopes, issuer, expiresAt } = await this.bearer.verify(token);
    const { groupsClaim } = this.#settings;
    return identityOf({ claims, scopes, issuer, groupsClaim, expiresAt: expiresAt * 1000 });
  }

  /** Reads the provider's metadata; what was known counts while it does not answer. @throws ProviderAway */
  async load(): Promise<Configuration> {
    const { now, fetch } = this.#means;
    if (this.#known !== undefined && now() - this.#known.readAt < freshMs) return this.#known.configuration;
    this.#reading ??= discover(this.#settings, fetch).finally(() => {
      this.#reading = undefined;
    });
    try {
      this.#known = { configuration: await this.#reading, readAt: now() };
    } catch (error) {
      if (this.#known === undefined) throw error;
      this.#known = { ...this.#known, readAt: now() - freshMs + quietMs };
    }
    return this.#known.configuration;
  }

  /** The URL to send a browser to. @throws ProviderAway */
  async authorizationUrl({ redirectUri, state, nonce, codeVerifier }: Beginning): Promise<string> {
    const library = await import("openid-client");
    const url = library.buildAuthorizationUrl(await this.load(), {
      ...this.#settings.parameters,
      redirect_uri: redirectUri,
      scope: this.#settings.scopes.join(" "),
      state,
      nonce,
      code_challenge: await library.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: "S256",
    });
    return url.href;
  }

  /** Tokens for what the browser brought back. @throws ProviderAway, ProviderRefused */
  async redeem(callback: URL, { state, nonce, codeVerifier }: Beginning): Promise<Granted> {
    const library = await import("openid-client");
    // Whoever sits at the browser can take it out of the URL that asks for it.
    const maxAge = this.#settings.parameters["max_age"];
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
      ...(maxAge !== undefined && { maxAge: Number(maxAge) }),
    };
    const answer = await library
      .authorizationCodeGrant(await this.load(), callback, checks)
      .catch((error: unknown) => refusal(error, "redeem"));
    const claims = await this.#verified(answer.id_token!);
    const tokens = this.#tokensOf(answer, undefined);
    const userInfo = await this.#userInfo(tokens, claims).catch((error: unknown) => refusal(error, "redeem"));
    return { tokens, userInfo, scopes: scopesIn(answer) };
  }

  /**
   * What was granted by now must not be lost, since the refresh token may count only once: whatever else does not answer,
   * what was known before goes on.
   * @throws ProviderAway, ProviderRefused
   */
  async refresh(before: Pick<Session, "tokens" | "userInfo">): Promise<Granted> {
    const library = await import("openid-client");
    const { refreshToken, idToken } = before.tokens;
    if (refreshToken === undefined) throw new ProviderRefused("there is no refresh token");
    const answer = await library
      .refreshTokenGrant(await this.load(), refreshToken)
      .catch((error: unknown) => refusal(error, "refresh"));
    const claims = await this.#verifiedIfKnown(answer.id_token);
    const tokens = this.#tokensOf(answer, before.tokens);
    const granted = {
      tokens: claims === undefined ? { ...tokens, idToken } : tokens,
      scopes: scopesIn(answer),
    };
    try {
      return { ...granted, userInfo: await this.#userInfo(granted.tokens, claims) };
    } catch (error) {
      if (isAboutOther(error)) throw new ProviderRefused("userinfo is about somebody else", { cause: error });
      return { ...granted, userInfo: before.userInfo };
    }
  }

  /**
   * What the provider says to a code that nobody was given: `invalid_grant` if it knows the client and its secret (RFC 6749
   * section 5.2). @throws ProviderAway
   */
  async answerToUnknownCode(redirectUri: string): Promise<string> {
    const library = await import("openid-client");
    const made = { code: crypto.randomUUID(), redirect_uri: redirectUri, code_verifier: "-".repeat(43) };
    const asked = library.genericGrantRequest(await this.load(), "authorization_code", made);
    return asked.then(
      () => "",
      (cause: unknown) => {
        if (cause instanceof library.ResponseBodyError) return cause.error;
        if (cause instanceof library.WWWAuthenticateChallengeError) return "invalid_client";
        throw new ProviderAway("The provider does not answer.", { cause });
      },
    );
  }

  /** Tells the provider that a refresh token is no longer used. Never throws: the session here has ended anyway. */
  async revoke({ refreshToken }: Tokens): Promise<void> {
    if (refreshToken === undefined) return;
    try {
      const library = await import("openid-client");
      const configuration = await this.load();
      if (configuration.serverMetadata().revocation_endpoint === undefined) return;
      await library.tokenRevocation(configuration, refreshToken);
    } catch {
      // It expires.
    }
  }

  /**
   * Ends what the user has everywhere at the provider, their browser sessions at Poolhouse too (GlobalSignOut of the
   * Amazon Cognito user pools API). False if it was to be told and has not agreed.
   */
  async signOutEverywhere({ accessToken }: Tokens): Promise<boolean> {
    const { globalSignOut } = this.#settings;
    if (globalSignOut === undefined) return true;
    const answer = await this.#means
      .fetch(globalSignOut, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.1",
          "x-amz-target": "AWSCognitoIdentityProviderService.GlobalSignOut",
        },
        body: JSON.stringify({ AccessToken: accessToken }),
        redirect: "error",
        signal: AbortSignal.timeout(globalSignOutMs),
      })
      .catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok === true;
  }

  /** Where a browser signs out at the provider; undefined if it does not, or has no such place. @throws ProviderAway */
  async signOutUrl({ idToken }: Tokens, returnTo: string): Promise<string | undefined> {
    const { signOut, clientId } = this.#settings;
    const endpoint = (await this.load()).serverMetadata().end_session_endpoint;
    if (!signOut || endpoint === undefined) return undefined;
    const url = new URL(endpoint);
    url.searchParams.set("client_id", clientId);
    // Cognito's name of the parameter, and that of OpenID Connect RP-Initiated Logout 1.0.
    url.searchParams.set("logout_uri", returnTo);
    url.searchParams.set("post_logout_redirect_uri", returnTo);
    if (idToken !== undefined) url.searchParams.set("id_token_hint", idToken);
    return url.href;
  }

  #tokensOf(answer: TokenEndpointResponse, before: Tokens | undefined): Tokens {
    const { now } = this.#means;
    const { access_token: accessToken, id_token: idToken, refresh_token: refreshToken } = answer;
    const { exp } = claimsIn(accessToken);
    const left = typeof exp === "number" ? exp - now() / 1000 : usualLife;
    return {
      accessToken,
      issuedAt: now(),
      expiresAt: now() + (answer.expires_in ?? left) * 1000,
      refreshToken: refreshToken ?? before?.refreshToken,
      idToken: idToken ?? before?.idToken,
    };
  }

  /** @throws ProviderAway, ProviderRefused */
  async #verified(idToken: string): Promise<Claims> {
    try {
      return (await this.#idTokens.verify(idToken)).claims;
    } catch (cause) {
      if (cause instanceof TokenError && cause.problem === "unavailable")
        throw new ProviderAway("The provider's keys cannot be read.", { cause });
      throw new ProviderRefused("the provider's ID token is not valid", { cause });
    }
  }

  /** Undefined if there is no new ID token, or none that can be verified now. @throws ProviderRefused */
  async #verifiedIfKnown(idToken: string | undefined): Promise<Claims | undefined> {
    if (idToken === undefined) return undefined;
    return this.#verified(idToken).catch((error: unknown) => {
      if (error instanceof ProviderAway) return undefined;
      throw error;
    });
  }

  /**
   * The claims of the userinfo endpoint (OpenID Connect Core 1.0 section 5.3), which is only asked for what was not told:
   * providers may keep the claims of a scope out of ID tokens (its section 5.4), and bring none when they refresh.
   * @param claims of a new ID token; undefined if there is none
   */
  async #userInfo({ accessToken, idToken }: Tokens, claims: Claims | undefined): Promise<Claims | undefined> {
    if (claims !== undefined && !this.#lacksClaims(claims)) return undefined;
    const configuration = await this.load();
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return undefined;
    const library = await import("openid-client");
    return library.fetchUserInfo(configuration, accessToken, String(claimsIn(idToken ?? "")["sub"]));
  }

  /** Cognito leaves the groups out of the tokens of users who are in none, and userinfo never has them. */
  #lacksClaims(claims: Claims): boolean {
    const { scopes, groupsClaim } = this.#settings;
    const groups = groupsClaim === "cognito:groups" ? [] : [groupsClaim];
    const expected = scopes.includes("email") ? ["email", ...groups] : groups;
    return expected.some((one) => claims[one] === undefined);
  }
}

/** Userinfo has another subject than the ID token. */
const isAboutOther = (error: unknown): boolean =>
  String((error as { readonly code?: unknown }).code).startsWith("OAUTH_JSON_ATTRIBUTE");

/** The scopes that were granted: those of the answer, else of an access token that is a JWT. */
const scopesIn = ({ scope, access_token: token }: TokenEndpointResponse) =>
  scopesOf(scope === undefined ? claimsIn(token) : { scope });
